//! Guests that lie next to manifests: crates that are built to Wasm and pushed under the name that the manifests use.
//!
//! The convention: a folder below the manifests with a `Cargo.toml` is a guest; its image is `PACKAGE:VERSION`. A package with a
//! library of the type `cdylib` (an HTTP function) gives `PACKAGE.wasm` as one with a `main` does.

use std::{
    ffi::OsStr,
    path::{Path, PathBuf},
    process::Stdio,
};

use anyhow::{Context as _, bail};
use serde::Deserialize;
use tokio::process::Command;

use crate::toolchain;

/// What guests are built for: components on WASI 0.2.
pub(crate) const TARGET: &str = "wasm32-wasip2";

/// A crate that becomes an image.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Guest {
    pub folder: PathBuf,
    pub package: String,
    pub version: String,
}

impl Guest {
    /// The image that manifests name.
    pub fn image(&self) -> String {
        format!("{}:{}", self.package, self.version)
    }
}

#[derive(Deserialize)]
struct Metadata {
    packages: Vec<Package>,
    target_directory: PathBuf,
}

#[derive(Deserialize)]
struct Package {
    name: String,
    version: String,
    manifest_path: PathBuf,
}

/// The guests in a folder and directly below it.
pub async fn find(folder: &Path) -> anyhow::Result<Vec<Guest>> {
    let mut folders = vec![folder.to_owned()];
    for entry in folder.read_dir().with_context(|| format!("cannot read {}", folder.display()))? {
        folders.push(entry?.path());
    }
    folders.sort();
    let mut guests = Vec::new();
    for folder in folders.into_iter().filter(|it| it.join("Cargo.toml").is_file()) {
        let metadata = metadata(&folder).await?;
        let own = folder.canonicalize()?.join("Cargo.toml");
        let package = metadata.packages.into_iter().find(|package| package.manifest_path == own);
        let package = package.with_context(|| format!("{} is no package", own.display()))?;
        guests.push(Guest { folder, package: package.name, version: package.version });
    }
    Ok(guests)
}

async fn metadata(folder: &Path) -> anyhow::Result<Metadata> {
    let output = cargo(folder)
        .args(["metadata", "--no-deps", "--format-version=1"])
        .stderr(Stdio::piped())
        .output()
        .await
        .context("cargo could not be started; is Rust installed? (https://rustup.rs)")?;
    if !output.status.success() {
        bail!(
            "cargo cannot read {}: {}",
            folder.display(),
            String::from_utf8_lossy(&output.stderr).trim()
        );
    }
    Ok(serde_json::from_slice(&output.stdout)?)
}

/// Builds a guest and gives the path of its Wasm file. What cargo says goes to standard error.
pub async fn build(guest: &Guest, say: fn(&str)) -> anyhow::Result<PathBuf> {
    let folder = guest.folder.clone();
    tokio::task::spawn_blocking(move || toolchain::ensure(TARGET, &folder, &say)).await??;
    let status = cargo(&guest.folder)
        .args(["build", "--release", "--quiet", "--target", TARGET])
        .status()
        .await
        .context("cargo could not be started")?;
    if !status.success() {
        bail!("{} does not build", guest.folder.display());
    }
    let target = metadata(&guest.folder).await?.target_directory;
    let file = target.join(TARGET).join("release").join(format!("{}.wasm", guest.package));
    if file.is_file() {
        return Ok(file);
    }
    // The file of a library has the name of the crate, in which dashes are underscores.
    let library = file.with_file_name(format!("{}.wasm", guest.package.replace('-', "_")));
    if library.is_file() {
        return Ok(library);
    }
    bail!(
        "{} built no {}; a guest has a `main` or a library of the crate type \"cdylib\"",
        guest.folder.display(),
        file.display()
    )
}

/// cargo for a guest: not with the flags that a surrounding cargo has set for the host.
fn cargo(folder: &Path) -> Command {
    let mut command = Command::new("cargo");
    command.current_dir(folder).stdin(Stdio::null());
    for (name, _) in std::env::vars_os() {
        let name = name.as_os_str();
        if name == OsStr::new("RUSTFLAGS")
            || name == OsStr::new("CARGO_ENCODED_RUSTFLAGS")
            || name == OsStr::new("CARGO_TARGET_DIR")
        {
            command.env_remove(name);
        }
    }
    command
}
