//! Client programs that a user may lack: their tests skip themselves and say so.

use std::{io::Write as _, path::PathBuf, process::Command, sync::OnceLock};

/// kubectl, where there is one.
pub(crate) fn kubectl() -> Option<&'static PathBuf> {
    static FOUND: OnceLock<Option<PathBuf>> = OnceLock::new();
    let found = FOUND.get_or_init(|| {
        let cache = std::env::var_os("XDG_CACHE_HOME").map(PathBuf::from);
        let cache = cache.or_else(|| std::env::home_dir().map(|home| home.join(".cache")));
        let own = cache.map(|cache| cache.join("skiff/bin/kubectl"));
        let candidates = std::iter::once(PathBuf::from("kubectl")).chain(own);
        candidates.into_iter().find(|program| {
            Command::new(program)
                .args(["version", "--client"])
                .output()
                .is_ok_and(|output| output.status.success())
        })
    });
    found.as_ref()
}

/// Whether kubectl is here; a test that needs it returns if not.
pub(crate) fn have_kubectl(test: &str) -> bool {
    kubectl().is_some() || skip(test, "kubectl is not installed")
}

/// Notes that a test did not run. Always false.
pub(crate) fn skip(test: &str, why: &str) -> bool {
    eprintln!("skipped: {test}: {why}");
    if let Some(path) = std::env::var_os("SKIFF_SKIPPED_TESTS") {
        let mut file = std::fs::OpenOptions::new().append(true).create(true).open(path).unwrap();
        writeln!(file, "{test}: {why}").unwrap();
    }
    false
}
