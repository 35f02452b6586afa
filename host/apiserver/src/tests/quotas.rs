use super::*;

const NAMESPACE: &str = "/api/v1/namespaces/default";

fn container(name: &str, resources: Value) -> Value {
    json!({ "name": name, "image": "i", "resources": resources })
}

fn pod(name: &str, containers: &[Value]) -> Value {
    json!({
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": { "name": name },
        "spec": { "automountServiceAccountToken": false, "containers": containers },
    })
}

fn claim(name: &str, class: &str, size: &str) -> Value {
    json!({
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": { "name": name },
        "spec": {
            "accessModes": ["ReadWriteOnce"],
            "storageClassName": class,
            "resources": { "requests": { "storage": size } },
        },
    })
}

fn service(spec: &Value) -> Value {
    json!({ "apiVersion": "v1", "kind": "Service", "metadata": { "name": "s" }, "spec": spec })
}

/// Makes a quota and counts nothing for it, as the controller does in an empty namespace.
async fn quota(server: &Server, name: &str, spec: Value) {
    let path = format!("{NAMESPACE}/resourcequotas");
    let hard = spec["hard"].clone();
    let quota = json!({ "apiVersion": "v1", "kind": "ResourceQuota", "metadata": { "name": name }, "spec": spec });
    server.post(&path, &quota).await.expect(201);
    let names = hard.as_object().expect("a map").keys();
    let used: Value = names.map(|name| (name.clone(), json!("0"))).collect();
    let status = json!({ "status": { "hard": hard, "used": used } });
    server.patch(&format!("{path}/{name}/status"), "merge", &status).await.expect(200);
}

async fn used(server: &Server, name: &str) -> Value {
    server.get(&format!("{NAMESPACE}/resourcequotas/{name}")).await.expect(200).at("/status/used")
}

/// Creates, or says why not.
async fn create(server: &Server, path: &str, object: &Value) -> String {
    let reply = server.post(&format!("{NAMESPACE}/{path}"), object).await;
    if reply.code == 201 { "created".to_owned() } else { reply.message() }
}

#[tokio::test]
async fn pods_are_charged_for_what_they_ask() {
    let server = Server::start().await;
    let hard = json!({ "pods": "2", "requests.cpu": "1", "limits.memory": "1Gi" });
    quota(&server, "q", json!({ "hard": hard })).await;
    let small = json!({ "requests": { "cpu": "600m" }, "limits": { "memory": "256Mi" } });
    let large = json!({ "requests": { "cpu": "600m" }, "limits": { "memory": "900Mi" } });
    for (path, object, expected) in [
        (
            "pods?dryRun=All",
            pod(
                "a",
                &[container("c", json!({})), container("d", json!({ "requests": { "cpu": "1" } }))],
            ),
            "pods \"a\" is forbidden: failed quota: q: must specify limits.memory for: c,d; requests.cpu for: c",
        ),
        ("pods?dryRun=All", pod("a", &[container("c", small.clone())]), "created"),
        ("pods", pod("a", &[container("c", small.clone())]), "created"),
        (
            "pods",
            pod("b", &[container("c", large)]),
            "pods \"b\" is forbidden: exceeded quota: q, requested: limits.memory=900Mi,requests.cpu=600m, \
             used: limits.memory=256Mi,requests.cpu=600m, limited: limits.memory=1Gi,requests.cpu=1",
        ),
        ("pods", pod("b", &[]), "Pod \"b\" is invalid: spec.containers: Required value"),
    ] {
        assert_eq!(create(&server, path, &object).await, expected);
    }
    let reply = server.get(&format!("{NAMESPACE}/resourcequotas/q")).await.expect(200);
    let used = json!({ "limits.memory": "256Mi", "pods": "1", "requests.cpu": "600m" });
    assert_eq!(reply.at("/status/used"), used);
    let fields = reply.at("/metadata/managedFields").to_string();
    assert!(fields.contains("\"manager\":\"kube-apiserver\""), "{fields}");
}

