//! The releases of kubectl that a user may have.

use std::{
    path::{Path, PathBuf},
    process::Command,
    sync::OnceLock,
};

use super::{installed, skip};

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
        let own = installed("bin/kubectl");
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
