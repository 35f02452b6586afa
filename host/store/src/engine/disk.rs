//! Keeps records in a folder, with `fjall`: a journal that is synced for each group, and sorted tables it is emptied into.
//!
//! There is one keyspace, sorted by revision. Its keys only ever grow, so tables seldom overlap and little is written twice. The key
//! zero, which no change has, holds the revision up to which history was dropped; it changes together with what it speaks of.
//!
//! Memory is for the objects, not for the engine: they are all in the store's map already, and the engine's data is read once, at
//! the start. Hence small buffers and next to no cache.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::Arc;

use fjall::{
    CompressionType, Database, Error, JournalRecoveryError, Keyspace, KeyspaceCreateOptions,
    PersistMode,
};
use meta::Revision;
use parking_lot::RwLock;

use super::{Engine, Gauge, Reader, tail};
use crate::folder::{self, Folder};
use crate::history::Eviction;
use crate::record::{self, Record};
use crate::watermark::Watermark;
use crate::{Event, Fault, FaultKind, OpenError, format};

const DATA: &str = "data";
const WATERMARK: &str = "acknowledged";
/// What was left out of a torn journal.
const TORN: &str = "torn";
const KEYSPACE: &str = "log";
const COMPACTED_KEY: [u8; 8] = [0; 8];
/// What is written before a table is made of it; four of these may be under way.
const MEMTABLE_BYTES: u64 = 4 << 20;
/// Only what a table needs to be read from one end to the other.
const CACHE_BYTES: u64 = 512 << 10;
/// The least that the engine allows.
const JOURNAL_BYTES: u64 = 64 << 20;
const FILES_MAX: usize = 64;

/// Records in a folder.
pub(crate) struct Disk {
    database: Database,
    log: Keyspace,
    reader: Arc<Records>,
    watermark: Watermark,
    /// The last revision acknowledged before this start.
    noted: Revision,
    compacted: Revision,
    folder: Folder,
}

impl Disk {
    pub(crate) fn open(path: &Path) -> Result<Self, OpenError> {
        let folder = Folder::hold(path)?;
        let found = format::settle(&folder, format::STEPS)?;
        let data = folder.join(DATA);
        if found == format::Found::Nothing && data.exists() {
            return Err(folder.corrupted("there is data, but no format file beside it"));
        }
        let (watermark, noted) = Watermark::open(&folder.join(WATERMARK))
            .map_err(|error| folder.failed("read what was acknowledged", error))?;
        let opened = match guarded(|| open_database(&data)) {
            Err(Broken::Error(Error::JournalRecovery(error))) => {
                open_mended(&folder, noted, Broken::Error(Error::JournalRecovery(error)))
            }
            opened => opened,
        };
        let (database, log) = opened.map_err(|broken| match broken {
            Broken::Panic(detail) => folder.corrupted(detail),
            Broken::Error(Error::Io(error)) if error.kind() != std::io::ErrorKind::NotFound => {
                folder.failed("open the data", error)
            }
            Broken::Error(error) => folder.corrupted(describe(&error)),
        })?;
        let reader = Arc::new(Records { log: RwLock::new(Some(log.clone())) });
        Ok(Self { database, log, reader, watermark, noted, compacted: Revision::ZERO, folder })
    }

    fn fault(&self, broken: Broken) -> Fault {
        let error = match broken {
            Broken::Panic(detail) => return Fault { kind: FaultKind::Corrupted, detail },
            Broken::Error(error) => error,
        };
        let kind = match &error {
            Error::Io(error) | Error::Storage(fjall::LsmError::Io(error)) => kind_of(error),
            // A table could not be written in the background; the engine does not say why.
            Error::Poisoned => match free_bytes(self.folder.path()) {
                Some(free) if free < MEMTABLE_BYTES => FaultKind::Full,
                _ => FaultKind::Io,
            },
            _ => FaultKind::Corrupted,
        };
        Fault { kind, detail: describe(&error) }
    }

