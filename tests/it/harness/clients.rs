//! Clients that a user may lack: their tests skip themselves and say so. `.ci/clients` installs them.

use std::{
    io::Write as _,
    path::{Path, PathBuf},
    process::Command,
};

use super::root;

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

/// The folder of one of the client programs.
pub(crate) fn sources(language: &str) -> PathBuf {
    root().join("tests/it/clients").join(language)
}

/// The program in Go, built of today's sources; or why there is none. Nothing is fetched: that is for `.ci/clients`.
pub(crate) fn go_client(to: &Path) -> Result<PathBuf, &'static str> {
    let go = on_path("go").ok_or("Go is not installed")?;
    let command = |arguments: &[&str]| {
        let mut command = Command::new(&go);
        command.args(arguments).current_dir(sources("go")).env("GOPROXY", "off");
        command
    };
    let fetched = command(&["list", "-deps", "."]).output().is_ok_and(|it| it.status.success());
    if !fetched {
        return Err("the modules of its Go program are not here");
    }
    let built = to.join("go-client");
    let output = command(&["build", "-o"]).arg(&built).arg(".").output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    Ok(built)
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
