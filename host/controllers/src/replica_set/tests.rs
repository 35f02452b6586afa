use jiff::Timestamp;
use serde_json::json;

use super::*;
use crate::laws::told::{plan, status, told};
use crate::laws::world::World;

/// `3 | a ready | b pending | c going | d failed | e free | f other`: what is asked for, and Pods.
fn world(text: &str) -> World {
    let mut world = World::new(Timestamp::from_second(1_800_000_000).expect("in range"));
    let mut parts = text.split(" | ");
    let want: i32 = parts.next().and_then(|want| want.parse().ok()).expect("a number");
    let template = json!({"metadata": {"labels": {"app": "web"}}, "spec": {"containers": []}});
    world.put::<ReplicaSet>(json!({"metadata": {"name": "web", "namespace": "ns"},
        "spec": {"replicas": want, "selector": {"matchLabels": {"app": "web"}}, "template": template}}));
    for part in parts {
        let (name, state) = part.split_once(' ').expect("a name and a state");
        let owners = json!([{"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "web",
            "uid": "ReplicaSet-web", "controller": true}]);
        let mut pod = json!({"metadata": {"name": name, "namespace": "ns",
                "labels": {"app": "web"}, "ownerReferences": owners},
            "spec": {"containers": [], "nodeName": "n"}, "status": {"phase": "Running"}});
        match state {
            "ready" => {
                pod["status"]["conditions"] = json!([{"type": "Ready", "status": "True",
                "lastTransitionTime": "2027-01-15T07:00:00Z"}]);
            }
            "pending" => pod["status"]["phase"] = json!("Pending"),
            "going" => pod["metadata"]["deletionTimestamp"] = json!("2027-01-15T07:59:59Z"),
            "failed" => pod["status"]["phase"] = json!("Failed"),
            "free" => pod["metadata"]["ownerReferences"] = json!([]),
            "other" => pod["metadata"]["labels"] = json!({"app": "other"}),
            _ => {}
        }
        world.put::<Pod>(pod);
    }
    world
}

fn check(text: &str, expected: &str) {
    assert_eq!(told(&plan(&ReplicaSets, &world(text), "ns/web")), expected, "{text}");
}

#[test]
fn what_is_missing_is_made_and_what_is_too_much_goes() {
    check("2", "create Pod, create Pod, status");
    check("1 | a ready", "status");
    check("0 | a ready", "delete a, status");
    check("1 | a going", "create Pod, status");
    check("1 | a failed", "create Pod, status");
}

#[test]
fn the_pod_that_serves_least_goes() {
    check("2 | a ready | b pending | c ready", "delete b, status");
    check("1 | a ready | b running", "delete b, status");
}

#[test]
fn pods_are_adopted_and_released() {
    check("1 | e free", "patch e, status");
    check("1 | f other", "patch f, create Pod, status");
}

#[test]
fn the_status_counts_what_is_seen() {
    let plan = plan(&ReplicaSets, &world("3 | a ready | b pending | c going"), "ns/web");
    assert_eq!(
        status::<ReplicaSet>(&plan),
        json!({"replicas": 2, "fullyLabeledReplicas": 2, "readyReplicas": 1,
            "availableReplicas": 1, "terminatingReplicas": 1, "observedGeneration": 1})
    );
}
