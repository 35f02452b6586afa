use super::*;

#[tokio::test]
async fn answers_with_what_was_deleted() {
    let server = with_config_maps(&["x"]).await;
    let uid = server.get(&format!("{CONFIG_MAPS}/x")).await.at("/metadata/uid");
    let reply = server.delete(&format!("{CONFIG_MAPS}/x")).await.expect(200);
    assert_eq!(reply.at("/status"), "Success");
    assert_eq!(reply.at("/details"), json!({ "name": "x", "kind": "configmaps", "uid": uid }));
    server.get(&format!("{CONFIG_MAPS}/x")).await.expect(404);
    server.delete(&format!("{CONFIG_MAPS}/x")).await.expect(404);
}

#[tokio::test]
async fn checks_preconditions() {
    let server = with_config_maps(&["x"]).await;
    let path = format!("{CONFIG_MAPS}/x");
    for (options, text) in [
        (
            json!({ "preconditions": { "uid": "abc" } }),
            "the UID in the precondition (abc) does not match the UID in record",
        ),
        (
            json!({ "preconditions": { "resourceVersion": "1" } }),
            "the ResourceVersion in the precondition (1) does not match the ResourceVersion in record",
        ),
    ] {
        let reply = server.send("DELETE", &path, &[], &options.to_string()).await.expect(409);
        assert!(
            reply
                .message()
                .starts_with(&format!("Operation cannot be fulfilled on ConfigMap \"x\": {text}")),
            "{}",
            reply.message()
        );
    }
    // Options need not say what they are.
    for options in [
        json!({ "dryRun": ["All"] }),
        json!({ "apiVersion": "v1", "dryRun": ["All"] }),
        json!({ "apiVersion": "apps/v1", "kind": null, "dryRun": ["All"] }),
    ] {
        server.send("DELETE", &path, &[], &options.to_string()).await.expect(200);
    }
    // A body hides the query.
    server
        .send(
            "DELETE",
            &format!("{path}?dryRun=All"),
            &[],
            "{\"kind\":\"DeleteOptions\",\"apiVersion\":\"v1\"}",
        )
        .await
        .expect(200);
    server.get(&path).await.expect(404);
}

#[tokio::test]
async fn waits_for_finalizers() {
    let server = Server::start().await;
    let mut body = config_map("x");
    body["metadata"]["finalizers"] = json!(["example.com/f"]);
    server.post(CONFIG_MAPS, &body).await.expect(201);
    let path = format!("{CONFIG_MAPS}/x");
    let marked = server.delete(&path).await.expect(200);
    assert_eq!(marked.at("/metadata/deletionTimestamp"), "2026-01-02T03:04:05Z");
    assert_eq!(marked.at("/metadata/deletionGracePeriodSeconds"), 0);
    let again = server.post(CONFIG_MAPS, &config_map("x")).await.expect(409);
    assert_eq!(again.message(), "object is being deleted: configmaps \"x\" already exists");
    let more = json!({ "metadata": { "finalizers": ["example.com/f", "example.com/g"] } });
    server.patch(&path, "merge", &more).await.expect(422);
    let last = server
        .patch(&path, "merge", &json!({ "metadata": { "finalizers": null } }))
        .await
        .expect(200);
    assert_eq!(last.at("/metadata/name"), "x");
    server.get(&path).await.expect(404);
}

#[tokio::test]
async fn asks_the_garbage_collector() {
    let server = Server::start().await;
    for (policy, finalizer) in [("Foreground", "foregroundDeletion"), ("Orphan", "orphan")] {
        server.post(DEPLOYMENTS, &deployment("d")).await.expect(201);
        let path = format!("{DEPLOYMENTS}/d");
        let marked = server.delete(&format!("{path}?propagationPolicy={policy}")).await.expect(200);
        assert_eq!(marked.at("/metadata/finalizers"), json!([finalizer]));
        assert_eq!(marked.at("/metadata/generation"), 2);
        server
            .patch(&path, "merge", &json!({ "metadata": { "finalizers": null } }))
            .await
            .expect(200);
    }
    server.post(DEPLOYMENTS, &deployment("d")).await.expect(201);
    let gone = server.delete(&format!("{DEPLOYMENTS}/d")).await.expect(200);
    assert_eq!(gone.at("/details/group"), "apps");
}

