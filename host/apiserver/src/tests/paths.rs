use super::*;

#[tokio::test]
async fn tells_unknown_paths_from_unknown_resources() {
    let server = Server::start().await;
    for path in ["/nothing", "/apis/none.example/v1/things"] {
        let reply = server.get(path).await.expect(404);
        assert_eq!(reply.text, "404 page not found\n", "{path}");
    }
    for path in [
        "/api/v1/namespaces/default/widgets",
        "/apis/apps/v9/deployments",
        "/api/v2/namespaces",
        "/api/v1/secrets/a",
        "/api/v1/namespaces/default/nodes",
        "/api/v1/namespaces/default/secrets/a/status",
        "/api/v1/namespaces/default/pods/a/status/more",
    ] {
        let reply = server.get(path).await.expect(404);
        assert_eq!(reply.message(), "the server could not find the requested resource", "{path}");
    }
}

#[tokio::test]
async fn refuses_methods_that_a_path_does_not_have() {
    let server = Server::start().await;
    for (method, path) in [
        ("POST", "/api/v1/namespaces/default/secrets/a"),
        ("PUT", "/api/v1/namespaces/default/secrets"),
        ("PATCH", "/api/v1/namespaces/default/secrets"),
        ("POST", "/api/v1/secrets"),
        ("DELETE", "/api/v1/secrets"),
        ("DELETE", "/api/v1/namespaces"),
        ("GET", "/api/v1/namespaces/default/pods/a/binding"),
        ("DELETE", "/api/v1/namespaces/default/pods/a/status"),
        ("OPTIONS", "/api/v1/namespaces/default/secrets"),
        ("FETCH", "/api/v1/namespaces/default/secrets"),
    ] {
        let reply = server.send(method, path, &[], "{}").await.expect(405);
        assert_eq!(reply.at("/reason"), "MethodNotAllowed", "{method} {path}");
    }
    let reply =
        server.send("HEAD", "/api/v1/namespaces/default/secrets", &[], "").await.expect(405);
    assert_eq!(reply.text, "");
}

#[tokio::test]
async fn echoes_the_request_id_and_forbids() {
    let server = Server::start().await;
    let reply = server.send("GET", CONFIG_MAPS, &[("audit-id", "mine")], "").await.expect(200);
    assert_eq!(reply.headers.get("audit-id").expect("an id"), "mine");
    let reply = server.get(&format!("{CONFIG_MAPS}/denied")).await.expect(403);
    assert_eq!(
        reply.message(),
        "configmaps \"denied\" is forbidden: User \"tester\" cannot get resource \"configmaps\" in API group \"\" in the namespace \"default\""
    );
}

#[tokio::test]
async fn answers_in_the_form_that_is_accepted() {
    let server = with_config_maps(&["a"]).await;
    let path = format!("{CONFIG_MAPS}/a");
    let yaml = server.send("GET", &path, &[("accept", "application/yaml")], "").await.expect(200);
    assert!(
        yaml.text.starts_with("apiVersion: v1\ndata:\n  a: b\nkind: ConfigMap\n"),
        "{}",
        yaml.text
    );
    assert_eq!(yaml.headers.get("content-type").expect("a type"), "application/yaml");
    let partial = "application/json;as=PartialObjectMetadata;v=v1;g=meta.k8s.io";
    let reply = server.send("GET", &path, &[("accept", partial)], "").await.expect(200);
    assert_eq!(reply.at("/kind"), "PartialObjectMetadata");
    assert_eq!(reply.at("/data"), Value::Null);
    let reply = server.send("GET", &path, &[("accept", "text/html")], "").await.expect(406);
    assert_eq!(reply.at("/reason"), "NotAcceptable");
    let reply =
        server.send("POST", CONFIG_MAPS, &[("content-type", "text/plain")], "{}").await.expect(415);
    assert_eq!(reply.at("/reason"), "UnsupportedMediaType");
}

#[tokio::test]
async fn bounds_bodies() {
    let server = Server::start().await;
    let body = format!("{{\"data\":{{\"a\":\"{}\"}}}}", "x".repeat(3 * 1024 * 1024));
    let reply = server.send("POST", CONFIG_MAPS, &[], &body).await.expect(413);
    assert_eq!(reply.at("/reason"), "RequestEntityTooLarge");
}

#[tokio::test]
async fn has_what_every_cluster_has() {
    let server = Server::start().await;
    for path in [
        "/api/v1/namespaces/kube-system",
        "/api/v1/namespaces/kube-public",
        "/api/v1/namespaces/kube-node-lease",
        "/api/v1/namespaces/default/serviceaccounts/default",
        "/api/v1/namespaces/default/endpoints/kubernetes",
        "/apis/discovery.k8s.io/v1/namespaces/default/endpointslices/kubernetes",
    ] {
        server.get(path).await.expect(200);
    }
    let service = server.get("/api/v1/namespaces/default/services/kubernetes").await.expect(200);
    assert_eq!(service.at("/spec/clusterIP"), "10.43.0.1");
    // A second start changes nothing.
    let revision = server.store.revision();
    server.service.bootstrap().await.expect("it can be done again");
    assert_eq!(server.store.revision(), revision);
}
