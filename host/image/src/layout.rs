//! Which of an image's blobs is the program: the layouts in use, told apart without fetching a layer.
//!
//! 1. The Wasm working group's layout, and two older ones like it: one layer that is the Wasm file.
//! 2. The older container layout: file system layers, with a `.wasm` file as entrypoint.
//! 3. An index: the entry whose platform is WebAssembly.
//!
//! Everything else has no WebAssembly in it, and says so: the usual mistake is an image built for Linux.
//! <https://tag-runtime.cncf.io/wgs/wasm/deliverables/wasm-oci-artifact/>

use serde::Deserialize;

use crate::manifest::{Descriptor, Index, Manifest, media};

/// How the program is packed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Shape {
    /// This layer is the Wasm file.
    File(Descriptor),
    /// It is a file in these layers, lowest first.
    FileSystem(Vec<Descriptor>),
}

/// Why an image cannot run here.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoWasm {
    #[error("it is a Spin application; push its component instead")]
    Spin,
    #[error("it is built for {0}")]
    Platforms(String),
    #[error("no layer holds a Wasm file")]
    Layers,
    #[error("its entrypoint {0:?} is not in its layers")]
    EntrypointMissing(String),
    #[error("its entrypoint {0:?} is not a Wasm file")]
    EntrypointNative(String),
    #[error("it has no entrypoint and {0} .wasm files")]
    Ambiguous(usize),
    #[error("layers of type {0:?} are not supported")]
    Compression(String),
}

/// How the program of this manifest is packed.
pub(crate) fn shape(manifest: &Manifest) -> Result<Shape, NoWasm> {
    if manifest.config.media_type == media::SPIN_CONFIG {
        return Err(NoWasm::Spin);
    }
    let is_wasm = |layer: &&Descriptor| {
        matches!(
            layer.media_type.as_str(),
            media::WASM | media::WASM_CONTENT | media::WASM_COMPONENT
        )
    };
    if let Some(layer) = manifest.layers.iter().find(is_wasm) {
        return Ok(Shape::File(layer.clone()));
    }
    let is_file_system = |layer: &Descriptor| {
        layer.media_type.contains("image.layer") || layer.media_type.contains("image.rootfs")
    };
    if manifest.layers.is_empty() || !manifest.layers.iter().all(is_file_system) {
        return Err(NoWasm::Layers);
    }
    match manifest.layers.iter().find(|layer| layer.media_type.ends_with("zstd")) {
        Some(layer) => Err(NoWasm::Compression(layer.media_type.clone())),
        None => Ok(Shape::FileSystem(manifest.layers.clone())),
    }
}

/// The index entry to run: the first one for WebAssembly, or the only one there is.
pub(crate) fn choose(index: &Index) -> Result<&Descriptor, NoWasm> {
    let is_wasm = |entry: &&Descriptor| {
        entry.platform.as_ref().is_some_and(|platform| {
            matches!(platform.architecture.as_str(), "wasm" | "wasm32")
                || platform.os.starts_with("wasi")
        })
    };
    if let Some(entry) = index.manifests.iter().find(is_wasm) {
        return Ok(entry);
    }
    if let [only] = index.manifests.as_slice()
        && only.platform.is_none()
    {
        return Ok(only);
    }
    let platforms: Vec<String> = index
        .manifests
        .iter()
        .filter_map(|entry| entry.platform.as_ref())
        .filter(|platform| platform.os != "unknown")
        .map(|platform| format!("{}/{}", platform.os, platform.architecture))
        .collect();
    Err(if platforms.is_empty() { NoWasm::Layers } else { NoWasm::Platforms(platforms.join(", ")) })
}

/// What a container image's configuration says about the process.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
pub(crate) struct ContainerConfig {
    #[serde(default)]
    pub(crate) architecture: String,
    #[serde(default)]
    pub(crate) os: String,
    #[serde(default)]
    pub(crate) config: Process,
}

/// The process part.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(crate) struct Process {
    #[serde(deserialize_with = "null_is_empty")]
    pub(crate) entrypoint: Vec<String>,
    #[serde(deserialize_with = "null_is_empty")]
    pub(crate) cmd: Vec<String>,
    #[serde(deserialize_with = "null_is_empty")]
    pub(crate) env: Vec<String>,
    pub(crate) working_dir: String,
}

fn null_is_empty<'de, D: serde::Deserializer<'de>>(from: D) -> Result<Vec<String>, D::Error> {
    Ok(Option::<Vec<String>>::deserialize(from)?.unwrap_or_default())
}

#[cfg(test)]
mod tests;
