//! Compiles every program in `programs/src/bin` to Wasm and writes one constant for each.
//!
//! Needs the two targets: `rustup target add wasm32-wasip2 wasm32-wasip1`.

use std::env;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Programs that are built as core modules of preview 1 too.
const PREVIEW1: [&str; 5] = ["environment", "exit", "files", "hoard_memory", "trap"];

fn main() {
    let manifest_dir = variable("CARGO_MANIFEST_DIR");
    let out_dir = PathBuf::from(variable("OUT_DIR"));
    let programs = Path::new(&manifest_dir).join("programs");
    println!("cargo::rerun-if-changed={}", programs.join("src").display());
    println!("cargo::rerun-if-changed={}", programs.join("Cargo.toml").display());
    println!("cargo::rerun-if-changed={manifest_dir}/../../guest-sdk/src");

    let mut names: Vec<String> = fs::read_dir(programs.join("src/bin"))
        .expect("the folder of programs is part of this crate")
        .map(|entry| entry.expect("a readable folder").path())
        .filter_map(|path| Some(path.file_stem()?.to_str()?.to_owned()))
        .collect();
    names.sort();

    let components = build(&programs, &out_dir, "wasm32-wasip2", &names);
    let modules: Vec<String> = PREVIEW1.iter().map(ToString::to_string).collect();
    let modules_dir = build(&programs, &out_dir, "wasm32-wasip1", &modules);

    let mut constants = String::new();
    let mut all = String::new();
    let built = names.iter().map(|name| (name.to_uppercase(), components.join(name)));
    let built = built.chain(
        modules
            .iter()
            .map(|name| (format!("{}_PREVIEW1", name.to_uppercase()), modules_dir.join(name))),
    );
    for (constant, path) in built {
        let path = path.with_extension("wasm");
        writeln!(
            constants,
            "pub const {constant}: &[u8] = include_bytes!({:?});",
            path.display().to_string()
        )
        .expect("memory");
        writeln!(all, "    ({constant:?}, {constant}),").expect("memory");
    }
    let all = format!("pub const ALL: &[(&str, &[u8])] = &[\n{all}];\n");
    fs::write(out_dir.join("constants.rs"), constants + &all).expect("a writable output folder");
}

/// The folder with the programs for `target`. A build inside a build has a target folder of its
/// own, or it would wait for the lock of the outer one for ever; and it takes no flags that were
/// meant for the host.
fn build(programs: &Path, out_dir: &Path, target: &str, names: &[String]) -> PathBuf {
    let target_dir = out_dir.join("target");
    let mut cargo = Command::new(variable("CARGO"));
    cargo.current_dir(programs).args(["build", "--quiet", "--release", "--target", target]);
    cargo.arg("--target-dir").arg(&target_dir);
    for name in names {
        cargo.args(["--bin", name]);
    }
    for flags in
        ["CARGO_ENCODED_RUSTFLAGS", "RUSTFLAGS", "RUSTC_WRAPPER", "RUSTC_WORKSPACE_WRAPPER"]
    {
        cargo.env_remove(flags);
    }
    let status = cargo.status().expect("cargo runs, it started this");
    assert!(
        status.success(),
        "the test programs do not compile for {target}; if the target is missing: \
         rustup target add wasm32-wasip2 wasm32-wasip1"
    );
    target_dir.join(target).join("release")
}

fn variable(name: &str) -> String {
    env::var(name).unwrap_or_else(|_| panic!("cargo sets {name}"))
}
