//! From the text in `image:` to a Wasm file: look here first, or fetch.
//!
//! Pulls of the same image by many Pods at once become one; the number of pulls at one time is bounded. Whether to look or to
//! fetch is the caller's policy. This cluster's registry is the store itself, so that "pull" from it is a look-up.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Weak};

use parking_lot::Mutex;

use crate::credentials::Credentials;
use crate::digest::Digest;
use crate::layout::NoWasm;
use crate::manifest::Index;
use crate::reference::{Location, Reference};
use crate::remote::{Remote, RemoteError};
use crate::store::{Store, StoreError, Wasm};

/// Fetches at one time.
const PULLS_MAX: usize = 5;

/// Why an image could not be had.
#[derive(Debug, thiserror::Error)]
pub enum PullError {
    #[error("image {0} not found")]
    NotFound(String),
    #[error("image {image} contains no WebAssembly: {why}")]
    NoWasm { image: String, why: NoWasm },
    #[error("failed to pull image {image}: {}", explain(.source))]
    Remote {
        image: String,
        #[source]
        source: RemoteError,
    },
    #[error("failed to pull image {image}: {}", explain(.source))]
    Store {
        image: String,
        #[source]
        source: StoreError,
    },
}

/// A Pod's status has one line for the reason, and nobody there to walk the chain.
fn explain(error: &dyn std::error::Error) -> String {
    match error.source() {
        Some(source) => format!("{error}: {source}"),
        None => error.to_string(),
    }
}

/// Finds and fetches images. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Puller {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    store: Store,
    slots: tokio::sync::Semaphore,
    /// One lock for each image being fetched, so that the second Pod waits for the first one's result.
    flights: Mutex<BTreeMap<String, Weak<tokio::sync::Mutex<()>>>>,
}

impl Puller {
    pub fn new(store: Store) -> Self {
        let slots = tokio::sync::Semaphore::new(PULLS_MAX);
        Self { inner: Arc::new(Inner { store, slots, flights: Mutex::default() }) }
    }

    pub fn store(&self) -> &Store {
        &self.inner.store
    }

    /// The image, if it needs no fetching.
    pub async fn present(&self, reference: &Reference) -> Result<Option<Arc<Wasm>>, PullError> {
        let store = &self.inner.store;
        let names = match &reference.location {
            Location::Embedded { repository } => store.embedded(repository),
            Location::Remote { registry, repository } => store.remote(registry, repository),
            Location::Layout { .. } => return Ok(None),
        };
        let found = match reference.digest {
            Some(digest) => names.media_type(&digest).await.map(|known| known.map(|_| digest)),
            None => names.tag(reference.tag.as_deref().unwrap_or("latest")).await,
        };
        match found.map_err(|source| store_error(reference, source))? {
            Some(digest) => self.program(reference, digest).await.map(Some),
            None => Ok(None),
        }
    }

    /// Fetches the image, or what has changed of it since.
    pub async fn pull(
        &self,
        reference: &Reference,
        credentials: &Credentials,
    ) -> Result<Arc<Wasm>, PullError> {
        let store = &self.inner.store;
        let digest = match &reference.location {
            Location::Embedded { .. } => {
                let found = self.present(reference).await?;
                return found.ok_or_else(|| PullError::NotFound(reference.to_string()));
            }
            Location::Layout { path } => import(store, path, reference).await?,
            Location::Remote { registry, repository } => {
                let login = credentials.login(registry, repository);
                let flight = self.flight(reference, login.map(|login| login.username.as_str()));
                let _alone = flight.lock().await;
                // The semaphore is never closed.
                let _slot = self.inner.slots.acquire().await;
                Remote::new(registry, repository, login)
                    .fetch(store, reference.tag.as_deref(), reference.digest)
                    .await
                    .map_err(|source| remote_error(reference, source))?
            }
        };
        self.program(reference, digest).await
    }

