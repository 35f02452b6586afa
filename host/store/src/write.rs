//! Decides a transaction: checks its preconditions, gives its changes their revisions, and works out the state after it.
//!
//! The head is the state after all transactions that were accepted, most of them durable, the latest perhaps not yet. It is the only
//! place where a revision is allotted, in the order in which transactions reach it, so that the order in memory is the order on disk.
//! Nothing here waits, reads a clock or touches a disk.

use std::any::Any;
use std::sync::Arc;

use meta::{Attributes, Key, Revision};

use crate::snapshot::Entries;
use crate::{Body, Committed, Entry, Event, EventKind, Op, Payload, Precondition, Transaction};

/// The state after everything accepted so far.
#[derive(Clone, Default)]
pub(crate) struct Head {
    pub(crate) entries: Entries,
    pub(crate) revision: Revision,
}

/// What a transaction comes to.
pub(crate) struct Applied {
    pub(crate) events: Vec<Arc<Event>>,
    pub(crate) committed: Committed,
}

/// The operation whose precondition does not hold, and what stands there instead.
pub(crate) struct Refused {
    pub(crate) index: usize,
    pub(crate) current: Option<Arc<Entry>>,
}

impl Head {
    /// Does all of a transaction, or nothing.
    pub(crate) fn apply(&mut self, transaction: Transaction) -> Result<Applied, Refused> {
        // A single operation is checked before it changes anything, so there is nothing to restore.
        let before = (transaction.ops.len() > 1).then(|| self.clone());
        let mut events = Vec::with_capacity(transaction.ops.len());
        let mut entries = Vec::with_capacity(transaction.ops.len());
        for (index, op) in transaction.ops.into_iter().enumerate() {
            match self.apply_one(op, &mut events) {
                Ok(entry) => entries.push(entry),
                Err(current) => {
                    if let Some(before) = before {
                        *self = before;
                    }
                    return Err(Refused { index, current });
                }
            }
        }
        Ok(Applied { events, committed: Committed { revision: self.revision, entries } })
    }

    fn apply_one(
        &mut self,
        op: Op,
        events: &mut Vec<Arc<Event>>,
    ) -> Result<Option<Arc<Entry>>, Option<Arc<Entry>>> {
        match op {
            Op::Put { key, precondition, body, attributes, value } => {
                let current = self.current(&key, precondition)?;
                if let Some(same) = current.as_ref().filter(|entry| body.is_unchanged_from(entry)) {
                    return Ok(Some(Arc::clone(same)));
                }
                let (entry, value) = self.put(key, current.as_deref(), &body, attributes, value);
                events.push(Arc::new(Event::new(
                    EventKind::Put,
                    Arc::clone(&entry),
                    current,
                    value,
                )));
                Ok(Some(entry))
            }
            Op::Delete { key, precondition, last } => {
                let Some(current) = self.current(&key, precondition)? else { return Ok(None) };
                let entry = self.delete(key, &current, &last);
                let event = Event::new(EventKind::Delete, Arc::clone(&entry), Some(current), None);
                events.push(Arc::new(event));
                Ok(Some(entry))
            }
            Op::Check { key, precondition } => self.current(&key, precondition),
        }
    }

    fn current(
        &self,
        key: &Key,
        precondition: Precondition,
    ) -> Result<Option<Arc<Entry>>, Option<Arc<Entry>>> {
        let current = self.entries.get(key).cloned();
        if precondition.holds(current.as_deref()) { Ok(current) } else { Err(current) }
    }

    fn put(
        &mut self,
        key: Key,
        current: Option<&Entry>,
        body: &Body,
        attributes: Attributes,
        value: Option<Box<dyn Payload>>,
    ) -> (Arc<Entry>, Option<Arc<dyn Any + Send + Sync>>) {
        let revision = self.revision.next();
        let entry = Arc::new(Entry {
            key: key.clone(),
            created: current.map_or(revision, |entry| entry.created),
            revision,
            version: current.map_or(1, |entry| entry.version + 1),
            body: body.complete(revision),
            attributes,
            revision_at: body.revision_at(),
        });
        let value = value.map(|mut value| {
            value.set_revision(revision);
            value.into_any_arc()
        });
        self.revision = revision;
        self.entries.insert(key, Arc::clone(&entry));
        (entry, value)
    }

    fn delete(&mut self, key: Key, current: &Entry, last: &Body) -> Arc<Entry> {
        let revision = self.revision.next();
        self.revision = revision;
        self.entries.remove(&key);
        Arc::new(Entry {
            key,
            created: current.created,
            revision,
            version: current.version + 1,
            body: last.complete(revision),
            attributes: current.attributes.clone(),
            revision_at: last.revision_at(),
        })
    }
}
