//! The image store: blobs by digest, and names that point at manifests.
//!
//! ```text
//! blobs/sha256/<hex>                          content; immutable; present only when its digest has been verified
//! refs/<scope>/<repository>/_tags/<tag>       a manifest's digest
//! refs/<scope>/<repository>/_manifests/<hex>  this repository has this manifest; holds its media type
//! refs/<scope>/<repository>/_referrers/<subject hex>/<hex>
//! programs/<manifest hex>                     the Wasm file found in a file system image, so that it is searched once
//! uploads/<id>                                unfinished; emptied at start
//! ```
//!
//! The scope is `embedded` for this cluster's registry and `remote/<host>` for what was pulled. A file appears by rename, after
//! its bytes have reached the disk, so that a crash leaves either the whole file or none.

mod blob;
mod collect;
mod names;
mod program;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use parking_lot::Mutex;

pub(crate) use blob::Writer;
pub use collect::Collected;
pub(crate) use names::Repository;
pub use program::Wasm;

use crate::digest::{Digest, DigestError};
use crate::layout::NoWasm;
use program::Programs;

/// What the store refuses to exceed.
#[derive(Clone, Debug)]
pub struct Limits {
    /// One blob.
    pub blob_bytes: u64,
    /// One manifest: the distribution protocol asks registries to take at least 4 MiB.
    pub manifest_bytes: u64,
    /// What is read out of compressed layers in search of the program.
    pub unpacked_bytes: u64,
    /// All blobs together.
    pub store_bytes: u64,
    /// Uploads in progress at one time.
    pub uploads: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            blob_bytes: 2 << 30,
            manifest_bytes: 4 << 20,
            unpacked_bytes: 4 << 30,
            store_bytes: 64 << 30,
            uploads: 256,
        }
    }
}

/// What can go wrong in the store.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    #[error("blob {0} is not in the store")]
    BlobUnknown(Digest),
    #[error("the content has digest {actual}, not {expected}")]
    DigestMismatch { expected: Digest, actual: Digest },
    #[error(transparent)]
    Digest(#[from] DigestError),
    #[error("larger than the limit of {limit} bytes")]
    TooLarge { limit: u64 },
    #[error("the image store is full ({limit} bytes)")]
    Full { limit: u64 },
    #[error("invalid manifest")]
    Manifest(#[source] serde_json::Error),
    #[error("the manifest needs blob {0}, which is not in the store")]
    ManifestBlobUnknown(Digest),
    #[error("contains no WebAssembly: {0}")]
    NoWasm(NoWasm),
    #[error("{path}: cannot {action}")]
    Io {
        action: &'static str,
        path: PathBuf,
        #[source]
        source: std::io::Error,
    },
}

impl StoreError {
    pub(crate) fn io(action: &'static str, path: &Path) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Io { action, path, source }
    }
}

/// The image store of one data folder. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Store {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    root: PathBuf,
    limits: Limits,
    used: AtomicU64,
    programs: Mutex<Programs>,
    /// Serialises changes of names with the collector, which must not see a manifest between its blobs and its link.
    changes: tokio::sync::RwLock<()>,
}

