//! The folder of a store: made if need be, held by one process at a time, and given up when the store is dropped.
//!
//! The lock is one of the operating system, so it never outlives its process, however that ends. The process writes its number into
//! the lock file, for the message that the next one shows.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Read, Seek, Write};
use std::path::{Path, PathBuf};

use crate::OpenError;

const LOCK_FILE: &str = "lock";

/// A folder that is ours as long as this lives.
#[derive(Debug)]
pub(crate) struct Folder {
    path: PathBuf,
    _lock: File,
}

impl Folder {
    pub(crate) fn hold(path: &Path) -> Result<Self, OpenError> {
        fs::create_dir_all(path).map_err(|error| failed(path, "create the folder", error))?;
        let mut lock = OpenOptions::new()
            .create(true)
            .truncate(false)
            .read(true)
            .write(true)
            .open(path.join(LOCK_FILE))
            .map_err(|error| failed(path, "open the lock file", error))?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                return Err(OpenError::Locked { folder: path.into(), pid: read_pid(&mut lock) });
            }
            Err(TryLockError::Error(error)) => return Err(failed(path, "lock the folder", error)),
        }
        write_pid(&mut lock).map_err(|error| failed(path, "write the lock file", error))?;
        Ok(Self { path: path.into(), _lock: lock })
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    pub(crate) fn join(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    /// Says what could not be done, as the operator needs to hear it.
    pub(crate) fn failed(&self, action: &'static str, error: io::Error) -> OpenError {
        failed(&self.path, action, error)
    }

    pub(crate) fn corrupted(&self, detail: impl Into<String>) -> OpenError {
        OpenError::Corrupted { folder: self.path.clone(), detail: detail.into() }
    }

    /// Makes names that were created in the folder durable.
    pub(crate) fn sync(&self) -> io::Result<()> {
        File::open(&self.path)?.sync_all()
    }
}

fn failed(folder: &Path, action: &'static str, source: io::Error) -> OpenError {
    let folder = folder.to_owned();
    if is_read_only(&source) {
        OpenError::ReadOnly { folder, source }
    } else if is_full(&source) {
        OpenError::Full { folder, source }
    } else {
        OpenError::Io { folder, action, source }
    }
}

pub(crate) fn is_read_only(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::ReadOnlyFilesystem | io::ErrorKind::PermissionDenied)
}

pub(crate) fn is_full(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded | io::ErrorKind::FileTooLarge
    )
}

fn write_pid(lock: &mut File) -> io::Result<()> {
    lock.set_len(0)?;
    lock.rewind()?;
    writeln!(lock, "{}", std::process::id())
}

fn read_pid(lock: &mut File) -> Option<u32> {
    let mut text = String::new();
    lock.read_to_string(&mut text).ok()?;
    text.trim().parse().ok()
}
