use super::*;

fn folder() -> (tempfile::TempDir, Folder) {
    let directory = tempfile::tempdir().unwrap();
    let folder = Folder::hold(directory.path()).unwrap();
    (directory, folder)
}

fn leave_a_mark(folder: &Folder) -> io::Result<()> {
    fs::write(folder.join("upgraded"), "yes")
}

#[test]
fn starts_with_the_current_format() {
    let (_directory, folder) = folder();
    assert_eq!(settle(&folder, STEPS).unwrap(), Found::Nothing);
    assert_eq!(settle(&folder, STEPS).unwrap(), Found::Store);
}

#[test]
fn upgrades_an_older_format_once() {
    let (_directory, folder) = folder();
    settle(&folder, &[]).unwrap();
    settle(&folder, &[leave_a_mark]).unwrap();
    fs::remove_file(folder.join("upgraded")).unwrap();
    settle(&folder, &[leave_a_mark]).unwrap();
    assert!(!folder.join("upgraded").exists());
}

#[test]
fn refuses_a_newer_format() {
    let (_directory, folder) = folder();
    settle(&folder, &[leave_a_mark, leave_a_mark]).unwrap();
    let error = settle(&folder, &[leave_a_mark]).unwrap_err();
    assert!(matches!(error, OpenError::NewerFormat { found: 3, known: 2, .. }), "{error}");
}

#[test]
fn refuses_what_is_no_format() {
    for text in ["", "skiff-store", "skiff-store x", "skiff-store 0", "other 1"] {
        let (_directory, folder) = folder();
        fs::write(folder.join(FILE), text).unwrap();
        let error = settle(&folder, STEPS).unwrap_err();
        assert!(matches!(error, OpenError::Corrupted { .. }), "{text:?}: {error}");
    }
}
