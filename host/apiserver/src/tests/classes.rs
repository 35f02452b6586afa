//! Classes that Pods and Ingresses name, and what comes of that.

use super::*;

const PRIORITIES: &str = "/apis/scheduling.k8s.io/v1/priorityclasses";
const RUNTIMES: &str = "/apis/node.k8s.io/v1/runtimeclasses";
const INGRESS_CLASSES: &str = "/apis/networking.k8s.io/v1/ingressclasses";
const INGRESSES: &str = "/apis/networking.k8s.io/v1/namespaces/default/ingresses";

fn priority(name: &str, value: i32, is_default: bool) -> Value {
    json!({
        "apiVersion": "scheduling.k8s.io/v1", "kind": "PriorityClass", "metadata": { "name": name },
        "value": value, "globalDefault": is_default, "preemptionPolicy": "Never",
    })
}

fn pod_with(name: &str, spec: Value) -> Value {
    let mut pod = pod(name);
    for (field, value) in spec.as_object().cloned().unwrap_or_default() {
        pod["spec"][field] = value;
    }
    pod
}

#[tokio::test]
async fn pods_get_the_priority_of_their_class() {
    let server = Server::start().await;
    let plain = server.post(PODS, &pod("plain")).await.expect(201);
    assert_eq!(plain.at("/spec/priority"), 0);
    assert_eq!(plain.at("/spec/preemptionPolicy"), "PreemptLowerPriority");

    server.post(PRIORITIES, &priority("high", 7, false)).await.expect(201);
    server.post(PRIORITIES, &priority("usual", 3, true)).await.expect(201);
    let high = pod_with("high", json!({ "priorityClassName": "high" }));
    let high = server.post(PODS, &high).await.expect(201);
    assert_eq!(
        (high.at("/spec/priority"), high.at("/spec/preemptionPolicy")),
        (json!(7), json!("Never"))
    );
    let usual = server.post(PODS, &pod("usual")).await.expect(201);
    assert_eq!(
        (usual.at("/spec/priority"), usual.at("/spec/priorityClassName")),
        (json!(3), json!("usual"))
    );

    for (spec, text) in [
        (json!({ "priorityClassName": "none" }), "no PriorityClass with name none was found"),
        (
            json!({ "priority": 9 }),
            "the integer value of priority (9) must not be provided in pod spec; priority admission controller computed 3 from the given PriorityClass name",
        ),
        (
            json!({ "preemptionPolicy": "PreemptLowerPriority" }),
            "the string value of PreemptionPolicy (PreemptLowerPriority) must not be provided in pod spec; priority admission controller computed Never from the given PriorityClass name",
        ),
    ] {
        let refused = server.post(PODS, &pod_with("bad", spec)).await.expect(403);
        assert_eq!(refused.message(), format!("pods \"bad\" is forbidden: {text}"));
    }
}

#[tokio::test]
async fn there_is_one_default_priority() {
    let server = Server::start().await;
    server.post(PRIORITIES, &priority("one", 1, true)).await.expect(201);
    let refused = server.post(PRIORITIES, &priority("two", 2, true)).await.expect(403);
    let text =
        "is forbidden: PriorityClass one is already marked as default. Only one default can exist";
    assert!(refused.message().ends_with(text), "{}", refused.message());
    server.post(PRIORITIES, &priority("two", 2, false)).await.expect(201);
    let marked = json!({ "globalDefault": true });
    server.patch(&format!("{PRIORITIES}/two"), "merge", &marked).await.expect(403);
    server.patch(&format!("{PRIORITIES}/one"), "merge", &marked).await.expect(200);
    let described = json!({ "description": "d" });
    let one = server.patch(&format!("{PRIORITIES}/one"), "merge", &described).await.expect(200);
    assert_eq!(one.at("/metadata/generation"), 1);
}

#[tokio::test]
async fn the_classes_of_the_system_are_there_and_stay() {
    let server = Server::start().await;
    for (name, value) in kinds::scheduling::SYSTEM_PRIORITY_CLASSES {
        let path = format!("{PRIORITIES}/{name}");
        assert_eq!(server.get(&path).await.expect(200).at("/value"), value);
        let refused = server.delete(&path).await.expect(403);
        assert!(
            refused.message().ends_with("this is a system priority class and cannot be deleted")
        );
    }
}

