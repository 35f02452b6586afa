//! The standard library of a Wasm target, built from Debian's `rust-src` of the same compiler version and its `wasi-libc`.
//!
//! Uses the machine's own apt mirror but none of its package lists: the suites that carry recent compilers are read into a folder of
//! our own, so that nothing on the machine changes except the toolchain's folder for the target. A lock file keeps two processes from
//! building at once; the second one finds the work done.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use super::{Error, file, run};

/// Debian suites in which recent compilers appear, newest last.
const SUITES: [&str; 3] = ["trixie-backports", "trixie", "sid"];

/// Builds `std` for `target` and puts it into `sysroot`.
pub(super) fn build_std(sysroot: &Path, version: &str, target: &str) -> Result<(), Error> {
    let cache = cache_folder(version);
    file(&cache, fs::create_dir_all(&cache))?;
    let lock = cache.join("lock");
    let lock_file = file(&lock, fs::File::create(&lock))?;
    file(&lock, lock_file.lock())?;
    let sources = cache.join("root/usr/src").join(format!("rustc-{version}/library"));
    if !sources.is_dir() {
        fetch(&cache, version, target)?;
    }
    let library = sysroot.join("lib/rustlib").join(target);
    copy_libc(&cache.join("root/usr/lib").join(target), &library.join("lib/self-contained"))?;
    link_sources(sysroot, &sources)?;
    compile(&cache, target, &library.join("lib"))
}

fn cache_folder(version: &str) -> PathBuf {
    let base = std::env::var_os("XDG_CACHE_HOME").map(PathBuf::from);
    let base = base.or_else(|| std::env::home_dir().map(|home| home.join(".cache")));
    base.unwrap_or_else(std::env::temp_dir).join("skiff/rust-std").join(version)
}

/// Downloads and unpacks the two packages.
fn fetch(cache: &Path, version: &str, target: &str) -> Result<(), Error> {
    let lists = cache.join("apt/lists/partial");
    file(&lists, fs::create_dir_all(&lists))?;
    let packages = cache.join("packages");
    file(&packages, fs::create_dir_all(&packages))?;
    let targets =
        run("apt-get", Command::new("apt-get").args(["indextargets", "--format", "$(REPO_URI)"]))?;
    let unavailable =
        || Error::Unavailable { target: target.to_owned(), version: version.to_owned() };
    let mirror = targets.lines().find(|line| !line.contains("security")).ok_or_else(unavailable)?;
    let list: String = SUITES
        .iter()
        .map(|suite| format!("deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] {mirror} {suite} main\n"))
        .collect();
    let list_path = cache.join("apt/sources.list");
    file(&list_path, fs::write(&list_path, list))?;
    let apt = |program: &'static str| {
        let mut command = Command::new(program);
        command
            .arg("-qq")
            .arg("-o")
            .arg(format!("Dir::Etc::SourceList={}", list_path.display()))
            .args(["-o", "Dir::Etc::SourceParts=-"])
            .arg("-o")
            .arg(format!("Dir::State::Lists={}", cache.join("apt/lists").display()))
            .args([
                "-o",
                "Dir::Cache::pkgcache=",
                "-o",
                "Dir::Cache::srcpkgcache=",
                "-o",
                "APT::Sandbox::User=root",
            ])
            .current_dir(&packages);
        command
    };
    run("apt-get", apt("apt-get").arg("update"))?;
    let known = run("apt-cache", apt("apt-cache").args(["madison", "rust-src"]))?;
    let prefix = format!("{version}+");
    let package = known
        .lines()
        .filter_map(|line| line.split('|').nth(1).map(str::trim))
        .find(|found| found.starts_with(&prefix))
        .ok_or_else(unavailable)?;
    run("apt-get", apt("apt-get").args(["download", &format!("rust-src={package}"), "wasi-libc"]))?;
    let root = cache.join("root");
    for entry in file(&packages, packages.read_dir())?.flatten() {
        run("dpkg", Command::new("dpkg").arg("-x").arg(entry.path()).arg(&root))?;
    }
    Ok(())
}

fn copy_libc(from: &Path, to: &Path) -> Result<(), Error> {
    file(to, fs::create_dir_all(to))?;
    for entry in file(from, from.read_dir())?.flatten() {
        let path = entry.path();
        if path.extension().is_some_and(|extension| extension == "o" || extension == "a") {
            file(&path, fs::copy(&path, to.join(entry.file_name())))?;
        }
    }
    Ok(())
}

/// `-Zbuild-std` looks for the sources at a fixed place in the sysroot.
fn link_sources(sysroot: &Path, sources: &Path) -> Result<(), Error> {
    let folder = sysroot.join("lib/rustlib/src/rust");
    file(&folder, fs::create_dir_all(&folder))?;
    let link = folder.join("library");
    if link.exists() {
        return Ok(());
    }
    if link.is_symlink() {
        file(&link, fs::remove_file(&link))?;
    }
    file(&link, std::os::unix::fs::symlink(sources, &link))
}

/// Compiles an empty program with its own `std` and keeps the libraries.
fn compile(cache: &Path, target: &str, library: &Path) -> Result<(), Error> {
    let work = cache.join(format!("seed-{target}"));
    let source = work.join("src");
    file(&source, fs::create_dir_all(&source))?;
    let manifest = work.join("Cargo.toml");
    let text = "[package]\nname = \"seed\"\nversion = \"0.0.0\"\nedition = \"2024\"\n[workspace]\n";
    file(&manifest, fs::write(&manifest, text))?;
    file(&source, fs::write(source.join("main.rs"), "fn main() {}\n"))?;
    let built = work.join("target");
    // Building the standard library is a nightly feature of cargo; the compiler's own sources are the one thing it is sound for here.
    run(
        "cargo",
        Command::new("cargo")
            .args([
                "build",
                "--quiet",
                "--release",
                "-Zbuild-std=std,panic_abort,panic_unwind,proc_macro",
                "--target",
                target,
            ])
            .current_dir(&work)
            .env("RUSTC_BOOTSTRAP", "1")
            .env_remove("RUSTFLAGS")
            .env("CARGO_TARGET_DIR", &built),
    )?;
    let deps = built.join(target).join("release/deps");
    let mut names: Vec<_> = file(&deps, deps.read_dir())?
        .flatten()
        .filter_map(|entry| entry.file_name().into_string().ok())
        .filter(|name| name.starts_with("lib") && name.ends_with(".rlib"))
        .collect();
    // `std` itself goes last: its presence is what tells others that the target is complete.
    names.sort_by_key(|name| name.starts_with("libstd-"));
    for name in names {
        file(library, fs::copy(deps.join(&name), library.join(&name)))?;
    }
    file(&work, fs::remove_dir_all(&work))
}
