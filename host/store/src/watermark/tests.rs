use super::*;

#[test]
fn keeps_the_last_note() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("note");
    let (watermark, noted) = Watermark::open(&path).unwrap();
    assert_eq!(noted, Revision(0));
    watermark.note(Revision(7)).unwrap();
    watermark.note(Revision(300)).unwrap();
    watermark.sync().unwrap();
    assert_eq!(Watermark::open(&path).unwrap().1, Revision(300));
}

#[test]
fn says_nothing_if_unreadable() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("note");
    for bytes in [&b"short"[..], &[9; 16], &[]] {
        std::fs::write(&path, bytes).unwrap();
        assert_eq!(Watermark::open(&path).unwrap().1, Revision(0));
    }
}