#[tokio::test]
async fn everything_can_be_counted() {
    let server = Server::start().await;
    let hard = json!({
        "count/secrets": "1",
        "configmaps": "0",
        "count/leases.coordination.k8s.io": "0",
        "services.nodeports": "1",
        "services.loadbalancers": "0",
    });
    quota(&server, "q", json!({ "hard": hard })).await;
    let secret = json!({ "apiVersion": "v1", "kind": "Secret", "metadata": { "name": "s" } });
    let map = json!({ "apiVersion": "v1", "kind": "ConfigMap", "metadata": { "name": "m" } });
    let ports = json!([{ "name": "a", "port": 1 }, { "name": "b", "port": 2 }]);
    for (path, object, expected) in [
        ("secrets", &secret, "created"),
        (
            "secrets?dryRun=All",
            &secret,
            "secrets \"s\" is forbidden: exceeded quota: q, requested: count/secrets=1, used: count/secrets=1, limited: count/secrets=1",
        ),
        (
            "configmaps",
            &map,
            "configmaps \"m\" is forbidden: exceeded quota: q, requested: configmaps=1, used: configmaps=0, limited: configmaps=0",
        ),
        (
            "services",
            &service(&json!({ "type": "NodePort", "ports": ports })),
            "services \"s\" is forbidden: exceeded quota: q, requested: services.nodeports=2, used: services.nodeports=0, \
             limited: services.nodeports=1",
        ),
        (
            "services",
            &service(
                &json!({ "type": "LoadBalancer", "ports": ports, "allocateLoadBalancerNodePorts": false }),
            ),
            "services \"s\" is forbidden: exceeded quota: q, requested: services.loadbalancers=1, used: services.loadbalancers=0, \
             limited: services.loadbalancers=0",
        ),
        ("services", &service(&json!({ "ports": ports })), "created"),
    ] {
        assert_eq!(create(&server, path, object).await, expected);
    }
    let lease = json!({ "apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": { "name": "l" } });
    let leases = "/apis/coordination.k8s.io/v1/namespaces/default/leases";
    assert_eq!(
        server.post(leases, &lease).await.expect(403).message(),
        "leases.coordination.k8s.io \"l\" is forbidden: exceeded quota: q, requested: count/leases.coordination.k8s.io=1, \
         used: count/leases.coordination.k8s.io=0, limited: count/leases.coordination.k8s.io=0"
    );
}

#[tokio::test]
async fn a_change_is_charged_for_what_it_adds() {
    let server = Server::start().await;
    let hard = json!({ "services": "1", "services.nodeports": "1" });
    quota(&server, "q", json!({ "hard": hard })).await;
    let ports = json!([{ "name": "a", "port": 1 }, { "name": "b", "port": 2 }]);
    let path = format!("{NAMESPACE}/services/s");
    assert_eq!(create(&server, "services", &service(&json!({ "ports": ports }))).await, "created");
    let refused =
        server.patch(&path, "merge", &json!({ "spec": { "type": "NodePort" } })).await.expect(403);
    assert!(refused.message().ends_with(
        "requested: services.nodeports=2, used: services.nodeports=0, limited: services.nodeports=1"
    ));
    let smaller = json!({ "spec": { "type": "NodePort", "ports": [{ "port": 1 }] } });
    server.patch(&path, "merge", &smaller).await.expect(200);
    assert_eq!(used(&server, "q").await, json!({ "services": "1", "services.nodeports": "1" }));
    let label = json!({ "metadata": { "labels": { "a": "b" } } });
    server.patch(&path, "merge", &label).await.expect(200);
    // What is used no more is given back by the controller.
    let none = json!({ "spec": { "type": "ClusterIP" } });
    server.patch(&path, "merge", &none).await.expect(200);
    assert_eq!(used(&server, "q").await["services.nodeports"], "1");
}

