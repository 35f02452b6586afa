use super::*;

#[tokio::test]
async fn creates_an_object_with_its_metadata() {
    let server = Server::start().await;
    let reply = server.post(CONFIG_MAPS, &config_map("x")).await.expect(201);
    assert_eq!(reply.at("/metadata/namespace"), "default");
    assert_eq!(reply.at("/metadata/creationTimestamp"), "2026-01-02T03:04:05Z");
    assert_eq!(reply.at("/metadata/uid").as_str().map(str::len), Some(36));
    assert_eq!(
        reply.at("/metadata/managedFields"),
        json!([{
            "manager": "tester", "operation": "Update", "apiVersion": "v1", "time": "2026-01-02T03:04:05Z",
            "fieldsType": "FieldsV1", "fieldsV1": { "f:data": { ".": {}, "f:a": {} } },
        }])
    );
    assert_eq!(server.get(&format!("{CONFIG_MAPS}/x")).await.expect(200).text, reply.text);
    let again = server.post(CONFIG_MAPS, &config_map("x")).await.expect(409);
    assert_eq!(again.message(), "configmaps \"x\" already exists");
}

#[tokio::test]
async fn checks_whose_body_it_is() {
    let server = Server::start().await;
    for (body, code, message) in [
        (
            json!({ "metadata": { "name": "x", "namespace": "other" } }),
            400,
            "the namespace of the provided object does not match the namespace sent on the request",
        ),
        (
            json!({ "metadata": { "name": "x", "resourceVersion": "5" } }),
            500,
            "resourceVersion should not be set on objects to be created",
        ),
        (
            json!({ "apiVersion": "v1", "kind": "ConfigMapp" }),
            400,
            "ConfigMapp in version \"v1\" cannot be handled as a ConfigMap: no kind \"ConfigMapp\" is registered for version \"v1\"",
        ),
        (
            json!({ "apiVersion": ["v1"], "metadata": { "name": "x" } }),
            400,
            "the object provided is unrecognized (must be of type ConfigMap): couldn't get version/kind; json parse error: json: cannot unmarshal array into Go struct field .apiVersion of type string ({\"apiVersion\":[\"v1\"],\"metadata ...)",
        ),
        (
            json!({ "kind": true, "metadata": { "name": "x" } }),
            400,
            "the object provided is unrecognized (must be of type ConfigMap): couldn't get version/kind; json parse error: json: cannot unmarshal bool into Go struct field .kind of type string ({\"kind\":true,\"metadata\":{\"name ...)",
        ),
        (
            json!(null),
            422,
            "ConfigMap \"\" is invalid: metadata.name: Required value: name or generateName is required",
        ),
        (
            json!({ "metadata": { "name": "x" }, "data": { "a": 1 } }),
            400,
            "ConfigMap in version \"v1\" cannot be handled as a ConfigMap: json: cannot unmarshal number into Go struct field ConfigMap.data of type string",
        ),
    ] {
        let reply = server.post(CONFIG_MAPS, &body).await.expect(code);
        assert_eq!(reply.message(), message);
    }
    let reply =
        server.post("/api/v1/namespaces/none/configmaps", &config_map("x")).await.expect(404);
    assert_eq!(reply.message(), "namespaces \"none\" not found");
}

#[tokio::test]
async fn validates_fields_as_asked() {
    let server = Server::start().await;
    let body =
        "{\"metadata\":{\"name\":\"x\",\"foo\":1},\"bar\":1,\"data\":{\"a\":\"1\",\"a\":\"2\"}}";
    let strict = server
        .send("POST", &format!("{CONFIG_MAPS}?fieldValidation=Strict"), &[], body)
        .await
        .expect(400);
    assert_eq!(
        strict.message(),
        "ConfigMap in version \"v1\" cannot be handled as a ConfigMap: strict decoding error: unknown field \"metadata.foo\", unknown field \
         \"bar\", duplicate field \"data.a\""
    );
    let warned = server.send("POST", CONFIG_MAPS, &[], body).await.expect(201);
    assert_eq!(warned.at("/data/a"), "2");
    assert_eq!(
        warned.warnings(),
        [
            "299 - \"unknown field \\\"metadata.foo\\\"\"",
            "299 - \"unknown field \\\"bar\\\"\"",
            "299 - \"duplicate field \\\"data.a\\\"\""
        ]
    );
    let yaml = "metadata: {name: yy}\ndata:\n  a: b\n  a: c\nfoo: bar\n";
    let path = format!("{CONFIG_MAPS}?fieldValidation=Strict");
    let strict =
        server.send("POST", &path, &[("content-type", "application/yaml")], yaml).await.expect(400);
    let text = "strict decoding error: yaml: unmarshal errors:\n  line 4: key \"a\" already set in map, unknown field \"foo\"";
    assert!(strict.message().ends_with(text), "{}", strict.message());
    let silent = format!("{CONFIG_MAPS}?fieldValidation=Ignore");
    let reply = server
        .send("POST", &silent, &[("content-type", "application/yaml")], yaml)
        .await
        .expect(201);
    assert!(reply.warnings().is_empty());
}

