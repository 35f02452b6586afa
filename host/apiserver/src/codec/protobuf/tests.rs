use std::path::Path;

use meta::{GroupVersion, Tree};
use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::codec::decode::Expected;

#[test]
fn reads_what_it_writes() {
    for (group, version, plural, object) in [
        (
            "",
            "v1",
            "configmaps",
            json!({
                "apiVersion": "v1", "kind": "ConfigMap",
                "metadata": { "name": "x", "creationTimestamp": "2026-01-02T03:04:05Z", "labels": { "a": "b" }, "generation": 3 },
                "data": { "k": "v" }, "binaryData": { "b": "AAE=" }, "immutable": true,
            }),
        ),
        (
            "",
            "v1",
            "pods",
            json!({
                "apiVersion": "v1", "kind": "Pod", "metadata": { "name": "p", "ownerReferences": [
                    { "apiVersion": "v1", "kind": "Node", "name": "n", "uid": "u", "controller": true },
                ] },
                "spec": {
                    "containers": [{ "name": "c", "resources": { "limits": { "cpu": "100m" } }, "ports": [{ "containerPort": 80 }],
                        "livenessProbe": { "httpGet": { "port": "web" } }, "readinessProbe": { "tcpSocket": { "port": 80 } } }],
                    "terminationGracePeriodSeconds": -1,
                    "volumes": [{ "name": "v", "configMap": { "name": "m", "items": [{ "key": "k", "path": "p" }] } }],
                },
            }),
        ),
    ] {
        let kind = kinds::find(group, version, plural).expect("a kind");
        let bytes = encode(object.to_string().as_bytes(), kind.type_ref());
        let (api_version, name) = type_of(&bytes).expect("an envelope");
        assert_eq!(
            (json!(api_version), json!(name)),
            (object["apiVersion"].clone(), object["kind"].clone())
        );
        assert_eq!(decode(&bytes, &Expected::of_kind(kind)).expect("an object"), object);
    }
}

#[test]
fn every_kind_comes_back_from_protobuf() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../kinds/src/tests/golden");
    let mut seen = 0;
    for file in std::fs::read_dir(folder).expect("the golden objects") {
        let path = file.expect("a file").path();
        if path.extension().is_none_or(|extension| extension != "json") {
            continue;
        }
        let golden = std::fs::read(path).expect("a golden object");
        let golden: Tree = serde_json::from_slice(&golden).expect("JSON");
        let text = |name: &str| golden[name].as_str().unwrap_or_default().to_owned();
        let version = GroupVersion::parse(&text("apiVersion")).expect("a version");
        let Some(kind) = kinds::find_kind(&version.with_kind(text("kind"))) else { continue };
        let bytes = encode(golden.to_string().as_bytes(), kind.type_ref());
        let expected = Expected::of_kind(kind);
        let mut tree = decode(&bytes, &expected).expect("an object");
        meta::decode::canonicalize(&mut tree, kind.type_ref(), kinds::schema()).expect("its type");
        let mut object = kind.object(&tree).expect("its type");
        // A claim within a StatefulSet does not name its type in protobuf.
        object.set_defaults();
        assert_eq!(object.tree(), golden);
        seen += 1;
    }
    assert!(seen > 50, "only {seen} kinds have a golden object");
}

#[test]
fn lists_in_maps_are_messages_of_their_own() {
    let object = json!({
        "apiVersion": "certificates.k8s.io/v1", "kind": "CertificateSigningRequest", "metadata": {},
        "spec": { "request": "", "signerName": "", "extra": { "k": ["a", "b"] } },
    });
    let kind =
        kinds::find("certificates.k8s.io", "v1", "certificatesigningrequests").expect("a kind");
    let bytes = encode(object.to_string().as_bytes(), kind.type_ref());
    // extra = 6 { key = 1: "k", value = 2 { items = 1: "a", items = 1: "b" } }
    let extra = b"\x32\x0b\x0a\x01k\x12\x06\x0a\x01a\x0a\x01b";
    assert!(bytes.windows(extra.len()).any(|part| part == extra), "{bytes:?}");
    assert_eq!(decode(&bytes, &Expected::of_kind(kind)).expect("an object"), object);
}

#[test]
fn texts_with_escapes_and_long_messages_come_back() {
    let text = "\"quoted\" \\ \n é \u{1}".repeat(50);
    let object = json!({
        "apiVersion": "v1", "kind": "ConfigMap", "metadata": { "name": "x" }, "data": { "k": text, "\"": "" },
    });
    let kind = kinds::find("", "v1", "configmaps").expect("a kind");
    let bytes = encode(object.to_string().as_bytes(), kind.type_ref());
    assert_eq!(decode(&bytes, &Expected::of_kind(kind)).expect("an object"), object);
}

proptest! {
    #[test]
    fn no_bytes_make_the_encoder_panic(json in proptest::collection::vec(any::<u8>(), 0..64)) {
        encode(&json, kinds::find("", "v1", "pods").expect("a kind").type_ref());
    }
}

#[test]
fn refuses_other_bytes() {
    let expected = Expected::of_kind(kinds::find("", "v1", "configmaps").expect("a kind"));
    for bytes in [&b"hello"[..], b"k8s\0\x0a\xff", b"k8s\0\x12\x05\x0a\x7f"] {
        assert!(decode(bytes, &expected).is_err(), "{bytes:?}");
    }
}
