//! What can be set about the store.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// Five minutes, as Kubernetes keeps history: long enough for a client to page through a list or to reconnect.
const HISTORY_SECS: u64 = 300;
/// A sixth of what the server may take with 20,000 objects; some seven thousand changes of objects as large as Pods.
const HISTORY_BYTES: u64 = 32 << 20;
/// Five minutes of three hundred changes a second of objects as large as Pods.
const HISTORY_DISK_BYTES: u64 = 256 << 20;
/// Four of the largest requests that the API server takes, and thousands of ordinary ones.
const QUEUE_BYTES: usize = 16 << 20;
/// Enough for the engine to finish what it has begun, and for the deletions that make room.
const RESERVE_BYTES: u64 = 64 << 20;

/// Settings of the store.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct Config {
    /// Where the data is. It is created if it is not there.
    pub folder: PathBuf,
    /// How long old revisions can be read and watched from.
    pub history_secs: u64,
    /// How much memory old revisions may take. The older ones are read from the disk when they are needed.
    pub history_bytes: u64,
    /// How much of the disk those may take. When they need more, the oldest go before their time.
    pub history_disk_bytes: u64,
    /// How much may wait to be written. Writers beyond that wait for their turn.
    pub queue_bytes: usize,
    /// Below this much free disk, only deletions are accepted.
    pub reserve_bytes: u64,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            folder: PathBuf::from("store"),
            history_secs: HISTORY_SECS,
            history_bytes: HISTORY_BYTES,
            history_disk_bytes: HISTORY_DISK_BYTES,
            queue_bytes: QUEUE_BYTES,
            reserve_bytes: RESERVE_BYTES,
        }
    }
}

impl Config {
    /// The defaults, in a folder.
    pub fn in_folder(folder: impl Into<PathBuf>) -> Self {
        Self { folder: folder.into(), ..Self::default() }
    }
}
