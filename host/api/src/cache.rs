//! A watched copy of one resource: every reader in the process shares the same values.
//!
//! A cache is filled by one watch that begins with the present state, resumes where it broke off,
//! and begins again if the server no longer has the history. What readers see is always a state
//! that existed, as old as [`Cache::revision`] says. Nothing is queued for slow readers: an observer
//! is called in line, a subscriber gets the latest of each object. Of many objects only those that are asked for are
//! held as they are typed; the others are read again, from what the store holds, when they are.
//!
//! See <https://kubernetes.io/docs/reference/using-api/api-concepts/#efficient-detection-of-changes>.

mod changes;
mod driver;
mod held;
mod state;

use std::fmt::Debug;
use std::sync::Arc;

use meta::Revision;
use parking_lot::{Mutex, RwLock};
use tokio::sync::watch;

pub use changes::{Change, Changes};
pub use driver::Driver;
pub use state::ObjectKey;

use crate::{Api, ListParams, Object, Reread};
use state::State;

/// How a cache is kept.
#[derive(Clone)]
pub struct Setup<K> {
    /// Which objects it holds.
    pub selected: ListParams,
    /// Keep an index of every label, for [`Cache::labelled`].
    pub index_labels: bool,
    /// Drops what no reader needs from objects that are not shared with others. All of them stay typed.
    pub prune: Option<fn(&mut K)>,
}

impl<K> Default for Setup<K> {
    fn default() -> Self {
        Self { selected: ListParams::default(), index_labels: false, prune: None }
    }
}

impl<K> Debug for Setup<K> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Setup")
            .field("selected", &self.selected)
            .field("index_labels", &self.index_labels)
            .finish_non_exhaustive()
    }
}

/// A readable, indexed copy of one resource; cheap to clone.
pub struct Cache<K>(Arc<Shared<K>>);

struct Shared<K> {
    state: RwLock<State<K>>,
    /// Held while a change is applied and announced, so that an observer that joins sees each
    /// object exactly once.
    observers: Mutex<Observers<K>>,
    synced: watch::Sender<bool>,
}

type OnChange<K> = Box<dyn Fn(&Change<K>) + Send>;

struct Observers<K> {
    of_changes: Vec<OnChange<K>>,
    of_revisions: Vec<Box<dyn Fn(Revision) + Send>>,
}

impl<K> Clone for Cache<K> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<K: Object> Debug for Cache<K> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Cache")
            .field("objects", &self.len())
            .field("revision", &self.revision())
            .finish_non_exhaustive()
    }
}

impl<K: Object> Cache<K> {
    /// An empty cache and the driver that fills it; the caller runs the driver as a task of its own.
    pub fn new(api: Api<K>, setup: Setup<K>) -> (Self, Driver<K>) {
        let cache = Self::detached(setup.index_labels);
        let driver = Driver::new(cache.clone(), api, setup);
        (cache, driver)
    }

    fn detached(index_labels: bool) -> Self {
        Self(Arc::new(Shared {
            state: RwLock::new(State::new(index_labels)),
            observers: Mutex::new(Observers { of_changes: Vec::new(), of_revisions: Vec::new() }),
            synced: watch::Sender::new(false),
        }))
    }

    /// One object.
    pub fn get(&self, namespace: &str, name: &str) -> Option<Arc<K>> {
        self.0.state.read().get(namespace, name)
    }

    /// All objects, by namespace and name.
    pub fn list(&self) -> Vec<Arc<K>> {
        self.0.state.read().all().collect()
    }

    /// The objects of one namespace, by name.
    pub fn in_namespace(&self, namespace: &str) -> Vec<Arc<K>> {
        self.0.state.read().in_namespace(namespace).collect()
    }

    /// The objects that name an owner of this uid, by namespace and name.
    pub fn owned_by(&self, uid: &str) -> Vec<Arc<K>> {
        self.0.state.read().owned_by(uid)
    }

