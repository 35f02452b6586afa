//! One change as it is on disk: an envelope in postcard, then the body as it is.
//!
//! The key of a record is its revision, eight bytes, most significant first, so that records are sorted as they happened and are only
//! ever appended. The envelope repeats the revision: a record in the wrong place is noticed. The first byte is the version of the
//! envelope, so that records of older versions can be read as long as they live.

use bytes::Bytes;
use meta::{Attributes, Key, Revision};
use serde::{Deserialize, Serialize};

use crate::{Entry, Event, EventKind};

/// The version of the envelope that is written.
const VERSION: u8 = 1;

/// One change, as loaded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Record {
    pub(crate) kind: EventKind,
    pub(crate) key: Key,
    pub(crate) created: Revision,
    pub(crate) revision: Revision,
    pub(crate) version: u64,
    pub(crate) revision_at: u32,
    pub(crate) body: Bytes,
}

#[derive(Serialize, Deserialize)]
struct Envelope<'a> {
    is_deletion: bool,
    created: u64,
    revision: u64,
    version: u64,
    revision_at: u32,
    key: &'a str,
    body_len: u32,
}

impl Record {
    pub(crate) fn of(event: &Event) -> Self {
        let entry = &event.entry;
        Self {
            kind: event.kind,
            key: entry.key.clone(),
            created: entry.created,
            revision: entry.revision,
            version: entry.version,
            revision_at: entry.revision_at,
            body: entry.body.clone(),
        }
    }

    pub(crate) fn into_entry(self, attributes: Attributes) -> Entry {
        let Self { key, created, revision, version, revision_at, body, .. } = self;
        Entry { key, created, revision, version, body, attributes, revision_at }
    }

    /// Reads the record that is kept for a revision. The error says what is wrong with it.
    pub(crate) fn decode(revision: Revision, bytes: &[u8]) -> Result<Self, String> {
        let broken = |what: &str| format!("record {revision} {what}");
        let (version, rest) = bytes.split_first().ok_or_else(|| broken("is empty"))?;
        if *version != VERSION {
            return Err(broken(&format!("has the unknown version {version}")));
        }
        let (envelope, body) = postcard::take_from_bytes::<Envelope<'_>>(rest)
            .map_err(|error| broken(&format!("has no readable envelope ({error})")))?;
        if envelope.revision != revision.0 {
            return Err(broken(&format!("says it is record {}", envelope.revision)));
        }
        if envelope.body_len as usize != body.len() {
            return Err(broken("is cut off"));
        }
        Ok(Self {
            kind: if envelope.is_deletion { EventKind::Delete } else { EventKind::Put },
            key: Key::parse(envelope.key).ok_or_else(|| broken("has no valid key"))?,
            created: Revision(envelope.created),
            revision,
            version: envelope.version,
            revision_at: envelope.revision_at,
            body: Bytes::copy_from_slice(body),
        })
    }
}

/// The bytes that are kept of a change.
pub(crate) fn encode(event: &Event) -> Vec<u8> {
    const ENVELOPE_MAX: usize = 64;
    let entry = &event.entry;
    let envelope = Envelope {
        is_deletion: event.kind == EventKind::Delete,
        created: entry.created.0,
        revision: entry.revision.0,
        version: entry.version,
        revision_at: entry.revision_at,
        key: entry.key.as_str(),
        body_len: u32::try_from(entry.body.len()).expect("a body is shorter than 4 GiB"),
    };
    let mut bytes = Vec::with_capacity(ENVELOPE_MAX + envelope.key.len() + entry.body.len());
    bytes.push(VERSION);
    let mut bytes = postcard::to_extend(&envelope, bytes).expect("a vector takes everything");
    bytes.extend_from_slice(&entry.body);
    bytes
}