#[tokio::test]
async fn claims_are_charged_by_class() {
    let server = Server::start().await;
    let hard = json!({
        "requests.storage": "2Gi",
        "gold.storageclass.storage.k8s.io/requests.storage": "1Gi",
    });
    quota(&server, "q", json!({ "hard": hard })).await;
    for (object, expected) in [
        (
            claim("a", "gold", "2Gi"),
            "persistentvolumeclaims \"a\" is forbidden: exceeded quota: q, \
             requested: gold.storageclass.storage.k8s.io/requests.storage=2Gi, \
             used: gold.storageclass.storage.k8s.io/requests.storage=0, \
             limited: gold.storageclass.storage.k8s.io/requests.storage=1Gi",
        ),
        (claim("a", "gold", "1Gi"), "created"),
        (
            claim("b", "", "2Gi"),
            "persistentvolumeclaims \"b\" is forbidden: exceeded quota: q, requested: requests.storage=2Gi, \
             used: requests.storage=1Gi, limited: requests.storage=2Gi",
        ),
        (claim("b", "", "1Gi"), "created"),
    ] {
        assert_eq!(create(&server, "persistentvolumeclaims", &object).await, expected);
    }
}

#[tokio::test]
async fn scopes_tell_which_pods_count() {
    let server = Server::start().await;
    quota(&server, "q", json!({ "hard": { "pods": "0" }, "scopes": ["Terminating"] })).await;
    let small = json!({ "requests": { "cpu": "1m" } });
    assert_eq!(create(&server, "pods", &pod("a", &[container("c", small)])).await, "created");
    let ends = json!({ "spec": { "activeDeadlineSeconds": 5 } });
    let refused = server.patch(&format!("{NAMESPACE}/pods/a"), "merge", &ends).await.expect(403);
    assert_eq!(
        refused.message(),
        "pods \"a\" is forbidden: exceeded quota: q, requested: pods=1, used: pods=0, limited: pods=0"
    );
}

#[tokio::test]
async fn a_quota_that_nobody_has_counted() {
    let server = Server::start().await;
    let path = format!("{NAMESPACE}/resourcequotas");
    let new = json!({ "apiVersion": "v1", "kind": "ResourceQuota", "metadata": { "name": "q" }, "spec": { "hard": { "secrets": "0" } } });
    server.post(&path, &new).await.expect(201);
    let secret =
        |name: &str| json!({ "apiVersion": "v1", "kind": "Secret", "metadata": { "name": name } });
    assert_eq!(create(&server, "secrets", &secret("a")).await, "created");
    let status = json!({ "status": { "hard": { "secrets": "5" } } });
    server.patch(&format!("{path}/q/status"), "merge", &status).await.expect(200);
    assert_eq!(
        create(&server, "secrets", &secret("b")).await,
        "secrets \"b\" is forbidden: status unknown for quota: q, resources: secrets"
    );
}

#[tokio::test]
async fn no_two_writers_get_the_last_piece() {
    let server = Server::start().await;
    quota(&server, "q", json!({ "hard": { "count/secrets": "5" } })).await;
    let secrets = (0..12).map(|number| {
        let name = format!("s-{number}");
        json!({ "apiVersion": "v1", "kind": "Secret", "metadata": { "name": name } })
    });
    let secrets: Vec<Value> = secrets.collect();
    let replies =
        futures::future::join_all(secrets.iter().map(|secret| create(&server, "secrets", secret)));
    let created = replies.await.into_iter().filter(|reply| reply == "created").count();
    assert_eq!(created, 5);
    assert_eq!(used(&server, "q").await, json!({ "count/secrets": "5" }));
}

#[tokio::test]
async fn containers_get_what_they_do_not_ask_for() {
    let server = Server::start().await;
    let range = json!({ "apiVersion": "v1", "kind": "LimitRange", "metadata": { "name": "r" }, "spec": { "limits": [
        {
            "type": "Container",
            "default": { "cpu": "1", "memory": "512Mi" },
            "defaultRequest": { "cpu": "500m" },
        },
    ] } });
    server.post(&format!("{NAMESPACE}/limitranges"), &range).await.expect(201);
    let mut wanted = pod(
        "p",
        &[container("c", json!({})), container("d", json!({ "requests": { "cpu": "250m" } }))],
    );
    wanted["spec"]["initContainers"] = json!([container("i", json!({ "limits": { "cpu": "1" } }))]);
    let reply = server.post(&format!("{NAMESPACE}/pods"), &wanted).await.expect(201);
    let limits = json!({ "cpu": "1", "memory": "512Mi" });
    for (pointer, cpu) in [
        ("/spec/containers/0/resources", "500m"),
        ("/spec/containers/1/resources", "250m"),
        ("/spec/initContainers/0/resources", "1"),
    ] {
        let expected = json!({ "limits": limits, "requests": { "cpu": cpu, "memory": "512Mi" } });
        assert_eq!(reply.at(pointer), expected, "{pointer}");
    }
    assert_eq!(
        reply.at("/metadata/annotations/kubernetes.io~1limit-ranger"),
        "LimitRanger plugin set: cpu, memory request for container c; cpu, memory limit for container c; \
         memory request for container d; cpu, memory limit for container d; \
         memory request for init container i; memory limit for init container i"
    );
}