#[tokio::test]
async fn ends_pods_gracefully() {
    let server = Server::start().await;
    let path = format!("{PODS}/p");
    server.post(PODS, &pod("p")).await.expect(201);
    // It runs nowhere yet, so nobody needs to end it.
    server.delete(&path).await.expect(200);
    server.get(&path).await.expect(404);
    server.post(PODS, &pod("p")).await.expect(201);
    let binding = json!({ "metadata": { "name": "p" }, "target": { "kind": "Node", "name": "n" } });
    server.post(&format!("{path}/binding"), &binding).await.expect(201);
    let marked = server.delete(&path).await.expect(200);
    assert_eq!(marked.at("/metadata/deletionGracePeriodSeconds"), 30);
    assert_eq!(marked.at("/metadata/deletionTimestamp"), "2026-01-02T03:04:35Z");
    let longer = server.delete(&format!("{path}?gracePeriodSeconds=60")).await.expect(200);
    assert_eq!(longer.at("/metadata/deletionGracePeriodSeconds"), 30);
    let shorter = server.delete(&format!("{path}?gracePeriodSeconds=10")).await.expect(200);
    assert_eq!(shorter.at("/metadata/deletionTimestamp"), "2026-01-02T03:04:15Z");
    server.delete(&format!("{path}?gracePeriodSeconds=0")).await.expect(200);
    server.get(&path).await.expect(404);
}

#[tokio::test]
async fn deletes_collections() {
    let server = with_config_maps(&["a", "b", "c"]).await;
    server
        .patch(
            &format!("{CONFIG_MAPS}/b"),
            "merge",
            &json!({ "metadata": { "labels": { "l": "x" } } }),
        )
        .await
        .expect(200);
    let reply = server.delete(&format!("{CONFIG_MAPS}?labelSelector=l")).await.expect(200);
    assert_eq!(reply.at("/items/0/metadata/name"), "b");
    let reply = server.delete(&format!("{CONFIG_MAPS}?limit=1")).await.expect(200);
    assert_eq!(reply.at("/items").as_array().map(Vec::len), Some(1));
    server.delete(CONFIG_MAPS).await.expect(200);
    assert_eq!(server.get(CONFIG_MAPS).await.at("/items"), json!([]));
}

#[tokio::test]
async fn ends_namespaces_when_they_are_empty() {
    let server = Server::start().await;
    let path = "/api/v1/namespaces/n";
    let created = server
        .post("/api/v1/namespaces", &json!({ "metadata": { "name": "n" } }))
        .await
        .expect(201);
    assert_eq!(created.at("/spec/finalizers"), json!(["kubernetes"]));
    assert_eq!(created.at("/status/phase"), "Active");
    server.get(&format!("{path}/serviceaccounts/default")).await.expect(200);
    let marked = server.delete(path).await.expect(200);
    assert_eq!(marked.at("/status/phase"), "Terminating");
    assert_eq!(marked.at("/metadata/deletionGracePeriodSeconds"), Value::Null);
    let refused = server.post(&format!("{path}/configmaps"), &config_map("x")).await.expect(403);
    assert_eq!(
        refused.message(),
        "configmaps \"x\" is forbidden: unable to create new content in namespace n because it is being terminated"
    );
    let mut body = server.get(path).await.json();
    body["spec"] = json!({ "finalizers": [] });
    server.put(&format!("{path}/finalize"), &body).await.expect(200);
    server.get(path).await.expect(404);
    let needed = server.delete("/api/v1/namespaces/default").await.expect(403);
    assert_eq!(
        needed.message(),
        "namespaces \"default\" is forbidden: this namespace may not be deleted"
    );
}
