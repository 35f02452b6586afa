//! The caches that all controllers share, one for each kind of `controllers`' list.
//!
//! A cache is made here and driven by a task of [`crate::run`]. Erased handles let the runner treat
//! all kinds alike: hear of changes, know how far a cache has come, and see whether an object that
//! was deleted is gone.

use std::any::Any;
use std::collections::BTreeMap;
use std::fmt::Debug;
use std::sync::Arc;

use api::{Cache, Client, ListParams, Object, ObjectKey, Setup};
use controllers::{Fill, Key, Reads, Source, Sourced, Sources, Which};
use futures::future::BoxFuture;
use meta::Revision;

/// Called with the key, and the object before and after a change.
pub(crate) type OnChange =
    Box<dyn Fn(&Key, Option<&dyn Any>, Option<&dyn Any>) + Send + Sync + 'static>;

/// One cache, whatever its kind.
pub(crate) trait Handle: Send + Sync {
    fn revision(&self) -> Revision;
    fn keys(&self) -> Vec<Key>;
    /// Whether the object of this uid is gone or on its way out.
    fn is_going(&self, key: &Key, uid: &str) -> bool;
    fn observe(&self, on_change: OnChange);
    fn observe_revision(&self, on_revision: Box<dyn Fn(Revision) + Send + Sync>);
    fn ready(&self) -> BoxFuture<'_, ()>;
}

/// All caches.
pub(crate) struct Caches {
    pub(crate) sources: Sources,
    handles: BTreeMap<Which, Arc<dyn Handle>>,
}

impl Debug for Caches {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Caches").field("kinds", &self.handles.len()).finish_non_exhaustive()
    }
}

impl Caches {
    /// The caches, and the tasks that keep them filled.
    pub(crate) fn new(client: &Client) -> (Self, Vec<BoxFuture<'static, ()>>) {
        let mut making =
            Making { client: client.clone(), handles: BTreeMap::new(), drivers: Vec::new() };
        let sources = Sources::new(&mut making);
        (Self { sources, handles: making.handles }, making.drivers)
    }

    pub(crate) fn handle(&self, which: Which) -> &Arc<dyn Handle> {
        &self.handles[&which]
    }
}

struct Making {
    client: Client,
    handles: BTreeMap<Which, Arc<dyn Handle>>,
    drivers: Vec<BoxFuture<'static, ()>>,
}

impl Fill for Making {
    fn fill<K>(&mut self, which: Which) -> Source<K>
    where
        K: Sourced,
        K::Scope: 'static,
    {
        let selected =
            ListParams { fields: which.field_selector().to_owned(), ..ListParams::default() };
        let setup = Setup { selected, index_labels: true, ..Setup::default() };
        let (cache, driver) = Cache::new(self.client.api::<K>(None), setup);
        self.drivers.push(Box::pin(driver.run()));
        self.handles.insert(which, Arc::new(Shared(cache.clone())));
        Arc::new(Shared(cache))
    }
}

struct Shared<K>(Cache<K>);

impl<K: Sourced> Reads<K> for Shared<K> {
    fn get(&self, namespace: &str, name: &str) -> Option<Arc<K>> {
        self.0.get(namespace, name)
    }

    fn all(&self) -> Vec<Arc<K>> {
        self.0.list()
    }

    fn in_namespace(&self, namespace: &str) -> Vec<Arc<K>> {
        self.0.in_namespace(namespace)
    }

    fn owned_by(&self, uid: &str) -> Vec<Arc<K>> {
        self.0.owned_by(uid)
    }

    fn labelled(&self, namespace: &str, key: &str, value: &str) -> Vec<Arc<K>> {
        self.0.labelled(namespace, key, value)
    }
}

impl<K: Sourced> Handle for Shared<K> {
    fn revision(&self) -> Revision {
        self.0.revision()
    }

    fn keys(&self) -> Vec<Key> {
        let key = |key: ObjectKey| Key { namespace: key.namespace, name: key.name };
        self.0.keys().into_iter().map(key).collect()
    }

    fn is_going(&self, key: &Key, uid: &str) -> bool {
        self.0
            .get(&key.namespace, &key.name)
            .is_none_or(|object| object.uid() != uid || object.meta().deletion_timestamp.is_some())
    }

    fn observe(&self, on_change: OnChange) {
        self.0.observe(move |change| {
            let key =
                Key { namespace: change.key.namespace.clone(), name: change.key.name.clone() };
            let any = |object: &Option<Arc<K>>| object.clone();
            let (before, after) = (any(&change.before), any(&change.after));
            on_change(
                &key,
                before.as_deref().map(|object| object as &dyn Any),
                after.as_deref().map(|object| object as &dyn Any),
            );
        });
    }

    fn observe_revision(&self, on_revision: Box<dyn Fn(Revision) + Send + Sync>) {
        self.0.observe_revision(on_revision);
    }

    fn ready(&self) -> BoxFuture<'_, ()> {
        Box::pin(self.0.ready())
    }
}
