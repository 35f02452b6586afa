//! The recent changes of the whole store, oldest first: what can still be watched from, and how to get back to an old state.
//!
//! An old state is worked out backwards: every event knows what its object was before, so undoing the events after a revision gives
//! the state at it. That costs a microsecond an event when somebody asks, where keeping the state of each revision would cost memory
//! always. The states that were asked for are kept for a while, for the next page of the same list.
//!
//! History ends where it is too old, or takes too much room on the disk. Only its latest part is in memory: where that takes too much,
//! the oldest event leaves it, and what stays of it is a note of which record it replaced; the rest is on disk (see `past`). Compaction
//! is what drops history from the disk. It makes the versions that were replaced unreachable, so it says which records can go.

use std::collections::VecDeque;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use meta::Revision;

use crate::past::{Note, Past};
use crate::snapshot::Snapshot;
use crate::{Event, SnapshotError};

/// How many of the latest events keep their encodings and typed values, how large their bodies may be together, and for how long.
const FRESH_EVENTS: usize = 2048;
const FRESH_BYTES: usize = 8 << 20;
const FRESH_SECS: i64 = 10;
/// How many old states are kept once worked out; each holds at most the inner nodes of one map.
const STATES_MAX: usize = 8;
/// One step of compaction takes no more than this, so that writers never wait long for it.
const EVICTIONS_MAX: usize = 4096;
/// How many changes are undone from the disk at most: as many as take a tenth of a second. A list that is older than that begins anew.
const PAST_STEPS_MAX: u64 = 20_000;
/// Marks of time no closer than this; history ends a little late rather than remembering every commit's time.
const MARK_SECS: i64 = 1;

/// How long and how large history may be.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    pub(crate) age: SignedDuration,
    /// What the part in memory may take, and what the older part may take on disk.
    pub(crate) bytes: u64,
    pub(crate) disk_bytes: u64,
}

/// Why history was dropped.
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

/// How to get from a state to an older one: changes to undo, latest first, those in memory before those on disk.
pub(crate) struct WayBack {
    pub(crate) state: Snapshot,
    pub(crate) recent: Vec<Arc<Event>>,
    pub(crate) past: Vec<(Revision, Note)>,
}

#[derive(Default)]
pub(crate) struct History {
    /// The latest events.
    events: VecDeque<Arc<Event>>,
    bytes: u64,
    /// The ones before them, which are only on disk.
    past: Past,
    reason: Option<Reason>,
    /// The latest revision at a time, oldest first.
    marks: VecDeque<(Timestamp, Revision)>,
    /// How many events at the end are fresh, and the length of their bodies.
    fresh: usize,
    fresh_bytes: usize,
    states: VecDeque<Snapshot>,
}

impl History {
    pub(crate) fn starting_at(compacted: Revision) -> Self {
        Self { past: Past::starting_at(compacted), ..Self::default() }
    }

    /// Every event up to here has been dropped; every state from here on can be had.
    pub(crate) fn compacted(&self) -> Revision {
        self.past.start()
    }

    /// Every event up to here is on disk at most.
    pub(crate) fn recent(&self) -> Revision {
        self.past.end()
    }

    pub(crate) fn last(&self) -> Revision {
        self.events.back().map_or_else(|| self.recent(), |event| event.revision)
    }

    /// Why history does not reach further back.
    pub(crate) fn reason(&self) -> Reason {
        self.reason.unwrap_or(Reason::Age)
    }

    pub(crate) fn len(&self) -> usize {
        self.past.len() + self.events.len()
    }

    pub(crate) fn bytes(&self) -> u64 {
        self.bytes
    }

    pub(crate) fn disk_bytes(&self) -> u64 {
        self.past.bytes()
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
        let last = self.last();
        if last == self.compacted() {
            return false;
        }
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
        let by_room = self.past.excess(limits.disk_bytes)?;
        self.eviction(by_room, Reason::Room)
    }

    /// The step of compaction up to a revision, or as far as one step goes.
    pub(crate) fn eviction(&self, to: Revision, reason: Reason) -> Option<Eviction> {
        let recent = self.events.iter().map(|event| (event.revision, Note::of(event)));
        let dropped = self.past.notes().chain(recent).take_while(|(revision, _)| *revision <= to);
        let mut eviction = None;
        for (revision, note) in dropped.take(EVICTIONS_MAX) {
            let Eviction { to, records, .. } =
                eviction.get_or_insert_with(|| Eviction { to, reason, records: Vec::new() });
            *to = revision;
            records.extend(note.previous());
            records.extend(note.is_deletion().then_some(revision));
        }
        eviction
    }

    /// Takes the oldest event out of memory if it is not after `to`.
    pub(crate) fn shed(&mut self, to: Revision) -> Option<Arc<Event>> {
        let event = self.events.pop_front_if(|event| event.revision <= to)?;
        self.bytes -= event.weight() as u64;
        self.past.push(Note::of(&event));
        if self.fresh > self.events.len() {
            self.fresh = self.events.len();
            self.fresh_bytes -= event.entry.body.len();
        }
        event.forget();
        Some(event)
    }

    /// Drops what belongs to the time up to a revision, which is in memory no more.
    pub(crate) fn compact(&mut self, to: Revision, reason: Reason) {
        self.past.compact(to);
        self.reason = Some(reason);
        let compacted = self.compacted();
        while self.marks.pop_front_if(|(_, revision)| *revision <= compacted).is_some() {}
        self.states.retain(|state| state.revision >= compacted);
    }

    pub(crate) fn past(&self) -> &Past {
        &self.past
    }

    /// The nearest state after a revision, and what is to be undone from it.
    pub(crate) fn way_back(
        &self,
        to: Revision,
        current: Snapshot,
    ) -> Result<WayBack, SnapshotError> {
        if to > current.revision {
            return Err(SnapshotError::Future { current: current.revision });
        }
        let oldest = self.compacted();
        let nearest = self.states.iter().filter(|state| state.revision >= to);
        let state = nearest.min_by_key(|state| state.revision).cloned().unwrap_or(current);
        let on_disk = self.recent().min(state.revision).0.saturating_sub(to.0);
        if to < oldest || on_disk > PAST_STEPS_MAX {
            return Err(SnapshotError::Expired { oldest });
        }
        let recent = self.events.iter().rev();
        let recent = recent
            .skip_while(|event| event.revision > state.revision)
            .take_while(|event| event.revision > to)
            .cloned()
            .collect();
        let past = self.past.back_from(state.revision, to);
        Ok(WayBack { state, recent, past })
    }

    /// Keeps a state that was worked out, in place of the one that was asked for longest ago.
    pub(crate) fn keep(&mut self, state: Snapshot) {
        if state.revision < self.compacted() {
            return;
        }
        self.states.retain(|kept| kept.revision != state.revision);
        if self.states.len() == STATES_MAX {
            self.states.pop_front();
        }
        self.states.push_back(state);
    }
}
