//! From a manifest to the one thing a node wants: a verified Wasm file on disk, and how the image says to run it.
//!
//! The answer for a manifest never changes, so it is kept: in memory for the next Pod, and for file system images on disk, since
//! there the file has to be searched in layers.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::{Store, StoreError, blocking, write_atomically};
use crate::digest::Digest;
use crate::extract;
use crate::layout::{self, ContainerConfig, NoWasm, Shape};
use crate::manifest::{Document, Manifest};

/// Remembered answers; the map is emptied when it is full, since each costs one small read to find again.
const PROGRAMS_MAX: usize = 4096;
/// How deep indexes may nest.
const INDEX_DEPTH_MAX: usize = 3;

pub(super) type Programs = BTreeMap<Digest, Arc<Wasm>>;

/// A Wasm file, ready to be loaded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wasm {
    /// The digest of the file: the key of its compiled code.
    pub digest: Digest,
    pub path: PathBuf,
    pub size_bytes: u64,
    /// The manifest it came from: what a Pod's status shows as `imageID`.
    pub manifest: Digest,
    /// How a container image names its program: its name and first arguments.
    pub entrypoint: Vec<String>,
    /// Further arguments, which a Pod's own replace.
    pub cmd: Vec<String>,
    pub env: Vec<(String, String)>,
    /// Empty unless the image says so.
    pub working_dir: String,
}

/// What is remembered on disk of a file system image.
#[derive(Serialize, Deserialize)]
struct Found {
    wasm: Digest,
}

impl Store {
    /// The program of a manifest or index that is in the store with all it needs.
    pub(crate) async fn program(&self, manifest: Digest) -> Result<Arc<Wasm>, StoreError> {
        if let Some(known) = self.inner.programs.lock().get(&manifest) {
            return Ok(Arc::clone(known));
        }
        let (digest, document) = self.manifest(manifest).await?;
        let (wasm, process) = match layout::shape(&document).map_err(StoreError::NoWasm)? {
            Shape::File(layer) => (layer.digest, layout::Process::default()),
            Shape::FileSystem(_) => self.search(digest, &document).await?,
        };
        let env = process
            .env
            .iter()
            .filter_map(|line| line.split_once('='))
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect();
        let program = Arc::new(Wasm {
            digest: wasm,
            path: self.blob_path(&wasm),
            size_bytes: self.blob_size(&wasm).await?,
            manifest,
            entrypoint: process.entrypoint,
            cmd: process.cmd,
            env,
            working_dir: process.working_dir,
        });
        let mut programs = self.inner.programs.lock();
        if programs.len() >= PROGRAMS_MAX {
            programs.clear();
        }
        programs.insert(manifest, Arc::clone(&program));
        Ok(program)
    }

    /// The manifest to run: this one, or an index's entry for WebAssembly.
    async fn manifest(&self, mut digest: Digest) -> Result<(Digest, Manifest), StoreError> {
        for _ in 0..INDEX_DEPTH_MAX {
            let bytes = self.read_small(&digest).await?;
            match Document::parse(&bytes).map_err(StoreError::Manifest)? {
                Document::Manifest(manifest) => return Ok((digest, *manifest)),
                Document::Index(index) => {
                    digest = layout::choose(&index).map_err(StoreError::NoWasm)?.digest;
                }
            }
        }
        Err(StoreError::NoWasm(NoWasm::Layers))
    }

    /// Finds the entrypoint in the layers of a file system image and stores it as a blob of its own.
    async fn search(
        &self,
        digest: Digest,
        manifest: &Manifest,
    ) -> Result<(Digest, layout::Process), StoreError> {
        let config = self.read_small(&manifest.config.digest).await?;
        let config: ContainerConfig =
            serde_json::from_slice(&config).map_err(StoreError::Manifest)?;
        let process = config.config;
        let note = self.note_path(&digest);
        if let Ok(bytes) = tokio::fs::read(&note).await
            && let Ok(found) = serde_json::from_slice::<Found>(&bytes)
            && self.blob_size(&found.wasm).await.is_ok()
        {
            return Ok((found.wasm, process));
        }
        let wanted = process.entrypoint.first().or_else(|| process.cmd.first()).cloned();
        let layers: Vec<PathBuf> =
            manifest.layers.iter().map(|layer| self.blob_path(&layer.digest)).collect();
        let working_dir = process.working_dir.clone();
        let limit = self.limits().unpacked_bytes.min(self.limits().blob_bytes);
        let file = blocking(move || {
            extract::find_program(&layers, wanted.as_deref(), &working_dir, limit)
        })
        .await;
        let bytes = match file {
            Ok(bytes) => bytes,
            Err(extract::Error::NoWasm(NoWasm::Layers | NoWasm::EntrypointNative(_)))
                if !config.architecture.is_empty() && config.architecture != "wasm" =>
            {
                let platform = format!("{}/{}", config.os, config.architecture);
                return Err(StoreError::NoWasm(NoWasm::Platforms(platform)));
            }
            Err(extract::Error::NoWasm(why)) => return Err(StoreError::NoWasm(why)),
            Err(extract::Error::TooLarge) => return Err(StoreError::TooLarge { limit }),
            Err(extract::Error::Io(source)) => {
                let path = self.blob_path(&digest);
                return Err(StoreError::Io { action: "unpack the layers of", path, source });
            }
        };
        let wasm = self.put_bytes(&bytes).await?;
        let content = serde_json::to_vec(&Found { wasm }).map_err(StoreError::Manifest)?;
        blocking(move || write_atomically(&note, &content).map_err(StoreError::io("write", &note)))
            .await?;
        Ok((wasm, process))
    }

    pub(super) fn note_path(&self, manifest: &Digest) -> PathBuf {
        self.inner.root.join("programs").join(manifest.hex())
    }

    /// What the search of a file system image found, if it was searched.
    pub(super) fn noted_program(&self, manifest: &Digest) -> Option<Digest> {
        let bytes = std::fs::read(self.note_path(manifest)).ok()?;
        serde_json::from_slice::<Found>(&bytes).ok().map(|found| found.wasm)
    }
}
