//! One change, shared by everyone who hears of it.
//!
//! A thousand watchers of a resource get the same event, most of them in the same encoding. The first of them encodes it into a
//! slot, the others take it from there. Slots and the typed value are for readers that keep up: when an event is no longer among the
//! latest, they are dropped and only the body stays, so that history does not hold everything two or three times.

use std::any::Any;
use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use meta::Revision;
use parking_lot::Mutex;

use crate::Entry;

type Value = Arc<dyn Any + Send + Sync>;

/// One change of one object.
pub struct Event {
    pub revision: Revision,
    pub kind: EventKind,
    /// The object after the change; of a deletion its last body, at the revision of the deletion.
    pub entry: Arc<Entry>,
    /// The object before the change; `None` if it came into being.
    pub previous: Option<Arc<Entry>>,
    shared: Mutex<Shared>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EventKind {
    Put,
    Delete,
}

#[derive(Default)]
struct Shared {
    value: Option<Value>,
    encodings: Option<Box<[Option<Bytes>; Event::ENCODINGS]>>,
}

impl Event {
    /// How many encodings are kept; what each of them is, the readers agree upon.
    pub const ENCODINGS: usize = 9;

    pub(crate) fn new(
        kind: EventKind,
        entry: Arc<Entry>,
        previous: Option<Arc<Entry>>,
        value: Option<Value>,
    ) -> Self {
        let shared = Mutex::new(Shared { value, encodings: None });
        Self { revision: entry.revision, kind, entry, previous, shared }
    }

    /// The typed object, if the writer gave one and the event is among the latest; otherwise decode the body.
    pub fn value(&self) -> Option<Arc<dyn Any + Send + Sync>> {
        self.shared.lock().value.clone()
    }

    /// The encoding in a slot, made by the first reader who asks for it.
    ///
    /// # Panics
    ///
    /// If there is no such slot.
    pub fn encoded(&self, slot: usize, encode: impl FnOnce(&Self) -> Bytes) -> Bytes {
        assert!(slot < Self::ENCODINGS, "an event has {} slots", Self::ENCODINGS);
        let mut shared = self.shared.lock();
        let slots = shared.encodings.get_or_insert_default();
        let place = slots.get_mut(slot).expect("checked above");
        place.get_or_insert_with(|| encode(self)).clone()
    }

    /// Drops what only readers who keep up have a use for.
    pub(crate) fn forget(&self) {
        *self.shared.lock() = Shared::default();
    }

    /// The memory that is held only because the event is remembered: what the object was before, and its last body.
    pub(crate) fn weight(&self) -> usize {
        const EVENT_OVERHEAD: usize = 512;
        let previous = self.previous.as_ref().map_or(0, |entry| entry.body.len());
        let last = if self.kind == EventKind::Delete { self.entry.body.len() } else { 0 };
        EVENT_OVERHEAD + previous + last
    }
}

impl fmt::Debug for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Event")
            .field("revision", &self.revision.0)
            .field("kind", &self.kind)
            .field("key", &self.entry.key)
            .finish_non_exhaustive()
    }
}
