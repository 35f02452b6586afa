//! What a store on disk says when its folder is not as it should be, and that it never loses anything in silence.
//!
//! A full disk is played by a limit on the size of files, set by a shell around a second process (`part_full`): it needs no rights,
//! and meets the engine where a full disk would. A folder that may not be written is tried as another user where the test runs as root,
//! who may write everywhere.

#[expect(unreachable_pub, reason = "shared by test binaries that each use a part of it")]
mod support;

use std::fs;
use std::os::unix::fs::{FileExt, PermissionsExt};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use meta::Revision;
use store::{CommitError, FaultKind, OpenError, Store};
use support::{again, block_on, config, put, try_open};

const FOLDER: &str = "SKIFF_STORE_TEST_FOLDER";

/// A store with some hundred changes, closed.
fn filled(changes: usize) -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let store = try_open(config(folder.path())).expect("it is new");
    fill(&store, changes);
    folder
}

fn fill(store: &Store, changes: usize) {
    for number in 0..changes {
        let text = format!("{number}-{}", "x".repeat(20_000));
        block_on(store.commit(put(&format!("pods/a/{}", number % 10), &text))).expect("any");
    }
}

fn journal(folder: &Path) -> PathBuf {
    let files = fs::read_dir(folder.join("data")).expect("the data is there");
    let paths = files.map(|file| file.expect("it can be listed").path());
    paths
        .filter(|path| path.extension().is_some_and(|name| name == "jnl"))
        .max()
        .expect("one journal")
}

/// Where the journal's content ends: it is followed by zeros.
fn content_len(file: &Path) -> u64 {
    without_zeros(&fs::read(file).expect("it can be read")).len() as u64
}

fn without_zeros(bytes: &[u8]) -> &[u8] {
    bytes.split_at(bytes.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1)).0
}

fn tables(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![folder.join("data/keyspaces")];
    while let Some(folder) = folders.pop() {
        for file in fs::read_dir(folder).expect("it can be listed") {
            let path = file.expect("it can be listed").path();
            if path.is_dir() {
                folders.push(path);
            } else if path.parent().is_some_and(|parent| parent.ends_with("tables")) {
                found.push(path);
            }
        }
    }
    found
}

fn state(store: &Store) -> Vec<(String, Vec<u8>)> {
    let snapshot = store.snapshot();
    let entries = snapshot.range("", None);
    entries.map(|entry| (entry.key.to_string(), entry.body.to_vec())).collect()
}

fn copy(folder: &Path) -> tempfile::TempDir {
    let copy = tempfile::tempdir().expect("a temporary folder");
    let status = Command::new("cp").arg("-r").arg(folder.join(".")).arg(copy.path()).status();
    assert!(status.expect("there is cp").success());
    copy
}

fn flip(file: &Path, at: u64) {
    let file = fs::OpenOptions::new().read(true).write(true).open(file).expect("it can be opened");
    let mut byte = [0];
    file.read_exact_at(&mut byte, at).expect("it is that long");
    file.write_all_at(&[byte[0] ^ 0x55], at).expect("it can be written");
}

#[track_caller]
fn assert_corrupted(folder: &Path) {
    match try_open(config(folder)) {
        Err(OpenError::Corrupted { detail, .. }) => assert!(!detail.is_empty()),
        other => panic!("it should be called damaged, and not {other:?}"),
    }
}

#[test]
fn belongs_to_one_process() {
    let folder = filled(1);
    let store = try_open(config(folder.path())).expect("it was closed");
    let error = try_open(config(folder.path())).expect_err("it is in use");
    let OpenError::Locked { pid, .. } = &error else { panic!("{error}") };
    assert_eq!(*pid, Some(std::process::id()));
    assert!(error.to_string().contains(&format!("in use by process {}", std::process::id())));
    block_on(store.close());
    try_open(config(folder.path())).expect("closing gives the folder up, whoever holds a handle");
}

