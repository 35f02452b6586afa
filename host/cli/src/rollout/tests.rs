use serde_json::{Value, json};

use super::{Progress, progress};

fn check(kind: &str, spec: Value, status: Value, expected: &str) {
    let object =
        json!({ "metadata": { "name": "web", "generation": 2 }, "spec": spec, "status": status });
    let text = match progress(kind, &object).expect("a known kind") {
        Progress::Waiting(text) => format!("waiting: {text}"),
        Progress::Complete(text) => format!("complete: {text}"),
        Progress::Failed(text) => format!("failed: {text}"),
    };
    assert!(text.contains(expected), "{text}");
}

#[test]
fn deployments() {
    let three = json!({ "replicas": 3 });
    let case = |status: Value, expected: &str| check("Deployment", three.clone(), status, expected);
    case(json!({ "observedGeneration": 1 }), "waiting: Waiting for the controller");
    case(
        json!({ "observedGeneration": 2, "updatedReplicas": 1, "replicas": 3 }),
        "1 out of 3 new replicas",
    );
    case(
        json!({ "observedGeneration": 2, "updatedReplicas": 3, "replicas": 4 }),
        "1 old replicas are pending",
    );
    case(
        json!({ "observedGeneration": 2, "updatedReplicas": 3, "replicas": 3, "availableReplicas": 2 }),
        "2 of 3 updated replicas are available",
    );
    case(
        json!({ "observedGeneration": 2, "updatedReplicas": 3, "replicas": 3, "availableReplicas": 3 }),
        "complete: deployment \"web\" successfully rolled out",
    );
    let late =
        json!([{ "type": "Progressing", "status": "False", "reason": "ProgressDeadlineExceeded" }]);
    case(
        json!({ "observedGeneration": 2, "conditions": late }),
        "failed: error: deployment \"web\" exceeded",
    );
}

#[test]
fn other_kinds_are_refused() {
    assert!(progress("Pod", &json!({})).is_err());
}
