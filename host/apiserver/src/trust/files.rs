//! Files of the trust folder: the folder is for its owner alone (0700), so is every file (0600), and a
//! file is replaced as a whole or not at all.

use std::fs::{DirBuilder, File, OpenOptions, Permissions};
use std::io::{ErrorKind, Read as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use super::{Error, Identity};

const FOLDER_MODE: u32 = 0o700;
const FILE_MODE: u32 = 0o600;
/// A key or a chain of certificates is a few kilobytes; more is another file under the wrong name.
const SIZE_MAX: u64 = 1 << 20;

#[derive(Debug)]
pub(super) struct Folder {
    path: PathBuf,
}

impl Folder {
    pub(super) fn open(path: PathBuf) -> Result<Self, Error> {
        let made = DirBuilder::new().recursive(true).mode(FOLDER_MODE).create(&path);
        made.and_then(|()| std::fs::set_permissions(&path, Permissions::from_mode(FOLDER_MODE)))
            .map_err(|source| Error::Write { path: path.clone(), source })?;
        Ok(Self { path })
    }

    /// Where a certificate is, together with its key: in one file, since after a crash between two files a key would
    /// belong to another certificate.
    pub(super) fn path_of(&self, name: &str) -> PathBuf {
        self.path.join(format!("{name}.pem"))
    }

    /// A certificate and its key, if they are there.
    pub(super) fn read_identity(&self, name: &str) -> Result<Option<Identity>, Error> {
        let path = self.path_of(name);
        let Some(text) = read(&path)? else { return Ok(None) };
        match Identity::from_pem(&text) {
            Some(identity) => Ok(Some(identity)),
            None => {
                Err(Error::damaged(&path, "it must hold a certificate and then its private key"))
            }
        }
    }

    pub(super) fn write_identity(&self, name: &str, identity: &Identity) -> Result<(), Error> {
        self.write(&format!("{name}.pem"), &identity.to_pem())
    }

    pub(super) fn read(&self, name: &str) -> Result<Option<String>, Error> {
        read(&self.path.join(name))
    }

    pub(super) fn write(&self, name: &str, text: &str) -> Result<(), Error> {
        write_private(&self.path.join(name), text.as_bytes())
    }
}

fn read(path: &Path) -> Result<Option<String>, Error> {
    let failed = |source| Error::Read { path: path.to_path_buf(), source };
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(failed(error)),
    };
    let mut text = String::new();
    match file.take(SIZE_MAX).read_to_string(&mut text) {
        Ok(_) if text.trim().is_empty() => Err(Error::damaged(path, "it is empty")),
        Ok(_) => Ok(Some(text)),
        Err(error) if error.kind() == ErrorKind::InvalidData => {
            Err(Error::damaged(path, "it is no text"))
        }
        Err(error) => Err(failed(error)),
    }
}

/// Replaces `path` by a file that only its owner may read. After a crash either the old or the new
/// content is there.
pub(super) fn write_private(path: &Path, content: &[u8]) -> Result<(), Error> {
    let mut temporary = path.as_os_str().to_owned();
    temporary.push(".new");
    let temporary = PathBuf::from(temporary);
    let write = || -> std::io::Result<()> {
        // A leftover of an interrupted write may have any mode: it is made anew.
        match std::fs::remove_file(&temporary) {
            Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let mut file =
            OpenOptions::new().write(true).create_new(true).mode(FILE_MODE).open(&temporary)?;
        file.write_all(content)?;
        file.sync_all()?;
        std::fs::rename(&temporary, path)?;
        match path.parent() {
            Some(folder) => File::open(folder)?.sync_all(),
            None => Ok(()),
        }
    };
    write().map_err(|source| Error::Write { path: path.to_path_buf(), source })
}