#[tokio::test]
async fn generates_names() {
    let server = Server::start().await;
    let long = "p".repeat(70);
    for (prefix, kept) in [("web-", 4), (long.as_str(), 58)] {
        let body = json!({ "metadata": { "generateName": prefix } });
        let reply = server.post(CONFIG_MAPS, &body).await.expect(201);
        let name = reply.at("/metadata/name");
        let name = name.as_str().expect("a name");
        assert_eq!(name.len(), kept + 5);
        assert!(name.starts_with(&prefix[..kept]), "{name}");
    }
}

#[tokio::test]
async fn replaces_the_version_that_is_meant() {
    let server = with_config_maps(&["x"]).await;
    let path = format!("{CONFIG_MAPS}/x");
    let mut body = server.get(&path).await.json();
    body["data"]["a"] = "c".into();
    let updated = server.put(&path, &body).await.expect(200);
    assert_ne!(updated.at("/metadata/resourceVersion"), body["metadata"]["resourceVersion"]);
    let stale = server.put(&path, &body).await.expect(409);
    assert_eq!(
        stale.message(),
        "Operation cannot be fulfilled on configmaps \"x\": the object has been modified; please apply your changes to the latest version and \
         try again"
    );
    // Without a version it replaces whatever is there.
    server.put(&path, &config_map("x")).await.expect(200);
    let other = server.put(&path, &config_map("y")).await.expect(400);
    assert_eq!(
        other.message(),
        "the name of the object (y) does not match the name on the URL (x)"
    );
    let mut foreign = config_map("x");
    foreign["metadata"]["uid"] = "u".into();
    server.put(&path, &foreign).await.expect(409);
    let reply = server.put(&format!("{CONFIG_MAPS}/none"), &config_map("none")).await.expect(404);
    assert_eq!(reply.message(), "configmaps \"none\" not found");
}

#[tokio::test]
async fn keeps_the_revision_of_what_does_not_change() {
    let server = with_config_maps(&["x"]).await;
    let path = format!("{CONFIG_MAPS}/x");
    let before = server.get(&path).await;
    server.clock.advance(60);
    let same = server.put(&path, &config_map("x")).await.expect(200);
    assert_eq!(same.json(), before.json());
    let same = server.patch(&path, "merge", &json!({ "data": { "a": "b" } })).await.expect(200);
    assert_eq!(same.json(), before.json());
}

#[tokio::test]
async fn counts_generations() {
    let server = Server::start().await;
    let path = format!("{DEPLOYMENTS}/d");
    assert_eq!(
        server.post(DEPLOYMENTS, &deployment("d")).await.expect(201).at("/metadata/generation"),
        1
    );
    let labelled = server
        .patch(&path, "merge", &json!({ "metadata": { "labels": { "x": "y" } } }))
        .await
        .expect(200);
    assert_eq!(labelled.at("/metadata/generation"), 1);
    let scaled =
        server.patch(&path, "merge", &json!({ "spec": { "replicas": 3 } })).await.expect(200);
    assert_eq!(scaled.at("/metadata/generation"), 2);
    let status = json!({ "status": { "replicas": 3, "observedGeneration": 2 } });
    let ignored = server.patch(&path, "merge", &status).await.expect(200);
    assert_eq!(ignored.at("/status/replicas"), Value::Null);
    let seen = server.patch(&format!("{path}/status"), "merge", &status).await.expect(200);
    assert_eq!(
        (seen.at("/status/replicas"), seen.at("/metadata/generation")),
        (json!(3), json!(2))
    );
}

