//! The log that all watchers of one prefix share: the events kept of it, and who waits for the next one.
//!
//! A reader holds a position and no events, so a thousand readers cost a thousand numbers however slow they are. Positions count
//! events since the topic began; the log says which of them it still has.

use std::collections::VecDeque;
use std::sync::Arc;
use std::task::{Context, Waker};

use meta::Revision;
use parking_lot::Mutex;

use crate::{Event, WatchEnd};

/// The log of the events under one prefix.
pub(crate) struct Topic {
    log: Mutex<Log>,
}

struct Log {
    events: VecDeque<Arc<Event>>,
    /// The position of the oldest event kept.
    start: u64,
    /// The events that have left memory and are on disk. For those that left before the topic began it may name some of others.
    shed: VecDeque<Revision>,
    /// The last event that is not even there any more.
    lost: Revision,
    readers: Readers,
    is_closed: bool,
}

/// What a reader finds at its position.
pub(crate) enum Found {
    Event(Arc<Event>),
    /// It has read everything, and will be woken.
    CaughtUp,
    /// What comes next has left memory; this is where it is on disk.
    Shed(Revision),
    /// What comes next has been compacted.
    Lost,
}

impl Topic {
    /// Starts with the events that are kept already: in memory, and before them on disk; and with where history ends.
    pub(crate) fn new(
        events: VecDeque<Arc<Event>>,
        shed: VecDeque<Revision>,
        lost: Revision,
    ) -> Self {
        let readers = Readers::default();
        let log = Log { events, start: 0, shed, lost, readers, is_closed: false };
        Self { log: Mutex::new(log) }
    }

    /// Lets a reader in behind a revision; gives its place among the readers and its position.
    pub(crate) fn join(&self, from: Revision) -> (usize, u64) {
        let mut log = self.log.lock();
        let position = log.position_after(from);
        (log.readers.enter(), position)
    }

    /// Whether everything after a revision is still there, in memory or on disk.
    pub(crate) fn has_all_after(&self, from: Revision) -> bool {
        self.log.lock().lost <= from
    }

    pub(crate) fn leave(&self, place: usize) {
        self.log.lock().readers.leave(place);
    }

    pub(crate) fn readers(&self) -> usize {
        self.log.lock().readers.count
    }

    pub(crate) fn push(&self, event: Arc<Event>, woken: &mut Vec<Waker>) {
        let mut log = self.log.lock();
        log.events.push_back(event);
        log.readers.wake(woken);
    }

    /// Takes the oldest event out of memory if it is this one.
    pub(crate) fn shed(&self, event: &Event) {
        let mut log = self.log.lock();
        if log.events.pop_front_if(|oldest| oldest.revision == event.revision).is_some() {
            log.start += 1;
            log.shed.push_back(event.revision);
        }
    }

    /// Forgets what is on disk no more.
    pub(crate) fn compact(&self, to: Revision) {
        let mut log = self.log.lock();
        while let Some(lost) = log.shed.pop_front_if(|shed| *shed <= to) {
            log.lost = lost;
        }
    }

    pub(crate) fn close(&self, woken: &mut Vec<Waker>) {
        let mut log = self.log.lock();
        log.is_closed = true;
        log.readers.wake(woken);
    }

    /// The next event after `seen` under a prefix; moves the position behind it. Where there is none yet, the waker is kept, if given.
    pub(crate) fn read(
        &self,
        position: &mut u64,
        seen: Revision,
        prefix: &str,
        wait: Option<(usize, &Context<'_>)>,
    ) -> Result<Found, WatchEnd> {
        let mut log = self.log.lock();
        if log.lost > seen {
            return Ok(Found::Lost);
        }
        if let Some(shed) = log.shed_after(seen) {
            return Ok(Found::Shed(shed));
        }
        if *position < log.start {
            *position = log.position_after(seen);
        }
        while let Some(event) = log.at(*position) {
            *position += 1;
            if event.revision > seen && event.entry.key.as_str().starts_with(prefix) {
                return Ok(Found::Event(Arc::clone(event)));
            }
        }
        if log.is_closed {
            return Err(WatchEnd::Closed);
        }
        if let Some((place, context)) = wait {
            log.readers.wait(place, context);
        }
        Ok(Found::CaughtUp)
    }

    /// Whether a reader at a position has read everything.
    pub(crate) fn is_at_end(&self, position: u64, seen: Revision) -> bool {
        let log = self.log.lock();
        log.shed_after(seen).is_none() && position >= log.start + log.events.len() as u64
            || log.last() <= seen
    }
}

impl Log {
    fn at(&self, position: u64) -> Option<&Arc<Event>> {
        self.events.get(usize::try_from(position.checked_sub(self.start)?).ok()?)
    }

    fn shed_after(&self, revision: Revision) -> Option<Revision> {
        if self.shed.back().is_none_or(|last| *last <= revision) {
            return None;
        }
        self.shed.get(self.shed.partition_point(|shed| *shed <= revision)).copied()
    }

    fn last(&self) -> Revision {
        let last = self.events.back().map(|event| event.revision);
        last.or_else(|| self.shed.back().copied()).unwrap_or(self.lost)
    }

    fn position_after(&self, revision: Revision) -> u64 {
        let read = self.events.partition_point(|event| event.revision <= revision);
        self.start + read as u64
    }
}

/// The readers of a topic, each with a place of its own for as long as it reads, so that waiting allocates nothing and a reader that
/// goes away leaves nothing behind.
#[derive(Default)]
struct Readers {
    places: Vec<Option<Waker>>,
    free: Vec<usize>,
    count: usize,
    waiting: usize,
}

impl Readers {
    fn enter(&mut self) -> usize {
        self.count += 1;
        self.free.pop().unwrap_or_else(|| {
            self.places.push(None);
            self.places.len() - 1
        })
    }

    fn leave(&mut self, place: usize) {
        self.count -= 1;
        self.free.push(place);
        if self.places.get_mut(place).and_then(Option::take).is_some() {
            self.waiting -= 1;
        }
        if self.count == 0 {
            *self = Self::default();
        }
    }

    fn wait(&mut self, place: usize, context: &Context<'_>) {
        let Some(waker) = self.places.get_mut(place) else { return };
        if let Some(waker) = waker {
            waker.clone_from(context.waker());
        } else {
            *waker = Some(context.waker().clone());
            self.waiting += 1;
        }
    }

    fn wake(&mut self, woken: &mut Vec<Waker>) {
        if self.waiting > 0 {
            woken.extend(self.places.iter_mut().filter_map(Option::take));
            self.waiting = 0;
        }
    }
}