/// Not every byte of a journal carries data, so a change need not be noticed; but then nothing may be different.
#[test]
fn loses_nothing_by_changes_anywhere_in_the_journal() {
    const PLACES: usize = 60;
    let sound = filled(20);
    let len = content_len(&journal(sound.path()));
    let expected = state(&try_open(config(sound.path())).expect("it was closed"));
    let mut noticed = 0;
    for at in (0..len).step_by(usize::try_from(len).expect("it is small") / PLACES) {
        let folder = copy(sound.path());
        flip(&journal(folder.path()), at);
        match try_open(config(folder.path())) {
            Ok(store) => assert_eq!(state(&store), expected, "byte {at}"),
            Err(OpenError::Corrupted { .. }) => noticed += 1,
            Err(error) => panic!("byte {at}: {error}"),
        }
    }
    assert!(noticed > PLACES / 2, "most of a journal is data");
}

#[test]
fn notices_a_journal_that_was_cut() {
    for part in 0..8 {
        let folder = filled(20);
        let journal = journal(folder.path());
        let file = fs::OpenOptions::new().write(true).open(&journal).expect("it can be opened");
        file.set_len(content_len(&journal) * part / 8).expect("it can be cut");
        assert_corrupted(folder.path());
    }
}

/// The last group with a hole in it, and the note of what is acknowledged as it was before: that is how a power failure leaves it.
fn torn_by_a_power_failure() -> tempfile::TempDir {
    let folder = filled(20);
    let note = fs::read(folder.path().join("acknowledged")).expect("it is there");
    let before = content_len(&journal(folder.path()));
    fill(&try_open(config(folder.path())).expect("it was closed"), 1);
    let hole =
        fs::OpenOptions::new().write(true).open(journal(folder.path())).expect("it is there");
    hole.write_all_at(&[0; 4096], before + 8192).expect("it can be written");
    fs::write(folder.path().join("acknowledged"), note).expect("it can be written");
    folder
}

#[test]
fn leaves_out_a_group_that_a_power_failure_has_torn() {
    let folder = torn_by_a_power_failure();
    let store = try_open(config(folder.path())).expect("all that was acknowledged is sound");
    assert_eq!(store.revision(), Revision(20));
    assert!(fs::metadata(folder.path().join("torn")).expect("it is kept").len() > 20_000);
    fill(&store, 2);
    drop(store);
    let store = try_open(config(folder.path())).expect("it is sound");
    assert_eq!(store.revision(), Revision(22));
}

#[test]
fn does_not_leave_out_what_was_acknowledged() {
    let folder = torn_by_a_power_failure();
    flip(&journal(folder.path()), 5000);
    let before = fs::read(journal(folder.path())).expect("it is there");
    assert_corrupted(folder.path());
    let after = fs::read(journal(folder.path())).expect("it is there");
    assert!(without_zeros(&after) == without_zeros(&before), "the journal is as it was");
}

#[test]
fn notices_damaged_tables() {
    let folder = filled(600);
    let tables = tables(folder.path());
    assert!(!tables.is_empty(), "some of it is in tables by now");
    for table in tables {
        let len = fs::metadata(&table).expect("it is there").len();
        flip(&table, len / 3);
    }
    assert_corrupted(folder.path());
}

#[test]
fn notices_lost_tables() {
    let folder = filled(600);
    for table in tables(folder.path()) {
        fs::remove_file(table).expect("it can be removed");
    }
    assert_corrupted(folder.path());
}

#[test]
fn notices_lost_data() {
    let folder = filled(3);
    fs::remove_dir_all(folder.path().join("data")).expect("it can be removed");
    assert_corrupted(folder.path());
}

#[test]
fn does_not_take_data_without_a_format_for_its_own() {
    let folder = filled(3);
    fs::remove_file(folder.path().join("format")).expect("it can be removed");
    assert_corrupted(folder.path());
}

#[test]
fn refuses_a_newer_format() {
    let folder = filled(3);
    fs::write(folder.path().join("format"), "skiff-store 7\n").expect("it can be written");
    let error = try_open(config(folder.path())).expect_err("it is newer");
    assert!(matches!(error, OpenError::NewerFormat { found: 7, known: 1, .. }), "{error}");
    fs::write(folder.path().join("format"), "skiff-store 1\n").expect("it can be written");
    let store = try_open(config(folder.path())).expect("nothing was touched");
    assert_eq!(store.revision(), Revision(3));
}

