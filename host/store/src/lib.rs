//! The versioned object store: what the API server reads, writes and watches.
//!
//! One `u64` revision numbers every change of every kind. The whole current state is in memory as a persistent map, so a
//! [`Snapshot`] costs nothing and blocks nobody; a [`Transaction`] is answered only after it is on disk, and all writers that wait
//! at the same time share one sync; a [`Watch`] is a cursor into a log that all readers of a resource share.
//!
//! The store knows keys, bodies and revisions. It does not know what is in a body: it is not a place for defaults, validation or
//! filters. Nothing but the API server may depend on it.
//!
//! Start from [`Store`], [`Transaction`] and [`Watch`].

mod body;
mod clock;
mod config;
mod engine;
mod entry;
mod error;
mod event;
mod feed;
mod folder;
mod format;
mod history;
mod metrics;
mod open;
mod past;
mod queue;
mod record;
mod snapshot;
mod store;
mod topic;
mod transaction;
mod watch;
mod watermark;
mod write;
mod writer;

#[cfg(test)]
mod tests;

pub use body::Body;
pub use clock::SystemClock;
pub use config::Config;
pub use entry::Entry;
pub use error::{CommitError, Fault, FaultKind, OpenError, SnapshotError, WatchEnd};
pub use event::{Event, EventKind};
pub use metrics::Metrics;
pub use open::Describe;
pub use snapshot::Snapshot;
pub use store::Store;
pub use transaction::{Committed, Op, Payload, Precondition, Transaction};
pub use watch::Watch;
