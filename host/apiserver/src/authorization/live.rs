//! Keeps the compiled roles as new as the store, without a task of its own: whoever asks first after a change compiles.

use std::sync::Arc;

use arc_swap::ArcSwap;
use k8s_openapi::api::rbac::v1::{ClusterRole, ClusterRoleBinding, Role, RoleBinding};
use meta::{GroupResource, Key};
use parking_lot::Mutex;
use serde::de::DeserializeOwned;
use store::{Snapshot, Store, Watch};

use super::policy::{Objects, Policy};

const GROUP: &str = "rbac.authorization.k8s.io";
const RESOURCES: [&str; 4] = ["clusterroles", "clusterrolebindings", "roles", "rolebindings"];

#[derive(Debug)]
pub(super) struct LivePolicy {
    store: Arc<Store>,
    compiled: ArcSwap<Policy>,
    /// One watch for each resource; empty where they must be opened anew.
    watches: Mutex<Vec<Watch>>,
}

impl LivePolicy {
    pub(super) fn new(store: Arc<Store>) -> Self {
        Self { store, compiled: ArcSwap::default(), watches: Mutex::new(Vec::new()) }
    }

    /// The policy that follows from everything written so far.
    pub(super) fn current(&self) -> Arc<Policy> {
        let mut watches = self.watches.lock();
        if watches.is_empty() || changed(&mut watches) {
            let snapshot = self.store.snapshot();
            // A watch that cannot be opened is one that the next caller opens again.
            *watches = open(&self.store, &snapshot).unwrap_or_default();
            self.compiled.store(Arc::new(Policy::compile(read(&snapshot))));
        }
        self.compiled.load_full()
    }
}

/// Whether any of the watches has seen something, or has ended.
fn changed(watches: &mut [Watch]) -> bool {
    watches.iter_mut().any(|watch| !matches!(watch.try_next(), Ok(None)))
}

fn open(store: &Store, snapshot: &Snapshot) -> Option<Vec<Watch>> {
    let open = |resource| store.watch(snapshot.revision(), &prefix(resource)).ok();
    RESOURCES.into_iter().map(open).collect()
}

fn prefix(resource: &'static str) -> String {
    Key::prefix(&GroupResource::new(GROUP, resource), None)
}

fn read(snapshot: &Snapshot) -> Objects {
    Objects {
        cluster_roles: all::<ClusterRole>(snapshot, "clusterroles"),
        cluster_role_bindings: all::<ClusterRoleBinding>(snapshot, "clusterrolebindings"),
        roles: all::<Role>(snapshot, "roles"),
        role_bindings: all::<RoleBinding>(snapshot, "rolebindings"),
    }
}

fn all<K: DeserializeOwned>(snapshot: &Snapshot, resource: &'static str) -> Vec<K> {
    let prefix = prefix(resource);
    let entries = snapshot.range(&prefix, None);
    entries
        .filter_map(|entry| match serde_json::from_slice(&entry.body) {
            Ok(object) => Some(object),
            Err(error) => {
                tracing::error!(key = %entry.key, %error, "a role or binding cannot be decoded and grants nothing");
                None
            }
        })
        .collect()
}
