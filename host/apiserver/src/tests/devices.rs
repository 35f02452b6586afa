use serde_json::{Value, json};

use crate::testing::Server;

const CLAIMS: &str = "/apis/resource.k8s.io/v1/namespaces/default/resourceclaims";
const SLICES: &str = "/apis/resource.k8s.io/v1/resourceslices";
const RULES: &str = "/apis/resource.k8s.io/v1/devicetaintrules";

fn claim(name: &str, admin: bool) -> Value {
    json!({
        "apiVersion": "resource.k8s.io/v1", "kind": "ResourceClaim", "metadata": { "name": name },
        "spec": { "devices": { "requests": [
            { "name": "r", "exactly": { "deviceClassName": "c", "adminAccess": admin } },
        ] } },
    })
}

#[tokio::test]
async fn admin_access_is_for_marked_namespaces() {
    let server = Server::start().await;
    server.post(CLAIMS, &claim("plain", false)).await.expect(201);
    let reply = server.post(CLAIMS, &claim("admin", true)).await.expect(422);
    let field = "spec.devices.requests[0].adminAccess";
    assert_eq!(reply.at("/details/causes/0/field"), field);
    let result =
        json!({ "request": "r", "driver": "d", "pool": "p", "device": "d", "adminAccess": true });
    let status = json!({ "status": { "allocation": { "devices": { "results": [result] } } } });
    server.patch(&format!("{CLAIMS}/plain/status"), "merge", &status).await.expect(422);

    let label =
        json!({ "metadata": { "labels": { "resource.kubernetes.io/admin-access": "true" } } });
    server.patch("/api/v1/namespaces/default", "merge", &label).await.expect(200);
    server.post(CLAIMS, &claim("admin", true)).await.expect(201);
    server.patch(&format!("{CLAIMS}/plain/status"), "merge", &status).await.expect(200);
}

#[tokio::test]
async fn a_taint_tells_since_when_it_is_there() {
    let server = Server::start().await;
    let slice = json!({
        "apiVersion": "resource.k8s.io/v1", "kind": "ResourceSlice", "metadata": { "name": "s" },
        "spec": {
            "driver": "d.example.com", "allNodes": true,
            "pool": { "name": "p", "generation": 1, "resourceSliceCount": 1 },
            "devices": [{ "name": "d", "taints": [{ "key": "a", "effect": "None" }] }],
        },
    });
    let made = server.post(SLICES, &slice).await.expect(201);
    assert_eq!(made.at("/spec/devices/0/taints/0/timeAdded"), "2026-01-02T03:04:05Z");

    let rule = json!({
        "apiVersion": "resource.k8s.io/v1", "kind": "DeviceTaintRule", "metadata": { "name": "r" },
        "spec": { "taint": { "key": "a", "effect": "None" } },
    });
    server.post(RULES, &rule).await.expect(201);
    server.clock.advance(60);
    for (change, added) in [
        (json!({ "value": "v" }), "2026-01-02T03:04:05Z"),
        (json!({ "effect": "NoExecute" }), "2026-01-02T03:05:05Z"),
    ] {
        let change = json!({ "spec": { "taint": change } });
        let changed = server.patch(&format!("{RULES}/r"), "merge", &change).await.expect(200);
        assert_eq!(changed.at("/spec/taint/timeAdded"), added);
    }
}
