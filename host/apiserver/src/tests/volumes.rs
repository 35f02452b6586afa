use super::*;

const CLAIMS: &str = "/api/v1/namespaces/default/persistentvolumeclaims";
const VOLUMES: &str = "/api/v1/persistentvolumes";
const CLASSES: &str = "/apis/storage.k8s.io/v1/storageclasses";

fn claim(name: &str, class: &Value) -> Value {
    let mut claim = json!({
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": { "name": name },
        "spec": { "accessModes": ["ReadWriteOnce"], "resources": { "requests": { "storage": "1Gi" } } },
    });
    if !class.is_null() {
        claim["spec"]["storageClassName"] = class.clone();
    }
    claim
}

fn class(name: &str, is_default: bool, grows: bool) -> Value {
    json!({
        "apiVersion": "storage.k8s.io/v1",
        "kind": "StorageClass",
        "metadata": {
            "name": name,
            "annotations": { "storageclass.kubernetes.io/is-default-class": is_default.to_string() },
        },
        "provisioner": "d.example",
        "allowVolumeExpansion": grows,
    })
}

#[tokio::test]
async fn a_claim_without_a_class_gets_the_default_one() {
    let server = Server::start().await;
    let reply = server.post(CLAIMS, &claim("before", &Value::Null)).await.expect(201);
    assert_eq!(reply.at("/spec/storageClassName"), Value::Null);
    for (name, is_default) in [("other", false), ("old", true)] {
        server.post(CLASSES, &class(name, is_default, false)).await.expect(201);
    }
    server.clock.advance(5);
    server.post(CLASSES, &class("new", true, false)).await.expect(201);
    for (given, expected) in
        [(Value::Null, json!("new")), (json!("other"), json!("other")), (json!(""), json!(""))]
    {
        let path = format!("{CLAIMS}?dryRun=All");
        let reply = server.post(&path, &claim("c", &given)).await.expect(201);
        assert_eq!(reply.at("/spec/storageClassName"), expected, "{given}");
    }
}

#[tokio::test]
async fn storage_in_use_is_protected() {
    let server = Server::start().await;
    let attributes = json!({
        "apiVersion": "storage.k8s.io/v1",
        "kind": "VolumeAttributesClass",
        "metadata": { "name": "gold" },
        "driverName": "d.example",
        "parameters": { "a": "b" },
    });
    let volume = json!({
        "apiVersion": "v1",
        "kind": "PersistentVolume",
        "metadata": { "name": "v" },
        "spec": { "capacity": { "storage": "1Gi" }, "accessModes": ["ReadWriteOnce"], "hostPath": { "path": "/x" } },
    });
    for (path, object, finalizer) in [
        (CLAIMS, claim("c", &Value::Null), "kubernetes.io/pvc-protection"),
        (VOLUMES, volume, "kubernetes.io/pv-protection"),
        (
            "/apis/storage.k8s.io/v1/volumeattributesclasses",
            attributes,
            "kubernetes.io/vac-protection",
        ),
    ] {
        let reply = server.post(path, &object).await.expect(201);
        assert_eq!(reply.at("/metadata/finalizers"), json!([finalizer]));
        let one = format!("{path}/{}", reply.at("/metadata/name").as_str().expect("a name"));
        let held = server.delete(&one).await.expect(200);
        assert_ne!(held.at("/metadata/deletionTimestamp"), Value::Null);
        server.get(&one).await.expect(200);
        let free = json!({ "metadata": { "finalizers": null } });
        server.patch(&one, "merge", &free).await.expect(200);
        server.get(&one).await.expect(404);
    }
}

#[tokio::test]
async fn only_claims_of_growing_classes_grow() {
    let server = Server::start().await;
    for (name, grows) in [("grows", true), ("stays", false)] {
        server.post(CLASSES, &class(name, false, grows)).await.expect(201);
    }
    let more = json!({ "spec": { "resources": { "requests": { "storage": "2Gi" } } } });
    let bound = json!({ "status": { "phase": "Bound", "capacity": { "storage": "1Gi" } } });
    for (name, refused) in [
        ("grows", ""),
        (
            "stays",
            "only dynamically provisioned pvc can be resized and the storageclass that provisions the pvc must support resize",
        ),
        (
            "missing",
            "only dynamically provisioned pvc can be resized and the storageclass that provisions the pvc must support resize",
        ),
    ] {
        server.post(CLAIMS, &claim(name, &json!(name))).await.expect(201);
        let path = format!("{CLAIMS}/{name}");
        let early = server.patch(&path, "merge", &more).await.expect(422);
        assert!(early.message().contains("spec is immutable after creation except"));
        server.patch(&format!("{path}/status"), "merge", &bound).await.expect(200);
        let reply = server.patch(&path, "merge", &more).await;
        if refused.is_empty() {
            assert_eq!(reply.expect(200).at("/spec/resources/requests/storage"), "2Gi");
        } else {
            let text = format!("persistentvolumeclaims \"{name}\" is forbidden: {refused}");
            assert_eq!(reply.expect(403).message(), text);
        }
    }
}

