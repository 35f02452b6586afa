//! Writing one instance's log. A line is in the file when the guest's write returns; nothing waits in memory.

use std::fmt;
use std::fs::{File, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use futures::future::BoxFuture;
use meta::Clock;
use parking_lot::Mutex;
use runtime::{Full, Line, Sink};
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore};

use super::{Bounds, line, rotated};

/// The log of one instance.
pub(crate) struct Log {
    path: PathBuf,
    bounds: Bounds,
    clock: Arc<dyn Clock>,
    handles: Arc<Semaphore>,
    state: Mutex<State>,
    /// Wakes followers.
    added: Notify,
    is_ended: AtomicBool,
}

#[derive(Default)]
struct State {
    file: Option<(File, OwnedSemaphorePermit)>,
    /// Known once the file has been opened.
    bytes: Option<u64>,
    buffer: Vec<u8>,
    has_failed: bool,
}

impl fmt::Debug for Log {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Log").field("path", &self.path).finish_non_exhaustive()
    }
}

impl Log {
    pub(super) fn new(
        path: PathBuf,
        bounds: Bounds,
        clock: Arc<dyn Clock>,
        handles: Arc<Semaphore>,
    ) -> Self {
        Self {
            path,
            bounds,
            clock,
            handles,
            state: Mutex::default(),
            added: Notify::new(),
            is_ended: AtomicBool::new(false),
        }
    }

    /// A sink for one of the two streams.
    pub(crate) fn sink(self: &Arc<Self>, stream: &'static str) -> Arc<dyn Sink> {
        Arc::new(Stream { log: Arc::clone(self), stream })
    }

    /// Nothing more will come: followers may go.
    pub(crate) fn end(&self) {
        self.is_ended.store(true, Ordering::Release);
        self.state.lock().file = None;
        self.added.notify_waiters();
    }

    pub(super) fn is_ended(&self) -> bool {
        self.is_ended.load(Ordering::Acquire)
    }

    pub(super) fn added(&self) -> &Notify {
        &self.added
    }

    pub(super) fn append(&self, stream: &str, is_whole: bool, text: &[u8]) {
        let mut state = self.state.lock();
        let mut buffer = std::mem::take(&mut state.buffer);
        buffer.clear();
        line::format(&mut buffer, self.clock.now(), stream, is_whole, text);
        let written = self.write(&mut state, &buffer);
        state.buffer = buffer;
        if let Err(error) = written
            && !state.has_failed
        {
            state.has_failed = true;
            tracing::warn!(path = %self.path.display(), %error, "cannot write a container's log");
        }
        drop(state);
        self.added.notify_waiters();
    }

    fn write(&self, state: &mut State, bytes: &[u8]) -> io::Result<()> {
        let length = bytes.len() as u64;
        if state.bytes.is_some_and(|known| known > 0 && known + length > self.bounds.file_bytes) {
            state.file = None;
            state.bytes = Some(0);
            self.rotate()?;
        }
        if state.file.is_none() {
            let file = OpenOptions::new().append(true).create(true).open(&self.path)?;
            if state.bytes.is_none() {
                state.bytes = Some(file.metadata()?.len());
            }
            match Arc::clone(&self.handles).try_acquire_owned() {
                Ok(permit) => state.file = Some((file, permit)),
                Err(_) => (&file).write_all(bytes)?,
            }
        }
        if let Some((file, _)) = &mut state.file {
            file.write_all(bytes)?;
        }
        state.bytes = state.bytes.map(|known| known + length);
        Ok(())
    }

    fn rotate(&self) -> io::Result<()> {
        let last = self.bounds.files.saturating_sub(1);
        if last == 0 {
            return std::fs::remove_file(&self.path);
        }
        for number in (1..last).rev() {
            let older = rotated(&self.path, number);
            if older.exists() {
                std::fs::rename(older, rotated(&self.path, number + 1))?;
            }
        }
        std::fs::rename(&self.path, rotated(&self.path, 1))
    }
}

/// Removes a log and its older parts. What is not there needs no removing.
pub(super) fn remove(path: &Path, files: u32) {
    let _ = std::fs::remove_file(path);
    for number in 1..files {
        let _ = std::fs::remove_file(rotated(path, number));
    }
}

#[derive(Debug)]
struct Stream {
    log: Arc<Log>,
    stream: &'static str,
}

impl Sink for Stream {
    fn offer(&self, line: Line<'_>) -> Result<(), Full> {
        self.log.append(self.stream, line.is_whole, line.bytes);
        Ok(())
    }

    fn ready(&self) -> BoxFuture<'_, ()> {
        Box::pin(std::future::ready(()))
    }
}
