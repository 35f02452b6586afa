//! Keeps the service table: what changes among Services and `EndpointSlices` is compiled, service by service.

use std::collections::BTreeSet;
use std::sync::Arc;

use api::Cache;
use k8s_openapi::api::core::v1::Service;
use k8s_openapi::api::discovery::v1::EndpointSlice;
use net::ServiceKey;
use parking_lot::Mutex;
use tokio::sync::Notify;

use super::{KnownServices, Network};

/// The label by which a slice belongs to a service.
pub(super) const SERVICE_NAME: &str = "kubernetes.io/service-name";

/// What has changed and is not compiled yet. Merged by service, so its size is bounded by their number.
#[derive(Debug, Default)]
struct Stale {
    keys: Mutex<BTreeSet<ServiceKey>>,
    added: Notify,
}

impl Stale {
    fn add(&self, key: ServiceKey) {
        self.keys.lock().insert(key);
        self.added.notify_one();
    }
}

/// Runs until dropped. `on_ports` is called when the node's listeners have to change.
pub(crate) async fn keep(
    network: Arc<Network>,
    services: Cache<Service>,
    slices: Cache<EndpointSlice>,
    known: Arc<KnownServices>,
    on_ports: Arc<Notify>,
) {
    // Half of the state would be taken for all of it: endpoints that have not been read yet would count as gone.
    services.ready().await;
    slices.ready().await;
    let stale = Arc::<Stale>::default();
    let of_services = Arc::clone(&stale);
    services.observe(move |change| {
        of_services.add(ServiceKey::new(&change.key.namespace, &change.key.name));
    });
    let of_slices = Arc::clone(&stale);
    slices.observe(move |change| {
        for slice in [&change.before, &change.after].into_iter().flatten() {
            let labels = slice.metadata.labels.as_ref();
            if let Some(name) = labels.and_then(|labels| labels.get(SERVICE_NAME)) {
                of_slices.add(ServiceKey::new(&change.key.namespace, name));
            }
        }
    });
    known.outdated().into_iter().for_each(|key| stale.add(key));
    loop {
        let next = stale.keys.lock().pop_first();
        let Some(key) = next else {
            stale.added.notified().await;
            continue;
        };
        let have_ports_changed = match services.get(&key.namespace, &key.name) {
            Some(service) => {
                let slices = slices.labelled(&key.namespace, SERVICE_NAME, &key.name);
                network.services.set(&key, &service, &slices)
            }
            None => network.services.remove(&key),
        };
        if have_ports_changed {
            on_ports.notify_one();
        }
        // Compiling is pure work: a thousand services must not keep others waiting.
        tokio::task::yield_now().await;
    }
}