#[tokio::test]
async fn pods_run_where_their_runtime_is_and_pay_for_it() {
    let server = Server::start().await;
    let class = json!({
        "apiVersion": "node.k8s.io/v1", "kind": "RuntimeClass", "metadata": { "name": "wasm" }, "handler": "wasm",
        "overhead": { "podFixed": { "cpu": "250m" } },
        "scheduling": {
            "nodeSelector": { "arch": "wasm" },
            "tolerations": [{ "key": "wasm", "operator": "Exists" }, { "key": "node.kubernetes.io/not-ready", "operator": "Exists" }],
        },
    });
    // A class may be made by a PUT.
    server.put(&format!("{RUNTIMES}/wasm"), &class).await.expect(201);
    let made = pod_with(
        "p",
        json!({ "runtimeClassName": "wasm", "nodeSelector": { "disk": "ssd" }, "overhead": { "cpu": "0.25" } }),
    );
    let made = server.post(PODS, &made).await.expect(201);
    assert_eq!(made.at("/spec/overhead"), json!({ "cpu": "250m" }));
    assert_eq!(made.at("/spec/nodeSelector"), json!({ "arch": "wasm", "disk": "ssd" }));
    let tolerated = made.at("/spec/tolerations");
    let keys: Vec<&Value> =
        tolerated.as_array().into_iter().flatten().map(|one| &one["key"]).collect();
    assert_eq!(keys, ["node.kubernetes.io/unreachable", "wasm", "node.kubernetes.io/not-ready"]);

    for (spec, text) in [
        (json!({ "runtimeClassName": "none" }), "pod rejected: RuntimeClass \"none\" not found"),
        (
            json!({ "runtimeClassName": "wasm", "overhead": { "cpu": "1" } }),
            "pod rejected: Pod's Overhead doesn't match RuntimeClass's defined Overhead",
        ),
        (
            json!({ "overhead": { "cpu": "1" } }),
            "pod rejected: Pod Overhead set without corresponding RuntimeClass defined Overhead",
        ),
        (
            json!({ "runtimeClassName": "wasm", "nodeSelector": { "arch": "arm" } }),
            "conflict: runtimeClass.scheduling.nodeSelector[arch] = wasm; pod.spec.nodeSelector[arch] = arm",
        ),
    ] {
        let refused = server.post(PODS, &pod_with("bad", spec)).await.expect(403);
        assert_eq!(refused.message(), format!("pods \"bad\" is forbidden: {text}"));
    }
}

#[tokio::test]
async fn an_ingress_without_a_class_gets_the_newest_default() {
    let server = Server::start().await;
    let ingress = |name: &str| {
        json!({
            "apiVersion": "networking.k8s.io/v1", "kind": "Ingress", "metadata": { "name": name },
            "spec": { "rules": [{ "host": "a.example" }] },
        })
    };
    let class = |name: &str| {
        json!({
            "apiVersion": "networking.k8s.io/v1", "kind": "IngressClass",
            "metadata": { "name": name, "annotations": { "ingressclass.kubernetes.io/is-default-class": "true" } },
            "spec": { "controller": "example.com/c" },
        })
    };
    let of = |reply: crate::testing::Reply| reply.at("/spec/ingressClassName");
    assert_eq!(of(server.post(INGRESSES, &ingress("a")).await.expect(201)), Value::Null);
    server.post(INGRESS_CLASSES, &class("old")).await.expect(201);
    server.clock.advance(60);
    server.post(INGRESS_CLASSES, &class("y")).await.expect(201);
    server.post(INGRESS_CLASSES, &class("x")).await.expect(201);
    assert_eq!(of(server.post(INGRESSES, &ingress("b")).await.expect(201)), "x");
    let mut annotated = ingress("c");
    annotated["metadata"]["annotations"] = json!({ "kubernetes.io/ingress.class": "z" });
    assert_eq!(of(server.post(INGRESSES, &annotated).await.expect(201)), Value::Null);
}
