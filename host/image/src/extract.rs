//! Finding the program of a file system image: one file in a stack of tar layers.
//!
//! Layers are read from the top down, since an upper layer's file hides the lower ones'. Nothing is ever written to a path that a layer
//! names; the one file that is wanted is read into memory, and everything read counts against a limit, so that a small archive cannot unpack
//! into a large amount of work.
//! <https://github.com/opencontainers/image-spec/blob/main/layer.md>

use std::fs::File;
use std::io::{self, BufReader, Read};
use std::path::{Component, Path, PathBuf};

use crate::layout::NoWasm;

const WASM_MAGIC: &[u8] = b"\0asm";
const GZIP_MAGIC: [u8; 2] = [0x1f, 0x8b];

/// Why there is no program.
#[derive(Debug)]
pub(crate) enum Error {
    NoWasm(NoWasm),
    TooLarge,
    Io(io::Error),
}

impl From<io::Error> for Error {
    fn from(error: io::Error) -> Self {
        // The limit is reached inside readers, which can only speak in I/O errors.
        match error.get_ref() {
            Some(inner) if inner.is::<LimitReached>() => Self::TooLarge,
            _ => Self::Io(error),
        }
    }
}

#[derive(Debug, thiserror::Error)]
#[error("the layers unpack to more than the limit")]
struct LimitReached;

/// The bytes of the entrypoint, or of the only `.wasm` file where the image names none.
pub(crate) fn find_program(
    layers: &[PathBuf],
    entrypoint: Option<&str>,
    working_dir: &str,
    limit: u64,
) -> Result<Vec<u8>, Error> {
    let mut budget = limit;
    match entrypoint {
        Some(entrypoint) => {
            let wanted = normal(&Path::new("/").join(working_dir).join(entrypoint));
            find_entrypoint(layers, &wanted, entrypoint, &mut budget)
        }
        None => find_only(layers, &mut budget),
    }
}

fn find_entrypoint(
    layers: &[PathBuf],
    wanted: &Path,
    shown: &str,
    budget: &mut u64,
) -> Result<Vec<u8>, Error> {
    for layer in layers.iter().rev() {
        let mut archive = open(layer, budget)?;
        let mut is_hidden_below = false;
        let mut found = None;
        for entry in archive.entries()? {
            let mut entry = entry?;
            let path = normal(&entry.path()?);
            if path == wanted && entry.header().entry_type().is_file() {
                let mut bytes = Vec::new();
                entry.read_to_end(&mut bytes)?;
                found = Some(bytes);
            }
            is_hidden_below |= hides(&path, wanted);
        }
        match found {
            Some(bytes) if bytes.starts_with(WASM_MAGIC) => return Ok(bytes),
            Some(_) => return Err(Error::NoWasm(NoWasm::EntrypointNative(shown.to_owned()))),
            None if is_hidden_below => break,
            None => {}
        }
    }
    Err(Error::NoWasm(NoWasm::EntrypointMissing(shown.to_owned())))
}

fn find_only(layers: &[PathBuf], budget: &mut u64) -> Result<Vec<u8>, Error> {
    let mut found: std::collections::BTreeMap<PathBuf, Vec<u8>> = std::collections::BTreeMap::new();
    for layer in layers {
        let mut archive = open(layer, budget)?;
        for entry in archive.entries()? {
            let mut entry = entry?;
            let path = normal(&entry.path()?);
            found.retain(|known, _| !hides(&path, known));
            if path.extension().is_some_and(|extension| extension == "wasm")
                && entry.header().entry_type().is_file()
            {
                let mut bytes = Vec::new();
                entry.read_to_end(&mut bytes)?;
                if bytes.starts_with(WASM_MAGIC) {
                    found.insert(path, bytes);
                }
            }
        }
    }
    let count = found.len();
    match (count, found.into_values().next()) {
        (1, Some(bytes)) => Ok(bytes),
        (0, _) => Err(Error::NoWasm(NoWasm::Layers)),
        _ => Err(Error::NoWasm(NoWasm::Ambiguous(count))),
    }
}

/// Whether an entry of this layer removes `wanted` from the layers below: a whiteout of the file or of a folder above it.
fn hides(entry: &Path, wanted: &Path) -> bool {
    let (Some(name), Some(folder)) = (entry.file_name().and_then(|n| n.to_str()), entry.parent())
    else {
        return false;
    };
    match name.strip_prefix(".wh.") {
        Some(".wh..opq") => wanted.starts_with(folder),
        Some(hidden) => wanted.starts_with(folder.join(hidden)),
        None => false,
    }
}

/// The path as seen from the root, with dots resolved by text alone.
fn normal(path: &Path) -> PathBuf {
    let mut plain = PathBuf::from("/");
    for part in path.components() {
        match part {
            Component::Normal(part) => plain.push(part),
            Component::ParentDir => {
                plain.pop();
            }
            Component::RootDir | Component::CurDir | Component::Prefix(_) => {}
        }
    }
    plain
}

/// A reader that counts down a budget shared by all layers.
struct Budgeted<'a, R> {
    inner: R,
    budget: &'a mut u64,
}

impl<R: Read> Read for Budgeted<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer)?;
        *self.budget =
            self.budget.checked_sub(read as u64).ok_or_else(|| io::Error::other(LimitReached))?;
        Ok(read)
    }
}

type Layer<'a> = tar::Archive<Budgeted<'a, Box<dyn Read>>>;

fn open<'a>(path: &Path, budget: &'a mut u64) -> io::Result<Layer<'a>> {
    use io::Seek as _;
    let mut file = File::open(path)?;
    let mut magic = [0; 2];
    let is_gzip = file.read_exact(&mut magic).is_ok() && magic == GZIP_MAGIC;
    file.rewind()?;
    let file = BufReader::with_capacity(128 << 10, file);
    let inner: Box<dyn Read> =
        if is_gzip { Box::new(flate2::bufread::MultiGzDecoder::new(file)) } else { Box::new(file) };
    Ok(tar::Archive::new(Budgeted { inner, budget }))
}

#[cfg(test)]
mod tests;
