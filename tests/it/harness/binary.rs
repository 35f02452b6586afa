//! The binary under test, built once for each test run.

use std::{
    path::{Path, PathBuf},
    process::Command,
    sync::OnceLock,
};

/// Variables by which cargo tells a program of its package.
const OUTER: [&str; 5] =
    ["CARGO_PKG_", "CARGO_MANIFEST_", "CARGO_BIN_", "CARGO_CRATE_", "CARGO_PRIMARY_"];

/// The root of the checkout.
pub(crate) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the package lies in the checkout")
}

/// The path of `skiff`: the one that `$SKIFF` names, or else one that is built from today's sources.
pub(crate) fn skiff() -> &'static Path {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    BUILT.get_or_init(|| {
        if let Some(given) = std::env::var_os("SKIFF") {
            return given.into();
        }
        let mut build = Command::new(env!("CARGO"));
        // What the outer cargo says of this package would make build scripts, and all that depends on them, run again.
        for (name, _) in std::env::vars_os() {
            if OUTER.iter().any(|prefix| name.to_string_lossy().starts_with(prefix)) {
                build.env_remove(name);
            }
        }
        let status = build
            .args(["build", "--quiet", "--package", "skiff", "--target-dir"])
            .arg(target())
            .current_dir(root())
            .status()
            .expect("cargo starts");
        assert!(status.success(), "skiff does not build");
        target().join("debug/skiff")
    })
}

/// The target folder that this test was built in.
pub(crate) fn target() -> PathBuf {
    let own = std::env::current_exe().expect("a test knows its own path");
    // target/debug/deps/it-<hash>
    own.ancestors().nth(3).expect("tests lie in the target folder").to_owned()
}
