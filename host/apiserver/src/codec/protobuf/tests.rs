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
        let bytes = encode(&object, kind.type_ref());
        let (api_version, name) = type_of(&bytes).expect("an envelope");
        assert_eq!(
            (json!(api_version), json!(name)),
            (object["apiVersion"].clone(), object["kind"].clone())
        );
        assert_eq!(decode(&bytes, &Expected::of_kind(kind)).expect("an object"), object);
    }
}

#[test]
fn refuses_other_bytes() {
    let expected = Expected::of_kind(kinds::find("", "v1", "configmaps").expect("a kind"));
    for bytes in [&b"hello"[..], b"k8s\0\x0a\xff", b"k8s\0\x12\x05\x0a\x7f"] {
        assert!(decode(bytes, &expected).is_err(), "{bytes:?}");
    }
}
