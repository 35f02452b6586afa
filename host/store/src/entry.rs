//! One stored object: its bytes as readers get them, and what the store and selectors need to know about it.

use bytes::Bytes;
use meta::{Attributes, Key, Revision};

use crate::body;

/// One version of one object.
#[derive(Clone, PartialEq, Eq)]
pub struct Entry {
    pub key: Key,
    /// The revision at which the object came into being.
    pub created: Revision,
    /// The revision of this version; for the last body of a deleted object, that of the deletion.
    pub revision: Revision,
    /// How often the object has been written, counted from one.
    pub version: u64,
    /// The object as JSON, its revision included.
    pub body: Bytes,
    pub attributes: Attributes,
    /// Where in the body the digits of the revision begin.
    pub revision_at: u32,
}

impl Entry {
    /// The same object with another revision written into it, as lists and deletions need it.
    pub fn body_at(&self, revision: Revision) -> Bytes {
        if revision == self.revision {
            return self.body.clone();
        }
        let (before, after) = self.around_revision();
        body::join(before, revision, after)
    }

    /// The body on both sides of the digits of its revision.
    pub(crate) fn around_revision(&self) -> (&[u8], &[u8]) {
        let (before, rest) = self.body.split_at(self.revision_at as usize);
        (before, rest.split_at(body::digits_len(self.revision)).1)
    }

    /// Whether the digits of the revision stand where they are said to be, which everything above relies on.
    pub(crate) fn has_revision_in_place(&self) -> bool {
        let digits = self.revision.to_string();
        self.body
            .get(self.revision_at as usize..)
            .is_some_and(|rest| rest.starts_with(digits.as_bytes()))
    }
}

impl std::fmt::Debug for Entry {
    /// Without the body: it may be a Secret, and logs are read by many.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Entry")
            .field("key", &self.key)
            .field("created", &self.created.0)
            .field("revision", &self.revision.0)
            .field("version", &self.version)
            .field("body_bytes", &self.body.len())
            .finish_non_exhaustive()
    }
}
