//! The binary under test, built once for each test run.

use std::{
    path::{Path, PathBuf},
    process::Command,
    sync::OnceLock,
};

/// The root of the checkout.
pub(crate) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the package lies in the checkout")
}

/// The path of `skiff`, of today's sources.
pub(crate) fn skiff() -> &'static Path {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    BUILT.get_or_init(|| {
        let status = Command::new(env!("CARGO"))
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
