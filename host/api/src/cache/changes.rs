//! Changes of a cache, for those who await them.

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::sync::Arc;

use parking_lot::Mutex;
use tokio::sync::Notify;

use super::ObjectKey;

/// What happened to one object since the last look.
#[derive(Debug)]
pub struct Change<K> {
    /// Which object.
    pub key: ObjectKey,
    /// What it was; none if it did not exist.
    pub before: Option<Arc<K>>,
    /// What it is; none if it is gone.
    pub after: Option<Arc<K>>,
}

impl<K> Clone for Change<K> {
    fn clone(&self) -> Self {
        Self { key: self.key.clone(), before: self.before.clone(), after: self.after.clone() }
    }
}

/// A subscription. Changes of one object are merged until they are taken: the first `before` and the
/// last `after` remain.
pub struct Changes<K>(Arc<Pending<K>>);

struct Pending<K> {
    by_key: Mutex<BTreeMap<ObjectKey, Change<K>>>,
    added: Notify,
}

impl<K> Debug for Changes<K> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Changes").field("pending", &self.0.by_key.lock().len()).finish()
    }
}

impl<K> Changes<K> {
    pub(super) fn new() -> Self {
        Self(Arc::new(Pending { by_key: Mutex::default(), added: Notify::new() }))
    }

    pub(super) fn sink(&self) -> Sink<K> {
        Sink(Arc::downgrade(&self.0))
    }

    /// The next change, by key. Never ends; dropping it is safe.
    pub async fn next(&mut self) -> Change<K> {
        loop {
            if let Some(change) = self.try_next() {
                return change;
            }
            self.0.added.notified().await;
        }
    }

    /// The next change if there is one.
    pub fn try_next(&mut self) -> Option<Change<K>> {
        self.0.by_key.lock().pop_first().map(|(_, change)| change)
    }
}

/// The writing end; it does nothing once the subscription is dropped.
pub(super) struct Sink<K>(std::sync::Weak<Pending<K>>);

impl<K> Sink<K> {
    pub(super) fn add(&self, change: &Change<K>) {
        let Some(pending) = self.0.upgrade() else { return };
        pending
            .by_key
            .lock()
            .entry(change.key.clone())
            .and_modify(|merged| merged.after.clone_from(&change.after))
            .or_insert_with(|| change.clone());
        pending.added.notify_one();
    }
}
