//! Writing one blob: bytes go to a temporary file while their digest is computed, and get their name when it is known.
//!
//! Dropping a writer removes the temporary file.

use std::path::PathBuf;
use std::sync::atomic::Ordering;

use tokio::io::AsyncWriteExt as _;

use super::{Store, StoreError};
use crate::digest::{Digest, Hasher};

/// A blob in the making.
#[derive(Debug)]
pub(crate) struct Writer {
    store: Store,
    file: tokio::io::BufWriter<tokio::fs::File>,
    temporary: Temporary,
    hasher: Hasher,
    size: u64,
}

/// Removes its file unless it has been renamed away.
#[derive(Debug)]
struct Temporary(Option<PathBuf>);

impl Drop for Temporary {
    fn drop(&mut self) {
        if let Some(path) = self.0.take() {
            // Nothing can be done about a file that will not go; the next start empties the folder.
            let _ = std::fs::remove_file(path);
        }
    }
}

impl Store {
    /// Begins a blob.
    pub(crate) async fn writer(&self) -> Result<Writer, StoreError> {
        let path = self.inner.root.join("uploads").join(uuid::Uuid::new_v4().simple().to_string());
        let file =
            tokio::fs::File::create_new(&path).await.map_err(StoreError::io("create", &path))?;
        Ok(Writer {
            store: self.clone(),
            file: tokio::io::BufWriter::with_capacity(256 << 10, file),
            temporary: Temporary(Some(path)),
            hasher: Hasher::default(),
            size: 0,
        })
    }
}

impl Writer {
    /// How many bytes have been written.
    pub(crate) fn size(&self) -> u64 {
        self.size
    }

    /// Appends bytes, up to the limits of one blob and of the store.
    pub(crate) async fn write(&mut self, bytes: &[u8]) -> Result<(), StoreError> {
        let limits = self.store.limits();
        let size = self.size + bytes.len() as u64;
        if size > limits.blob_bytes {
            return Err(StoreError::TooLarge { limit: limits.blob_bytes });
        }
        if self.store.used_bytes() + size > limits.store_bytes {
            return Err(StoreError::Full { limit: limits.store_bytes });
        }
        self.hasher.update(bytes);
        self.size = size;
        let path = self.path();
        self.file.write_all(bytes).await.map_err(StoreError::io("write", &path))
    }

    /// Gives the blob its name, if the content is what was announced.
    pub(crate) async fn commit(mut self, expected: Option<Digest>) -> Result<Digest, StoreError> {
        let digest = self.hasher.clone().finish();
        if let Some(expected) = expected
            && expected != digest
        {
            return Err(StoreError::DigestMismatch { expected, actual: digest });
        }
        let temporary = self.path();
        self.file.flush().await.map_err(StoreError::io("write", &temporary))?;
        self.file.get_ref().sync_all().await.map_err(StoreError::io("sync", &temporary))?;
        let path = self.store.blob_path(&digest);
        let is_new = self.store.blob_size(&digest).await.is_err();
        tokio::fs::rename(&temporary, &path).await.map_err(StoreError::io("rename", &path))?;
        self.temporary.0 = None;
        if is_new {
            self.store.inner.used.fetch_add(self.size, Ordering::Relaxed);
        }
        Ok(digest)
    }

    fn path(&self) -> PathBuf {
        self.temporary.0.clone().unwrap_or_default()
    }
}
