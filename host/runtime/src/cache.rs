//! Compiled programs on disk: `<dir>/<engine>/<digest>.code` is mapped into memory and executed,
//! `<digest>.note` beside it says what it is and what its bytes hash to.
//!
//! `<engine>` is a hash of everything that compiled code depends on: wasmtime's version, its
//! settings, the features of this CPU. Folders of other engines are removed at start. An entry is
//! written under another name, flushed and renamed, note last; an entry that is torn, damaged or
//! unreadable counts as absent and is compiled again. The folder is our own (mode 0700).

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::hash::{Hash, Hasher};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use sha2::{Digest, Sha256};
use wasmtime::Module;
use wasmtime::component::Component;

use crate::program::Kind;

#[derive(Debug)]
pub(crate) struct Cache {
    dir: PathBuf,
    bytes_max: u64,
}

/// An entry whose bytes were found to be those that this host once wrote.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    pub(crate) kind: Kind,
    code: PathBuf,
}

impl Cache {
    pub(crate) fn open(root: &Path, bytes_max: u64, engine: &wasmtime::Engine) -> io::Result<Self> {
        let dir = root.join(compatibility(engine));
        private_dir(root)?;
        private_dir(&dir)?;
        for entry in fs::read_dir(root)? {
            let other = entry?.path();
            if other != dir && other.is_dir() {
                fs::remove_dir_all(other)?;
            }
        }
        Ok(Self { dir, bytes_max })
    }

    /// The entry for `digest`, if it is there and whole.
    pub(crate) fn get(&self, digest: &str) -> Option<Entry> {
        let note = fs::read_to_string(self.path(digest, "note")).ok()?;
        let note = Note::parse(&note)?;
        let code = self.path(digest, "code");
        let found = hash_of_file(&code).ok()?;
        if found != note.sha256 {
            tracing::warn!(digest, "compiled code is damaged and will be made again");
            return None;
        }
        // The time of use orders eviction; without it an entry merely goes early.
        File::open(&code).and_then(|file| file.set_modified(SystemTime::now())).ok();
        Some(Entry { kind: note.kind, code })
    }

    pub(crate) fn put(&self, digest: &str, kind: Kind, code: &[u8]) -> io::Result<Entry> {
        let note = Note { kind, sha256: format!("{:x}", Sha256::digest(code)) };
        let path = self.path(digest, "code");
        self.write(&path, code)?;
        self.write(&self.path(digest, "note"), note.to_string().as_bytes())?;
        self.evict(&path)?;
        Ok(Entry { kind, code: path })
    }

    /// Digests come from outside: only their letters and digits become part of a path.
    fn path(&self, digest: &str, extension: &str) -> PathBuf {
        let name = |c: char| if c.is_ascii_alphanumeric() { c } else { '-' };
        self.dir.join(format!("{}.{extension}", digest.chars().map(name).collect::<String>()))
    }

    fn write(&self, path: &Path, bytes: &[u8]) -> io::Result<()> {
        let unfinished = path.with_extension("unfinished");
        let mut options = OpenOptions::new();
        let mut file =
            options.write(true).create(true).truncate(true).mode(0o600).open(&unfinished)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        fs::rename(&unfinished, path)?;
        File::open(&self.dir)?.sync_all()
    }

    /// Removes the least recently used entries until the rest fits, never `newest`. A mapped entry
    /// lives on without its name.
    fn evict(&self, newest: &Path) -> io::Result<()> {
        let mut entries = Vec::new();
        for entry in fs::read_dir(&self.dir)? {
            let (path, metadata) = match entry.and_then(|e| Ok((e.path(), e.metadata()?))) {
                Ok(found) => found,
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                Err(error) => return Err(error),
            };
            if path.extension().is_some_and(|extension| extension == "code") {
                entries.push((metadata.modified()?, metadata.len(), path));
            }
        }
        entries.sort();
        let mut total: u64 = entries.iter().map(|(_, length, _)| length).sum();
        for (_, length, path) in entries.iter().filter(|(_, _, path)| path != newest) {
            if total <= self.bytes_max {
                break;
            }
            fs::remove_file(path.with_extension("note"))?;
            fs::remove_file(path)?;
            total -= length;
        }
        Ok(())
    }
}

impl Entry {
    pub(crate) fn component(&self, engine: &wasmtime::Engine) -> wasmtime::Result<Component> {
        #[expect(unsafe_code, reason = "compiled code can only be mapped by an unsafe function")]
        // SAFETY: the bytes are an artefact that wasmtime made and nobody has changed. `Cache::put`
        // is the only writer; `Cache::get` compared their hash with the one noted when they were
        // written; the folder's name binds them to this very engine; and the folder's mode lets
        // only this user, who could as well replace the binary, write to it. Files are replaced by
        // rename and never written in place, so a mapping does not change either.
        unsafe {
            Component::deserialize_file(engine, &self.code)
        }
    }

    pub(crate) fn module(&self, engine: &wasmtime::Engine) -> wasmtime::Result<Module> {
        #[expect(unsafe_code, reason = "compiled code can only be mapped by an unsafe function")]
        // SAFETY: as in `component`.
        unsafe {
            Module::deserialize_file(engine, &self.code)
        }
    }
}

/// The text beside an entry.
#[derive(Debug, PartialEq, Eq)]
struct Note {
    kind: Kind,
    sha256: String,
}

impl Note {
    fn parse(text: &str) -> Option<Self> {
        let (kind, sha256) = text.trim_end().split_once(' ')?;
        Some(Self { kind: Kind::from_name(kind)?, sha256: sha256.to_owned() })
    }
}

impl std::fmt::Display for Note {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        writeln!(f, "{} {}", self.kind.name(), self.sha256)
    }
}

/// Makes the folder, or takes away what others may do with one that is there.
fn private_dir(dir: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(dir)?;
    fs::set_permissions(dir, fs::Permissions::from_mode(0o700))
}

fn hash_of_file(path: &Path) -> io::Result<String> {
    let mut file = File::open(path)?;
    let mut hasher = Sha256::new();
    let mut buffer = vec![0; 256 * 1024];
    loop {
        match file.read(&mut buffer)? {
            0 => return Ok(format!("{:x}", hasher.finalize())),
            read => hasher.update(buffer.get(..read).unwrap_or_default()),
        }
    }
}

fn compatibility(engine: &wasmtime::Engine) -> String {
    struct Into256(Sha256);
    impl Hasher for Into256 {
        fn finish(&self) -> u64 {
            0
        }
        fn write(&mut self, bytes: &[u8]) {
            self.0.update(bytes);
        }
    }
    let mut hasher = Into256(Sha256::new());
    engine.precompile_compatibility_hash().hash(&mut hasher);
    format!("{:x}", hasher.0.finalize())
}
