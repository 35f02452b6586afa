#![expect(clippy::unwrap_used, reason = "tests")]

use super::*;
use crate::digest::Digest;
use crate::manifest::Platform;

fn descriptor(media_type: &str, platform: Option<(&str, &str)>) -> Descriptor {
    Descriptor {
        media_type: media_type.into(),
        digest: Digest::of(media_type.as_bytes()),
        size: 1,
        artifact_type: None,
        annotations: std::collections::BTreeMap::new(),
        platform: platform.map(|(os, architecture)| Platform {
            os: os.into(),
            architecture: architecture.into(),
        }),
    }
}

fn manifest(config: &str, layers: &[&str]) -> Manifest {
    Manifest {
        schema_version: 2,
        media_type: None,
        artifact_type: None,
        config: descriptor(config, None),
        layers: layers.iter().map(|layer| descriptor(layer, None)).collect(),
        subject: None,
        annotations: std::collections::BTreeMap::new(),
    }
}

#[test]
fn each_layout_in_use_is_told_apart() {
    let tar = "application/vnd.oci.image.layer.v1.tar+gzip";
    let image = "application/vnd.oci.image.config.v1+json";
    for layer in [media::WASM, media::WASM_CONTENT, media::WASM_COMPONENT] {
        assert!(matches!(shape(&manifest(media::WASM_CONFIG, &[layer])), Ok(Shape::File(_))));
    }
    assert!(
        matches!(shape(&manifest(image, &[tar, tar])), Ok(Shape::FileSystem(l)) if l.len() == 2)
    );
    assert_eq!(shape(&manifest(media::SPIN_CONFIG, &[media::WASM])), Err(NoWasm::Spin));
    assert_eq!(shape(&manifest(image, &["text/plain"])), Err(NoWasm::Layers));
    assert_eq!(shape(&manifest(image, &[])), Err(NoWasm::Layers));
    let zstd = "application/vnd.oci.image.layer.v1.tar+zstd";
    assert_eq!(shape(&manifest(image, &[zstd])), Err(NoWasm::Compression(zstd.into())));
}

#[test]
fn an_index_answers_its_wasm_entry_or_says_what_it_is_built_for() {
    let index = |entries: &[Option<(&str, &str)>]| Index {
        schema_version: 2,
        media_type: None,
        artifact_type: None,
        manifests: entries.iter().map(|platform| descriptor("m", *platform)).collect(),
        subject: None,
        annotations: std::collections::BTreeMap::new(),
    };
    let mixed = index(&[Some(("linux", "amd64")), Some(("wasip1", "wasm"))]);
    assert_eq!(choose(&mixed).unwrap().platform.as_ref().unwrap().os, "wasip1");
    assert!(choose(&index(&[None])).is_ok());
    let native =
        index(&[Some(("linux", "amd64")), Some(("linux", "arm64")), Some(("unknown", "unknown"))]);
    assert_eq!(choose(&native), Err(NoWasm::Platforms("linux/amd64, linux/arm64".into())));
}
