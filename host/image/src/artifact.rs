//! A Wasm file as an OCI artifact in the Wasm working group's layout: a computed configuration, one layer, a manifest.
//!
//! The configuration lists what a component imports and exports, so that a registry or a scheduler can tell what a program
//! needs without fetching it. The same bytes always give the same manifest, unless a creation time is asked for.
//! <https://tag-runtime.cncf.io/wgs/wasm/deliverables/wasm-oci-artifact/>

use std::collections::BTreeMap;

use bytes::Bytes;
use serde::Serialize;

use crate::digest::Digest;
use crate::manifest::{Descriptor, Manifest, media};
use crate::store::{Store, StoreError};

/// The three blobs of an image.
#[derive(Clone, Debug)]
pub struct Artifact {
    pub wasm: Bytes,
    pub config: Bytes,
    pub manifest: Bytes,
    /// The digest of the manifest: the image's identity.
    pub digest: Digest,
    /// The digest of the Wasm file.
    pub wasm_digest: Digest,
    pub(crate) config_digest: Digest,
}

/// The bytes are no WebAssembly.
#[derive(Debug, thiserror::Error)]
pub enum ArtifactError {
    #[error("not a WebAssembly file: it does not begin with \\0asm")]
    Magic,
    #[error("invalid WebAssembly")]
    Invalid(#[source] wasmparser::BinaryReaderError),
    #[error("cannot encode the image's configuration")]
    Encode(#[source] serde_json::Error),
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Config {
    #[serde(skip_serializing_if = "Option::is_none")]
    created: Option<String>,
    architecture: &'static str,
    os: &'static str,
    layer_digests: [Digest; 1],
    #[serde(skip_serializing_if = "Option::is_none")]
    component: Option<World>,
}

#[derive(Debug, Default, PartialEq, Eq, Serialize)]
struct World {
    exports: Vec<String>,
    imports: Vec<String>,
}

impl Artifact {
    /// Packs a core module or a component. `created` is an RFC 3339 time.
    pub fn new(wasm: impl Into<Bytes>, created: Option<String>) -> Result<Self, ArtifactError> {
        let wasm = wasm.into();
        if !wasm.starts_with(b"\0asm") {
            return Err(ArtifactError::Magic);
        }
        let component = world(&wasm).map_err(ArtifactError::Invalid)?;
        let wasm_digest = Digest::of(&wasm);
        let config = Config {
            created,
            architecture: "wasm",
            os: if component.is_some() { "wasip2" } else { "wasip1" },
            layer_digests: [wasm_digest],
            component,
        };
        let config = Bytes::from(serde_json::to_vec(&config).map_err(ArtifactError::Encode)?);
        let config_digest = Digest::of(&config);
        let manifest = Manifest {
            schema_version: 2,
            media_type: Some(media::MANIFEST.to_owned()),
            artifact_type: None,
            config: descriptor(media::WASM_CONFIG, config_digest, &config),
            layers: vec![descriptor(media::WASM, wasm_digest, &wasm)],
            subject: None,
            annotations: BTreeMap::new(),
        };
        let manifest = Bytes::from(serde_json::to_vec(&manifest).map_err(ArtifactError::Encode)?);
        let digest = Digest::of(&manifest);
        Ok(Self { wasm, config, manifest, digest, wasm_digest, config_digest })
    }
}

fn descriptor(media_type: &str, digest: Digest, bytes: &Bytes) -> Descriptor {
    Descriptor {
        media_type: media_type.to_owned(),
        digest,
        size: bytes.len() as u64,
        artifact_type: None,
        annotations: BTreeMap::new(),
        platform: None,
    }
}

/// What a component imports and exports at its outermost level, or `None` for a core module.
fn world(wasm: &[u8]) -> Result<Option<World>, wasmparser::BinaryReaderError> {
    use wasmparser::{Encoding, Parser, Payload};
    let mut world = World::default();
    let mut depth = 0_usize;
    for payload in Parser::new(0).parse_all(wasm) {
        match payload? {
            Payload::Version { encoding: Encoding::Module, .. } if depth == 0 => return Ok(None),
            Payload::Version { .. } => depth += 1,
            Payload::End(_) => depth = depth.saturating_sub(1),
            Payload::ComponentImportSection(section) if depth == 1 => {
                for import in section {
                    world.imports.push(import?.name.name.to_owned());
                }
            }
            Payload::ComponentExportSection(section) if depth == 1 => {
                for export in section {
                    world.exports.push(export?.name.name.to_owned());
                }
            }
            _ => {}
        }
    }
    Ok(Some(world))
}

impl Store {
    /// Puts an image into this cluster's registry under `repository:tag`.
    pub async fn push(
        &self,
        artifact: &Artifact,
        repository: &str,
        tag: &str,
    ) -> Result<Digest, StoreError> {
        self.put_bytes(&artifact.wasm).await?;
        self.put_bytes(&artifact.config).await?;
        let names = self.embedded(repository);
        let (digest, _) = names.put_manifest(&artifact.manifest, None, Some(tag), true).await?;
        Ok(digest)
    }
}

#[cfg(test)]
mod tests;
