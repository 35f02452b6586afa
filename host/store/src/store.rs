//! The store as others hold it: reads answer from the last durable state, writes queue for the writer.
//!
//! A write is decided on the caller's own thread, under a lock that is held for some microseconds: it takes its place in the order,
//! and joins the group that the writer makes durable next. While one group is synced the next one forms. Readers take no part in
//! this: they see what has been made durable, and nothing else.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::{self, JoinHandle};

use jiff::SignedDuration;
use meta::{Clock, Revision};
use parking_lot::{Mutex, RwLock};
use tokio::sync::Semaphore;

use crate::engine::{Disk, Engine, Gauge, Memory, Reader};
use crate::feed::Feed;
use crate::history::Limits;
use crate::metrics::Counters;
use crate::open::{self, Loaded};
use crate::queue::{Queue, Submitted};
use crate::writer::Writer;
use crate::{
    CommitError, Committed, Config, Describe, Fault, FaultKind, Metrics, OpenError, Snapshot,
    SnapshotError, SystemClock, Transaction, Watch,
};

/// A handle to the store; clones are the same store. It is closed when [`Store::close`] is called or the last handle goes.
#[derive(Clone)]
pub struct Store {
    handle: Arc<Handle>,
}

struct Handle {
    shared: Arc<Shared>,
    writer: Mutex<Option<JoinHandle<()>>>,
}

/// What the handles, the writer and the watches have in common.
pub(crate) struct Shared {
    pub(crate) queue: Queue,
    /// The last durable state.
    pub(crate) published: RwLock<Snapshot>,
    pub(crate) feed: Mutex<Feed>,
    /// The last revision whose event is in the feed.
    pub(crate) delivered: AtomicU64,
    pub(crate) counters: Counters,
    pub(crate) gauge: Option<Gauge>,
    /// Brings back what has left memory.
    pub(crate) reader: Arc<dyn Reader>,
    pub(crate) describe: Describe,
    pub(crate) limits: Limits,
    pub(crate) clock: Arc<dyn Clock>,
    /// Room for what waits to be written, in [`PERMIT_BYTES`].
    room: Arc<Semaphore>,
    permits: u32,
    pub(crate) config: Config,
}

const PERMIT_BYTES: usize = 1024;

impl Store {
    /// Opens the store in a folder, or makes one there. This reads all of it, and blocks the thread meanwhile.
    pub fn open(config: Config, describe: Describe) -> Result<Self, OpenError> {
        Self::open_at(config, describe, Arc::new(SystemClock))
    }

