#![expect(clippy::unwrap_used, reason = "tests")]
#![expect(clippy::needless_pass_by_value, reason = "cases read better without borrows")]

use serde_json::{Value, json};

use super::*;
use crate::Path;

fn check(error: &StatusError, code: u16, reason: &str, message: &str, details: Value) {
    assert_eq!((error.code(), error.reason(), error.message()), (code, reason, message));
    let status = serde_json::to_value(&*error.0).unwrap();
    assert_eq!(status.get("details").cloned().unwrap_or_default(), details, "{message}");
    assert_eq!((&status["kind"], &status["status"]), (&json!("Status"), &json!("Failure")));
}

#[test]
fn about_resources() {
    let pods = GroupResource::new("", "pods");
    let apps = GroupResource::new("apps", "deployments");
    let about = json!({"group": "apps", "kind": "deployments", "name": "a"});
    check(
        &StatusError::not_found(&pods, "a"),
        404,
        "NotFound",
        r#"pods "a" not found"#,
        json!({"kind": "pods", "name": "a"}),
    );
    check(
        &StatusError::already_exists(&apps, "a"),
        409,
        "AlreadyExists",
        r#"deployments.apps "a" already exists"#,
        about.clone(),
    );
    check(
        &StatusError::modified(&apps, "a"),
        409,
        "Conflict",
        r#"Operation cannot be fulfilled on deployments.apps "a": the object has been modified; please apply your changes to the latest version and try again"#,
        about.clone(),
    );
    check(
        &StatusError::forbidden(&apps, "a", "no"),
        403,
        "Forbidden",
        r#"deployments.apps "a" is forbidden: no"#,
        about,
    );
    check(
        &StatusError::forbidden(&apps, "", "no"),
        403,
        "Forbidden",
        "deployments.apps is forbidden: no",
        json!({"group": "apps", "kind": "deployments"}),
    );
    check(
        &StatusError::forbidden(&GroupResource::default(), "", "no"),
        403,
        "Forbidden",
        "forbidden: no",
        json!({}),
    );
    check(
        &StatusError::method_not_supported(&pods, "get"),
        405,
        "MethodNotAllowed",
        r#"get is not supported on resources of kind "pods""#,
        json!({"kind": "pods"}),
    );
}

#[test]
fn invalid_lists_each_error() {
    let deployment = GroupKind::new("apps", "Deployment");
    let spec = Path::new("spec");
    let errors = [
        FieldError::required(&spec.child("selector"), ""),
        FieldError::invalid(&spec.child("replicas"), -1, "must be positive"),
        FieldError::required(&spec.child("selector"), ""),
    ];
    let cause = json!({"field": "spec.selector", "message": "Required value", "reason": "FieldValueRequired"});
    let invalid = json!({"field": "spec.replicas", "message": "Invalid value: -1: must be positive", "reason": "FieldValueInvalid"});
    check(
        &StatusError::invalid(&deployment, "a", &errors),
        422,
        "Invalid",
        r#"Deployment.apps "a" is invalid: [spec.selector: Required value, spec.replicas: Invalid value: -1: must be positive]"#,
        json!({"group": "apps", "kind": "Deployment", "name": "a", "causes": [cause, invalid, cause]}),
    );
    check(
        &StatusError::invalid(&deployment, "a", &errors[..1]),
        422,
        "Invalid",
        r#"Deployment.apps "a" is invalid: spec.selector: Required value"#,
        json!({"group": "apps", "kind": "Deployment", "name": "a", "causes": [cause]}),
    );
}

#[test]
fn about_the_server() {
    check(
        &StatusError::internal("boom"),
        500,
        "InternalError",
        "Internal error occurred: boom",
        json!({"causes": [{"message": "boom"}]}),
    );
    check(
        &StatusError::timeout("slow", 1),
        504,
        "Timeout",
        "Timeout: slow",
        json!({"retryAfterSeconds": 1}),
    );
    check(
        &StatusError::too_many_requests("wait", 5),
        429,
        "TooManyRequests",
        "wait",
        json!({"retryAfterSeconds": 5}),
    );
    check(&StatusError::unauthorized(), 401, "Unauthorized", "Unauthorized", Value::Null);
    check(&StatusError::unknown("odd"), 500, "", "odd", Value::Null);
    check(
        &StatusError::not_acceptable(&["application/json", "application/yaml"]),
        406,
        "NotAcceptable",
        "only the following media types are accepted: application/json, application/yaml",
        Value::Null,
    );
    assert_eq!(format!("{:?}", StatusError::unauthorized()), "401 Unauthorized: Unauthorized");
}
