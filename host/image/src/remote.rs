//! Other registries, through `oci-client`: fetching what an image needs into the store, and pushing an artifact.
//!
//! HTTPS always, except to this machine itself. Every login gets a client of its own: a client keeps tokens, and the tokens of
//! one Pod's pull secret must not serve another Pod.

use std::time::Duration;

use futures::StreamExt as _;
use oci_client::client::{ClientConfig, ClientProtocol};
use oci_client::errors::OciDistributionError;
use oci_client::manifest::OciDescriptor;
use oci_client::secrets::RegistryAuth;

use crate::artifact::Artifact;
use crate::credentials::Login;
use crate::digest::Digest;
use crate::layout::{self, Shape};
use crate::manifest::{Descriptor, Document, media};
use crate::store::{Store, StoreError};

const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
const READ_TIMEOUT: Duration = Duration::from_mins(1);
const INDEX_DEPTH_MAX: usize = 3;

/// Why a registry did not give or take an image.
#[derive(Debug, thiserror::Error)]
pub enum RemoteError {
    #[error("not found")]
    NotFound,
    #[error("authorization failed")]
    Unauthorized,
    #[error("{0}")]
    Registry(String),
    #[error("the manifest's digest is {actual}, not {expected}")]
    DigestMismatch { expected: Digest, actual: Digest },
    #[error("the manifest announces {announced} bytes, and more came")]
    Size { announced: u64 },
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<OciDistributionError> for RemoteError {
    fn from(error: OciDistributionError) -> Self {
        match error {
            OciDistributionError::ImageManifestNotFoundError(_)
            | OciDistributionError::ServerError { code: 404, .. } => Self::NotFound,
            OciDistributionError::AuthenticationFailure(_)
            | OciDistributionError::UnauthorizedError { .. } => Self::Unauthorized,
            OciDistributionError::RegistryError { envelope, url } => {
                use oci_client::errors::OciErrorCode as Code;
                match envelope.errors.first().map(|error| &error.code) {
                    Some(Code::ManifestUnknown | Code::NameUnknown | Code::NotFound) => {
                        Self::NotFound
                    }
                    Some(Code::Unauthorized | Code::Denied) => Self::Unauthorized,
                    _ => Self::Registry(format!("{url}: {envelope}")),
                }
            }
            // The client's errors name their cause only in their sources.
            other => Self::Registry(chain(&other)),
        }
    }
}

fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let cause_text = cause.to_string();
        if !text.ends_with(&cause_text) {
            text = format!("{text}: {cause_text}");
        }
        source = cause.source();
    }
    text
}

/// One image of another registry.
pub(crate) struct Remote {
    client: oci_client::Client,
    auth: RegistryAuth,
    registry: String,
    repository: String,
}

impl Remote {
    pub(crate) fn new(registry: &str, repository: &str, login: Option<&Login>) -> Self {
        // Whoever installed a provider first is fine too.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let protocol =
            if is_loopback(registry) { ClientProtocol::Http } else { ClientProtocol::Https };
        let client = oci_client::Client::new(ClientConfig {
            protocol,
            platform_resolver: None,
            connect_timeout: Some(CONNECT_TIMEOUT),
            read_timeout: Some(READ_TIMEOUT),
            user_agent: "skiff",
            ..ClientConfig::default()
        });
        let auth = login.map_or(RegistryAuth::Anonymous, |login| {
            RegistryAuth::Basic(login.username.clone(), login.password.clone())
        });
        // The one registry whose single-part names have a hidden folder.
        let repository = if registry == "docker.io" && !repository.contains('/') {
            format!("library/{repository}")
        } else {
            repository.to_owned()
        };
        Self { client, auth, registry: registry.to_owned(), repository }
    }

    fn named(&self, tag: Option<&str>, digest: Option<Digest>) -> oci_client::Reference {
        let (registry, repository) = (self.registry.clone(), self.repository.clone());
        match (tag, digest) {
            (_, Some(digest)) => {
                oci_client::Reference::with_digest(registry, repository, digest.to_string())
            }
            (tag, None) => oci_client::Reference::with_tag(
                registry,
                repository,
                tag.unwrap_or("latest").to_owned(),
            ),
        }
    }