/// Opens a folder in a process without the rights to write there.
#[test]
fn part_read_only() {
    let Some(folder) = std::env::var_os(FOLDER) else { return };
    let error = try_open(config(Path::new(&folder))).expect_err("it may not be written");
    assert!(matches!(error, OpenError::ReadOnly { .. }), "{error:?}");
}

#[test]
fn says_that_a_folder_is_read_only() {
    let parent = tempfile::tempdir().expect("a temporary folder");
    let read_only = |path: &Path| {
        fs::set_permissions(path, fs::Permissions::from_mode(0o555)).expect("it is ours");
    };
    let used = parent.path().join("used");
    drop(try_open(config(&used)).expect("it is new"));
    fs::set_permissions(used.join("lock"), fs::Permissions::from_mode(0o444)).expect("it is ours");
    read_only(&used);
    read_only(parent.path());
    for folder in [used, parent.path().join("new")] {
        let mut part = as_somebody(again("part_read_only"));
        let output = part.env(FOLDER, &folder).output().expect("it starts");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
    }
    fs::set_permissions(parent.path(), fs::Permissions::from_mode(0o755)).expect("it is ours");
    fs::set_permissions(parent.path().join("used"), fs::Permissions::from_mode(0o755))
        .expect("it is ours");
}

/// Root may write everywhere, so it becomes somebody else, with a copy of the binary where that one can reach it.
fn as_somebody(command: Command) -> Command {
    const NOBODY: u32 = 65534;
    if !rustix::process::geteuid().is_root() {
        return command;
    }
    let public = tempfile::tempdir().expect("a temporary folder").keep();
    fs::set_permissions(&public, fs::Permissions::from_mode(0o755)).expect("it is ours");
    let binary = public.join("part");
    fs::copy(command.get_program(), &binary).expect("there is room");
    fs::set_permissions(&binary, fs::Permissions::from_mode(0o755)).expect("it is ours");
    let mut somebody = Command::new(binary);
    somebody.args(command.get_args()).current_dir("/").uid(NOBODY).gid(NOBODY);
    somebody
}

/// Writes until the limit on the size of files is met, and says what is durable.
#[test]
fn part_full() {
    let Some(folder) = std::env::var_os(FOLDER) else { return };
    let store = try_open(config(Path::new(&folder))).expect("it was closed");
    let mut number = 0;
    let error = loop {
        let text = format!("{number}-{}", "x".repeat(200_000));
        match block_on(store.commit(put(&format!("pods/a/{}", number % 10), &text))) {
            Ok(_) => number += 1,
            Err(error) => break error,
        }
        assert!(number < 10_000, "there is no limit");
    };
    let CommitError::Storage(fault) = &error else { panic!("{error:?}") };
    assert_eq!(fault.kind, FaultKind::Full, "{fault}");
    let refusal = block_on(store.commit(put("pods/a/x", "1")));
    assert!(matches!(refusal, Err(CommitError::ReadOnly(_))), "{refusal:?}");
    assert_eq!(store.snapshot().revision(), store.revision());
    fs::write(Path::new(&folder).join("durable"), store.revision().to_string())
        .expect("it is small");
}

#[test]
fn keeps_what_was_durable_when_the_disk_is_full() {
    let folder = filled(3);
    // The signal that a file is too large is ignored, so that it is an error as on a full disk.
    let script = "trap '' XFSZ; ulimit -f 24000; exec \"$@\"";
    let part = again("part_full");
    let output = Command::new("sh")
        .args(["-c", script, "sh"])
        .arg(part.get_program())
        .args(part.get_args())
        .env(FOLDER, folder.path())
        .output()
        .expect("there is a shell");
    let told = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{told}");
    let durable = fs::read_to_string(folder.path().join("durable")).expect("it got that far");
    let durable: Revision = durable.parse().expect("a revision");
    let store = try_open(config(folder.path())).expect("there is room again");
    assert!(store.revision() >= durable, "{} < {durable}", store.revision());
    fill(&store, 3);
}
