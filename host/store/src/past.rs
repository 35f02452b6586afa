//! The part of history that is only on disk: which record each change has replaced, and how to bring the changes back.
//!
//! In memory a change of this part takes sixteen bytes. A watch that reads here, and a state that is worked out here, cost two reads of
//! the engine a change, so that slow readers pay for being slow and nobody else does.

use std::collections::VecDeque;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;

use meta::Revision;

use crate::history::{Reason, WayBack};
use crate::snapshot::Snapshot;
use crate::store::Shared;
use crate::{Entry, Event, EventKind, Fault, SnapshotError, WatchEnd};

/// What is left in memory of a change: which record it replaced, how long its own is, and whom it may concern.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Note {
    previous: Revision,
    /// The length of the body, shifted by one bit; the last bit says whether it is a deletion.
    len_and_kind: u32,
    mark: Mark,
}

/// Part of a hash of the resource, and of the namespace with it: enough to pass over most of what is of no interest without reading it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Mark {
    resource: u16,
    namespace: u16,
}

impl Note {
    pub(crate) fn of(event: &Event) -> Self {
        let len = u32::try_from(event.entry.body.len()).unwrap_or(u32::MAX) >> 1 << 1;
        Self {
            previous: event.previous.as_ref().map_or(Revision::ZERO, |entry| entry.revision),
            len_and_kind: len | u32::from(event.kind == EventKind::Delete),
            mark: Mark::of(event.entry.key.as_str()),
        }
    }

    /// The record that was replaced.
    pub(crate) fn previous(self) -> Option<Revision> {
        (self.previous > Revision::ZERO).then_some(self.previous)
    }

    pub(crate) fn is_deletion(self) -> bool {
        self.len_and_kind & 1 == 1
    }

    fn len(self) -> u64 {
        u64::from(self.len_and_kind >> 1 << 1)
    }
}

impl Mark {
    /// Of a key, or of a prefix as far as it goes.
    fn of(text: &str) -> Self {
        let [resource, namespace] = [1, 2].map(|parts| {
            let mut hasher = DefaultHasher::new();
            text.split('/').take(parts).for_each(|part| part.hash(&mut hasher));
            u16::try_from(hasher.finish() & u64::from(u16::MAX)).unwrap_or_default()
        });
        Self { resource, namespace }
    }
}

/// Notes of changes that follow each other without a gap.
#[derive(Default)]
pub(crate) struct Past {
    start: Revision,
    notes: VecDeque<Note>,
    bytes: u64,
}

impl Past {
    pub(crate) fn starting_at(start: Revision) -> Self {
        Self { start, ..Self::default() }
    }

    /// The revision before the first note.
    pub(crate) fn start(&self) -> Revision {
        self.start
    }

    /// The revision of the last note.
    pub(crate) fn end(&self) -> Revision {
        Revision(self.start.0 + self.notes.len() as u64)
    }

    pub(crate) fn len(&self) -> usize {
        self.notes.len()
    }

    pub(crate) fn bytes(&self) -> u64 {
        self.bytes
    }

    pub(crate) fn push(&mut self, note: Note) {
        self.bytes += note.len();
        self.notes.push_back(note);
    }

    pub(crate) fn compact(&mut self, to: Revision) {
        while self.start < to {
            let Some(note) = self.notes.pop_front() else { return };
            self.bytes -= note.len();
            self.start = self.start.next();
        }
        if self.notes.is_empty() {
            self.notes.shrink_to_fit();
        }
    }

    pub(crate) fn note(&self, revision: Revision) -> Option<Note> {
        let index = revision.0.checked_sub(self.start.0)?.checked_sub(1)?;
        self.notes.get(usize::try_from(index).ok()?).copied()
    }

