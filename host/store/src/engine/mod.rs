//! Where changes are kept: a log of records by revision.
//!
//! An engine is told what to keep and what it can do without, and gives it all back when the store opens. It decides nothing: order,
//! revisions and preconditions are settled before. The live objects are exactly the latest records of their keys, so the log is both
//! the state and the history, and each body is written once.

mod disk;
mod memory;
mod tail;

use std::sync::Arc;

use meta::Revision;

pub(crate) use disk::Disk;
pub(crate) use memory::Memory;

use crate::history::Eviction;
use crate::record::Record;
use crate::{Event, Fault};

/// A place that keeps records. All calls come from one thread.
pub(crate) trait Engine: Send {
    /// The revision up to which history has been dropped.
    fn compacted(&mut self) -> Result<Revision, Fault>;

    /// Gives all records in the order of their revisions.
    fn load(&mut self, each: &mut dyn FnMut(Record) -> Result<(), Fault>) -> Result<(), Fault>;

    /// Keeps changes and drops records, all of it or nothing. The changes are durable when this returns. Gives the bytes written.
    /// After an error the engine is not used any more.
    fn commit(&mut self, events: &[Arc<Event>], eviction: Option<&Eviction>) -> Result<u64, Fault>;

    /// How to read single records from any thread.
    fn reader(&self) -> Arc<dyn Reader>;

    /// How to measure the free room, where that means something.
    fn gauge(&self) -> Option<Gauge>;

    /// Called when there is nothing more to commit. Nothing is lost without it.
    fn close(&mut self) {}
}

/// Reads single records. Once the engine is closed there may be none: a reader must not keep the folder from being opened again.
pub(crate) trait Reader: Send + Sync {
    fn record(&self, revision: Revision) -> Result<Option<Record>, Fault>;
}

/// Measures the free bytes that an engine can still use; `None` if it cannot tell.
pub(crate) type Gauge = Arc<dyn Fn() -> Option<u64> + Send + Sync>;
