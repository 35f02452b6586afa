//! The recent changes of the whole store, oldest first: what can still be watched from, and how to get back to an old state.
//!
//! An old state is worked out backwards: every event knows what its object was before, so undoing the events after a revision gives
//! the state at it. That costs a microsecond an event when somebody asks, where keeping the state of each revision would cost memory
//! always. The states that were asked for are kept for a while, for the next page of the same list.
//!
//! History ends where it is too old or takes too much memory. Dropping an event makes the version it replaced unreachable, so the
//! same step says which records the disk can do without.

use std::collections::VecDeque;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use meta::Revision;

use crate::snapshot::Snapshot;
use crate::{Event, EventKind, SnapshotError};

/// How many of the latest events keep their encodings and typed values, how large their bodies may be together, and for how long.
const FRESH_EVENTS: usize = 2048;
const FRESH_BYTES: usize = 8 << 20;
const FRESH_SECS: i64 = 10;
/// How many old states are kept once worked out; each holds at most the inner nodes of one map.
const STATES_MAX: usize = 8;
/// One step of compaction takes no more than this, so that writers never wait long for it.
const EVICTIONS_MAX: usize = 4096;
/// Marks of time no closer than this; history ends a little late rather than remembering every commit's time.
const MARK_SECS: i64 = 1;

/// How long and how large history may be.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    pub(crate) age: SignedDuration,
    pub(crate) bytes: u64,
}

/// Why events leave history.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reason {
    Age,
    Room,
}

/// What a step of compaction drops: all events up to a revision, and the records that nothing needs after that.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Eviction {
    pub(crate) to: Revision,
    pub(crate) reason: Reason,
    pub(crate) records: Vec<Revision>,
}

#[derive(Default)]
pub(crate) struct History {
    events: VecDeque<Arc<Event>>,
    bytes: u64,
    /// Every event up to here has been dropped; every state from here on can be had.
    compacted: Revision,
    /// The latest revision at a time, oldest first.
    marks: VecDeque<(Timestamp, Revision)>,
    /// How many events at the end are fresh, and the length of their bodies.
    fresh: usize,
    fresh_bytes: usize,
    states: VecDeque<Snapshot>,
}

impl History {
    pub(crate) fn starting_at(compacted: Revision) -> Self {
        Self { compacted, ..Self::default() }
    }

    pub(crate) fn compacted(&self) -> Revision {
        self.compacted
    }

    pub(crate) fn len(&self) -> usize {
        self.events.len()
    }

    pub(crate) fn bytes(&self) -> u64 {
        self.bytes
    }

    pub(crate) fn events(&self) -> impl DoubleEndedIterator<Item = &Arc<Event>> {
        self.events.iter()
    }

    pub(crate) fn push(&mut self, event: Arc<Event>) {
        self.bytes += event.weight() as u64;
        self.fresh += 1;
        self.fresh_bytes += event.entry.body.len();
        self.events.push_back(event);
        while self.fresh > FRESH_EVENTS || self.fresh_bytes > FRESH_BYTES {
            self.forget_oldest_fresh();
        }
    }

    /// Notes that what has happened so far had happened by now, unless that has been noted just before.
    pub(crate) fn mark(&mut self, now: Timestamp) -> bool {
        let Some(last) = self.events.back().map(|event| event.revision) else { return false };
        let is_due = self.marks.back().is_none_or(|(at, revision)| {
            *revision < last && now.duration_since(*at).as_secs() >= MARK_SECS
        });
        if is_due {
            self.marks.push_back((now, last));
        }
        is_due
    }

    /// Drops encodings and values that readers have had their time for.
    pub(crate) fn forget_stale(&mut self, now: Timestamp) {
        let stale = |at: Timestamp| now.duration_since(at).as_secs() >= FRESH_SECS;
        let Some(&(_, revision)) = self.marks.iter().rev().find(|(at, _)| stale(*at)) else {
            return;
        };
        while self.oldest_fresh().is_some_and(|event| event.revision <= revision) {
            self.forget_oldest_fresh();
        }
    }

    fn oldest_fresh(&self) -> Option<&Arc<Event>> {
        self.events.get(self.events.len().checked_sub(self.fresh)?)
    }

