//! Keeps records in memory, for tests and simulations. What is kept survives the store that wrote it for as long as a handle is held,
//! so reopening can be tried as well.

use std::collections::BTreeMap;
use std::sync::Arc;

use meta::Revision;
use parking_lot::Mutex;

use super::{Engine, Gauge, Reader};
use crate::history::Eviction;
use crate::record::Record;
use crate::{Event, Fault};

/// Records in memory. Clones share them.
#[derive(Clone, Default)]
pub(crate) struct Memory {
    kept: Arc<Mutex<Kept>>,
}

#[derive(Default)]
struct Kept {
    records: BTreeMap<Revision, Record>,
    compacted: Revision,
}

#[cfg(test)]
impl Memory {
    /// The revisions of the records that are kept.
    pub(crate) fn revisions(&self) -> Vec<Revision> {
        self.kept.lock().records.keys().copied().collect()
    }

    /// Damages what is kept.
    pub(crate) fn change(&self, change: impl FnOnce(&mut BTreeMap<Revision, Record>)) {
        change(&mut self.kept.lock().records);
    }
}

impl Engine for Memory {
    fn compacted(&mut self) -> Result<Revision, Fault> {
        Ok(self.kept.lock().compacted)
    }

    fn load(&mut self, each: &mut dyn FnMut(Record) -> Result<(), Fault>) -> Result<(), Fault> {
        self.kept.lock().records.values().cloned().try_for_each(each)
    }

    fn commit(&mut self, events: &[Arc<Event>], eviction: Option<&Eviction>) -> Result<u64, Fault> {
        let mut kept = self.kept.lock();
        let mut written = 0;
        for event in events {
            written += event.entry.body.len() as u64;
            kept.records.insert(event.revision, Record::of(event));
        }
        if let Some(eviction) = eviction {
            for revision in &eviction.records {
                kept.records.remove(revision);
            }
            kept.compacted = eviction.to;
        }
        Ok(written)
    }

    fn reader(&self) -> Arc<dyn Reader> {
        Arc::new(self.clone())
    }

    fn gauge(&self) -> Option<Gauge> {
        None
    }
}

impl Reader for Memory {
    fn record(&self, revision: Revision) -> Result<Option<Record>, Fault> {
        Ok(self.kept.lock().records.get(&revision).cloned())
    }
}
