#![expect(clippy::unwrap_used, reason = "tests")]

use serde_json::json;

use super::*;

fn check(path: &str, expected: Tree) {
    let object = json!({
        "spec": {
            "replicas": 3,
            "a.b": "dotted",
            "list": [1, 2, 3, 4, 5],
            "ports": [{"name": "web", "port": 80}, {"name": "tls", "port": 443}],
            "none": null,
        },
        "status": {"conditions": [
            {"type": "Ready", "status": "True"},
            {"type": "Synced", "status": "False"},
        ]},
    });
    let found = JsonPath::parse(path).unwrap_or_else(|| panic!("{path} is a path"));
    let found: Vec<&Tree> = found.find(&object);
    assert_eq!(json!(found), expected, "{path}");
}

#[test]
fn paths_lead_to_values() {
    check(".spec.replicas", json!([3]));
    check("spec.replicas", json!([3]));
    check("$.spec.replicas", json!([3]));
    check(".spec['replicas']", json!([3]));
    check(".spec.a\\.b", json!(["dotted"]));
    check(".spec['a.b']", json!(["dotted"]));
    check(".spec.missing.deeper", json!([]));
    check(".spec.none", json!([null]));
    check(".spec.none.deeper", json!([]));
    check(".spec.replicas.deeper", json!([]));
    check(".spec.ports[*].name", json!(["web", "tls"]));
    check(".spec.ports.*.port", json!([80, 443]));
    check(".status..type", json!(["Ready", "Synced"]));
}

#[test]
fn lists_are_cut() {
    check(".spec.list[0]", json!([1]));
    check(".spec.list[-1]", json!([5]));
    check(".spec.list[9]", json!([]));
    check(".spec.list[-9]", json!([]));
    check(".spec.list[1:3]", json!([2, 3]));
    check(".spec.list[-2:]", json!([4, 5]));
    check(".spec.list[:2]", json!([1, 2]));
    check(".spec.list[::2]", json!([1, 3, 5]));
    check(".spec.list[7:9]", json!([]));
    check(".spec.list[0,2]", json!([1, 3]));
    check(".spec['replicas','a.b']", json!([3, "dotted"]));
    check(".spec.replicas[0]", json!([]));
}

#[test]
fn lists_are_filtered() {
    check(".status.conditions[?(@.type==\"Ready\")].status", json!(["True"]));
    check(".status.conditions[?(@.type=='Synced')].status", json!(["False"]));
    check(".status.conditions[?(@.type != 'Ready')].type", json!(["Synced"]));
    check(".status.conditions[?(@.type=='a]b')].type", json!([]));
    check(".spec.ports[?(@.port>100)].name", json!(["tls"]));
    check(".spec.ports[?(@.port<=80)].name", json!(["web"]));
    check(".spec.ports[?(@.name)].port", json!([80, 443]));
    check(".spec.ports[?(@.gone)].port", json!([]));
    check(".spec.ports[?(@.gone=='x')].port", json!([]));
    // A text is no number.
    check(".spec.ports[?(@.name>1)].port", json!([]));
}

#[test]
fn other_texts_are_no_paths() {
    for text in [
        "",
        ".",
        "..",
        ".spec.",
        ".spec[",
        ".spec]",
        ".spec[]",
        ".spec[a]",
        ".spec[1:2:3:4]",
        ".spec[?(@.a==)]",
        ".a}{.b",
        ".a b",
        "$x",
    ] {
        assert_eq!(JsonPath::parse(text), None, "{text}");
    }
}

#[test]
fn a_deep_object_is_followed() {
    let deep = (0..5000).fold(json!({"x": 1}), |inner, _| json!([inner]));
    assert_eq!(JsonPath::parse("..x").unwrap().find(&deep), [&json!(1)]);
}