    fn write(&self, events: &[Arc<Event>], eviction: Option<&Eviction>) -> Result<u64, Error> {
        let mut batch = self.database.batch().durability(Some(PersistMode::SyncData));
        let mut written = 0;
        for event in events {
            let record = record::encode(event);
            written += record.len() as u64;
            batch.insert(&self.log, key_of(event.revision), record);
        }
        if let Some(eviction) = eviction {
            for revision in &eviction.records {
                batch.remove(&self.log, key_of(*revision));
            }
            batch.insert(&self.log, COMPACTED_KEY, key_of(eviction.to));
        }
        batch.commit()?;
        Ok(written)
    }

    fn read(
        &self,
        each: &mut dyn FnMut(Record) -> Result<(), Fault>,
    ) -> Result<Result<(), Fault>, Error> {
        let mut last = Revision::ZERO;
        for item in self.log.range(key_of(Revision(1))..) {
            let (key, value) = item.into_inner()?;
            let Some(revision) = revision_of(&key) else {
                return Ok(Err(damaged("a record has no revision for a key")));
            };
            last = revision;
            let record = Record::decode(revision, &value).map_err(damaged);
            if let Err(fault) = record.and_then(&mut *each) {
                return Ok(Err(fault));
            }
        }
        Ok(self.check_end(last))
    }

    /// Whether the data goes as far as was acknowledged.
    fn check_end(&self, last: Revision) -> Result<(), Fault> {
        let (last, noted) = (last.max(self.compacted), self.noted);
        if last < noted {
            return Err(damaged(format!(
                "it ends at revision {last}, but {noted} was acknowledged"
            )));
        }
        Ok(())
    }
}

impl Engine for Disk {
    fn compacted(&mut self) -> Result<Revision, Fault> {
        let value = guarded(|| self.log.get(COMPACTED_KEY)).map_err(|broken| self.fault(broken))?;
        if let Some(value) = value {
            self.compacted =
                revision_of(&value).ok_or_else(|| damaged("the end of history is unreadable"))?;
        }
        Ok(self.compacted)
    }

    fn load(&mut self, each: &mut dyn FnMut(Record) -> Result<(), Fault>) -> Result<(), Fault> {
        guarded(|| self.read(each)).map_err(|broken| self.fault(broken))?
    }

    fn commit(&mut self, events: &[Arc<Event>], eviction: Option<&Eviction>) -> Result<u64, Fault> {
        let written =
            guarded(|| self.write(events, eviction)).map_err(|broken| self.fault(broken))?;
        if let Some(event) = events.last() {
            self.watermark.note(event.revision).map_err(|error| Fault {
                kind: kind_of(&error),
                detail: format!("cannot note what is acknowledged: {error}"),
            })?;
        }
        Ok(written)
    }

    fn reader(&self) -> Arc<dyn Reader> {
        Arc::clone(&self.reader) as Arc<dyn Reader>
    }

    fn gauge(&self) -> Option<Gauge> {
        let path = self.folder.path().to_owned();
        Some(Arc::new(move || free_bytes(&path)))
    }

    fn close(&mut self) {
        // Whoever still reads would keep the engine open.
        *self.reader.log.write() = None;
        if let Err(error) = self.watermark.sync() {
            // All changes are durable already; only the proof of it is weaker.
            tracing::warn!(%error, "cannot sync the note of what is acknowledged");
        }
    }
}

/// The records, for readers on other threads, as long as the engine is open.
struct Records {
    log: RwLock<Option<Keyspace>>,
}

impl Reader for Records {
    fn record(&self, revision: Revision) -> Result<Option<Record>, Fault> {
        let log = self.log.read();
        let Some(log) = &*log else { return Ok(None) };
        let value = match guarded(|| log.get(key_of(revision))) {
            Ok(value) => value,
            Err(Broken::Error(error)) => return Err(damaged(describe(&error))),
            Err(Broken::Panic(detail)) => return Err(damaged(detail)),
        };
        value.map(|value| Record::decode(revision, &value).map_err(damaged)).transpose()
    }
}

