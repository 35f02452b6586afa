use serde_json::json;

use super::*;

fn spec(tree: serde_json::Value) -> PodSpec {
    serde_json::from_value(tree).expect("a Pod spec")
}

fn container(requests: &serde_json::Value, limits: &serde_json::Value) -> serde_json::Value {
    json!({ "name": "c", "resources": { "requests": requests, "limits": limits } })
}

#[test]
fn classes() {
    let full = json!({ "cpu": "1", "memory": "1Gi" });
    let same = json!({ "cpu": "1000m", "memory": "1Gi" });
    let (guaranteed, best_effort) = (container(&full, &same), container(&json!({}), &json!({})));
    let cases = [
        (json!([best_effort]), "BestEffort"),
        (json!([guaranteed]), "Guaranteed"),
        (json!([guaranteed, best_effort]), "Burstable"),
        (json!([container(&json!({ "cpu": "1" }), &json!({}))]), "Burstable"),
        (
            json!([container(&json!({ "cpu": "0" }), &json!({ "example.com/x": "1" }))]),
            "BestEffort",
        ),
    ];
    for (containers, expected) in cases {
        assert_eq!(class(&spec(json!({ "containers": containers }))), expected, "{containers}");
    }
}

#[test]
fn an_init_container_counts_where_it_needs_more() {
    let of = |cpu: &str| container(&json!({ "cpu": cpu }), &json!({}));
    let mut sidecar = of("1");
    sidecar["restartPolicy"] = json!("Always");
    let cases = [
        (json!([]), "3"),
        (json!([of("2")]), "3"),
        (json!([of("5")]), "5"),
        (json!([sidecar]), "4"),
        (json!([sidecar, of("5")]), "6"),
        (json!([of("5"), sidecar]), "5"),
    ];
    for (init, expected) in cases {
        let spec = spec(json!({ "containers": [of("1"), of("2")], "initContainers": init }));
        assert_eq!(requests(&spec)["cpu"].to_string(), expected, "{init}");
    }
}