#[tokio::test]
async fn ranges_bound_what_is_asked_for() {
    let server = Server::start().await;
    let range = json!({ "apiVersion": "v1", "kind": "LimitRange", "metadata": { "name": "r" }, "spec": { "limits": [
        {
            "type": "Container",
            "max": { "cpu": "2", "memory": "1Gi" },
            "min": { "cpu": "100m" },
            "default": { "cpu": "1", "memory": "512Mi" },
            "defaultRequest": { "cpu": "500m" },
            "maxLimitRequestRatio": { "cpu": "4" },
        },
        {
            "type": "Pod",
            "max": { "cpu": "3" },
            "min": { "memory": "64Mi" },
            "maxLimitRequestRatio": { "memory": "2" },
        },
        { "type": "PersistentVolumeClaim", "min": { "storage": "1Gi" }, "max": { "storage": "2Gi" } },
    ] } });
    server.post(&format!("{NAMESPACE}/limitranges"), &range).await.expect(201);
    let one = |resources| pod("p", &[container("c", resources)]);
    let two = |resources: Value| {
        pod("p", &[container("c", resources.clone()), container("d", resources)])
    };
    for (object, expected) in [
        (one(json!({})), "created"),
        (
            one(json!({ "requests": { "cpu": "50m", "memory": "64Mi" } })),
            "[minimum cpu usage per Container is 100m, but request is 50m, \
             cpu max limit to request ratio per Container is 4, but provided ratio is 20.000000, \
             memory max limit to request ratio per Pod is 2, but provided ratio is 8.000000]",
        ),
        (
            one(json!({ "limits": { "cpu": "3" } })),
            "maximum cpu usage per Container is 2, but limit is 3",
        ),
        (
            one(json!({ "requests": { "cpu": "100m" }, "limits": { "cpu": "1" } })),
            "cpu max limit to request ratio per Container is 4, but provided ratio is 10.000000",
        ),
        (
            one(
                json!({ "requests": { "cpu": "50m", "memory": "2Gi" }, "limits": { "cpu": "3", "memory": "2Gi" } }),
            ),
            "[minimum cpu usage per Container is 100m, but request is 50m, \
             maximum cpu usage per Container is 2, but limit is 3, \
             maximum memory usage per Container is 1Gi, but limit is 2Gi, \
             cpu max limit to request ratio per Container is 4, but provided ratio is 60.000000]",
        ),
        (
            two(json!({ "limits": { "cpu": "2" } })),
            "maximum cpu usage per Pod is 3, but limit is 4",
        ),
        (
            one(json!({ "requests": { "memory": "100Mi" }, "limits": { "memory": "300Mi" } })),
            "memory max limit to request ratio per Pod is 2, but provided ratio is 3.000000",
        ),
        (
            two(json!({ "limits": { "cpu": "3" } })),
            "[maximum cpu usage per Container is 2, but limit is 3, maximum cpu usage per Pod is 3, but limit is 6]",
        ),
    ] {
        let reply = create(&server, "pods?dryRun=All", &object).await;
        assert_eq!(reply.trim_start_matches("pods \"p\" is forbidden: "), expected);
    }
    for (size, expected) in [
        ("1Mi", "minimum storage usage per PersistentVolumeClaim is 1Gi, but request is 1Mi"),
        ("3Gi", "maximum storage usage per PersistentVolumeClaim is 2Gi, but request is 3Gi"),
    ] {
        let reply = create(&server, "persistentvolumeclaims", &claim("x", "", size)).await;
        assert_eq!(reply, format!("persistentvolumeclaims \"x\" is forbidden: {expected}"));
    }
}
