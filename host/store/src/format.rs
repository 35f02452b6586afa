//! The version of what is in the folder: one line of text, so that every version can read what every other has written.
//!
//! A newer format is refused before anything is touched. An older one is brought up step by step, one step a version; the line is
//! rewritten after all steps, so that one that was interrupted is done again. (Records have a version of their own, in `record`, and
//! need no step as long as the old one can be read.)

use std::fs;
use std::io::{self, Write};

use crate::OpenError;
use crate::folder::Folder;

const FILE: &str = "format";
const NAME: &str = "skiff-store";

/// Brings a folder from a version to the next. Doing it twice must do no harm.
pub(crate) type Step = fn(&Folder) -> io::Result<()>;

/// `STEPS[0]` leads from format 1 to format 2; the current format is one more than there are steps.
pub(crate) const STEPS: &[Step] = &[];

/// Whether the folder held a store before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Found {
    Nothing,
    Store,
}

/// Sees to it that the folder has the current format.
pub(crate) fn settle(folder: &Folder, steps: &[Step]) -> Result<Found, OpenError> {
    let known = u32::try_from(steps.len()).expect("there are few formats") + 1;
    let text = match fs::read_to_string(folder.join(FILE)) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            write(folder, known).map_err(|error| folder.failed("write the format", error))?;
            return Ok(Found::Nothing);
        }
        Err(error) if error.kind() == io::ErrorKind::InvalidData => {
            return Err(folder.corrupted("the format file is not text"));
        }
        Err(error) => return Err(folder.failed("read the format", error)),
    };
    let found = parse(&text)
        .ok_or_else(|| folder.corrupted(format!("the format file says {:?}", text.trim_end())))?;
    if found > known {
        return Err(OpenError::NewerFormat { folder: folder.path().into(), found, known });
    }
    let missing = steps.get(found as usize - 1..).unwrap_or_default();
    for step in missing {
        step(folder).map_err(|error| folder.failed("upgrade the format", error))?;
    }
    if !missing.is_empty() {
        write(folder, known).map_err(|error| folder.failed("write the format", error))?;
    }
    Ok(Found::Store)
}

fn parse(text: &str) -> Option<u32> {
    let version = text.trim_end().strip_prefix(NAME)?.strip_prefix(' ')?;
    version.parse().ok().filter(|version| *version > 0)
}

/// Replaces the file as a whole, so that it is never half written.
fn write(folder: &Folder, version: u32) -> io::Result<()> {
    let new = folder.join("format.new");
    let mut file = fs::File::create(&new)?;
    writeln!(file, "{NAME} {version}")?;
    file.sync_all()?;
    fs::rename(new, folder.join(FILE))?;
    folder.sync()
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests;
