use serde_json::json;

use super::*;
use crate::laws::told::{plan, told};
use crate::laws::world::World;

/// A node that was heard of so many seconds ago, with one ready Pod.
fn world(ready: &str, silent_secs: i64) -> World {
    let now = Timestamp::from_second(1_800_000_000).expect("in range");
    let mut world = World::new(now);
    let heard = now - SignedDuration::from_secs(silent_secs);
    world.put::<Node>(json!({"metadata": {"name": "n"}, "status": {"conditions": [
        {"type": "Ready", "status": ready, "lastHeartbeatTime": heard.to_string()}]}}));
    world.put::<Pod>(json!({"metadata": {"name": "p", "namespace": "ns"},
        "spec": {"containers": [], "nodeName": "n"},
        "status": {"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}]}}));
    world
}

fn check(ready: &str, silent_secs: i64, expected: &str) {
    assert_eq!(told(&plan(&NodeLifecycle, &world(ready, silent_secs), "n")), expected);
}

#[test]
fn a_node_that_is_heard_is_left_alone_and_looked_at_again_in_time() {
    check("True", 20, "");
    let plan = plan(&NodeLifecycle, &world("True", 20), "n");
    assert_eq!(plan.wake_after, Some(Duration::from_secs(31)));
}

#[test]
fn a_silent_node_is_tainted_and_its_pods_serve_nobody() {
    let all = "patch n, event NodeNotReady, patch p/status, event NodeNotReady, patch n/status";
    check("True", 60, all);
    check("False", 20, "patch n, patch p/status, event NodeNotReady");
}

#[test]
fn a_lease_is_a_heartbeat() {
    let mut world = world("True", 60);
    let renewed = (world.now - SignedDuration::from_secs(5)).to_string();
    world.put::<Lease>(json!({"metadata": {"name": "n", "namespace": "kube-node-lease"},
        "spec": {"renewTime": renewed}}));
    assert_eq!(told(&plan(&NodeLifecycle, &world, "n")), "");
}