    fn forget_oldest_fresh(&mut self) {
        let Some(event) = self.oldest_fresh().cloned() else { return };
        event.forget();
        self.fresh -= 1;
        self.fresh_bytes -= event.entry.body.len();
    }

    /// What the limits ask to be dropped now.
    pub(crate) fn due(&self, now: Timestamp, limits: Limits) -> Option<Eviction> {
        let by_age = self
            .marks
            .iter()
            .take_while(|(at, _)| now.duration_since(*at) >= limits.age)
            .last()
            .map(|(_, revision)| *revision);
        if let Some(eviction) = by_age.and_then(|to| self.eviction(to, Reason::Age)) {
            return Some(eviction);
        }
        let mut excess = self.bytes.saturating_sub(limits.bytes);
        let by_room = self.events.iter().take_while(|event| {
            let is_excess = excess > 0;
            excess = excess.saturating_sub(event.weight() as u64);
            is_excess
        });
        self.eviction(by_room.last()?.revision, Reason::Room)
    }

    /// The step of compaction up to a revision, or as far as one step goes.
    pub(crate) fn eviction(&self, to: Revision, reason: Reason) -> Option<Eviction> {
        let dropped =
            || self.events.iter().take_while(|event| event.revision <= to).take(EVICTIONS_MAX);
        let to = dropped().last()?.revision;
        let mut records = Vec::new();
        for event in dropped() {
            records.extend(event.previous.as_ref().map(|replaced| replaced.revision));
            if event.kind == EventKind::Delete {
                records.push(event.revision);
            }
        }
        Some(Eviction { to, reason, records })
    }

    /// Drops the oldest event if it is not after `to`.
    pub(crate) fn evict_one(&mut self, to: Revision) -> Option<Arc<Event>> {
        let event = self.events.pop_front_if(|event| event.revision <= to)?;
        self.bytes -= event.weight() as u64;
        self.compacted = event.revision;
        if self.fresh > self.events.len() {
            self.fresh = self.events.len();
            self.fresh_bytes -= event.entry.body.len();
        }
        event.forget();
        Some(event)
    }

    /// Drops what else belongs to the time before the oldest event.
    pub(crate) fn tidy(&mut self) {
        let compacted = self.compacted;
        while self.marks.pop_front_if(|(_, revision)| *revision <= compacted).is_some() {}
        self.states.retain(|state| state.revision >= compacted);
    }

    /// The state nearest to a revision from above, and the events to undo from it, latest first.
    pub(crate) fn way_back(
        &self,
        revision: Revision,
        current: Snapshot,
    ) -> Result<(Snapshot, Vec<Arc<Event>>), SnapshotError> {
        if revision > current.revision {
            return Err(SnapshotError::Future { current: current.revision });
        }
        if revision < self.compacted {
            return Err(SnapshotError::Expired { oldest: self.compacted });
        }
        let nearest = self
            .states
            .iter()
            .filter(|state| state.revision >= revision)
            .min_by_key(|state| state.revision);
        let start = nearest.cloned().unwrap_or(current);
        let undo = self
            .events
            .iter()
            .rev()
            .skip_while(|event| event.revision > start.revision)
            .take_while(|event| event.revision > revision)
            .cloned()
            .collect();
        Ok((start, undo))
    }

    /// Keeps a state that was worked out, in place of the one that was asked for longest ago.
    pub(crate) fn keep(&mut self, state: Snapshot) {
        if state.revision < self.compacted {
            return;
        }
        self.states.retain(|kept| kept.revision != state.revision);
        if self.states.len() == STATES_MAX {
            self.states.pop_front();
        }
        self.states.push_back(state);
    }
}

/// Undoes events, latest first.
pub(crate) fn undo(mut state: Snapshot, events: &[Arc<Event>], revision: Revision) -> Snapshot {
    for event in events {
        match &event.previous {
            Some(previous) => {
                state.entries.insert(previous.key.clone(), Arc::clone(previous));
            }
            None => {
                state.entries.remove(&event.entry.key);
            }
        }
    }
    state.revision = revision;
    state
}
