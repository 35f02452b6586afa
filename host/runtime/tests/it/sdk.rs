//! The guest SDK, whose tests cannot run in its own folder's target: its documentation is compiled
//! for the guest.

use std::path::Path;
use std::process::Command;

/// By hand: `cargo test --doc --target wasm32-wasip2` in `guest-sdk`.
#[test]
fn its_examples_compile_for_the_guest() {
    cargo(&["test", "--doc", "--target", "wasm32-wasip2"]);
}

/// By hand: `cargo test --lib` in `guest-sdk`.
#[test]
fn its_own_tests_pass() {
    cargo(&["test", "--lib"]);
}

fn cargo(args: &[&str]) {
    let sdk = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../guest-sdk");
    let mut cargo = Command::new(env!("CARGO"));
    cargo.current_dir(sdk).args(args).arg("--quiet");
    // Not the folder of the build that runs this test, which is locked.
    cargo.arg("--target-dir").arg(Path::new(env!("CARGO_TARGET_TMPDIR")).join("guest-sdk"));
    for flags in ["CARGO_ENCODED_RUSTFLAGS", "RUSTFLAGS", "RUSTC_WORKSPACE_WRAPPER"] {
        cargo.env_remove(flags);
    }
    let output = cargo.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}