    /// Fetches the manifest and every blob that running it needs. Answers the digest of what the name points at.
    pub(crate) async fn fetch(
        &self,
        store: &Store,
        tag: Option<&str>,
        digest: Option<Digest>,
    ) -> Result<Digest, RemoteError> {
        let names = store.remote(&self.registry, &self.repository);
        let mut wanted = (tag.map(str::to_owned), digest);
        let mut top: Option<(Digest, bytes::Bytes)> = None;
        for _ in 0..INDEX_DEPTH_MAX {
            let bytes = self.fetch_manifest(store, wanted.0.as_deref(), wanted.1).await?;
            let actual = Digest::of(&bytes);
            if let Some(expected) = wanted.1
                && expected != actual
            {
                return Err(RemoteError::DigestMismatch { expected, actual });
            }
            let document = Document::parse(&bytes).map_err(StoreError::Manifest)?;
            store.put_bytes(&bytes).await?;
            let (first, first_bytes) = top.get_or_insert((actual, bytes)).clone();
            match document {
                Document::Index(index) => {
                    let entry = layout::choose(&index).map_err(StoreError::NoWasm)?;
                    wanted = (None, Some(entry.digest));
                }
                Document::Manifest(manifest) => {
                    let shape = layout::shape(&manifest).map_err(StoreError::NoWasm)?;
                    let needed = match shape {
                        Shape::File(layer) => vec![layer],
                        Shape::FileSystem(layers) => {
                            layers.into_iter().chain([manifest.config]).collect()
                        }
                    };
                    for blob in &needed {
                        self.fetch_blob(store, blob).await?;
                    }
                    // The tag comes last, when everything behind it is here.
                    names.put_manifest(&first_bytes, None, tag, false).await?;
                    return Ok(first);
                }
            }
        }
        Err(StoreError::NoWasm(layout::NoWasm::Layers).into())
    }

    async fn fetch_manifest(
        &self,
        store: &Store,
        tag: Option<&str>,
        digest: Option<Digest>,
    ) -> Result<bytes::Bytes, RemoteError> {
        if let Some(digest) = digest
            && let Ok(bytes) = store.read_small(&digest).await
        {
            return Ok(bytes);
        }
        let accepted = [media::MANIFEST, media::INDEX, media::DOCKER_MANIFEST, media::DOCKER_LIST];
        let image = self.named(tag, digest);
        let (bytes, _) = self.client.pull_manifest_raw(&image, &self.auth, &accepted).await?;
        let limit = store.limits().manifest_bytes;
        if bytes.len() as u64 > limit {
            return Err(StoreError::TooLarge { limit }.into());
        }
        Ok(bytes)
    }

    async fn fetch_blob(&self, store: &Store, blob: &Descriptor) -> Result<(), RemoteError> {
        if store.blob_size(&blob.digest).await.is_ok() {
            return Ok(());
        }
        let limit = store.limits().blob_bytes;
        if blob.size > limit {
            return Err(StoreError::TooLarge { limit }.into());
        }
        let image = self.named(None, Some(blob.digest));
        self.client.store_auth_if_needed(image.resolve_registry(), &self.auth).await;
        let layer = OciDescriptor {
            media_type: blob.media_type.clone(),
            digest: blob.digest.to_string(),
            size: i64::try_from(blob.size).unwrap_or(i64::MAX),
            ..OciDescriptor::default()
        };
        let mut stream = self.client.pull_blob_stream(&image, &layer).await?.stream;
        let mut writer = store.writer().await?;
        while let Some(chunk) = stream.next().await {
            let chunk = chunk.map_err(|error| RemoteError::Registry(chain(&error)))?;
            writer.write(&chunk).await?;
            if writer.size() > blob.size {
                return Err(RemoteError::Size { announced: blob.size });
            }
        }
        writer.commit(Some(blob.digest)).await?;
        Ok(())
    }
}

/// Pushes an image to a registry that is not this cluster's own.
pub async fn push(
    artifact: &Artifact,
    registry: &str,
    repository: &str,
    tag: &str,
    login: Option<&Login>,
) -> Result<Digest, RemoteError> {
    let remote = Remote::new(registry, repository, login);
    let image = remote.named(Some(tag), None);
    remote.client.auth(&image, &remote.auth, oci_client::RegistryOperation::Push).await?;
    let blobs =
        [(&artifact.wasm, artifact.wasm_digest), (&artifact.config, artifact.config_digest)];
    for (bytes, digest) in blobs {
        let digest = digest.to_string();
        if !remote.client.blob_exists(&image, &digest).await? {
            remote.client.push_blob(&image, bytes.clone(), &digest).await?;
        }
    }
    let content_type = http::HeaderValue::from_static(media::MANIFEST);
    remote.client.push_manifest_raw(&image, artifact.manifest.clone(), content_type).await?;
    Ok(artifact.digest)
}

/// Whether the registry is on this machine: nobody is in between, so plain HTTP does.
fn is_loopback(registry: &str) -> bool {
    let host = match registry.rsplit_once(':') {
        Some((host, port)) if !port.contains(']') => host,
        _ => registry,
    };
    host == "localhost"
        || host
            .trim_start_matches('[')
            .trim_end_matches(']')
            .parse::<std::net::IpAddr>()
            .is_ok_and(|address| address.is_loopback())
}