#[tokio::test]
async fn does_everything_but_the_write_of_a_dry_run() {
    let server = with_config_maps(&["x"]).await;
    let revision = server.store.revision();
    let created =
        server.post(&format!("{CONFIG_MAPS}?dryRun=All"), &config_map("y")).await.expect(201);
    assert_eq!(created.at("/metadata/resourceVersion"), Value::Null);
    server.post(&format!("{CONFIG_MAPS}?dryRun=All"), &config_map("x")).await.expect(409);
    let path = format!("{CONFIG_MAPS}/x?dryRun=All");
    let patched = server.patch(&path, "merge", &json!({ "data": { "a": "z" } })).await.expect(200);
    assert_eq!(patched.at("/data/a"), "z");
    server.delete(&path).await.expect(200);
    assert_eq!(server.store.revision(), revision);
}

#[tokio::test]
async fn gives_pods_what_they_need() {
    let server = Server::start().await;
    let reply = server.post(PODS, &pod("p")).await.expect(201);
    assert_eq!(reply.at("/spec/serviceAccountName"), "default");
    assert_eq!(reply.at("/spec/priority"), 0);
    assert_eq!(reply.at("/spec/tolerations").as_array().map(Vec::len), Some(2));
    assert_eq!(
        reply.at("/spec/containers/0/volumeMounts/0/mountPath"),
        "/var/run/secrets/kubernetes.io/serviceaccount"
    );
    assert_eq!(reply.at("/status/phase"), "Pending");
    let mut other = pod("q");
    other["spec"]["serviceAccountName"] = "none".into();
    let reply = server.post(PODS, &other).await.expect(403);
    assert_eq!(
        reply.message(),
        "pods \"q\" is forbidden: error looking up service account default/none: serviceaccount \"none\" not found"
    );
}

#[tokio::test]
async fn writes_at_once_without_losing_any() {
    let server = with_config_maps(&["x"]).await;
    let path = format!("{CONFIG_MAPS}/x");
    let patches: Vec<Value> =
        (0..20).map(|number| json!({ "data": { format!("k{number}"): "v" } })).collect();
    let replies =
        futures::future::join_all(patches.iter().map(|patch| server.patch(&path, "merge", patch)))
            .await;
    for reply in replies {
        reply.expect(200);
    }
    let data = server.get(&path).await.at("/data");
    assert_eq!(data.as_object().map(serde_json::Map::len), Some(21));
}

const REVISIONS: &str = "/apis/apps/v1/namespaces/default/controllerrevisions";

/// An object of a kind with a part that may be anything, with so many levels in all.
fn nested(name: &str, depth: usize) -> String {
    let data = format!("{}1{}", r#"{"a":"#.repeat(depth - 1), "}".repeat(depth - 1));
    let head = r#"{"apiVersion":"apps/v1","kind":"ControllerRevision","revision":1"#;
    format!(r#"{head},"metadata":{{"name":"{name}"}},"data":{data}}}"#)
}

#[tokio::test]
async fn what_is_nested_too_deeply_is_refused_and_the_rest_can_be_changed() {
    let server = Server::start().await;
    let deepest = meta::decode::DEPTH_MAX;
    let path = format!("{REVISIONS}/deep");
    let send = async |method: &str, path: &str, media_type: &str, body: &str| {
        server.send(method, path, &[("content-type", media_type)], body).await
    };
    send("POST", REVISIONS, "application/json", &nested("deep", deepest)).await.expect(201);
    let label = json!({ "metadata": { "labels": { "a": "b" } } });
    server.patch(&path, "merge", &label).await.expect(200);
    let apply = json!({ "apiVersion": "apps/v1", "kind": "ControllerRevision", "metadata": { "name": "deep", "labels": { "c": "d" } }, "revision": 1 });
    server.patch(&format!("{path}?fieldManager=m&force=1"), "apply", &apply).await.expect(200);
    for depth in [deepest + 1, 5_000, 100_000] {
        for media_type in ["application/json", "application/yaml"] {
            let refused = send("POST", REVISIONS, media_type, &nested("x", depth)).await;
            let refused = refused.expect(400);
            assert!(refused.message().contains("exceeded max depth"), "{}", refused.message());
        }
    }
    let copies = json!([
        { "op": "copy", "from": "/data", "path": "/data/a/b" },
        { "op": "copy", "from": "/data", "path": "/data/a/c" },
    ]);
    server.patch(&path, "json", &copies).await.expect(422);
    server.delete(&path).await.expect(200);
}
