//! What containers print: files in the format of container runtimes, bounded by rotation, read and followed by people.
//!
//! ```text
//! logs/<pod uid>/<container>/<instance>.log      2026-11-21T08:44:12.123456789Z stdout F a line
//! logs/<pod uid>/<container>/<instance>.log.1    older
//! ```
//!
//! The newest instance and the one before are kept. An idle container holds no open file.
//! <https://kubernetes.io/docs/concepts/cluster-administration/logging/>

mod line;
mod read;
mod write;

use std::collections::HashMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Weak};

use meta::Clock;
use parking_lot::Mutex;
use tokio::sync::Semaphore;

pub(crate) use read::{Options, read, tail};
pub(crate) use write::Log;

/// Files that stay open between lines; containers beyond these open theirs for each line.
const OPEN_MAX: usize = 512;
const SWEEP_MIN: usize = 64;
/// Kubernetes' defaults: 10 MiB and 5 files for each container.
const FILE_BYTES_MAX: u64 = 10 << 20;
const FILES_MAX: u32 = 5;

/// The bounds of one container's logs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bounds {
    pub file_bytes: u64,
    pub files: u32,
}

impl Default for Bounds {
    fn default() -> Self {
        Self { file_bytes: FILE_BYTES_MAX, files: FILES_MAX }
    }
}

/// All logs of a node.
#[derive(Debug)]
pub(crate) struct Logs {
    root: PathBuf,
    bounds: Bounds,
    clock: Arc<dyn Clock>,
    handles: Arc<Semaphore>,
    live: Mutex<Live>,
}

/// Logs that are being written, for those who follow them.
#[derive(Debug, Default)]
struct Live {
    logs: HashMap<PathBuf, Weak<Log>>,
    /// Ended ones are forgotten when there are this many: twice as many as were alive the last time, so that a start costs the same
    /// however many there are.
    sweep_at: usize,
}

impl Live {
    fn insert(&mut self, path: PathBuf, log: &Arc<Log>) {
        if self.logs.len() >= self.sweep_at {
            self.logs.retain(|_, log| log.strong_count() > 0);
            self.sweep_at = (self.logs.len() * 2).max(SWEEP_MIN);
        }
        self.logs.insert(path, Arc::downgrade(log));
    }
}

impl Logs {
    pub(crate) fn new(root: PathBuf, bounds: Bounds, clock: Arc<dyn Clock>) -> Self {
        let handles = Arc::new(Semaphore::new(OPEN_MAX));
        Self { root, bounds, clock, handles, live: Mutex::default() }
    }

    /// Begins the log of an instance and drops that of the instance before the previous one.
    pub(crate) fn begin(&self, uid: &str, container: &str, instance: u32) -> io::Result<Arc<Log>> {
        let folder = self.folder(uid, container);
        std::fs::create_dir_all(&folder)?;
        if let Some(old) = instance.checked_sub(2) {
            write::remove(&folder.join(format!("{old}.log")), self.bounds.files);
        }
        let path = folder.join(format!("{instance}.log"));
        let (clock, handles) = (Arc::clone(&self.clock), Arc::clone(&self.handles));
        let log = Arc::new(Log::new(path.clone(), self.bounds, clock, handles));
        self.live.lock().insert(path, &log);
        Ok(log)
    }

    /// Where an instance's log is, and the log itself while it is written.
    pub(crate) fn find(
        &self,
        uid: &str,
        container: &str,
        instance: u32,
    ) -> (PathBuf, Option<Arc<Log>>) {
        let path = self.folder(uid, container).join(format!("{instance}.log"));
        let live = self.live.lock().logs.get(&path).and_then(Weak::upgrade);
        (path, live)
    }

    /// Forgets all logs of a Pod.
    pub(crate) fn remove(&self, uid: &str) {
        let folder = self.root.join(uid);
        if let Err(error) = std::fs::remove_dir_all(&folder)
            && error.kind() != io::ErrorKind::NotFound
        {
            tracing::warn!(folder = %folder.display(), %error, "cannot remove logs");
        }
    }

    pub(crate) fn bounds(&self) -> Bounds {
        self.bounds
    }

    fn folder(&self, uid: &str, container: &str) -> PathBuf {
        self.root.join(uid).join(container)
    }
}

/// The older parts of a log, oldest first, and then the log itself.
pub(crate) fn parts(path: &Path, files: u32) -> Vec<PathBuf> {
    let older = (1..files).rev().map(|number| rotated(path, number));
    older.chain(std::iter::once(path.to_owned())).filter(|part| part.exists()).collect()
}

fn rotated(path: &Path, number: u32) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(format!(".{number}"));
    PathBuf::from(name)
}

#[cfg(test)]
mod tests;
