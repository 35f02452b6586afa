//! Garbage collection: blobs that no name leads to, and that are old enough not to be part of a push in progress, are removed.
//!
//! The roots are the manifests of all repositories. What was pulled from elsewhere keeps only what a tag points at or what the
//! caller says is in use, so that moved tags do not pile up.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;
use std::time::{Duration, SystemTime};

use super::{Store, StoreError, blocking};
use crate::digest::Digest;
use crate::manifest::Document;

/// What a collection did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Collected {
    pub blobs: usize,
    pub bytes: u64,
}

impl Store {
    /// Removes unreferenced blobs last written before `now - age_min`. `in_use` are manifests that running containers came from.
    pub async fn collect(
        &self,
        in_use: BTreeSet<Digest>,
        now: SystemTime,
        age_min: Duration,
    ) -> Result<Collected, StoreError> {
        // No name may change between marking and sweeping.
        let _exclusive = self.inner.changes.write().await;
        let store = self.clone();
        blocking(move || {
            let marked = store.mark(&in_use)?;
            store.sweep(&marked, now, age_min)
        })
        .await
    }

    /// Removes one blob that nothing leads to. Answers whether it is gone; one that is part of a manifest stays.
    pub(crate) async fn delete_blob(&self, digest: Digest) -> Result<bool, StoreError> {
        let _exclusive = self.inner.changes.write().await;
        let size = self.blob_size(&digest).await?;
        let store = self.clone();
        blocking(move || {
            if store.mark(&BTreeSet::new())?.contains(&digest) {
                return Ok(false);
            }
            let path = store.blob_path(&digest);
            std::fs::remove_file(&path).map_err(StoreError::io("remove", &path))?;
            store.inner.used.fetch_sub(size, Ordering::Relaxed);
            Ok(true)
        })
        .await
    }

    fn mark(&self, in_use: &BTreeSet<Digest>) -> Result<BTreeSet<Digest>, StoreError> {
        let mut queue: Vec<Digest> = in_use.iter().copied().collect();
        let refs = self.inner.root.join("refs");
        walk(&refs, &mut |path| {
            let Some(folder) = path.parent().and_then(Path::file_name) else { return Ok(()) };
            if folder == "_tags" {
                let text = std::fs::read_to_string(path).map_err(StoreError::io("read", path))?;
                queue.extend(text.trim_end().parse::<Digest>());
            } else if folder == "_manifests" && path.starts_with(self.embedded_root()) {
                let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
                queue.extend(Digest::from_hex(name));
            }
            Ok(())
        })?;
        let mut marked = BTreeSet::new();
        while let Some(digest) = queue.pop() {
            if !marked.insert(digest) {
                continue;
            }
            queue.extend(self.noted_program(&digest));
            let path = self.blob_path(&digest);
            let is_small = std::fs::metadata(&path)
                .is_ok_and(|metadata| metadata.len() <= self.limits().manifest_bytes);
            if !is_small {
                continue;
            }
            // Layers end up here too; what does not decode leads nowhere.
            let bytes = std::fs::read(&path).map_err(StoreError::io("read", &path))?;
            if let Ok(document) = Document::parse(&bytes) {
                queue.extend(document.children().map(|child| child.digest));
            }
        }
        Ok(marked)
    }

    fn sweep(
        &self,
        marked: &BTreeSet<Digest>,
        now: SystemTime,
        age_min: Duration,
    ) -> Result<Collected, StoreError> {
        let mut done = Collected::default();
        let folder = self.inner.root.join("blobs/sha256");
        for entry in std::fs::read_dir(&folder).map_err(StoreError::io("list", &folder))? {
            let entry = entry.map_err(StoreError::io("list", &folder))?;
            let path = entry.path();
            let name = entry.file_name();
            let digest = name.to_str().and_then(|name| Digest::from_hex(name).ok());
            if digest.is_none_or(|digest| marked.contains(&digest)) {
                continue;
            }
            let metadata = entry.metadata().map_err(StoreError::io("look at", &path))?;
            let is_old = metadata
                .modified()
                .is_ok_and(|written| now.duration_since(written).is_ok_and(|age| age >= age_min));
            if !is_old {
                continue;
            }
            std::fs::remove_file(&path).map_err(StoreError::io("remove", &path))?;
            if let Some(digest) = digest {
                self.inner
                    .programs
                    .lock()
                    .retain(|manifest, program| *manifest != digest && program.digest != digest);
                // Most blobs have no note.
                let _ = std::fs::remove_file(self.note_path(&digest));
            }
            self.inner.used.fetch_sub(metadata.len(), Ordering::Relaxed);
            done.blobs += 1;
            done.bytes += metadata.len();
        }
        Ok(done)
    }
}

fn walk(
    folder: &Path,
    visit: &mut impl FnMut(&PathBuf) -> Result<(), StoreError>,
) -> Result<(), StoreError> {
    for entry in std::fs::read_dir(folder).map_err(StoreError::io("list", folder))? {
        let entry = entry.map_err(StoreError::io("list", folder))?;
        let path = entry.path();
        if entry.file_type().map_err(StoreError::io("look at", &path))?.is_dir() {
            walk(&path, visit)?;
        } else {
            visit(&path)?;
        }
    }
    Ok(())
}
