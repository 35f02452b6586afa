//! The services as the node last knew them, on disk: names and service addresses go on working when the process restarts while the control plane is away.
//!
//! Written some time after a change and read once. As soon as the API server has answered, what it says counts.

use std::collections::BTreeSet;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use api::Cache;
use k8s_openapi::api::core::v1::Service;
use k8s_openapi::api::discovery::v1::EndpointSlice;
use net::ServiceKey;
use serde::{Deserialize, Serialize};

use super::Network;
use super::tables::SERVICE_NAME;

/// Changes within this time are written together.
const WRITE_EVERY: Duration = Duration::from_secs(15);

/// What is on disk.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Remembered {
    services: Vec<Arc<Service>>,
    slices: Vec<Arc<EndpointSlice>>,
}

/// The services by namespace: those of the API server, or the remembered ones until it answers.
#[derive(Debug)]
pub(crate) struct KnownServices {
    cache: Cache<Service>,
    remembered: Vec<Arc<Service>>,
    path: PathBuf,
}

impl KnownServices {
    /// Reads what is remembered and puts it into the table.
    pub(crate) fn open(path: PathBuf, cache: Cache<Service>, network: &Network) -> Self {
        let remembered = read(&path).unwrap_or_else(|error| {
            if error.kind() != io::ErrorKind::NotFound {
                tracing::warn!(path = %path.display(), %error, "the remembered services are lost");
            }
            Remembered::default()
        });
        for service in &remembered.services {
            let key = key(service);
            let slices: Vec<&EndpointSlice> = remembered
                .slices
                .iter()
                .filter(|slice| is_of(slice, &key))
                .map(|slice| &**slice)
                .collect();
            network.services.set(&key, service, &slices);
        }
        Self { cache, remembered: remembered.services, path }
    }

    pub(crate) fn get(&self, namespace: &str, name: &str) -> Option<Arc<Service>> {
        if self.cache.is_ready() {
            return self.cache.get(namespace, name);
        }
        let wanted = ServiceKey::new(namespace, name);
        self.remembered.iter().find(|service| key(service) == wanted).cloned()
    }

    pub(crate) fn in_namespace(&self, namespace: &str) -> Vec<Arc<Service>> {
        if self.cache.is_ready() {
            return self.cache.in_namespace(namespace);
        }
        let is_here = |service: &&Arc<Service>| {
            service.metadata.namespace.as_deref().unwrap_or_default() == namespace
        };
        self.remembered.iter().filter(is_here).cloned().collect()
    }

    /// Remembered services that the API server no longer knows.
    pub(crate) fn outdated(&self) -> BTreeSet<ServiceKey> {
        let is_gone = |key: &ServiceKey| self.cache.get(&key.namespace, &key.name).is_none();
        self.remembered.iter().map(|service| key(service)).filter(is_gone).collect()
    }
}

/// Writes the services down when they have changed. Runs until dropped.
pub(crate) async fn keep(known: Arc<KnownServices>, slices: Cache<EndpointSlice>) {
    known.cache.ready().await;
    slices.ready().await;
    let mut written = None;
    let mut times = tokio::time::interval(WRITE_EVERY);
    loop {
        times.tick().await;
        let revisions = (known.cache.len(), newest(&known.cache), slices.len(), newest(&slices));
        if written == Some(revisions) {
            continue;
        }
        let remembered = Remembered { services: known.cache.list(), slices: slices.list() };
        let path = known.path.clone();
        let write = tokio::task::spawn_blocking(move || write(&path, &remembered)).await;
        match write {
            Ok(Ok(())) => written = Some(revisions),
            Ok(Err(error)) => tracing::warn!(%error, "cannot remember the services"),
            Err(_) => {}
        }
    }
}

/// The newest revision among the objects: bookmarks move a cache's own revision without a change.
fn newest<K: api::Object>(cache: &Cache<K>) -> meta::Revision {
    cache.list().iter().map(|object| object.revision()).max().unwrap_or_default()
}

fn key(service: &Service) -> ServiceKey {
    let text = |text: &Option<String>| text.clone().unwrap_or_default();
    ServiceKey::new(&text(&service.metadata.namespace), &text(&service.metadata.name))
}

fn is_of(slice: &EndpointSlice, service: &ServiceKey) -> bool {
    let labels = slice.metadata.labels.as_ref();
    slice.metadata.namespace.as_deref() == Some(&*service.namespace)
        && labels.and_then(|labels| labels.get(SERVICE_NAME)).map(String::as_str)
            == Some(&*service.name)
}

fn read(path: &Path) -> io::Result<Remembered> {
    serde_json::from_slice(&std::fs::read(path)?).map_err(io::Error::other)
}

fn write(path: &Path, remembered: &Remembered) -> io::Result<()> {
    let temporary = path.with_extension("new");
    std::fs::write(&temporary, serde_json::to_vec(remembered).map_err(io::Error::other)?)?;
    std::fs::rename(temporary, path)
}
