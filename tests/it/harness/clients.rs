//! Clients that a user may lack: their tests skip themselves and say so. `.ci/clients` installs them.

use std::{io::Write as _, path::PathBuf};

/// A file in the folder that `.ci/clients` installs into, if it is there.
pub(crate) fn installed(path: &str) -> Option<PathBuf> {
    let cache = std::env::var_os("XDG_CACHE_HOME").map(PathBuf::from);
    let cache = cache.or_else(|| std::env::home_dir().map(|home| home.join(".cache")))?;
    Some(cache.join("skiff").join(path)).filter(|path| path.exists())
}

/// A program on the PATH.
pub(crate) fn on_path(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|folder| folder.join(name)).find(|program| program.is_file())
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
