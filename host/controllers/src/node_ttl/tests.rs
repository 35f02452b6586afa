use serde_json::{Value, json};

use super::*;

/// What is written to a node of a cluster of so many, if anything.
fn written(nodes: usize, known: &Value) -> Option<Value> {
    let node = json!({ "metadata": { "name": "n", "uid": "u", "annotations": known } });
    let node = serde_json::from_value(node).expect("a node");
    let plan = reconcile(&View { node: Arc::new(node), nodes });
    match plan.actions.into_iter().next()? {
        Action::Patch { patch: Change::Strategic(patch), .. } => {
            Some(patch["metadata"]["annotations"][ANNOTATION].clone())
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn the_time_grows_with_the_cluster_and_holds_between_the_bounds() {
    for (nodes, known, expected) in [
        (1, json!({}), Some("0")),
        (1, json!({ ANNOTATION: "0" }), None),
        (1, json!({ ANNOTATION: "nonsense" }), Some("0")),
        (95, json!({ ANNOTATION: "0" }), None),
        (95, json!({ ANNOTATION: "15" }), None),
        (101, json!({ ANNOTATION: "0" }), Some("15")),
        (89, json!({ ANNOTATION: "15" }), Some("0")),
        (600, json!({ ANNOTATION: "15" }), Some("30")),
        (5000, json!({ ANNOTATION: "60" }), Some("300")),
    ] {
        assert_eq!(written(nodes, &known), expected.map(Value::from), "{nodes} {known}");
    }
}

#[test]
fn all_nodes_are_looked_at_where_a_range_ends() {
    let bounds: Vec<usize> = (0..3000).filter(|nodes| is_at_a_bound(*nodes)).collect();
    assert_eq!(bounds, [89, 101, 449, 501, 899, 1001, 1799, 2001]);
}
