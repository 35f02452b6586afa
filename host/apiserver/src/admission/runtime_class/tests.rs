use serde_json::{Value, json};

use super::*;

fn check(all: Value, expected: Value) {
    let read = |value| serde_json::from_value::<Vec<Toleration>>(value).expect("tolerations");
    assert_eq!(without_covered(&read(all.clone())), read(expected), "{all}");
}

#[test]
fn what_another_toleration_covers_is_left_out() {
    let a = json!({ "key": "a", "operator": "Exists", "effect": "NoSchedule" });
    let equal = json!({ "key": "a", "operator": "Equal", "value": "v", "effect": "NoSchedule" });
    let everything = json!({ "operator": "Exists" });
    check(json!([a, a]), json!([a]));
    check(json!([equal, a]), json!([a]));
    check(json!([a, equal]), json!([a]));
    check(json!([equal, everything, a]), json!([everything]));
    let other = json!({ "key": "b", "operator": "Exists" });
    check(json!([a, other]), json!([a, other]));
}

#[test]
fn a_shorter_time_covers_less() {
    let of = |secs: Value| json!({ "key": "a", "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": secs });
    check(json!([of(json!(5)), of(json!(9))]), json!([of(json!(9))]));
    check(json!([of(json!(9)), of(json!(null))]), json!([of(json!(null))]));
}
