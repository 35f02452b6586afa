use super::*;

#[tokio::test]
async fn scales() {
    let server = Server::start().await;
    server.post(DEPLOYMENTS, &deployment("d")).await.expect(201);
    let path = format!("{DEPLOYMENTS}/d/scale");
    let scale = server.get(&path).await.expect(200);
    assert_eq!((scale.at("/kind"), scale.at("/spec/replicas")), (json!("Scale"), json!(1)));
    assert_eq!(scale.at("/status"), json!({ "replicas": 0, "selector": "a=d" }));
    let mut body = scale.json();
    body["spec"]["replicas"] = 5.into();
    assert_eq!(server.put(&path, &body).await.expect(200).at("/spec/replicas"), 5);
    server.put(&path, &body).await.expect(409);
    let deployment = server.get(&format!("{DEPLOYMENTS}/d")).await;
    assert_eq!(
        (deployment.at("/spec/replicas"), deployment.at("/metadata/generation")),
        (json!(5), json!(2))
    );
    let patched =
        server.patch(&path, "merge", &json!({ "spec": { "replicas": 2 } })).await.expect(200);
    assert_eq!(patched.at("/spec/replicas"), 2);
    let negative =
        server.patch(&path, "merge", &json!({ "spec": { "replicas": -1 } })).await.expect(422);
    assert_eq!(
        negative.message(),
        "Scale.autoscaling \"d\" is invalid: spec.replicas: Invalid value: -1: must be greater than or equal to 0"
    );
    server.get(&format!("{DEPLOYMENTS}/none/scale")).await.expect(404);
}

#[tokio::test]
async fn binds_pods() {
    let server = Server::start().await;
    server.post(PODS, &pod("p")).await.expect(201);
    let path = format!("{PODS}/p/binding");
    let body = json!({ "metadata": { "name": "p", "annotations": { "x": "y" } }, "target": { "kind": "Node", "name": "n" } });
    let reply = server.post(&path, &body).await.expect(201);
    assert_eq!((reply.at("/status"), reply.at("/code")), (json!("Success"), json!(201)));
    let bound = server.get(&format!("{PODS}/p")).await;
    assert_eq!(bound.at("/spec/nodeName"), "n");
    assert_eq!(bound.at("/metadata/annotations/x"), "y");
    assert_eq!(bound.at("/status/conditions/0/type"), "PodScheduled");
    let again = server.post(&path, &body).await.expect(409);
    assert_eq!(
        again.message(),
        "Operation cannot be fulfilled on pods/binding \"p\": pod p is already assigned to node \"n\""
    );
    let nowhere = json!({ "metadata": { "name": "p" }, "target": { "kind": "Node" } });
    server.post(&path, &nowhere).await.expect(500);
    server
        .post(&path, &json!({ "metadata": { "name": "q" }, "target": { "name": "n" } }))
        .await
        .expect(400);
}

/// The older path has no name in it: the Binding names its Pod.
#[tokio::test]
async fn binds_pods_by_the_older_path() {
    let server = Server::start().await;
    server.post(PODS, &pod("p")).await.expect(201);
    let path = "/api/v1/namespaces/default/bindings";
    let binding = |name: &str| json!({ "metadata": { "name": name }, "target": { "kind": "Node", "name": "n" } });
    let reply = server.post(path, &binding("p")).await.expect(201);
    assert_eq!(reply.at("/status"), "Success");
    assert_eq!(server.get(&format!("{PODS}/p")).await.at("/spec/nodeName"), "n");
    let missing = server.post(path, &binding("nobody")).await.expect(404);
    assert_eq!(missing.message(), "pods \"nobody\" not found");
    server.get(path).await.expect(405);
    let listed = server.get("/api/v1").await;
    let first = json!({ "name": "bindings", "singularName": "binding", "namespaced": true, "kind": "Binding", "verbs": ["create"] });
    assert_eq!(listed.at("/resources/0"), first);
}

#[tokio::test]
async fn evicts_pods() {
    let server = Server::start().await;
    server.post(PODS, &pod("p")).await.expect(201);
    let path = format!("{PODS}/p/eviction");
    let body =
        json!({ "apiVersion": "policy/v1beta1", "kind": "Eviction", "metadata": { "name": "p" } });
    let reply = server.post(&path, &body).await.expect(201);
    assert_eq!(reply.at("/status"), "Success");
    server.get(&format!("{PODS}/p")).await.expect(404);
    server.post(&path, &body).await.expect(404);
}

#[tokio::test]
async fn a_bound_pod_is_resized_where_its_node_is_known() {
    let server = Server::start().await;
    let mut bound = pod("p");
    bound["spec"]["nodeName"] = "n".into();
    bound["spec"]["containers"][0]["resources"] = json!({ "requests": { "cpu": "1" } });
    server.post(PODS, &bound).await.expect(201);
    let path = format!("{PODS}/p/resize");
    let wish = json!({ "spec": { "containers": [{ "name": "c", "image": "other" }] } });
    server.patch(&path, "strategic-merge", &wish).await.expect(200);
    let wish = json!({ "spec": { "containers": [{ "name": "c", "resources": { "requests": { "cpu": "2" } } }] } });
    let refused = server.patch(&path, "strategic-merge", &wish).await.expect(403);
    assert_eq!(refused.message(), "pods \"p\" is forbidden: node \"n\" not found");
}

#[tokio::test]
async fn writes_the_status_by_itself() {
    let server = Server::start().await;
    server.post(PODS, &pod("p")).await.expect(201);
    let path = format!("{PODS}/p/status");
    let mut body = server.get(&path).await.expect(200).json();
    body["status"]["phase"] = "Running".into();
    body["spec"]["containers"][0]["image"] = "other".into();
    let reply = server.put(&path, &body).await.expect(200);
    assert_eq!(reply.at("/status/phase"), "Running");
    assert_eq!(reply.at("/spec/containers/0/image"), "registry/i:1");
    let owners = reply.at("/metadata/managedFields");
    assert_eq!(
        owners
            .as_array()
            .and_then(|owners| owners.last())
            .map(|owner| owner["subresource"].clone()),
        Some(json!("status"))
    );
}

#[tokio::test]
async fn answers_of_reviews_are_no_tables() {
    let server = Server::start().await;
    let path = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews";
    let body = r#"{"spec":{"nonResourceAttributes":{"path":"/","verb":"get"}}}"#;
    let accept = |view: &str| format!("application/json;as={view};v=v1;g=meta.k8s.io");
    let (table, metadata) = (accept("Table"), accept("PartialObjectMetadata"));
    let reply = server.send("POST", path, &[("accept", &table)], body).await.expect(406);
    assert_eq!(reply.at("/reason"), "NotAcceptable");
    server.send("POST", path, &[("accept", &metadata)], body).await.expect(201);
}