    /// As [`Store::open`], with a clock that decides when history has become too old.
    pub fn open_at(
        config: Config,
        describe: Describe,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, OpenError> {
        let folder = config.folder.clone();
        let disk = Disk::open(&folder)?;
        Self::start(Box::new(disk), config, describe, clock).map_err(|fault| match fault.kind {
            FaultKind::Corrupted => OpenError::Corrupted { folder, detail: fault.detail },
            FaultKind::Full | FaultKind::ReadOnly | FaultKind::Io => {
                let source = std::io::Error::other(fault);
                OpenError::Io { folder, action: "read the data", source }
            }
        })
    }

    /// A store that forgets everything, for tests and simulations.
    pub fn memory(describe: Describe) -> Self {
        Self::memory_at(Config::default(), describe, Arc::new(SystemClock))
    }

    /// As [`Store::memory`], with limits and a clock.
    pub fn memory_at(config: Config, describe: Describe, clock: Arc<dyn Clock>) -> Self {
        Self::start(Box::new(Memory::default()), config, describe, clock)
            .expect("an empty memory is not damaged")
    }

    pub(crate) fn start(
        mut engine: Box<dyn Engine>,
        config: Config,
        describe: Describe,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, Fault> {
        let Loaded { head, feed, entry_bytes } =
            open::load(&mut *engine, &describe, config.history_bytes)?;
        let published = Snapshot { entries: head.entries.clone(), revision: head.revision };
        let permits = u32::try_from(config.queue_bytes / PERMIT_BYTES).unwrap_or(u32::MAX).max(1);
        let age = i64::try_from(config.history_secs).unwrap_or(i64::MAX);
        let counters = Counters::default();
        counters.entry_bytes.store(entry_bytes, Ordering::Relaxed);
        let shared = Arc::new(Shared {
            delivered: AtomicU64::new(head.revision.0),
            queue: Queue::new(head),
            published: RwLock::new(published),
            feed: Mutex::new(feed),
            counters,
            gauge: engine.gauge(),
            limits: Limits {
                age: SignedDuration::from_secs(age),
                bytes: config.history_bytes,
                disk_bytes: config.history_disk_bytes,
            },
            reader: engine.reader(),
            describe,
            clock,
            room: Arc::new(Semaphore::new(permits as usize)),
            permits,
            config,
        });
        let writer = Writer::new(Arc::clone(&shared), engine);
        let writer = thread::Builder::new()
            .name("store-writer".to_owned())
            .spawn(move || writer.run())
            .map_err(|error| Fault { kind: FaultKind::Io, detail: error.to_string() })?;
        let handle = Handle { shared, writer: Mutex::new(Some(writer)) };
        Ok(Self { handle: Arc::new(handle) })
    }

    /// The revision of the last change that is durable.
    pub fn revision(&self) -> Revision {
        self.shared().published.read().revision
    }

    /// The current state.
    pub fn snapshot(&self) -> Snapshot {
        self.shared().published.read().clone()
    }

    /// The state at an older revision, as long as history reaches back to it.
    pub fn snapshot_at(&self, revision: Revision) -> Result<Snapshot, SnapshotError> {
        let shared = self.shared();
        let way = {
            // Under this lock the state and its history belong together.
            let feed = shared.feed.lock();
            let current = self.snapshot();
            if current.revision == revision {
                return Ok(current);
            }
            feed.history.way_back(revision, current)?
        };
        if way.recent.is_empty() && way.past.is_empty() {
            return Ok(way.state);
        }
        let state = shared.go_back(way, revision)?;
        shared.feed.lock().history.keep(state.clone());
        Ok(state)
    }

    /// Does a transaction, and answers when it is durable. If the future is dropped the transaction may be done nevertheless.
    pub async fn commit(
        &self,
        transaction: impl Into<Transaction>,
    ) -> Result<Committed, CommitError> {
        let shared = self.shared();
        let transaction = transaction.into();
        let weight = transaction.ops.iter().map(crate::Op::weight).sum::<usize>() / PERMIT_BYTES;
        let permits = u32::try_from(weight).unwrap_or(u32::MAX).clamp(1, shared.permits);
        let room = Arc::clone(&shared.room).acquire_many_owned(permits).await;
        let room = room.map_err(|_| CommitError::Closed)?;
        match shared.submit(transaction, room)? {
            Submitted::Done(committed) => Ok(committed),
            Submitted::Waiting(answer) => answer.await.unwrap_or(Err(CommitError::Closed)),
        }
    }

    /// Watches the keys that begin with `prefix`, from the first change after `from`.
    pub fn watch(&self, from: Revision, prefix: &str) -> Result<Watch, SnapshotError> {
        let current = self.revision();
        if from > current {
            return Err(SnapshotError::Future { current });
        }
        let subscription = self.shared().feed.lock().subscribe(prefix, from)?;
        Ok(Watch::new(Arc::clone(self.shared()), subscription, prefix, from))
    }

    /// The oldest revision that can still be read.
    pub fn compacted(&self) -> Revision {
        self.shared().feed.lock().history.compacted()
    }

    /// Drops history up to a revision before its time; answers when it is done.
    pub async fn compact(&self, to: Revision) {
        // Without a writer there is nothing to compact any more.
        let _ = self.shared().queue.ask_to_compact(to).await;
    }

    /// Has the clock looked at now rather than in some seconds; answers when what was too old is gone.
    pub async fn tick(&self) {
        self.compact(Revision::ZERO).await;
    }

    pub fn metrics(&self) -> Metrics {
        let shared = self.shared();
        let snapshot = self.snapshot();
        let feed = shared.feed.lock();
        Metrics {
            revision: snapshot.revision.0,
            entries: snapshot.len() as u64,
            compacted: feed.history.compacted().0,
            history_events: feed.history.len() as u64,
            history_bytes: feed.history.bytes(),
            history_disk_bytes: feed.history.disk_bytes(),
            watches: feed.watches() as u64,
            read_only: shared.queue.is_read_only(),
            ..shared.counters.read()
        }
    }

    /// Finishes the writes that were accepted, ends all watches and gives up the folder. Reading goes on from memory.
    pub async fn close(&self) {
        // The writer answers when it has finished, or is gone already.
        let _ = self.shared().queue.close().await;
    }

    fn shared(&self) -> &Arc<Shared> {
        &self.handle.shared
    }
}

impl fmt::Debug for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Store(at {})", self.revision())
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        drop(self.shared.queue.close());
        if let Some(writer) = self.writer.lock().take()
            && writer.join().is_err()
        {
            tracing::error!("the writer of the store has panicked");
        }
    }
}
