//! The names of one repository: its tags, its manifests, and who refers to whom.
//!
//! A manifest is accepted only when everything it needs is here, so that a tag never points at half an image. A subject, by
//! the protocol, may be missing.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use bytes::Bytes;

use super::{Store, StoreError, blocking, write_atomically};
use crate::digest::Digest;
use crate::manifest::{Descriptor, Document};
use crate::reference::is_tag;

/// One repository's folder.
#[derive(Clone, Debug)]
pub(crate) struct Repository {
    store: Store,
    folder: PathBuf,
}

impl Repository {
    pub(super) fn new(store: Store, folder: PathBuf) -> Self {
        Self { store, folder }
    }

    /// Whether anything was ever put here.
    pub(crate) async fn exists(&self) -> bool {
        tokio::fs::try_exists(self.folder.join("_manifests")).await.unwrap_or(false)
    }

    /// The manifest a tag points at.
    pub(crate) async fn tag(&self, tag: &str) -> Result<Option<Digest>, StoreError> {
        let path = self.folder.join("_tags").join(tag);
        match tokio::fs::read_to_string(&path).await {
            Ok(text) => Ok(Some(text.trim_end().parse()?)),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(StoreError::io("read", &path)(error)),
        }
    }

    /// The media type of a manifest of this repository.
    pub(crate) async fn media_type(&self, digest: &Digest) -> Result<Option<String>, StoreError> {
        let path = self.manifest_link(digest);
        match tokio::fs::read_to_string(&path).await {
            Ok(text) => Ok(Some(text)),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(StoreError::io("read", &path)(error)),
        }
    }

    /// Adds a manifest, and points the tag at it. With `complete` all it needs must be here already.
    pub(crate) async fn put_manifest(
        &self,
        bytes: &Bytes,
        media_type: Option<&str>,
        tag: Option<&str>,
        complete: bool,
    ) -> Result<(Digest, Document), StoreError> {
        let _unchanged = self.store.inner.changes.read().await;
        let document = Document::parse(bytes).map_err(StoreError::Manifest)?;
        if complete {
            for child in document.children() {
                if self.store.blob_size(&child.digest).await.is_err() {
                    return Err(StoreError::ManifestBlobUnknown(child.digest));
                }
            }
        }
        let digest = self.store.put_bytes(bytes).await?;
        let media_type = media_type.unwrap_or_else(|| document.media_type()).to_owned();
        let mut writes = vec![(self.manifest_link(&digest), media_type)];
        if let Some(subject) = document.subject() {
            writes.push((self.referrer_link(&subject.digest, &digest), String::new()));
        }
        // The tag is last: whoever sees it sees the rest.
        if let Some(tag) = tag {
            writes.push((self.folder.join("_tags").join(tag), digest.to_string()));
        }
        blocking(move || {
            for (path, content) in writes {
                write_atomically(&path, content.as_bytes())
                    .map_err(StoreError::io("write", &path))?;
            }
            Ok::<(), StoreError>(())
        })
        .await?;
        Ok((digest, document))
    }

    /// Removes a tag. Answers whether it was there.
    pub(crate) async fn delete_tag(&self, tag: &str) -> Result<bool, StoreError> {
        let _unchanged = self.store.inner.changes.read().await;
        remove(&self.folder.join("_tags").join(tag)).await
    }

    /// Removes a manifest with the tags that point at it. Answers whether it was there.
    pub(crate) async fn delete_manifest(&self, digest: &Digest) -> Result<bool, StoreError> {
        let _unchanged = self.store.inner.changes.read().await;
        for tag in self.tags().await? {
            if self.tag(&tag).await? == Some(*digest) {
                remove(&self.folder.join("_tags").join(tag)).await?;
            }
        }
        if let Ok(bytes) = self.store.read_small(digest).await
            && let Ok(document) = Document::parse(&bytes)
            && let Some(subject) = document.subject()
        {
            remove(&self.referrer_link(&subject.digest, digest)).await?;
        }
        remove(&self.manifest_link(digest)).await
    }

    /// All tags, sorted.
    pub(crate) async fn tags(&self) -> Result<Vec<String>, StoreError> {
        let mut tags = names_in(self.folder.join("_tags")).await?;
        tags.retain(|tag| is_tag(tag));
        Ok(tags)
    }

    /// The manifests that name this one as their subject.
    pub(crate) async fn referrers(&self, subject: &Digest) -> Result<Vec<Descriptor>, StoreError> {
        let folder = self.folder.join("_referrers").join(subject.hex());
        let mut found = Vec::new();
        for name in names_in(folder).await? {
            let Ok(digest) = Digest::from_hex(&name) else { continue };
            let bytes = self.store.read_small(&digest).await?;
            let document = Document::parse(&bytes).map_err(StoreError::Manifest)?;
            found.push(Descriptor {
                media_type: document.media_type().to_owned(),
                digest,
                size: bytes.len() as u64,
                artifact_type: document.artifact_type(),
                annotations: document.annotations().clone(),
                platform: None,
            });
        }
        Ok(found)
    }

    fn manifest_link(&self, digest: &Digest) -> PathBuf {
        self.folder.join("_manifests").join(digest.hex())
    }

    fn referrer_link(&self, subject: &Digest, digest: &Digest) -> PathBuf {
        self.folder.join("_referrers").join(subject.hex()).join(digest.hex())
    }
}

async fn remove(path: &Path) -> Result<bool, StoreError> {
    match tokio::fs::remove_file(path).await {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
        Err(error) => Err(StoreError::io("remove", path)(error)),
    }
}

async fn names_in(folder: PathBuf) -> Result<Vec<String>, StoreError> {
    blocking(move || {
        let entries = match std::fs::read_dir(&folder) {
            Ok(entries) => entries,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(StoreError::io("list", &folder)(error)),
        };
        let mut names = Vec::new();
        for entry in entries {
            let entry = entry.map_err(StoreError::io("list", &folder))?;
            names.extend(entry.file_name().into_string().ok());
        }
        names.sort_unstable();
        Ok(names)
    })
    .await
}

impl Store {
    /// The names of all repositories of this cluster's registry, sorted.
    pub(crate) async fn repositories(&self) -> Result<Vec<String>, StoreError> {
        let root = self.embedded_root();
        blocking(move || {
            let mut found = Vec::new();
            find_repositories(&root, "", &mut found)?;
            found.sort_unstable();
            Ok(found)
        })
        .await
    }
}

/// Folders of our own begin with an underscore, which no part of a repository's name does.
fn find_repositories(folder: &Path, name: &str, found: &mut Vec<String>) -> Result<(), StoreError> {
    let entries = match std::fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(StoreError::io("list", folder)(error)),
    };
    for entry in entries {
        let entry = entry.map_err(StoreError::io("list", folder))?;
        let Ok(part) = entry.file_name().into_string() else { continue };
        if part == "_manifests" {
            let is_empty = std::fs::read_dir(entry.path())
                .map_err(StoreError::io("list", &entry.path()))?
                .next()
                .is_none();
            if !is_empty {
                found.push(name.to_owned());
            }
        } else if !part.starts_with(['_', '.']) {
            let name = if name.is_empty() { part } else { format!("{name}/{part}") };
            find_repositories(&entry.path(), &name, found)?;
        }
    }
    Ok(())
}
