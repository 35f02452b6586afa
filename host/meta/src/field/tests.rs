use serde_json::json;

use super::*;

fn check(error: &FieldError, expected: &str) {
    assert_eq!(error.to_string(), expected);
}

#[test]
fn paths() {
    let spec = Path::new("spec");
    let container = spec.child("containers").index(0);
    assert_eq!(container.child("env").key("PATH").to_string(), "spec.containers[0].env[PATH]");
    assert_eq!(Path::of(["spec", "template", "spec"]).to_string(), "spec.template.spec");
    assert_eq!(Path::root_index(2).child("a").to_string(), "[2].a");
}

#[test]
fn texts() {
    let x = Path::of(["spec", "x"]);
    check(
        &FieldError::invalid(&x, "a\n", "must be b"),
        r#"spec.x: Invalid value: "a\n": must be b"#,
    );
    check(&FieldError::invalid(&x, 3, "too big"), "spec.x: Invalid value: 3: too big");
    check(&FieldError::invalid(&x, BadValue::null(), "no"), "spec.x: Invalid value: null: no");
    check(&FieldError::invalid(&x, None::<i32>, "no"), "spec.x: Invalid value: null: no");
    check(
        &FieldError::invalid(&x, json!({"a": "<"}), "no"),
        r#"spec.x: Invalid value: {"a":"\u003c"}: no"#,
    );
    check(&FieldError::required(&x, ""), "spec.x: Required value");
    check(&FieldError::required(&x, "why"), "spec.x: Required value: why");
    check(&FieldError::forbidden(&x, "why"), "spec.x: Forbidden: why");
    check(&FieldError::duplicate(&x, "a"), r#"spec.x: Duplicate value: "a""#);
    check(&FieldError::not_found(&x, "a"), r#"spec.x: Not found: "a""#);
    check(
        &FieldError::not_supported(&x, "a", ["b", "c"]),
        r#"spec.x: Unsupported value: "a": supported values: "b", "c""#,
    );
    check(&FieldError::not_supported(&x, "a", []), r#"spec.x: Unsupported value: "a""#);
    check(&FieldError::too_long(&x, 63), "spec.x: Too long: may not be more than 63 bytes");
    check(&FieldError::too_many(&x, 5, 1), "spec.x: Too many: 5: must have at most 1 item");
    check(&FieldError::internal(&x, "boom"), "spec.x: Internal error: boom");
    check(&FieldError::type_invalid(&x, "a", "int"), r#"spec.x: Invalid value: "a": int"#);
}
