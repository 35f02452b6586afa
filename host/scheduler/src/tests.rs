use std::sync::Arc;

use k8s_openapi::api::core::v1::{Node, Pod};
use proptest::prelude::*;
use serde_json::{Value, json};

use super::{Decision, Pending, Snapshot, schedule};

/// A node from `name key=value... | cpu memory | taints`, with further fields as JSON.
fn node(name: &str, labels: Value, cpu: &str, more: Value) -> Node {
    let mut node = json!({
        "metadata": { "name": name, "labels": labels },
        "spec": {},
        "status": { "allocatable": { "cpu": cpu, "memory": "8Gi", "pods": "3" } },
    });
    for (key, value) in more.as_object().into_iter().flatten() {
        node["spec"][key] = value.clone();
    }
    serde_json::from_value(node).unwrap()
}

fn pod(name: &str, spec: Value) -> Pending {
    let mut whole = json!({ "containers": [{ "name": "c", "image": "i", "resources": { "requests": { "cpu": "1" } } }] });
    for (key, value) in spec.as_object().into_iter().flatten() {
        whole[key] = value.clone();
    }
    let pod = json!({ "metadata": { "name": name, "namespace": "default", "uid": name, "labels": { "app": "web" } }, "spec": whole });
    Pending::new(&serde_json::from_value::<Pod>(pod).unwrap())
}

fn three() -> Snapshot {
    let mut snapshot = Snapshot::default();
    snapshot.set_node(&node("a", json!({ "zone": "x", "disk": "ssd" }), "1", json!({})));
    snapshot.set_node(&node("b", json!({ "zone": "x" }), "4", json!({})));
    snapshot.set_node(&node("c", json!({ "zone": "y" }), "2", json!({})));
    snapshot
}

#[track_caller]
fn check(snapshot: &mut Snapshot, spec: Value, expected: Result<&str, &str>) {
    let decision = schedule(snapshot, &pod("new", spec));
    let expected = match expected {
        Ok(node) => Decision::Bind(node.into()),
        Err(text) => Decision::Unschedulable(text.to_owned()),
    };
    assert_eq!(decision, expected);
}

#[test]
fn the_emptiest_node_wins_and_every_filter_says_why() {
    check(&mut Snapshot::default(), json!({}), Err("no nodes available to schedule pods"));
    check(&mut three(), json!({}), Ok("b"));
    check(&mut three(), json!({ "nodeSelector": { "disk": "ssd" } }), Ok("a"));
    check(&mut three(), json!({ "nodeName": "c" }), Ok("c"));
    let big = json!({ "containers": [{ "name": "c", "resources": { "requests": { "cpu": "9", "memory": "9Gi" } } }] });
    check(
        &mut three(),
        big,
        Err("0/3 nodes are available: 3 Insufficient cpu, 3 Insufficient memory."),
    );
    check(
        &mut three(),
        json!({ "nodeSelector": { "disk": "tape" } }),
        Err("0/3 nodes are available: 3 node(s) didn't match Pod's node affinity/selector."),
    );
    let gpu = json!({ "containers": [{ "name": "c", "resources": { "requests": { "example.com/gpu": "1" } } }] });
    check(&mut three(), gpu, Err("0/3 nodes are available: 3 Insufficient example.com/gpu."));
}

#[test]
fn taints_and_cordons_need_tolerations() {
    let tainted = json!({ "taints": [{ "key": "gpu", "value": "yes", "effect": "NoSchedule" }] });
    let fresh = || {
        let mut snapshot = Snapshot::default();
        snapshot.set_node(&node("a", json!({}), "4", tainted.clone()));
        snapshot.set_node(&node("b", json!({}), "4", json!({ "unschedulable": true })));
        snapshot
    };
    let refused = "0/2 nodes are available: 1 node(s) had untolerated taint(s), 1 node(s) were unschedulable.";
    check(&mut fresh(), json!({}), Err(refused));
    for toleration in [
        json!({ "key": "gpu", "operator": "Equal", "value": "yes", "effect": "NoSchedule" }),
        json!({ "key": "gpu", "operator": "Exists" }),
    ] {
        check(&mut fresh(), json!({ "tolerations": [toleration] }), Ok("a"));
    }
    let other = json!({ "key": "gpu", "operator": "Equal", "value": "no" });
    check(&mut fresh(), json!({ "tolerations": [other] }), Err(refused));
    let everything = json!({ "operator": "Exists" });
    check(&mut fresh(), json!({ "tolerations": [everything] }), Ok("a"));
}

