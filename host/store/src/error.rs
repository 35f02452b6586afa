//! How opening, writing, reading the past and watching can fail.

use std::path::PathBuf;
use std::sync::Arc;

use meta::Revision;

use crate::Entry;

/// Why a store could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    #[error(
        "the store in {folder} is in use by {}; stop it first, or choose another data folder",
        holder(*pid)
    )]
    Locked { folder: PathBuf, pid: Option<u32> },
    #[error("the store folder {folder} cannot be written to")]
    ReadOnly {
        folder: PathBuf,
        #[source]
        source: std::io::Error,
    },
    #[error(
        "the store in {folder} was written by a newer version (format {found}, this version knows up to {known}); \
         use that version, or restore a backup"
    )]
    NewerFormat { folder: PathBuf, found: u32, known: u32 },
    #[error(
        "the store in {folder} is damaged: {detail}; nothing was changed, restore a backup or move the folder away"
    )]
    Corrupted { folder: PathBuf, detail: String },
    #[error("no room left on the disk of the store folder {folder}")]
    Full {
        folder: PathBuf,
        #[source]
        source: std::io::Error,
    },
    #[error("cannot {action} in the store folder {folder}")]
    Io {
        folder: PathBuf,
        action: &'static str,
        #[source]
        source: std::io::Error,
    },
}

fn holder(pid: Option<u32>) -> String {
    pid.map_or_else(|| "another process".to_owned(), |pid| format!("process {pid}"))
}

/// Why a transaction was not done.
#[derive(Clone, Debug, thiserror::Error)]
pub enum CommitError {
    /// A precondition does not hold. `current` is what stands there instead, and is on disk.
    #[error("the precondition of operation {index} does not hold")]
    Failed { index: usize, current: Option<Arc<Entry>> },
    /// There is too little room on the disk. Reading goes on, and so do transactions that only delete; writing is possible again as
    /// soon as there is room.
    #[error("the disk of the store has only {free} bytes left, {reserve} are kept free")]
    Full { free: u64, reserve: u64 },
    /// Writing failed. Whether the transaction is kept is unknown until the store is opened again.
    #[error("the write may or may not have been kept")]
    Storage(#[source] Arc<Fault>),
    /// An earlier write failed, so none is accepted any more; the transaction was not begun.
    #[error("the store is read-only since a write failed; restart when the cause is gone")]
    ReadOnly(#[source] Arc<Fault>),
    #[error("the store is closed")]
    Closed,
}

/// What went wrong in the storage.
#[derive(Debug, thiserror::Error)]
#[error("{kind}: {detail}")]
pub struct Fault {
    pub kind: FaultKind,
    pub detail: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FaultKind {
    #[error("no room left on the disk")]
    Full,
    #[error("the disk is read-only")]
    ReadOnly,
    #[error("damaged data")]
    Corrupted,
    #[error("storage failure")]
    Io,
}

/// Why there is no snapshot of a revision, or no watch from it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SnapshotError {
    #[error("the revision has been compacted; the oldest one kept is {oldest}")]
    Expired { oldest: Revision },
    #[error("the revision is in the future; the current one is {current}")]
    Future { current: Revision },
}

/// Why a watch has ended. It has delivered every event up to its revision, and none after it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WatchEnd {
    /// The reader was too slow: history was full, and events it had not read were dropped for new ones.
    #[error("the watch fell behind; the oldest revision kept is {oldest}")]
    Lagged { oldest: Revision },
    /// Events it had not read became too old, or were compacted on request.
    #[error("events of the watch have been compacted; the oldest revision kept is {oldest}")]
    Expired { oldest: Revision },
    #[error("the store is closed")]
    Closed,
}