impl Store {
    /// Opens the store in this folder, creating what is missing. Unfinished uploads of an earlier process are dropped.
    pub fn open(root: impl Into<PathBuf>, limits: Limits) -> Result<Self, StoreError> {
        let root = root.into();
        let uploads = root.join("uploads");
        match std::fs::remove_dir_all(&uploads) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                return Err(StoreError::io("empty", &uploads)(error));
            }
            _ => {}
        }
        for folder in [root.join("blobs/sha256"), root.join("refs"), root.join("programs"), uploads]
        {
            std::fs::create_dir_all(&folder).map_err(StoreError::io("create", &folder))?;
        }
        let used = AtomicU64::new(folder_bytes(&root.join("blobs/sha256"))?);
        let programs = Mutex::default();
        let changes = tokio::sync::RwLock::default();
        Ok(Self { inner: Arc::new(Inner { root, limits, used, programs, changes }) })
    }

    pub fn limits(&self) -> &Limits {
        &self.inner.limits
    }

    /// How many bytes all blobs take.
    pub fn used_bytes(&self) -> u64 {
        self.inner.used.load(Ordering::Relaxed)
    }

    /// Where this blob is or would be.
    pub(crate) fn blob_path(&self, digest: &Digest) -> PathBuf {
        self.inner.root.join("blobs/sha256").join(digest.hex())
    }

    /// The size of a blob that is here.
    pub(crate) async fn blob_size(&self, digest: &Digest) -> Result<u64, StoreError> {
        let path = self.blob_path(digest);
        match tokio::fs::metadata(&path).await {
            Ok(metadata) => Ok(metadata.len()),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                Err(StoreError::BlobUnknown(*digest))
            }
            Err(error) => Err(StoreError::io("look at", &path)(error)),
        }
    }

    /// Reads a small blob (a manifest or a configuration) whole.
    pub(crate) async fn read_small(&self, digest: &Digest) -> Result<Bytes, StoreError> {
        let limit = self.inner.limits.manifest_bytes;
        if self.blob_size(digest).await? > limit {
            return Err(StoreError::TooLarge { limit });
        }
        let path = self.blob_path(digest);
        tokio::fs::read(&path).await.map(Bytes::from).map_err(StoreError::io("read", &path))
    }

    /// Stores these bytes and answers their digest.
    pub(crate) async fn put_bytes(&self, bytes: &[u8]) -> Result<Digest, StoreError> {
        let digest = Digest::of(bytes);
        if self.blob_size(&digest).await.is_ok() {
            return Ok(digest);
        }
        let mut writer = self.writer().await?;
        writer.write(bytes).await?;
        writer.commit(Some(digest)).await
    }

    /// A repository of this cluster's registry. The name must have been checked.
    pub(crate) fn embedded(&self, repository: &str) -> Repository {
        Repository::new(self.clone(), self.inner.root.join("refs/embedded").join(repository))
    }

    /// What was pulled from another registry.
    pub(crate) fn remote(&self, registry: &str, repository: &str) -> Repository {
        let folder = self.inner.root.join("refs/remote").join(registry).join(repository);
        Repository::new(self.clone(), folder)
    }

    pub(crate) fn embedded_root(&self) -> PathBuf {
        self.inner.root.join("refs/embedded")
    }
}

fn folder_bytes(folder: &Path) -> Result<u64, StoreError> {
    let entries = std::fs::read_dir(folder).map_err(StoreError::io("list", folder))?;
    let mut total = 0;
    for entry in entries {
        let entry = entry.map_err(StoreError::io("list", folder))?;
        total += entry.metadata().map_err(StoreError::io("look at", &entry.path()))?.len();
    }
    Ok(total)
}

/// Runs file work off the async threads. A panic in it goes on in the caller.
pub(crate) async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    match tokio::task::spawn_blocking(work).await {
        Ok(value) => value,
        Err(error) => std::panic::resume_unwind(error.into_panic()),
    }
}

/// Writes a small file so that it is there whole or not at all.
pub(crate) fn write_atomically(path: &Path, content: &[u8]) -> std::io::Result<()> {
    use std::io::Write as _;
    let parent = path.parent().unwrap_or_else(|| Path::new("."));
    std::fs::create_dir_all(parent)?;
    let temporary = parent.join(format!(".{}", uuid::Uuid::new_v4().simple()));
    let written = (|| {
        let mut file = std::fs::File::create_new(&temporary)?;
        file.write_all(content)?;
        file.sync_all()?;
        std::fs::rename(&temporary, path)
    })();
    if written.is_err() {
        // The error to report is the first one; a leftover is hidden by its leading dot and harms nothing.
        let _ = std::fs::remove_file(&temporary);
    }
    written
}

#[cfg(test)]
mod tests;
