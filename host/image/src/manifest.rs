//! Manifests and indexes: the JSON documents that tie an image's blobs together, with the media types that matter here.
//!
//! Decoding is lenient in what it does not use; the original bytes are what is stored and served, never a re-encoding.
//! <https://github.com/opencontainers/image-spec/blob/main/manifest.md>

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::digest::Digest;

/// Media types.
pub mod media {
    pub const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
    pub const INDEX: &str = "application/vnd.oci.image.index.v1+json";
    pub const DOCKER_MANIFEST: &str = "application/vnd.docker.distribution.manifest.v2+json";
    pub const DOCKER_LIST: &str = "application/vnd.docker.distribution.manifest.list.v2+json";
    /// The configuration of the Wasm working group's layout.
    pub const WASM_CONFIG: &str = "application/vnd.wasm.config.v0+json";
    /// Its one layer.
    pub const WASM: &str = "application/wasm";
    /// Layers of two older single-file layouts.
    pub const WASM_CONTENT: &str = "application/vnd.wasm.content.layer.v1+wasm";
    pub const WASM_COMPONENT: &str =
        "application/vnd.bytecodealliance.wasm.component.layer.v0+wasm";
    /// A Spin application: several files under one trigger configuration.
    pub const SPIN_CONFIG: &str = "application/vnd.fermyon.spin.application.v1+config";
}

/// One blob: what it is, how it is called, how long it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Descriptor {
    #[serde(default)]
    pub media_type: String,
    pub digest: Digest,
    pub size: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub artifact_type: Option<String>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub annotations: BTreeMap<String, String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub platform: Option<Platform>,
}

/// What an index entry runs on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Platform {
    #[serde(default)]
    pub architecture: String,
    #[serde(default)]
    pub os: String,
}

/// One image: a configuration and layers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Manifest {
    pub schema_version: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub media_type: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub artifact_type: Option<String>,
    pub config: Descriptor,
    #[serde(default)]
    pub layers: Vec<Descriptor>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<Descriptor>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub annotations: BTreeMap<String, String>,
}

/// Several manifests, one for each platform.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Index {
    pub schema_version: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub media_type: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub artifact_type: Option<String>,
    #[serde(default)]
    pub manifests: Vec<Descriptor>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<Descriptor>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub annotations: BTreeMap<String, String>,
}

/// Either document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Document {
    Manifest(Box<Manifest>),
    Index(Box<Index>),
}

impl Document {
    /// Decodes by shape: an index has `manifests`, a manifest has `config`. The media type is not trusted to tell, since some clients leave it out.
    pub(crate) fn parse(bytes: &[u8]) -> Result<Self, serde_json::Error> {
        #[derive(Deserialize)]
        struct Probe {
            manifests: Option<serde::de::IgnoredAny>,
        }
        let probe: Probe = serde_json::from_slice(bytes)?;
        if probe.manifests.is_some() {
            serde_json::from_slice(bytes).map(|index| Self::Index(Box::new(index)))
        } else {
            serde_json::from_slice(bytes).map(|manifest| Self::Manifest(Box::new(manifest)))
        }
    }

    pub(crate) fn media_type(&self) -> &str {
        match self {
            Self::Manifest(manifest) => manifest.media_type.as_deref().unwrap_or(media::MANIFEST),
            Self::Index(index) => index.media_type.as_deref().unwrap_or(media::INDEX),
        }
    }

    pub(crate) fn subject(&self) -> Option<&Descriptor> {
        match self {
            Self::Manifest(manifest) => manifest.subject.as_ref(),
            Self::Index(index) => index.subject.as_ref(),
        }
    }

    /// The type an index of referrers shows: the manifest's own, or its configuration's.
    pub(crate) fn artifact_type(&self) -> Option<String> {
        match self {
            Self::Manifest(manifest) => {
                let own = manifest.artifact_type.clone().filter(|own| !own.is_empty());
                own.or_else(|| Some(manifest.config.media_type.clone()))
            }
            Self::Index(index) => index.artifact_type.clone(),
        }
    }

    pub(crate) fn annotations(&self) -> &BTreeMap<String, String> {
        match self {
            Self::Manifest(manifest) => &manifest.annotations,
            Self::Index(index) => &index.annotations,
        }
    }

    /// The blobs a manifest needs, or the manifests an index needs.
    pub(crate) fn children(&self) -> Box<dyn Iterator<Item = &Descriptor> + Send + '_> {
        match self {
            Self::Manifest(manifest) => {
                Box::new(std::iter::once(&manifest.config).chain(&manifest.layers))
            }
            Self::Index(index) => Box::new(index.manifests.iter()),
        }
    }
}