    pub(crate) fn notes(&self) -> impl Iterator<Item = (Revision, Note)> + '_ {
        let revisions = (self.start.0 + 1..).map(Revision);
        revisions.zip(self.notes.iter().copied())
    }

    /// The changes that can be under a prefix.
    pub(crate) fn revisions_for(&self, prefix: &str) -> VecDeque<Revision> {
        let (parts, mark) = (prefix.matches('/').count(), Mark::of(prefix));
        let can_match = |note: &Note| match parts {
            0 => true,
            1 => note.mark.resource == mark.resource,
            _ => note.mark == mark,
        };
        self.notes().filter(|(_, note)| can_match(note)).map(|(revision, _)| revision).collect()
    }

    /// The revision up to which history must go for the rest to take no more than this.
    pub(crate) fn excess(&self, bytes: u64) -> Option<Revision> {
        let mut excess = self.bytes.checked_sub(bytes).filter(|excess| *excess > 0)?;
        let mut to = None;
        for (revision, note) in self.notes() {
            if excess == 0 {
                break;
            }
            excess = excess.saturating_sub(note.len());
            to = Some(revision);
        }
        to
    }

    /// The changes after `to` up to `from`, latest first.
    pub(crate) fn back_from(&self, from: Revision, to: Revision) -> Vec<(Revision, Note)> {
        let last = from.min(self.end());
        let revisions = (to.0.max(self.start.0) + 1..=last.0).rev().map(Revision);
        revisions.filter_map(|revision| Some((revision, self.note(revision)?))).collect()
    }
}

impl Shared {
    /// A change from the disk, if it is under a prefix.
    pub(crate) fn recall(
        &self,
        revision: Revision,
        prefix: &str,
    ) -> Result<Option<Arc<Event>>, WatchEnd> {
        let note = self.feed.lock().history.past().note(revision);
        let event =
            note.ok_or(Lost::Compacted).and_then(|note| self.read_event(revision, note, prefix));
        event.map(|event| event.map(Arc::new)).map_err(|lost| {
            let oldest = self.after_losing(lost);
            self.end(oldest)
        })
    }

    /// How a watch ends that has missed something.
    pub(crate) fn end_by_loss(&self) -> WatchEnd {
        let oldest = self.feed.lock().history.compacted();
        self.end(oldest)
    }

    fn end(&self, oldest: Revision) -> WatchEnd {
        let feed = self.feed.lock();
        match feed.history.reason() {
            // Nothing can be read any more, old or not.
            _ if feed.is_closed() => WatchEnd::Closed,
            Reason::Age => WatchEnd::Expired { oldest },
            Reason::Room => WatchEnd::Lagged { oldest },
        }
    }

    /// Works out an old state.
    pub(crate) fn go_back(&self, way: WayBack, to: Revision) -> Result<Snapshot, SnapshotError> {
        let WayBack { mut state, recent, past } = way;
        for event in recent {
            match &event.previous {
                Some(previous) => state.entries.insert(previous.key.clone(), Arc::clone(previous)),
                None => state.entries.remove(&event.entry.key),
            };
        }
        for (revision, note) in past {
            let undone = self.undo(&mut state, revision, note);
            undone.map_err(|lost| SnapshotError::Expired { oldest: self.after_losing(lost) })?;
        }
        state.revision = to;
        Ok(state)
    }

    fn undo(&self, state: &mut Snapshot, revision: Revision, note: Note) -> Result<(), Lost> {
        if let Some(previous) = note.previous() {
            let (_, entry) = self.read_entry(previous)?;
            state.entries.insert(entry.key.clone(), Arc::new(entry));
        } else {
            let (_, entry) = self.read_entry(revision)?;
            state.entries.remove(&entry.key);
        }
        Ok(())
    }

    fn read_event(
        &self,
        revision: Revision,
        note: Note,
        prefix: &str,
    ) -> Result<Option<Event>, Lost> {
        let (kind, entry) = self.read_entry(revision)?;
        if !entry.key.as_str().starts_with(prefix) {
            return Ok(None);
        }
        let previous = note.previous().map(|previous| self.read_entry(previous)).transpose()?;
        let previous = previous.map(|(_, entry)| Arc::new(entry));
        Ok(Some(Event::new(kind, Arc::new(entry), previous, None)))
    }

    fn read_entry(&self, revision: Revision) -> Result<(EventKind, Entry), Lost> {
        let record = self.reader.record(revision).map_err(Lost::Unreadable)?;
        let record = record.ok_or(Lost::Compacted)?;
        let attributes = (self.describe)(&record.key, &record.body);
        Ok((record.kind, record.into_entry(attributes)))
    }

    /// What cannot be brought back is as good as compacted: the client begins anew, with what is in memory. Gives the oldest revision
    /// that can be had.
    fn after_losing(&self, lost: Lost) -> Revision {
        let history = &self.feed.lock().history;
        match lost {
            Lost::Compacted => history.compacted(),
            Lost::Unreadable(fault) => {
                tracing::error!(%fault, "history cannot be read");
                history.recent()
            }
        }
    }
}

/// Why a change cannot be brought back.
enum Lost {
    /// It was compacted while somebody was about to read it.
    Compacted,
    Unreadable(Fault),
}
