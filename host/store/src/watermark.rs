//! The last revision whose writers were told that it is durable, in a small file beside the data.
//!
//! A journal that is damaged in the middle looks like one that ends there: what follows would be dropped in silence. So the revision
//! is noted outside of it, after each sync and without a sync of its own. The note survives a crash of the process; after a power
//! failure it may be older than the data, never newer. Data that ends before the note has lost acknowledged writes.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::FileExt;
use std::path::Path;

use meta::Revision;

/// Told apart from anything else that might stand in the file.
const SEAL: u64 = 0x736b_6966_662d_7265;

#[derive(Debug)]
pub(crate) struct Watermark(File);

impl Watermark {
    /// Opens the note and reads it. One that is missing or unreadable says nothing.
    pub(crate) fn open(path: &Path) -> io::Result<(Self, Revision)> {
        let file =
            OpenOptions::new().create(true).truncate(false).read(true).write(true).open(path)?;
        let mut bytes = [0; 16];
        let noted = match file.read_exact_at(&mut bytes, 0) {
            Ok(()) => unseal(bytes),
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => None,
            Err(error) => return Err(error),
        };
        Ok((Self(file), noted.unwrap_or_default()))
    }

    pub(crate) fn note(&self, revision: Revision) -> io::Result<()> {
        let mut bytes = [0; 16];
        let (value, seal) = bytes.split_at_mut(8);
        value.copy_from_slice(&revision.0.to_le_bytes());
        seal.copy_from_slice(&(revision.0 ^ SEAL).to_le_bytes());
        self.0.write_all_at(&bytes, 0)
    }

    pub(crate) fn sync(&self) -> io::Result<()> {
        self.0.sync_data()
    }
}

fn unseal(bytes: [u8; 16]) -> Option<Revision> {
    let (value, seal) = bytes.split_at(8);
    let value = u64::from_le_bytes(value.try_into().ok()?);
    let seal = u64::from_le_bytes(seal.try_into().ok()?);
    (seal == value ^ SEAL).then_some(Revision(value))
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests;