#[tokio::test]
async fn a_volume_tells_since_when_it_is_in_its_phase() {
    let server = Server::start().await;
    let volume = json!({
        "apiVersion": "v1",
        "kind": "PersistentVolume",
        "metadata": { "name": "v" },
        "spec": { "capacity": { "storage": "1Gi" }, "accessModes": ["ReadWriteOnce"], "hostPath": { "path": "/x" } },
    });
    let reply = server.post(VOLUMES, &volume).await.expect(201);
    let at = |phase: &str, time: &str| json!({ "phase": phase, "lastPhaseTransitionTime": time });
    assert_eq!(reply.at("/status"), at("Pending", "2026-01-02T03:04:05Z"));
    for (status, expected) in [
        (json!({ "phase": "Available" }), at("Available", "2026-01-02T03:04:06Z")),
        (json!({ "phase": "Available" }), at("Available", "2026-01-02T03:04:06Z")),
        (
            json!({ "phase": "Bound", "lastPhaseTransitionTime": "2020-01-01T00:00:00Z" }),
            at("Bound", "2020-01-01T00:00:00Z"),
        ),
        (json!({ "lastPhaseTransitionTime": null }), at("Bound", "2020-01-01T00:00:00Z")),
        (json!({ "phase": "Released" }), at("Released", "2026-01-02T03:04:10Z")),
    ] {
        server.clock.advance(1);
        let path = format!("{VOLUMES}/v/status");
        let reply = server.patch(&path, "merge", &json!({ "status": status })).await.expect(200);
        assert_eq!(reply.at("/status"), expected, "{status}");
    }
}

#[tokio::test]
async fn a_driver_counts_its_changes() {
    let server = Server::start().await;
    let path = "/apis/storage.k8s.io/v1/csidrivers";
    let driver = json!({ "apiVersion": "storage.k8s.io/v1", "kind": "CSIDriver", "metadata": { "name": "d" }, "spec": {} });
    let reply = server.post(path, &driver).await.expect(201);
    assert_eq!(reply.at("/metadata/generation"), Value::Null);
    for (change, expected) in [
        (json!({ "metadata": { "labels": { "a": "b" } } }), Value::Null),
        (json!({ "spec": { "requiresRepublish": true } }), json!(1)),
        (json!({ "spec": { "requiresRepublish": false } }), json!(2)),
    ] {
        let reply = server.patch(&format!("{path}/d"), "merge", &change).await.expect(200);
        assert_eq!(reply.at("/metadata/generation"), expected, "{change}");
    }
}

#[tokio::test]
async fn a_status_of_storage_is_all_that_its_path_writes() {
    let server = Server::start().await;
    let root = "/apis/storage.k8s.io/v1";
    let attachment = json!({
        "apiVersion": "storage.k8s.io/v1",
        "kind": "VolumeAttachment",
        "metadata": { "name": "a" },
        "spec": { "attacher": "d.example", "nodeName": "n", "source": { "persistentVolumeName": "v" } },
    });
    let path = format!("{root}/volumeattachments");
    let reply = server.post(&path, &attachment).await.expect(201);
    assert_eq!(reply.at("/status"), json!({ "attached": false }));
    let change = json!({
        "metadata": { "labels": { "a": "b" } },
        "spec": { "nodeName": "z" },
        "status": { "attached": true },
    });
    let reply = server.patch(&format!("{path}/a/status"), "merge", &change).await.expect(200);
    assert_eq!(reply.at("/status"), json!({ "attached": true }));
    assert_eq!(reply.at("/spec"), attachment["spec"]);
    assert_eq!(reply.at("/metadata/labels"), Value::Null);
    let node = json!({ "apiVersion": "storage.k8s.io/v1", "kind": "CSINode", "metadata": { "name": "n" }, "spec": { "drivers": [] } });
    let path = format!("{root}/csinodes");
    server.post(&path, &node).await.expect(201);
    let health =
        json!({ "status": { "storageHealth": [{ "name": "d", "healthConditions": [] }] } });
    let reply = server.patch(&format!("{path}/n/status"), "merge", &health).await.expect(200);
    assert_eq!(reply.at("/status"), json!({}));
}

#[tokio::test]
async fn a_range_needs_no_name() {
    let server = Server::start().await;
    let path = "/api/v1/namespaces/default/limitranges";
    let range = json!({ "apiVersion": "v1", "kind": "LimitRange", "spec": { "limits": [] } });
    let reply = server.post(path, &range).await.expect(201);
    let name = reply.at("/metadata/name").as_str().expect("a name").to_owned();
    assert_eq!(name.len(), 36);
    server.get(&format!("{path}/{name}")).await.expect(200);
}

#[tokio::test]
async fn no_component_is_listed() {
    let server = Server::start().await;
    let path = "/api/v1/componentstatuses";
    let reply = server.get(path).await.expect(200);
    assert_eq!(reply.at("/items"), json!([]));
    assert_eq!(reply.warnings(), ["299 - \"v1 ComponentStatus is deprecated in v1.19+\""]);
    let missing = server.get(&format!("{path}/none")).await.expect(404);
    assert_eq!(missing.message(), "componentstatus \"none\" not found");
    server.get(&format!("{path}?watch=1")).await.expect(405);
    server.delete(&format!("{path}/none")).await.expect(405);
}
