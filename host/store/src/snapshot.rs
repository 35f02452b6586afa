//! The whole state at one revision.
//!
//! A snapshot shares its structure with the current state and with other snapshots, so taking one copies a pointer. It holds no
//! lock, and what it shows never changes; it keeps alive what it shows for as long as it lives.

use std::fmt;
use std::ops::Bound;
use std::sync::Arc;

use imbl::OrdMap;
use meta::{Key, Revision};

use crate::Entry;

pub(crate) type Entries = OrdMap<Key, Arc<Entry>>;

/// An immutable view of all objects.
#[derive(Clone, Default)]
pub struct Snapshot {
    pub(crate) entries: Entries,
    pub(crate) revision: Revision,
}

impl Snapshot {
    pub fn revision(&self) -> Revision {
        self.revision
    }

    pub fn get(&self, key: &str) -> Option<&Arc<Entry>> {
        self.entries.get(key)
    }

    /// The objects whose key begins with `prefix` in the order of their keys, from the start or behind the key `after`.
    pub fn range<'a>(
        &'a self,
        prefix: &'a str,
        after: Option<&'a str>,
    ) -> impl Iterator<Item = &'a Arc<Entry>> + 'a {
        let start = match after {
            Some(after) if after >= prefix => Bound::Excluded(after),
            Some(_) | None => Bound::Included(prefix),
        };
        self.entries
            .range::<_, str>((start, Bound::Unbounded))
            .take_while(move |(key, _)| key.as_str().starts_with(prefix))
            .map(|(_, entry)| entry)
    }

    /// How many objects [`Snapshot::range`] would give.
    pub fn count(&self, prefix: &str, after: Option<&str>) -> usize {
        self.range(prefix, after).count()
    }

    /// How many objects there are at all.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }
}

impl fmt::Debug for Snapshot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Snapshot({} entries at {})", self.entries.len(), self.revision)
    }
}
