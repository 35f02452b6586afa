//! Numbers about the store, as one plain struct that the server exposes.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

/// Counters since the store was opened, and sizes as they are now.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Metrics {
    pub revision: u64,
    pub compacted: u64,
    /// Transactions answered as done.
    pub commits: u64,
    /// Transactions refused for their precondition.
    pub refusals: u64,
    /// Changes written.
    pub events: u64,
    /// Groups synced; `commits / groups` is how many writers shared a sync.
    pub groups: u64,
    pub largest_group: u64,
    /// Time spent writing and syncing groups.
    pub sync_seconds: f64,
    pub slowest_sync_seconds: f64,
    /// Bytes of records handed to the engine.
    pub written_bytes: u64,
    /// Objects, and the length of their bodies.
    pub entries: u64,
    pub entry_bytes: u64,
    /// Old changes kept, the memory held only for the latest of them, and the bodies of the older ones, which are on disk.
    pub history_events: u64,
    pub history_bytes: u64,
    pub history_disk_bytes: u64,
    pub watches: u64,
    /// Whether a failed write has made the store read-only.
    pub read_only: bool,
}

/// The counters behind it.
#[derive(Debug, Default)]
pub(crate) struct Counters {
    pub(crate) commits: AtomicU64,
    pub(crate) refusals: AtomicU64,
    pub(crate) events: AtomicU64,
    pub(crate) groups: AtomicU64,
    pub(crate) largest_group: AtomicU64,
    pub(crate) written_bytes: AtomicU64,
    pub(crate) entry_bytes: AtomicU64,
    sync_nanos: AtomicU64,
    slowest_sync_nanos: AtomicU64,
}

impl Counters {
    pub(crate) fn synced(&self, group: usize, bytes: u64, took: Duration) {
        let nanos = u64::try_from(took.as_nanos()).unwrap_or(u64::MAX);
        self.groups.fetch_add(1, Relaxed);
        self.largest_group.fetch_max(group as u64, Relaxed);
        self.written_bytes.fetch_add(bytes, Relaxed);
        self.sync_nanos.fetch_add(nanos, Relaxed);
        self.slowest_sync_nanos.fetch_max(nanos, Relaxed);
    }

    /// What is counted; the sizes are filled in by who knows them.
    pub(crate) fn read(&self) -> Metrics {
        let seconds = |nanos: &AtomicU64| Duration::from_nanos(nanos.load(Relaxed)).as_secs_f64();
        Metrics {
            commits: self.commits.load(Relaxed),
            refusals: self.refusals.load(Relaxed),
            events: self.events.load(Relaxed),
            groups: self.groups.load(Relaxed),
            largest_group: self.largest_group.load(Relaxed),
            sync_seconds: seconds(&self.sync_nanos),
            slowest_sync_seconds: seconds(&self.slowest_sync_nanos),
            written_bytes: self.written_bytes.load(Relaxed),
            entry_bytes: self.entry_bytes.load(Relaxed),
            ..Metrics::default()
        }
    }
}
