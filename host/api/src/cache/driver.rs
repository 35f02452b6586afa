//! Keeps a cache filled: watch, resume, and begin again when the history is gone.

use std::collections::BTreeSet;
use std::fmt::Debug;
use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt;
use meta::Revision;
use tokio::time::MissedTickBehavior;

use super::{Cache, ObjectKey, Setup};
use crate::{Api, Error, Event, EventKind, Object, Payload};

const BACKOFF_MIN: Duration = Duration::from_millis(50);
const BACKOFF_MAX: Duration = Duration::from_secs(30);
/// Typed objects that nobody asks for are let go of after once to twice this time, if there are many.
const COOLING: Duration = Duration::from_secs(3);

/// The task behind a cache. Dropping it stops the cache where it is.
pub struct Driver<K> {
    cache: Cache<K>,
    api: Api<K>,
    setup: Setup<K>,
    /// Where the next watch resumes; none begins with the present state.
    from: Option<Revision>,
    backoff: Duration,
}

impl<K: Object> Debug for Driver<K> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Driver")
            .field("cache", &self.cache)
            .field("from", &self.from)
            .finish_non_exhaustive()
    }
}

impl<K: Object> Driver<K> {
    pub(super) fn new(cache: Cache<K>, api: Api<K>, setup: Setup<K>) -> Self {
        Self { cache, api, setup, from: None, backoff: BACKOFF_MIN }
    }

    /// Runs until dropped.
    pub async fn run(mut self) {
        loop {
            let ended = self.watch_once().await;
            match ended {
                Err(Error::Expired(_)) => {
                    tracing::debug!(resource = %self.api.resource().plural, "history gone, reading again");
                    self.from = None;
                }
                Err(error) => {
                    tracing::debug!(
                        resource = %self.api.resource().plural,
                        error = &error as &dyn std::error::Error,
                        "watch failed"
                    );
                }
                Ok(()) => {}
            }
            tokio::time::sleep(self.backoff).await;
            self.backoff = (self.backoff * 2).min(BACKOFF_MAX);
        }
    }

    async fn watch_once(&mut self) -> Result<(), Error> {
        let mut events = self.api.watch(&self.setup.selected, self.from).await?;
        // While the initial state arrives, what it contains; the rest is removed at its end.
        let mut initial = self.from.is_none().then(BTreeSet::new);
        let mut cooling = tokio::time::interval(COOLING);
        cooling.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            let event = tokio::select! {
                event = events.next() => event,
                _ = cooling.tick(), if self.cache.is_warm() => {
                    self.cache.cool();
                    continue;
                }
            };
            let Some(event) = event else { return Ok(()) };
            self.backoff = BACKOFF_MIN;
            self.take(event?, &mut initial);
            if self.cache.is_hot() {
                self.cache.cool();
                cooling.reset();
            }
        }
    }

    fn take(&mut self, event: Event, initial: &mut Option<BTreeSet<ObjectKey>>) {
        // A half-read state is not complete up to any revision yet.
        let revision = initial.is_none().then_some(event.revision);
        match event.kind {
            EventKind::Added | EventKind::Modified => {
                let again = event.object.again().filter(|_| self.setup.prune.is_none());
                let Some(object) = self.decode(event.object) else { return };
                if let Some(seen) = initial {
                    seen.insert(ObjectKey::new(object.namespace(), object.name()));
                }
                self.cache.put(object, again, revision);
            }
            EventKind::Deleted => {
                let Some(object) = self.decode(event.object) else { return };
                if let Some(seen) = initial {
                    seen.remove(&ObjectKey::new(object.namespace(), object.name()));
                }
                self.cache.remove(object.namespace(), object.name(), revision);
            }
            EventKind::Synced => match initial.take() {
                Some(seen) => self.cache.keep_only(&seen, event.revision),
                None => self.cache.advance(event.revision),
            },
            EventKind::Bookmark => {
                if let Some(revision) = revision {
                    self.cache.advance(revision);
                }
            }
        }
        if initial.is_none() {
            self.from = Some(event.revision);
        }
    }

    /// An object that cannot be read is left out rather than ending the watch for all others.
    fn decode(&self, payload: Payload) -> Option<Arc<K>> {
        match payload {
            Payload::Typed(value, _) => {
                let mut shared = K::from_shared(value);
                if shared.is_none() {
                    tracing::error!(resource = %self.api.resource().plural, "event of another type");
                }
                if let Some(own) = shared.as_mut().and_then(Arc::get_mut)
                    && let Some(prune) = self.setup.prune
                {
                    prune(own);
                }
                shared
            }
            Payload::Json(bytes) => match serde_json::from_slice::<K>(&bytes) {
                Ok(mut object) => {
                    if let Some(prune) = self.setup.prune {
                        prune(&mut object);
                    }
                    Some(Arc::new(object))
                }
                Err(error) => {
                    tracing::error!(
                        resource = %self.api.resource().plural,
                        error = &error as &dyn std::error::Error,
                        "cannot read an object"
                    );
                    None
                }
            },
        }
    }
}
