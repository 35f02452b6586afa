//! The one thread that writes: takes a group, makes it durable, shows it to the readers, and answers the writers, in this order.
//!
//! It also ends history, with the same sync as the changes, and is the only one that changes the feed. A write that fails is not
//! tried again: after a failed sync nobody knows what the disk holds, so the store stays as it was last durable, and says so.

use std::sync::Arc;
use std::sync::atomic::Ordering::{Relaxed, Release};
use std::task::Waker;
use std::time::Duration;

use crate::engine::Engine;
use crate::history::{Eviction, Reason};
use crate::queue::{Compaction, Group};
use crate::snapshot::Snapshot;
use crate::store::Shared;
use crate::{CommitError, Event, EventKind, Fault};

/// How often an idle store looks whether history has become too old.
const IDLE: Duration = Duration::from_secs(10);

pub(crate) struct Writer {
    shared: Arc<Shared>,
    engine: Box<dyn Engine>,
    /// Requests that are not finished.
    compactions: Vec<Compaction>,
    has_failed: bool,
}

impl Writer {
    pub(crate) fn new(shared: Arc<Shared>, engine: Box<dyn Engine>) -> Self {
        Self { shared, engine, compactions: Vec::new(), has_failed: false }
    }

    pub(crate) fn run(mut self) {
        self.look_at_the_clock();
        self.look_at_the_disk();
        let mut idle = self.idle();
        loop {
            let work = self.shared.queue.take(idle);
            let is_closing = work.is_closing;
            self.compactions.extend(work.compactions);
            if !self.has_failed {
                self.do_group(work.group, work.after);
                self.look_at_the_clock();
                self.look_at_the_disk();
            }
            if is_closing {
                break;
            }
            idle = self.idle();
        }
        self.close();
    }

    /// How long to wait for the next group. With nothing to grow old there is nothing to wake for.
    fn idle(&mut self) -> Option<Duration> {
        if self.has_failed {
            self.compactions.clear();
            return None;
        }
        if self.due().is_some() {
            return Some(Duration::ZERO);
        }
        self.compactions.clear();
        let feed = self.shared.feed.lock();
        (feed.history.len() > 0 || feed.is_watched()).then_some(IDLE)
    }

    fn do_group(&mut self, group: Group, after: Snapshot) {
        let eviction = self.due();
        match self.write(&group.events, eviction.as_ref()) {
            Ok(()) => {
                let woken = self.publish(&group.events, after);
                group.succeed();
                woken.into_iter().for_each(Waker::wake);
                if let Some(eviction) = &eviction {
                    self.shared.feed.lock().evict(eviction);
                }
            }
            Err(fault) => {
                tracing::error!(%fault, "a write failed; the store is read-only from now on");
                let fault = Arc::new(fault);
                self.has_failed = true;
                self.shared.queue.fail(&fault);
                group.fail(&CommitError::Storage(fault));
            }
        }
    }

    fn close(mut self) {
        self.engine.close();
        // The folder is free for the next store when this is answered.
        drop(self.engine);
        let woken = self.shared.feed.lock().close();
        woken.into_iter().for_each(Waker::wake);
        self.shared.queue.closed();
    }

    fn write(&mut self, events: &[Arc<Event>], eviction: Option<&Eviction>) -> Result<(), Fault> {
        if events.is_empty() && eviction.is_none() {
            return Ok(());
        }
        let start = self.shared.clock.now();
        let written = self.engine.commit(events, eviction)?;
        let took = self.shared.clock.now().duration_since(start).unsigned_abs();
        self.shared.counters.synced(events.len(), written, took);
        Ok(())
    }

    /// Shows a group to the readers: first the state, so that who hears of a change finds it; then the changes.
    fn publish(&self, events: &[Arc<Event>], after: Snapshot) -> Vec<Waker> {
        if events.is_empty() {
            return Vec::new();
        }
        self.count(events);
        let revision = after.revision;
        let mut feed = self.shared.feed.lock();
        let before = std::mem::replace(&mut *self.shared.published.write(), after);
        let woken = feed.push(events);
        feed.shed(self.shared.limits.bytes);
        drop(feed);
        self.shared.delivered.store(revision.0, Release);
        drop(before);
        woken
    }

    fn count(&self, events: &[Arc<Event>]) {
        let bytes = &self.shared.counters.entry_bytes;
        for event in events {
            if event.kind == EventKind::Put {
                bytes.fetch_add(event.entry.body.len() as u64, Relaxed);
            }
            if let Some(previous) = &event.previous {
                bytes.fetch_sub(previous.body.len() as u64, Relaxed);
            }
        }
    }

    fn look_at_the_clock(&self) {
        let now = self.shared.clock.now();
        let mut feed = self.shared.feed.lock();
        if feed.history.mark(now) {
            feed.drop_unwatched();
        }
        feed.history.forget_stale(now);
    }

    fn look_at_the_disk(&self) {
        let free = self.shared.gauge.as_ref().and_then(|gauge| gauge());
        if free.is_some_and(|free| free < self.shared.config.reserve_bytes) {
            self.shared.queue.set_short(true);
        }
    }

    /// The next step of compaction, by request or because it is time.
    fn due(&self) -> Option<Eviction> {
        let feed = self.shared.feed.lock();
        let asked = self.compactions.iter().map(|compaction| compaction.to).max();
        asked
            .and_then(|to| feed.history.eviction(to, Reason::Age))
            .or_else(|| feed.history.due(self.shared.clock.now(), self.shared.limits))
    }
}
