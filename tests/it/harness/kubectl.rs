//! Client programs that a user may lack: their tests skip themselves and say so.

use std::{
    io::Write as _,
    path::{Path, PathBuf},
    process::Command,
    sync::OnceLock,
};

/// kubectl, where there is one.
pub(crate) fn kubectl() -> Option<&'static PathBuf> {
    kubectls().first()
}

/// Every kubectl of this machine: that on the PATH, releases beside it (`kubectl.1.27`), and the one that CI has built.
pub(crate) fn kubectls() -> &'static [PathBuf] {
    static FOUND: OnceLock<Vec<PathBuf>> = OnceLock::new();
    FOUND.get_or_init(|| {
        let path = std::env::var_os("PATH").unwrap_or_default();
        let mut on_path = std::env::split_paths(&path).map(|folder| folder.join("kubectl"));
        let first = on_path.find_map(|program| program.canonicalize().ok());
        let folder = first.as_deref().and_then(Path::parent);
        let mut beside: Vec<PathBuf> = folder
            .and_then(|folder| folder.read_dir().ok())
            .into_iter()
            .flatten()
            .flatten()
            .filter(|entry| entry.file_name().to_string_lossy().starts_with("kubectl."))
            .map(|entry| entry.path())
            .collect();
        beside.sort();
        let cache = std::env::var_os("XDG_CACHE_HOME").map(PathBuf::from);
        let cache = cache.or_else(|| std::env::home_dir().map(|home| home.join(".cache")));
        let own = cache.map(|cache| cache.join("skiff/bin/kubectl"));
        first.into_iter().chain(own).chain(beside).filter(|program| runs(program)).collect()
    })
}

fn runs(program: &Path) -> bool {
    let version = Command::new(program).args(["version", "--client"]).output();
    version.is_ok_and(|output| output.status.success())
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
