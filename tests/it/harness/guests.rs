//! Wasm files for tests: crates of the checkout built for the guest target, or modules written as text.

use std::{path::PathBuf, process::Command};

use super::binary::{root, target};

/// Builds a guest crate (`examples/01-http-function/guest`) and gives its Wasm file.
pub(crate) fn guest(folder: &str) -> PathBuf {
    let folder = root().join(folder);
    let manifest = std::fs::read_to_string(folder.join("Cargo.toml")).unwrap();
    let name = manifest.lines().find_map(|line| line.strip_prefix("name = ")).unwrap().trim_matches('"').to_owned();
    let built = target().join("guests");
    let output = Command::new(env!("CARGO"))
        .args(["build", "--release", "--quiet", "--target", "wasm32-wasip2", "--target-dir"])
        .arg(&built)
        .env_remove("RUSTFLAGS")
        .env_remove("CARGO_ENCODED_RUSTFLAGS")
        .current_dir(&folder)
        .output()
        .unwrap();
    assert!(output.status.success(), "{}: {}", folder.display(), String::from_utf8_lossy(&output.stderr));
    let folder = built.join("wasm32-wasip2/release");
    let command = folder.join(format!("{name}.wasm"));
    if command.is_file() { command } else { folder.join(format!("{}.wasm", name.replace('-', "_"))) }
}

/// A module from its text.
pub(crate) fn wat(text: &str) -> Vec<u8> {
    wat::parse_str(text).unwrap()
}