fn open_database(path: &Path) -> Result<(Database, Keyspace), Error> {
    let database = Database::builder(path)
        .cache_size(CACHE_BYTES)
        .journal_compression(CompressionType::None)
        .max_journaling_size(JOURNAL_BYTES)
        .max_cached_files(Some(FILES_MAX))
        .worker_threads(1)
        .manual_journal_persist(true)
        .open()?;
    let log = database.keyspace(KEYSPACE, || {
        KeyspaceCreateOptions::default()
            .max_memtable_size(MEMTABLE_BYTES)
            .manual_journal_persist(true)
    })?;
    Ok((database, log))
}

/// Tries again without the last group of the journal; where that does not help everything is as it was.
fn open_mended(
    folder: &Folder,
    noted: Revision,
    broken: Broken,
) -> Result<(Database, Keyspace), Broken> {
    let data = folder.join(DATA);
    let mended = tail::mend(&data, &folder.join(TORN), noted);
    let Some(mended) = mended.map_err(|error| Broken::Error(Error::Io(error)))? else {
        return Err(broken);
    };
    let Ok(opened) = guarded(|| open_database(&data)) else {
        mended.restore().map_err(|error| Broken::Error(Error::Io(error)))?;
        return Err(broken);
    };
    tracing::warn!(
        bytes = mended.bytes(),
        kept_in = %folder.join(TORN).display(),
        "the last group of the journal was torn; it was not acknowledged and is left out"
    );
    Ok(opened)
}

/// How a call into the engine ended badly. It answers some kinds of damage with a panic.
enum Broken {
    Error(Error),
    Panic(String),
}

fn guarded<T>(call: impl FnOnce() -> Result<T, Error>) -> Result<T, Broken> {
    match catch_unwind(AssertUnwindSafe(call)) {
        Ok(result) => result.map_err(Broken::Error),
        Err(panic) => {
            let text = panic.downcast_ref::<String>().map(String::as_str);
            let text = text.or_else(|| panic.downcast_ref::<&str>().copied());
            Err(Broken::Panic(format!("the engine gave up: {}", text.unwrap_or("no reason given"))))
        }
    }
}

fn describe(error: &Error) -> String {
    match error {
        Error::Io(error) | Error::Storage(fjall::LsmError::Io(error)) => error.to_string(),
        Error::Poisoned => "writing a table failed in the background".to_owned(),
        Error::InvalidVersion(_) => "the engine does not know the version of its data".to_owned(),
        Error::JournalRecovery(JournalRecoveryError::ChecksumMismatch) => {
            "a checksum in the journal does not match".to_owned()
        }
        Error::Storage(fjall::LsmError::ChecksumMismatch { .. }) => {
            "a checksum in a table does not match".to_owned()
        }
        other => format!("the engine reports {other:?}"),
    }
}

fn damaged(detail: impl Into<String>) -> Fault {
    Fault { kind: FaultKind::Corrupted, detail: detail.into() }
}

fn kind_of(error: &std::io::Error) -> FaultKind {
    if folder::is_full(error) {
        FaultKind::Full
    } else if folder::is_read_only(error) {
        FaultKind::ReadOnly
    } else {
        FaultKind::Io
    }
}

fn free_bytes(path: &Path) -> Option<u64> {
    let disk = rustix::fs::statvfs(path).ok()?;
    Some(disk.f_bavail.saturating_mul(disk.f_frsize))
}

fn key_of(revision: Revision) -> [u8; 8] {
    revision.0.to_be_bytes()
}

fn revision_of(bytes: &[u8]) -> Option<Revision> {
    Some(Revision(u64::from_be_bytes(bytes.try_into().ok()?)))
}
