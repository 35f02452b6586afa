use super::*;

fn service(name: &str, spec: Value) -> Value {
    let mut spec = spec;
    if spec["ports"].is_null() && spec["type"] != "ExternalName" {
        spec["ports"] = json!([{ "port": 80 }]);
    }
    json!({ "apiVersion": "v1", "kind": "Service", "metadata": { "name": name }, "spec": spec })
}

#[tokio::test]
async fn gives_each_service_an_address_of_its_own() {
    let server = Server::start().await;
    let first = server.post(SERVICES, &service("a", json!({}))).await.expect(201);
    assert_eq!(first.at("/spec/ipFamilies"), json!(["IPv4"]));
    assert_eq!(first.at("/spec/ipFamilyPolicy"), "SingleStack");
    let address = first.at("/spec/clusterIP");
    assert_eq!(first.at("/spec/clusterIPs/0"), address);
    let taken =
        server.post(SERVICES, &service("b", json!({ "clusterIP": address }))).await.expect(422);
    let address = address.as_str().expect("an address").to_owned();
    assert_eq!(
        taken.message(),
        format!(
            "Service \"b\" is invalid: spec.clusterIPs: Invalid value: [\"{address}\"]: failed to allocate IP {address}: provided IP is already allocated"
        )
    );
    // An update keeps it, a deletion frees it.
    let kept = server.put(&format!("{SERVICES}/a"), &service("a", json!({}))).await.expect(200);
    assert_eq!(kept.at("/spec/clusterIP"), address.as_str());
    server.delete(&format!("{SERVICES}/a")).await.expect(200);
    server.post(SERVICES, &service("b", json!({ "clusterIP": address }))).await.expect(201);
    let foreign =
        server.post(SERVICES, &service("c", json!({ "clusterIP": "1.2.3.4" }))).await.expect(422);
    assert!(foreign.message().ends_with(
        "failed to allocate IP 1.2.3.4: the provided network does not match the current range"
    ));
}

#[tokio::test]
async fn knows_services_without_addresses() {
    let server = Server::start().await;
    let headless =
        server.post(SERVICES, &service("h", json!({ "clusterIP": "None" }))).await.expect(201);
    assert_eq!(headless.at("/spec/ipFamilies"), json!(["IPv4", "IPv6"]));
    assert_eq!(headless.at("/spec/ipFamilyPolicy"), "RequireDualStack");
    let selecting = service("s", json!({ "clusterIP": "None", "selector": { "a": "b" } }));
    assert_eq!(
        server.post(SERVICES, &selecting).await.expect(201).at("/spec/ipFamilies"),
        json!(["IPv4"])
    );
    let external = service("e", json!({ "type": "ExternalName", "externalName": "a.b" }));
    assert_eq!(
        server.post(SERVICES, &external).await.expect(201).at("/spec/clusterIP"),
        Value::Null
    );
    let dual = service("d", json!({ "ipFamilyPolicy": "RequireDualStack" }));
    let reply = server.post(SERVICES, &dual).await.expect(422);
    assert!(reply.message().ends_with("this cluster is not configured for dual-stack services"));
}

#[tokio::test]
async fn gives_node_ports() {
    let server = Server::start().await;
    let ports = json!([
        { "name": "a", "port": 80, "nodePort": 30080 },
        { "name": "b", "port": 80, "protocol": "UDP" },
        { "name": "c", "port": 81 },
    ]);
    let reply = server
        .post(SERVICES, &service("n", json!({ "type": "NodePort", "ports": ports })))
        .await
        .expect(201);
    assert_eq!(
        (reply.at("/spec/ports/0/nodePort"), reply.at("/spec/ports/1/nodePort")),
        (json!(30080), json!(30080))
    );
    let third = reply.at("/spec/ports/2/nodePort").as_i64().expect("a port");
    assert!((30_000..=32_767).contains(&third) && third != 30_080);
    let taken = json!({ "type": "NodePort", "ports": [{ "port": 1, "nodePort": 30080 }] });
    let reply = server.post(SERVICES, &service("m", taken.clone())).await.expect(422);
    assert_eq!(
        reply.message(),
        "Service \"m\" is invalid: spec.ports[0].nodePort: Invalid value: 30080: provided port is already allocated"
    );
    let outside = json!({ "type": "NodePort", "ports": [{ "port": 1, "nodePort": 80 }] });
    let reply = server.post(SERVICES, &service("m", outside)).await.expect(422);
    assert!(reply.message().ends_with(
        "provided port is not in the valid range. The range of valid ports is 30000-32767"
    ));
    server.delete(&format!("{SERVICES}/n")).await.expect(200);
    server.post(SERVICES, &service("m", taken)).await.expect(201);
}

#[tokio::test]
async fn never_gives_an_address_twice() {
    let server = Server::start().await;
    let bodies: Vec<Value> =
        (0..40).map(|number| service(&format!("s{number}"), json!({}))).collect();
    let replies =
        futures::future::join_all(bodies.iter().map(|body| server.post(SERVICES, body))).await;
    let addresses: std::collections::BTreeSet<String> = replies
        .into_iter()
        .map(|reply| reply.expect(201).at("/spec/clusterIP").to_string())
        .collect();
    assert_eq!(addresses.len(), 40);
}

#[tokio::test]
async fn each_address_is_an_object() {
    let server = Server::start().await;
    let range = server.get("/apis/networking.k8s.io/v1/servicecidrs/kubernetes").await.expect(200);
    assert_eq!(range.at("/status/conditions/0/type"), "Ready");
    let made = server.post(SERVICES, &service("a", json!({}))).await.expect(201);
    let address = made.at("/spec/clusterIP");
    let path =
        format!("/apis/networking.k8s.io/v1/ipaddresses/{}", address.as_str().expect("an address"));
    let object = server.get(&path).await.expect(200);
    let parent = json!({ "resource": "services", "namespace": "default", "name": "a" });
    assert_eq!(object.at("/spec/parentRef"), parent);
    server.delete(&format!("{SERVICES}/a")).await.expect(200);
    server.get(&path).await.expect(404);
}

#[tokio::test]
async fn another_range_gives_addresses_once_it_is_ready() {
    const RANGES: &str = "/apis/networking.k8s.io/v1/servicecidrs";
    let server = Server::start().await;
    let range = json!({
        "apiVersion": "networking.k8s.io/v1", "kind": "ServiceCIDR",
        "metadata": { "name": "more" }, "spec": { "cidrs": ["10.77.0.0/24"] },
    });
    server.post(RANGES, &range).await.expect(201);
    let wanted = |name: &str| service(name, json!({ "clusterIP": "10.77.0.9" }));
    server.post(SERVICES, &wanted("a")).await.expect(422);
    let condition = json!({ "type": "Ready", "status": "True", "reason": "R", "message": "",
        "lastTransitionTime": "2026-01-01T00:00:00Z" });
    let status = json!({ "status": { "conditions": [condition] } });
    server.patch(&format!("{RANGES}/more/status"), "merge", &status).await.expect(200);
    server.post(SERVICES, &wanted("a")).await.expect(201);
    server.post(SERVICES, &wanted("b")).await.expect(422);
}
