//! Makes sure that Rust guests can be built: the active toolchain has the standard library of a Wasm target.
//!
//! `rustup target add` does it on most machines. Where rustup may fetch nothing (offline rules, a mirror without the component) the
//! library is built once from the very sources of the compiler in use, which Debian packages as `rust-src` (see `debian`), and lies
//! afterwards where rustup would have put it. Nothing is done for a target that is there already.
//!
//! Facts: <https://doc.rust-lang.org/rustc/platform-support/wasm32-wasip2.html>.

mod debian;

use std::{
    io,
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
};

use thiserror::Error;

/// Why the standard library of a Wasm target could not be had.
#[derive(Debug, Error)]
pub enum Error {
    #[error("{program} could not be started; is Rust installed? (https://rustup.rs)")]
    Start {
        program: &'static str,
        #[source]
        source: io::Error,
    },
    #[error("{command} failed: {stderr}")]
    Failed { command: String, stderr: String },
    #[error(
        "the Rust toolchain has no {target}, and neither rustup nor Debian's packages have it for rustc {version}; \
         install it with `rustup target add {target}`"
    )]
    Unavailable { target: String, version: String },
    #[error("{path}")]
    File {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
}

/// The compiler that builds guests.
#[derive(Debug)]
struct Toolchain {
    sysroot: PathBuf,
    version: String,
}

/// Installs the standard library of `target` (such as `wasm32-wasip2`) for the toolchain that is active in `folder`, unless it is
/// there. `say` is told what takes long.
pub fn ensure(target: &str, folder: &Path, say: &dyn Fn(&str)) -> Result<(), Error> {
    let toolchain = Toolchain::active(folder)?;
    if toolchain.has(target) {
        return Ok(());
    }
    if rustup_may_fetch() {
        say(&format!("installing the Rust target {target} with rustup"));
        let added =
            Command::new("rustup").args(["target", "add", target]).current_dir(folder).output();
        if added.is_ok_and(|output| output.status.success()) && toolchain.has(target) {
            return Ok(());
        }
    }
    say(&format!(
        "building the Rust standard library for {target} from its sources, about a minute"
    ));
    debian::build_std(&toolchain.sysroot, &toolchain.version, target)?;
    if toolchain.has(target) {
        return Ok(());
    }
    Err(Error::Unavailable { target: target.to_owned(), version: toolchain.version })
}

impl Toolchain {
    fn active(folder: &Path) -> Result<Self, Error> {
        let sysroot =
            run("rustc", Command::new("rustc").args(["--print", "sysroot"]).current_dir(folder))?;
        let version = run("rustc", Command::new("rustc").arg("--version").current_dir(folder))?;
        let version = version.split_whitespace().nth(1).unwrap_or_default().to_owned();
        Ok(Self { sysroot: PathBuf::from(sysroot.trim()), version })
    }

    fn has(&self, target: &str) -> bool {
        let folder = self.sysroot.join("lib/rustlib").join(target).join("lib");
        let Ok(files) = folder.read_dir() else { return false };
        files.flatten().any(|file| {
            let name = file.file_name();
            let name = name.to_string_lossy();
            name.starts_with("libstd-") && name.ends_with(".rlib")
        })
    }
}

/// rustup's own switch for machines on which it must not download.
fn rustup_may_fetch() -> bool {
    std::env::var_os("RUSTUP_AUTO_INSTALL").is_none_or(|value| value != "0")
}

/// Runs a command to its end and gives what it printed.
fn run(program: &'static str, command: &mut Command) -> Result<String, Error> {
    let Output { status, stdout, stderr } =
        command.stdin(Stdio::null()).output().map_err(|source| Error::Start { program, source })?;
    if status.success() {
        return Ok(String::from_utf8_lossy(&stdout).into_owned());
    }
    let stderr = String::from_utf8_lossy(&stderr);
    let last = stderr
        .lines()
        .rev()
        .take(5)
        .collect::<Vec<_>>()
        .into_iter()
        .rev()
        .collect::<Vec<_>>()
        .join("\n");
    Err(Error::Failed { command: format!("{command:?}"), stderr: last })
}

fn file<T>(path: &Path, result: io::Result<T>) -> Result<T, Error> {
    result.map_err(|source| Error::File { path: path.to_owned(), source })
}
