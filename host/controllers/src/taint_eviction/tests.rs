use std::time::Duration;

use serde_json::{Value, json};

use super::*;
use crate::laws::told::{plan, told};
use crate::laws::world::World;

/// A Pod on a node that was tainted ten seconds ago.
fn world(tolerations: &Value) -> World {
    let now = Timestamp::from_second(1_800_000_000).expect("in range");
    let mut world = World::new(now);
    let added = (now - SignedDuration::from_secs(10)).to_string();
    world.put::<Node>(json!({"metadata": {"name": "n"}, "spec": {"taints": [
        {"key": "k", "effect": "NoExecute", "timeAdded": added}]}}));
    world.put::<Pod>(json!({"metadata": {"name": "p", "namespace": "ns"},
        "spec": {"containers": [], "nodeName": "n", "tolerations": tolerations},
        "status": {"phase": "Running"}}));
    world
}

#[test]
fn who_does_not_tolerate_a_taint_goes_at_once_and_others_when_their_time_is_up() {
    let gone = "event TaintManagerEviction, patch p/status, delete p";
    let of = |tolerations: &Value| plan(&TaintEviction, &world(tolerations), "ns/p");
    assert_eq!(told(&of(&json!([]))), gone);
    assert_eq!(told(&of(&json!([{"key": "k", "operator": "Exists"}]))), "");
    let short = json!([{"key": "k", "operator": "Exists", "tolerationSeconds": 5}]);
    assert_eq!(told(&of(&short)), gone);
    let long = of(&json!([{"operator": "Exists", "tolerationSeconds": 300}]));
    assert_eq!((told(&long).as_str(), long.wake_after), ("", Some(Duration::from_secs(290))));
}
