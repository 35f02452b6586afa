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
pub(crate) fn load(
    engine: &mut dyn Engine,
    describe: &Describe,
    history_bytes: u64,
) -> Result<Loaded, Fault> {
    let compacted = engine.compacted()?;
    let history = History::starting_at(compacted);
    let mut replay = Replay { head: Head::default(), history, describe, history_bytes };
    engine.load(&mut |record| replay.record(record))?;
    let Replay { mut head, history, .. } = replay;
    head.revision = head.revision.max(compacted);
    let entry_bytes = head.entries.values().map(|entry| entry.body.len() as u64).sum();
    Ok(Loaded { head, feed: Feed::new(history), entry_bytes })
}

/// Does the recorded changes again.
struct Replay<'a> {
    head: Head,
    history: History,
    describe: &'a Describe,
    history_bytes: u64,
}

impl Replay<'_> {
    fn record(&mut self, record: Record) -> Result<(), Fault> {
        let (kind, revision, compacted) = (record.kind, record.revision, self.history.compacted());
        let expected = self.head.revision.max(compacted).next();
        if revision > compacted && revision != expected {
            return Err(damaged(format!("the changes {expected} to {revision} are missing")));
        }
        self.head.revision = revision;
        let entry = Arc::new(self.entry(record)?);
        let previous = match kind {
            EventKind::Put => self.head.entries.insert(entry.key.clone(), Arc::clone(&entry)),
            EventKind::Delete => self.head.entries.remove(&entry.key),
        };
        if revision > compacted {
            self.history.push(Arc::new(Event::new(kind, entry, previous, None)));
            while self.history.bytes() > self.history_bytes
                && self.history.shed(Revision(u64::MAX)).is_some()
            {}
        }
        Ok(())
    }

    fn entry(&self, record: Record) -> Result<Entry, Fault> {
        let attributes = (self.describe)(&record.key, &record.body);
        let entry = record.into_entry(attributes);
        if !entry.has_revision_in_place() {
            let revision = entry.revision;
            return Err(damaged(format!(
                "the body of change {revision} does not hold its revision"
            )));
        }
        Ok(entry)
    }
}

fn damaged(detail: String) -> Fault {
    Fault { kind: FaultKind::Corrupted, detail }
}
