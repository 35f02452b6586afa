use serde_json::json;

use super::*;

fn level(name: &str, generation: i64, annotation: Option<&str>, spec: &Tree) -> Tree {
    let mut tree = json!({ "metadata": { "name": name, "generation": generation }, "spec": spec });
    if let Some(text) = annotation {
        tree["metadata"]["annotations"] = json!({ AUTO_UPDATE: text });
    }
    tree
}

#[test]
fn a_spec_is_replaced_unless_somebody_minds() {
    let (ours, theirs) = (json!({ "a": 1 }), json!({ "a": 2 }));
    let cases = [
        ("system", 1, Some("true"), &ours, None),
        ("system", 2, Some("true"), &theirs, Some((&ours, "true"))),
        ("system", 2, Some("false"), &theirs, None),
        ("system", 1, None, &theirs, Some((&ours, "true"))),
        ("system", 2, None, &theirs, Some((&theirs, "false"))),
        ("system", 2, Some("T"), &ours, None),
        ("catch-all", 2, Some("false"), &theirs, Some((&ours, "true"))),
    ];
    for (name, generation, annotation, spec, expected) in cases {
        let needed = level(name, 1, Some("true"), &ours);
        let old = level(name, generation, annotation, spec);
        let expected =
            expected.map(|(spec, text)| Step::Replace(level(name, generation, Some(text), spec)));
        assert_eq!(revised(&old, &needed), expected, "{old}");
    }
}

#[test]
fn the_shares_of_the_exempt_level_stay() {
    let needed = json!({ "metadata": { "name": "exempt" }, "spec": { "exempt": { "a": 0 } } });
    let own = json!({ "exempt": { "a": 5 } });
    assert_eq!(revised(&level("exempt", 2, Some("true"), &own), &needed), None);
}
