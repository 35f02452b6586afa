//! Every guest has a test.

use std::fs;
use std::path::Path;

#[test]
fn every_guest_is_used() {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it");
    let mut source = String::new();
    for entry in fs::read_dir(tests).unwrap() {
        source += &fs::read_to_string(entry.unwrap().path()).unwrap();
    }
    let unused: Vec<_> = guests::ALL
        .iter()
        .map(|(name, _)| *name)
        .filter(|name| {
            let mention = format!("guests::{name}");
            let ends = |rest: &str| {
                !rest
                    .starts_with(|c: char| c.is_ascii_uppercase() || c == '_' || c.is_ascii_digit())
            };
            !source.split(&mention).skip(1).any(ends)
        })
        .collect();
    assert!(unused.is_empty(), "guests without a test: {unused:?}");
}
