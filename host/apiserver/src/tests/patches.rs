use super::*;

#[tokio::test]
async fn speaks_four_languages() {
    let server = Server::start().await;
    server.post(DEPLOYMENTS, &deployment("d")).await.expect(201);
    let path = format!("{DEPLOYMENTS}/d");
    let added = json!([{ "op": "add", "path": "/metadata/labels", "value": { "l": "1" } }]);
    let reply = server.patch(&path, "json", &added).await.expect(200);
    assert_eq!(reply.at("/metadata/labels/l"), "1");
    let reply = server
        .patch(&path, "merge", &json!({ "metadata": { "labels": { "m": "2", "l": null } } }))
        .await
        .expect(200);
    assert_eq!(reply.at("/metadata/labels"), json!({ "m": "2" }));
    let strategic = json!({ "spec": { "template": { "spec": { "containers": [{ "name": "c", "image": "j" }, { "name": "e", "image": "k" }] } } } });
    let reply = server.patch(&path, "strategic-merge", &strategic).await.expect(200);
    let containers = reply.at("/spec/template/spec/containers");
    assert_eq!(containers.as_array().map(Vec::len), Some(2));
    // What it is merged into knows its type; in the other languages the type belongs to the document.
    let odd = json!({ "apiVersion": "v2", "kind": "X" });
    server.patch(&path, "strategic-merge", &odd).await.expect(200);
    server.patch(&path, "merge", &odd).await.expect(422);
    let apply = json!({ "apiVersion": "apps/v1", "kind": "Deployment", "metadata": { "name": "d" }, "spec": { "replicas": 4 } });
    let reply = server
        .patch(&format!("{path}?fieldManager=m&force=true"), "apply", &apply)
        .await
        .expect(200);
    assert_eq!(reply.at("/spec/replicas"), 4);
    let reply = server
        .send("PATCH", &path, &[("content-type", "application/json")], "{}")
        .await
        .expect(415);
    assert_eq!(reply.message(), "415: Unsupported Media Type");
    // Nothing else is agreed on before the language is.
    let headers = [("content-type", "application/json"), ("accept", "application/json;as=Table")];
    server.send("PATCH", &path, &headers, "{}").await.expect(415);
}

#[tokio::test]
async fn words_errors_of_patches() {
    let server = with_config_maps(&["x"]).await;
    let path = format!("{CONFIG_MAPS}/x");
    for (language, body, code, message) in [
        (
            "json",
            "[{\"op\":\"add\",\"path\":\"/dat/x\",\"value\":1}]",
            422,
            "the server rejected our request due to an error in our request",
        ),
        ("json", "[{\"op\":", 400, "invalid JSON patch"),
        (
            "merge",
            "[]",
            400,
            "error decoding patch: json: cannot unmarshal array into Go value of type map[string]interface {}",
        ),
        (
            "strategic-merge",
            "[]",
            400,
            "json: cannot unmarshal array into Go value of type map[string]interface {}",
        ),
        (
            "merge",
            "{\"metadata\":{\"name\":\"b\"}}",
            400,
            "the name of the object (b) does not match the name on the URL (x)",
        ),
        (
            "merge",
            "{\"metadata\":{\"namespace\":\"b\"}}",
            400,
            "the namespace of the provided object does not match the namespace sent on the request",
        ),
        (
            "merge",
            "{\"metadata\":{\"uid\":\"abc\"}}",
            422,
            "ConfigMap \"x\" is invalid: metadata.uid: Invalid value: \"abc\": field is immutable",
        ),
    ] {
        let media_type = format!("application/{language}-patch+json");
        let reply =
            server.send("PATCH", &path, &[("content-type", &media_type)], body).await.expect(code);
        assert_eq!(reply.message(), message, "{body}");
    }
    let reply = server.patch(&path, "merge", &json!({ "data": { "x": 1 } })).await.expect(422);
    assert!(
        reply.message().starts_with(" \"\" is invalid: patch: Invalid value: "),
        "{}",
        reply.message()
    );
    assert!(reply.message().ends_with(
        "json: cannot unmarshal number into Go struct field ConfigMap.data of type string"
    ));
    server
        .patch(&path, "merge", &json!({ "metadata": { "resourceVersion": "1" } }))
        .await
        .expect(409);
    server.patch(&format!("{CONFIG_MAPS}/none"), "merge", &json!({})).await.expect(404);
    let strict = server
        .patch(&format!("{path}?fieldValidation=Strict"), "merge", &json!({ "foo": 1 }))
        .await
        .expect(422);
    assert!(strict.message().ends_with("strict decoding error: unknown field \"foo\""));
    let warned = server.patch(&path, "merge", &json!({ "foo": 1 })).await.expect(200);
    assert_eq!(warned.warnings(), ["299 - \"unknown field \\\"foo\\\"\""]);
    let forced = server.patch(&format!("{path}?force=true"), "merge", &json!({})).await.expect(422);
    assert_eq!(
        forced.at("/details/causes/0/message"),
        "Forbidden: may not be specified for non-apply patch"
    );
}

#[tokio::test]
async fn applies() {
    let server = Server::start().await;
    let path = format!("{CONFIG_MAPS}/x");
    let config = |value: &str| json!({ "apiVersion": "v1", "kind": "ConfigMap", "metadata": { "name": "x" }, "data": { "k": value } });
    let created =
        server.patch(&format!("{path}?fieldManager=one"), "apply", &config("1")).await.expect(201);
    assert_eq!(created.at("/metadata/managedFields/0/operation"), "Apply");
    let same =
        server.patch(&format!("{path}?fieldManager=one"), "apply", &config("1")).await.expect(200);
    assert_eq!(same.at("/metadata/resourceVersion"), created.at("/metadata/resourceVersion"));
    let conflict =
        server.patch(&format!("{path}?fieldManager=two"), "apply", &config("2")).await.expect(409);
    assert_eq!(conflict.at("/details/causes/0/field"), ".data.k");
    let forced = server
        .patch(&format!("{path}?fieldManager=two&force=true"), "apply", &config("2"))
        .await
        .expect(200);
    assert_eq!(forced.at("/data/k"), "2");
    let unnamed = server.patch(&path, "apply", &config("1")).await.expect(422);
    assert_eq!(
        unnamed.at("/details/causes/0/message"),
        "Required value: is required for apply patch"
    );
    let other = server
        .patch(
            &format!("{path}?fieldManager=one"),
            "apply",
            &json!({ "kind": "Pod", "apiVersion": "v1" }),
        )
        .await
        .expect(400);
    assert_eq!(other.message(), "invalid object type: /v1, Kind=Pod");
}