    /// The objects of a namespace that carry a label, by name. Empty unless labels are indexed.
    pub fn labelled(&self, namespace: &str, key: &str, value: &str) -> Vec<Arc<K>> {
        self.0.state.read().labelled(namespace, key, value)
    }

    /// The names of all objects, by namespace and name. It reads none of them.
    pub fn keys(&self) -> Vec<ObjectKey> {
        self.0.state.read().keys().collect()
    }

    /// How many objects there are.
    pub fn len(&self) -> usize {
        self.0.state.read().len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The revision up to which this copy is complete.
    pub fn revision(&self) -> Revision {
        self.0.state.read().revision()
    }

    /// Whether the first state has arrived whole.
    pub fn is_ready(&self) -> bool {
        *self.0.synced.borrow()
    }

    /// Waits until [`Self::is_ready`].
    pub async fn ready(&self) {
        let mut synced = self.0.synced.subscribe();
        // The sender lives in `self`, so that the wait can only end by the value.
        let _ = synced.wait_for(|synced| *synced).await;
    }

    /// Calls `on_change` for every object there is and from then on for every change, right after
    /// the change is visible to readers. It runs in line with the watch: it must be quick and must
    /// not observe this cache again.
    pub fn observe(&self, on_change: impl Fn(&Change<K>) + Send + 'static) {
        let mut observers = self.0.observers.lock();
        let present: Vec<Change<K>> = self.0.state.read().present().collect();
        for change in &present {
            on_change(change);
        }
        observers.of_changes.push(Box::new(on_change));
    }

    /// Calls `on_revision` whenever [`Self::revision`] moves, after the changes up to it.
    pub fn observe_revision(&self, on_revision: impl Fn(Revision) + Send + 'static) {
        let mut observers = self.0.observers.lock();
        on_revision(self.revision());
        observers.of_revisions.push(Box::new(on_revision));
    }

    /// The changes as something to await: of each object only the latest, so that the memory of a
    /// slow reader is bounded by the number of objects.
    pub fn subscribe(&self) -> Changes<K> {
        let changes = Changes::new();
        let sink = changes.sink();
        self.observe(move |change| sink.add(change));
        changes
    }

    fn put(&self, object: Arc<K>, again: Option<Arc<dyn Reread>>, revision: Option<Revision>) {
        let observers = self.0.observers.lock();
        let change = self.0.state.write().put(object, again, revision);
        observers.announce(change.as_ref(), revision);
    }

    fn remove(&self, namespace: &str, name: &str, revision: Option<Revision>) {
        let observers = self.0.observers.lock();
        let change = self.0.state.write().remove(namespace, name, revision);
        observers.announce(change.as_ref(), revision);
    }

    fn is_warm(&self) -> bool {
        self.0.state.read().warm().is_over_min()
    }

    fn is_hot(&self) -> bool {
        self.0.state.read().warm().are_many()
    }

    fn cool(&self) {
        self.0.state.read().cool();
    }

    fn advance(&self, revision: Revision) {
        let observers = self.0.observers.lock();
        self.0.state.write().advance(revision);
        observers.announce(None, Some(revision));
    }

    /// Ends an initial state: what it did not contain no longer exists.
    fn keep_only(&self, seen: &std::collections::BTreeSet<ObjectKey>, revision: Revision) {
        let gone: Vec<ObjectKey> =
            self.0.state.read().keys().filter(|key| !seen.contains(key)).collect();
        for key in gone {
            self.remove(&key.namespace, &key.name, None);
        }
        self.advance(revision);
        self.0.synced.send_replace(true);
    }
}

impl<K> Observers<K> {
    fn announce(&self, change: Option<&Change<K>>, revision: Option<Revision>) {
        if let Some(change) = change {
            self.of_changes.iter().for_each(|observer| observer(change));
        }
        if let Some(revision) = revision {
            self.of_revisions.iter().for_each(|observer| observer(revision));
        }
    }
}

#[cfg(test)]
mod tests;
