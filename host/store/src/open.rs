//! Rebuilds the state from the records: the base up to where history begins, then each change as it happened.
//!
//! Records behind the end of history follow each other without a gap, which is checked, as is everything else that a body can be
//! checked for without knowing what is in it.

use std::sync::Arc;

use meta::{Attributes, Key, Revision};

use crate::engine::Engine;
use crate::feed::Feed;
use crate::history::History;
use crate::record::Record;
use crate::write::Head;
use crate::{Entry, Event, EventKind, Fault, FaultKind};

/// Finds what selectors look at in a stored body; asked for each entry that is loaded.
pub type Describe = Arc<dyn Fn(&Key, &[u8]) -> Attributes + Send + Sync>;

/// A store as it was left.
pub(crate) struct Loaded {
    pub(crate) head: Head,
    pub(crate) feed: Feed,
    pub(crate) entry_bytes: u64,
}

/// Reads everything an engine has kept.
pub(crate) fn load(engine: &mut dyn Engine, describe: &Describe) -> Result<Loaded, Fault> {
    let compacted = engine.compacted()?;
    let mut head = Head::default();
    let mut history = History::starting_at(compacted);
    engine.load(&mut |record| {
        if let Some(event) = replay(&mut head, record, describe, compacted)? {
            history.push(Arc::new(event));
        }
        Ok(())
    })?;
    head.revision = head.revision.max(compacted);
    let entry_bytes = head.entries.values().map(|entry| entry.body.len() as u64).sum();
    Ok(Loaded { head, feed: Feed::new(history), entry_bytes })
}

/// Does a recorded change again; gives the event if it belongs to history.
fn replay(
    head: &mut Head,
    record: Record,
    describe: &Describe,
    compacted: Revision,
) -> Result<Option<Event>, Fault> {
    let revision = record.revision;
    let before = head.revision.max(compacted);
    if revision > compacted && revision != before.next() {
        return Err(damaged(format!("revisions {} to {revision} are missing", before.next())));
    }
    head.revision = revision;
    let kind = record.kind;
    let entry = Arc::new(entry_of(record, describe)?);
    let previous = match kind {
        EventKind::Put => head.entries.insert(entry.key.clone(), Arc::clone(&entry)),
        EventKind::Delete => head.entries.remove(&entry.key),
    };
    Ok((revision > compacted).then(|| Event::new(kind, entry, previous, None)))
}

fn entry_of(record: Record, describe: &Describe) -> Result<Entry, Fault> {
    let Record { key, created, revision, version, revision_at, body, .. } = record;
    let attributes = describe(&key, &body);
    let entry = Entry { key, created, revision, version, body, attributes, revision_at };
    if !entry.has_revision_in_place() {
        return Err(damaged(format!("the body of record {revision} does not hold its revision")));
    }
    Ok(entry)
}

fn damaged(detail: String) -> Fault {
    Fault { kind: FaultKind::Corrupted, detail }
}
