//! What a reader of the code relies on: which room may know which, that the reading order exists, that names say something.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use crate::harness::root;

/// What each room may depend on, of our own rooms. `skiff` and the test packages may know all.
const LAYERS: &[(&str, &[&str])] = &[
    ("meta", &[]),
    ("expressions", &["meta"]),
    ("kinds", &["meta", "expressions"]),
    ("store", &["meta"]),
    ("apiserver", &["meta", "expressions", "kinds", "store"]),
    ("api", &["meta", "kinds"]),
    ("controllers", &["meta", "kinds"]),
    ("scheduler", &["meta", "kinds"]),
    ("control", &["meta", "kinds", "api", "controllers", "scheduler"]),
    ("runtime", &[]),
    ("image", &[]),
    ("net", &["meta", "kinds"]),
    ("node", &["meta", "kinds", "api", "runtime", "image", "net"]),
    ("cli", &["meta", "kinds", "api", "image"]),
];

/// Libraries that do I/O, and the rooms that must stay pure.
const PURE: &[&str] = &["meta", "expressions", "kinds", "controllers", "scheduler"];
const IO: &[&str] = &["tokio", "fjall", "wasmtime", "hyper", "reqwest"];

#[derive(serde::Deserialize)]
struct Metadata {
    packages: Vec<Package>,
}

#[derive(serde::Deserialize)]
struct Package {
    name: String,
    dependencies: Vec<Dependency>,
    default_run: Option<String>,
}

#[derive(serde::Deserialize)]
struct Dependency {
    name: String,
    kind: Option<String>,
}

fn packages() -> Vec<Package> {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--no-deps", "--format-version=1"])
        .current_dir(root())
        .output()
        .unwrap();
    let metadata: Metadata = serde_json::from_slice(&output.stdout).unwrap();
    metadata.packages
}

/// The dependencies of each package in the workspace, those for tests left out.
fn dependencies() -> BTreeMap<String, Vec<String>> {
    let real = |package: Package| {
        let names =
            package.dependencies.into_iter().filter(|it| it.kind.is_none()).map(|it| it.name);
        (package.name, names.collect())
    };
    packages().into_iter().map(real).collect()
}

#[test]
fn cargo_run_starts_skiff() {
    let chosen: Vec<_> = packages().into_iter().filter_map(|package| package.default_run).collect();
    assert_eq!(chosen, ["skiff"], "README's first command is `cargo run`");
}

#[test]
fn rooms_know_only_those_below_them() {
    let all = dependencies();
    let rooms: Vec<&str> = LAYERS.iter().map(|(room, _)| *room).collect();
    for (room, allowed) in LAYERS {
        for dependency in &all[*room] {
            let ours = rooms.contains(&dependency.as_str()) || dependency == "skiff";
            assert!(
                !ours || allowed.contains(&dependency.as_str()),
                "{room} must not depend on {dependency}"
            );
        }
    }
}

#[test]
fn pure_rooms_cannot_do_io() {
    let all = dependencies();
    for room in PURE {
        let found = all[*room].iter().find(|dependency| IO.contains(&dependency.as_str()));
        assert_eq!(found, None, "{room} decides without I/O");
    }
}

#[test]
fn the_reading_order_exists() {
    let readme = fs::read_to_string(root().join("host/README.md")).unwrap();
    let paths: Vec<&str> = readme
        .split('`')
        .filter(|text| {
            text.ends_with(".rs") && text.contains("/src/") && !text.contains(char::is_whitespace)
        })
        .collect();
    assert!(paths.len() >= 14, "host/README.md lists the reading order");
    for path in paths {
        assert!(
            root().join("host").join(path).is_file(),
            "host/README.md names {path}, which is not there"
        );
    }
}

#[test]
fn every_room_is_on_the_map() {
    let readme = fs::read_to_string(root().join("host/README.md")).unwrap();
    for entry in
        fs::read_dir(root().join("host")).unwrap().flatten().filter(|entry| entry.path().is_dir())
    {
        let name = entry.file_name().into_string().unwrap();
        assert!(readme.contains(&format!("| `{name}` |")), "host/README.md does not list {name}");
    }
}

#[test]
fn files_have_names_and_tests_run() {
    let mut sources = Vec::new();
    for folder in ["host", "guest-sdk", "examples", "tests", "benches"] {
        collect(&root().join(folder), &mut sources);
    }
    assert!(sources.len() > 100, "the sources were found");
    for path in sources {
        let name = path.file_stem().unwrap().to_string_lossy().into_owned();
        assert!(
            !["utils", "util", "helpers", "common", "misc"].contains(&name.as_str()),
            "{}",
            path.display()
        );
        let text = fs::read_to_string(&path).unwrap();
        // Written in two pieces, so that this file passes its own test.
        assert!(!text.contains(concat!("#[", "ignore")), "{} has an ignored test", path.display());
        let is_test = path.starts_with(root().join("tests/it")) || path.ends_with("tests.rs");
        let waits = path.ends_with("harness/wait.rs");
        assert!(
            !is_test || waits || !text.contains(concat!("sl", "eep(")),
            "{}: wait for a state",
            path.display()
        );
    }
}

fn collect(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap().flatten() {
        let path = entry.path();
        if path.is_dir() {
            if !path.ends_with("target") {
                collect(&path, found);
            }
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}
