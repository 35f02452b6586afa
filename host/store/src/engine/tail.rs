//! Takes a torn group off the end of the engine's journal.
//!
//! A process that is killed leaves a journal that just ends, which the engine cuts by itself. A power failure may leave the last group
//! with a hole in it, as the disk writes in any order; the engine then finds a wrong checksum and refuses the whole journal. Groups are
//! written one after the other, each synced before the next, so only the last can be torn, and if it is, nobody was told that it is
//! durable. Such a group is taken off, and kept in a file of its own; anything else that is damaged stays as it is.
//!
//! This reads the frame of the journal and nothing in it: a start with the number of items, the items, an end.

use std::fs::{self, OpenOptions};
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use meta::Revision;

const START: u8 = 1;
const ITEM: u8 = 2;
const END: u8 = 3;
const TRAILER: &[u8] = b"FJL\x03";

/// A journal without its last group.
pub(super) struct Mended {
    journal: PathBuf,
    start: usize,
    torn: Vec<u8>,
}

/// Takes the last group off the journal in a folder, if all of it comes after the last revision that was acknowledged. The group is
/// copied to `keep` before.
pub(super) fn mend(folder: &Path, keep: &Path, noted: Revision) -> io::Result<Option<Mended>> {
    let Some(journal) = active_journal(folder)? else { return Ok(None) };
    let bytes = fs::read(&journal)?;
    let Some(last) = last_group(&bytes) else { return Ok(None) };
    if last.first <= noted {
        return Ok(None);
    }
    let torn = bytes.split_at(last.start).1;
    let len = torn.iter().rposition(|byte| *byte != 0).map_or(0, |end| end + 1);
    let torn = torn.split_at(len).0.to_vec();
    fs::write(keep, &torn)?;
    let file = OpenOptions::new().write(true).open(&journal)?;
    file.set_len(last.start as u64)?;
    file.sync_all()?;
    Ok(Some(Mended { journal, start: last.start, torn }))
}

impl Mended {
    pub(super) fn bytes(&self) -> usize {
        self.torn.len()
    }

    /// Puts the group back, since it was not what kept the journal from being read.
    pub(super) fn restore(self) -> io::Result<()> {
        let file = OpenOptions::new().write(true).open(&self.journal)?;
        file.write_all_at(&self.torn, self.start as u64)?;
        file.sync_all()
    }
}

/// Journals are numbered, and the latest is the one in use.
fn active_journal(folder: &Path) -> io::Result<Option<PathBuf>> {
    let mut latest = None;
    for file in fs::read_dir(folder)? {
        let path = file?.path();
        let is_journal = path.extension().is_some_and(|extension| extension == "jnl");
        let number = path.file_stem().and_then(|stem| stem.to_str()?.parse::<u64>().ok());
        if let Some(number) = number.filter(|_| is_journal) {
            latest = latest.max(Some((number, path)));
        }
    }
    Ok(latest.map(|(_, path)| path))
}

/// Where a group begins, and its first revision.
#[derive(Debug, PartialEq, Eq)]
struct Group {
    start: usize,
    first: Revision,
}

fn last_group(bytes: &[u8]) -> Option<Group> {
    let mut rest = Reader { bytes };
    let mut last = None;
    loop {
        let start = bytes.len() - rest.bytes.len();
        if rest.bytes.first() != Some(&START) {
            return last;
        }
        let Some(first) = rest.group() else {
            // The frame itself is broken here, and says no more of what the group was.
            return None;
        };
        last = Some(Group { start, first });
    }
}

struct Reader<'a> {
    bytes: &'a [u8],
}

impl<'a> Reader<'a> {
    fn take(&mut self, len: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.bytes.split_at_checked(len)?;
        self.bytes = rest;
        Some(taken)
    }

    fn array<const LEN: usize>(&mut self) -> Option<[u8; LEN]> {
        self.take(LEN)?.try_into().ok()
    }

    fn tag(&mut self, tag: u8) -> Option<()> {
        (self.array::<1>()? == [tag]).then_some(())
    }

    /// Reads over a group; gives its first revision.
    fn group(&mut self) -> Option<Revision> {
        self.tag(START)?;
        let items = u32::from_le_bytes(self.array()?);
        self.take(8)?;
        let mut first = None;
        for _ in 0..items {
            let key = self.item()?;
            let revision = Revision(u64::from_be_bytes(key.try_into().ok()?));
            // Zero is the key of what is not a change.
            if first.is_none() && revision > Revision::ZERO {
                first = Some(revision);
            }
        }
        self.tag(END)?;
        self.take(8)?;
        (self.take(TRAILER.len())? == TRAILER).then_some(())?;
        first
    }

    /// Reads over an item; gives its key.
    fn item(&mut self) -> Option<&'a [u8]> {
        self.tag(ITEM)?;
        // What kind of change it is, how it is compressed, and in which keyspace.
        self.take(1 + 1 + 8)?;
        let key_len = u16::from_le_bytes(self.array()?);
        let _value_len = self.take(4)?;
        let stored_len = u32::from_le_bytes(self.array()?);
        let key = self.take(usize::from(key_len))?;
        self.take(stored_len as usize)?;
        Some(key)
    }
}
