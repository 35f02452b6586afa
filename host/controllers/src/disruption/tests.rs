use serde_json::{Value, json};

use super::*;
use crate::laws::told::{plan, status, told};
use crate::laws::world::World;

/// A budget, and two ready Pods of an owner.
fn world(spec: &Value, owner: &Value) -> World {
    let mut world = World::new(Timestamp::from_second(1_800_000_000).expect("in range"));
    let mut budget = json!({"metadata": {"name": "b", "namespace": "ns", "generation": 3},
        "spec": {"selector": {"matchLabels": {"app": "web"}}}});
    for (key, value) in spec.as_object().expect("an object") {
        budget["spec"][key] = value.clone();
    }
    world.put::<PodDisruptionBudget>(budget);
    for name in ["a", "b"] {
        world.put::<Pod>(json!({
            "metadata": {"name": name, "namespace": "ns", "labels": {"app": "web"}, "ownerReferences": [owner]},
            "spec": {"containers": []},
            "status": {"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}]},
        }));
    }
    world
}

fn owner(version: &str, kind: &str) -> Value {
    json!({"apiVersion": version, "kind": kind, "name": "o", "uid": "o", "controller": true})
}

#[test]
fn owners_without_a_number_of_pods_allow_none_to_go() {
    for (version, kind, why) in [
        ("apps/v1", "DaemonSet", "daemonsets.apps does not implement the scale subresource"),
        ("v1", "Node", "nodes does not implement the scale subresource"),
        ("example.com/v1", "Thing", "found no controllers for pod \"a\""),
        ("apps/v1", "ReplicaSet", "found no controllers for pod \"a\""),
    ] {
        let world = world(&json!({"maxUnavailable": 1}), &owner(version, kind));
        let wanted = plan(&Disruption, &world, "ns/b");
        assert_eq!(told(&wanted), "event CalculateExpectedPodCountFailed, status", "{kind}");
        assert_eq!(wanted.wake_after.is_some(), kind == "ReplicaSet", "only its watch may be late");
        let status = status::<PodDisruptionBudget>(&wanted);
        assert_eq!(status["disruptionsAllowed"], 0);
        assert_eq!(status["conditions"][0]["reason"], "SyncFailed");
        assert_eq!(status["conditions"][0]["message"], why);
    }
}

#[test]
fn a_plain_number_needs_no_owner() {
    let world = world(&json!({"minAvailable": 1}), &owner("apps/v1", "DaemonSet"));
    let status = status::<PodDisruptionBudget>(&plan(&Disruption, &world, "ns/b"));
    assert_eq!(status["disruptionsAllowed"], 1);
    assert_eq!(status["conditions"][0]["reason"], "SufficientPods");
}
