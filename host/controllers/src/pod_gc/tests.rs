use serde_json::Value;

use super::*;
use crate::laws::told;
use crate::laws::world::World;

fn pod(world: &mut World, name: &str, created: &str, status: Value) {
    world.put::<Pod>(json!({
        "metadata": {"name": name, "namespace": "ns", "creationTimestamp": created},
        "spec": {"containers": [], "nodeName": "n"}, "status": status,
    }));
}

#[test]
fn the_oldest_of_too_many_that_have_ended_go_and_evicted_ones_first() {
    let mut world = World::new(Timestamp::UNIX_EPOCH);
    world.put::<Node>(json!({"metadata": {"name": "n"}}));
    let evicted = json!({"phase": "Failed", "reason": "Evicted"});
    pod(&mut world, "new", "1970-01-01T00:03:00Z", json!({"phase": "Succeeded"}));
    pod(&mut world, "old", "1970-01-01T00:01:00Z", json!({"phase": "Failed"}));
    pod(&mut world, "evicted", "1970-01-01T00:04:00Z", evicted);
    pod(&mut world, "running", "1970-01-01T00:00:00Z", json!({"phase": "Running"}));
    // Revisions count on until one is the reason to look.
    let told = |world: &mut World, ended_max: usize| {
        (0..SAMPLE)
            .map(|_| {
                pod(world, "last", "1970-01-01T00:02:00Z", json!({"phase": "Succeeded"}));
                told::told(&told::plan(&PodGc { ended_max }, world, "ns/last"))
            })
            .filter(|told| !told.is_empty())
            .collect::<Vec<_>>()
    };
    assert_eq!(told(&mut world, 4), [""; 0]);
    assert_eq!(told(&mut world, 3), ["delete evicted"]);
    assert_eq!(told(&mut world, 1), ["delete evicted, delete old, delete last"]);
}

#[test]
fn pods_that_are_going_do_not_wait_for_a_node_that_is_out_of_service() {
    let check = |taint: &str, ready: &str, expected: &str| {
        let mut world = World::new(Timestamp::UNIX_EPOCH);
        world.put::<Node>(json!({
            "metadata": {"name": "n"},
            "spec": {"taints": [{"key": taint, "effect": "NoExecute"}]},
            "status": {"conditions": [{"type": "Ready", "status": ready}]},
        }));
        world.put::<Pod>(json!({
            "metadata": {"name": "p", "namespace": "ns",
                "deletionTimestamp": "1970-01-01T00:00:00Z", "deletionGracePeriodSeconds": 30},
            "spec": {"containers": [], "nodeName": "n"}, "status": {"phase": "Running"},
        }));
        let plan = told::plan(&PodGc::default(), &world, "ns/p");
        assert_eq!(told::told(&plan), expected, "{taint} {ready}");
    };
    check(OUT_OF_SERVICE, "Unknown", "patch p/status, delete p");
    check(OUT_OF_SERVICE, "True", "");
    check("other", "Unknown", "");
}

#[test]
fn a_pod_deleted_before_it_had_a_node_has_failed() {
    let mut world = World::new(Timestamp::UNIX_EPOCH);
    world.put::<Pod>(json!({
        "metadata": {"name": "p", "namespace": "ns", "finalizers": ["example.com/own"],
            "deletionTimestamp": "1970-01-01T00:00:00Z", "deletionGracePeriodSeconds": 30},
        "spec": {"containers": []}, "status": {"phase": "Pending"},
    }));
    let plan = told::plan(&PodGc::default(), &world, "ns/p");
    assert_eq!(told::told(&plan), "patch p/status, delete p");
}