#[test]
fn loads_count_until_pods_are_gone() {
    let mut snapshot = three();
    for name in ["1", "2", "3"] {
        snapshot.place(Arc::new(pod(name, json!({}))), "b");
    }
    check(&mut snapshot, json!({ "nodeSelector": { "zone": "x" } }), Ok("a"));
    check(
        &mut snapshot,
        json!({ "nodeName": "b" }),
        Err(
            "0/3 nodes are available: 1 Too many pods, 2 node(s) didn't match the requested node name.",
        ),
    );
    snapshot.remove_pod("2");
    check(&mut snapshot, json!({ "nodeName": "b" }), Ok("b"));
    snapshot.remove_node("b");
    snapshot.set_node(&node("b", json!({}), "2", json!({})));
    check(
        &mut snapshot,
        json!({ "nodeName": "b" }),
        Err(
            "0/3 nodes are available: 1 Insufficient cpu, 2 node(s) didn't match the requested node name.",
        ),
    );
}

#[test]
fn host_ports_collide_by_number_protocol_and_address() {
    let with = |address: &str, protocol: &str| json!({ "nodeName": "b", "containers": [{ "name": "c", "ports": [{ "containerPort": 80, "hostPort": 80, "hostIP": address, "protocol": protocol }] }] });
    let taken = "0/3 nodes are available: 1 node(s) didn't have free ports for the requested pod ports, 2 node(s) didn't match the requested node name.";
    let mut snapshot = three();
    snapshot.place(Arc::new(pod("1", with("127.0.0.1", "TCP"))), "b");
    check(&mut snapshot, with("127.0.0.1", "TCP"), Err(taken));
    check(&mut snapshot, with("", "TCP"), Err(taken));
    check(&mut snapshot, with("127.0.0.2", "TCP"), Ok("b"));
    check(&mut snapshot, with("", "UDP"), Ok("b"));
}

#[test]
fn pods_seek_and_avoid_each_other() {
    let term = |key: &str| json!([{ "topologyKey": key, "labelSelector": { "matchLabels": { "app": "web" } } }]);
    let near = json!({ "affinity": { "podAffinity": { "requiredDuringSchedulingIgnoredDuringExecution": term("zone") } } });
    let apart = json!({ "affinity": { "podAntiAffinity": { "requiredDuringSchedulingIgnoredDuringExecution": term("zone") } } });
    // Nobody is there yet: a Pod that seeks its own kind may begin.
    check(&mut three(), near.clone(), Ok("b"));
    let mut snapshot = three();
    snapshot.place(Arc::new(pod("1", json!({}))), "c");
    check(&mut snapshot, near, Ok("c"));
    let mut snapshot = three();
    snapshot.place(Arc::new(pod("1", apart.clone())), "b");
    check(&mut snapshot, json!({}), Ok("c"));
    snapshot.place(Arc::new(pod("2", apart)), "c");
    check(
        &mut snapshot,
        json!({}),
        Err("0/3 nodes are available: 3 node(s) didn't satisfy existing pods anti-affinity rules."),
    );
    snapshot.remove_pod("1");
    check(&mut snapshot, json!({}), Ok("b"));
}

#[test]
fn spread_constraints_bound_the_skew() {
    let spread = json!({ "topologySpreadConstraints": [{
        "topologyKey": "zone", "maxSkew": 1, "whenUnsatisfiable": "DoNotSchedule",
        "labelSelector": { "matchLabels": { "app": "web" } },
    }] });
    let mut snapshot = three();
    snapshot.place(Arc::new(pod("1", json!({}))), "b");
    check(&mut snapshot, spread.clone(), Ok("c"));
    snapshot.place(Arc::new(pod("2", json!({}))), "c");
    snapshot.place(Arc::new(pod("3", json!({}))), "c");
    check(&mut snapshot, spread, Ok("b"));
}

proptest! {
    /// However Pods come and go, no node is given more than it has, and what went leaves nothing behind.
    #[test]
    fn nodes_are_never_overfull(steps in prop::collection::vec((0_u8..12, any::<bool>()), 1..60)) {
        let mut snapshot = three();
        for (number, arrives) in steps {
            let name = number.to_string();
            if !arrives {
                snapshot.remove_pod(&name);
            } else if snapshot.home(&name).is_none() {
                let new = pod(&name, json!({}));
                if let Decision::Bind(node) = schedule(&mut snapshot, &new) {
                    snapshot.place(Arc::new(new), &node);
                }
            }
            for node in snapshot.nodes() {
                prop_assert!(node.requested.milli_cpu <= node.allocatable.milli_cpu);
                prop_assert_eq!(node.requested.milli_cpu, 1000 * i64::try_from(node.pods.len()).unwrap());
            }
        }
    }
}