    async fn program(&self, reference: &Reference, digest: Digest) -> Result<Arc<Wasm>, PullError> {
        let found = self.inner.store.program(digest).await;
        found.map_err(|source| store_error(reference, source))
    }

    fn flight(&self, reference: &Reference, user: Option<&str>) -> Arc<tokio::sync::Mutex<()>> {
        let key = format!("{} {reference}", user.unwrap_or_default());
        let mut flights = self.inner.flights.lock();
        if let Some(flight) = flights.get(&key).and_then(Weak::upgrade) {
            return flight;
        }
        flights.retain(|_, flight| flight.strong_count() > 0);
        let flight = Arc::default();
        flights.insert(key, Arc::downgrade(&flight));
        flight
    }
}

fn store_error(reference: &Reference, source: StoreError) -> PullError {
    let image = reference.to_string();
    match source {
        StoreError::NoWasm(why) => PullError::NoWasm { image, why },
        source => PullError::Store { image, source },
    }
}

fn remote_error(reference: &Reference, source: RemoteError) -> PullError {
    match source {
        RemoteError::NotFound => PullError::NotFound(reference.to_string()),
        RemoteError::Store(source) => store_error(reference, source),
        source => PullError::Remote { image: reference.to_string(), source },
    }
}

/// The annotation that names an entry of a layout's index.
const NAME: &str = "org.opencontainers.image.ref.name";

/// Copies an image out of a layout folder.
async fn import(store: &Store, folder: &Path, reference: &Reference) -> Result<Digest, PullError> {
    let fail = |source| store_error(reference, source);
    let index = folder.join("index.json");
    let bytes = read_bounded(store, &index).await.map_err(fail)?;
    let index: Index =
        serde_json::from_slice(&bytes).map_err(|error| fail(StoreError::Manifest(error)))?;
    let is_wanted = |entry: &&crate::manifest::Descriptor| match (reference.digest, &reference.tag)
    {
        (Some(digest), _) => entry.digest == digest,
        (None, Some(tag)) => entry.annotations.get(NAME) == Some(tag),
        (None, None) => false,
    };
    let only = match index.manifests.as_slice() {
        // A layout with one nameless image needs no tag.
        [only] if reference.is_latest() => Some(only),
        _ => None,
    };
    let entry = index.manifests.iter().find(is_wanted).or(only);
    let top = entry.ok_or_else(|| PullError::NotFound(reference.to_string()))?.digest;
    let mut queue = vec![top];
    while let Some(digest) = queue.pop() {
        let path = folder.join("blobs/sha256").join(digest.hex());
        copy(store, &path, digest).await.map_err(fail)?;
        if let Ok(bytes) = store.read_small(&digest).await
            && let Ok(document) = crate::manifest::Document::parse(&bytes)
        {
            queue.extend(document.children().map(|child| child.digest));
        }
    }
    Ok(top)
}

async fn read_bounded(store: &Store, path: &Path) -> Result<Vec<u8>, StoreError> {
    let limit = store.limits().manifest_bytes;
    let metadata = tokio::fs::metadata(path).await.map_err(StoreError::io("look at", path))?;
    if metadata.len() > limit {
        return Err(StoreError::TooLarge { limit });
    }
    tokio::fs::read(path).await.map_err(StoreError::io("read", path))
}

async fn copy(store: &Store, path: &Path, digest: Digest) -> Result<(), StoreError> {
    use tokio::io::AsyncReadExt as _;
    if store.blob_size(&digest).await.is_ok() {
        return Ok(());
    }
    let mut file = tokio::fs::File::open(path).await.map_err(StoreError::io("open", path))?;
    let mut writer = store.writer().await?;
    let mut buffer = vec![0; 256 << 10];
    loop {
        let read = file.read(&mut buffer).await.map_err(StoreError::io("read", path))?;
        if read == 0 {
            writer.commit(Some(digest)).await?;
            return Ok(());
        }
        writer.write(&buffer[..read]).await?;
    }
}
