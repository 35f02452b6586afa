//! Putting the files of a volume on disk: all at once, or not at all.
//!
//! ```text
//! ..<number>/ca.crt            a generation
//! ..data -> ..<number>         swapped by one rename
//! ca.crt -> ..data/ca.crt      never changes while the file exists
//! ```

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io;
use std::os::unix::fs::{OpenOptionsExt as _, symlink};
use std::path::Path;

use super::Content;

const DATA: &str = "..data";

/// Makes the folder hold exactly these files. Answers whether anything had to change.
pub(crate) fn write(folder: &Path, files: &BTreeMap<String, Content>) -> io::Result<bool> {
    fs::create_dir_all(folder)?;
    let current = fs::read_link(folder.join(DATA)).ok();
    if let Some(current) = &current
        && is_same(&folder.join(current), files)
    {
        return Ok(false);
    }
    let number = current
        .as_ref()
        .and_then(|name| name.to_str()?.strip_prefix("..")?.parse::<u64>().ok())
        .map_or(1, |number| number.wrapping_add(1));
    let generation = format!("..{number}");
    let target = folder.join(&generation);
    // What a crash left half-written.
    remove_folder(&target)?;
    fs::create_dir(&target)?;
    for (path, content) in files {
        let file = target.join(path);
        if let Some(parent) = file.parent() {
            fs::create_dir_all(parent)?;
        }
        let mut open = fs::OpenOptions::new();
        // The owner can always write: it is the node that does.
        let mut file = open.write(true).create_new(true).mode(content.mode | 0o600).open(file)?;
        io::Write::write_all(&mut file, &content.bytes)?;
    }
    let fresh = folder.join("..data_new");
    if fresh.symlink_metadata().is_ok() {
        fs::remove_file(&fresh)?;
    }
    symlink(&generation, &fresh)?;
    fs::rename(&fresh, folder.join(DATA))?;
    link_names(folder, files)?;
    if let Some(old) = current {
        remove_folder(&folder.join(old))?;
    }
    Ok(true)
}

/// The first parts of all paths are links into the current generation; links to what is gone go, too.
fn link_names(folder: &Path, files: &BTreeMap<String, Content>) -> io::Result<()> {
    let first = |path: &String| path.split('/').next().unwrap_or_default().to_owned();
    let wanted: BTreeSet<String> = files.keys().map(first).collect();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        if !name.starts_with("..") && !wanted.contains(&name) {
            fs::remove_file(entry.path())?;
        }
    }
    for name in wanted {
        let link = folder.join(&name);
        if link.symlink_metadata().is_err() {
            symlink(Path::new(DATA).join(&name), link)?;
        }
    }
    Ok(())
}

fn is_same(generation: &Path, files: &BTreeMap<String, Content>) -> bool {
    count(generation).is_ok_and(|count| count == files.len())
        && files.iter().all(|(path, content)| {
            fs::read(generation.join(path)).is_ok_and(|bytes| bytes == content.bytes)
        })
}

fn count(folder: &Path) -> io::Result<usize> {
    let mut total = 0;
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        total += if entry.file_type()?.is_dir() { count(&entry.path())? } else { 1 };
    }
    Ok(total)
}

fn remove_folder(folder: &Path) -> io::Result<()> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

#[cfg(test)]
#[test]
#[expect(clippy::unwrap_used, reason = "tests")]
fn files_are_swapped_together_and_old_ones_go() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    let content = |text: &str| Content { bytes: text.into(), mode: 0o400 };
    let first = BTreeMap::from([("a".to_owned(), content("1")), ("d/b".to_owned(), content("2"))]);
    assert!(write(at, &first).unwrap());
    assert!(!write(at, &first).unwrap());
    assert_eq!(fs::read_to_string(at.join("d/b")).unwrap(), "2");
    let second = BTreeMap::from([("a".to_owned(), content("3"))]);
    assert!(write(at, &second).unwrap());
    assert_eq!(fs::read_to_string(at.join("a")).unwrap(), "3");
    assert!(at.join("d").symlink_metadata().is_err());
    let names: Vec<_> = fs::read_dir(at).unwrap().map(|e| e.unwrap().file_name()).collect();
    assert_eq!(names.len(), 3, "{names:?}");
}
