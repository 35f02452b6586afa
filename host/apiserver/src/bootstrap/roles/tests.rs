use super::*;

const KEY: &str = "rbac.authorization.kubernetes.io/autoupdate";

fn with(metadata: &Tree, more: &Tree) -> Tree {
    let mut tree = json!({ "metadata": metadata });
    for (key, value) in more.as_object().expect("members") {
        tree[key] = value.clone();
    }
    tree
}

fn rule(verbs: &[&str], resources: &[&str]) -> Tree {
    json!({ "verbs": verbs, "apiGroups": [""], "resources": resources })
}

#[test]
fn a_role_gets_back_what_it_lacks_and_keeps_the_rest() {
    let metadata = json!({ "name": "r", "labels": { "a": "1" }, "annotations": { KEY: "true" } });
    let needed = with(&metadata, &json!({ "rules": [rule(&["get", "list"], &["pods"])] }));
    let check = |old: &Tree, rules: &Tree, expected: Option<&Tree>| {
        let old = with(old, &json!({ "rules": rules }));
        let expected =
            expected.map(|rules| Step::Replace(with(&metadata, &json!({ "rules": rules }))));
        assert_eq!(role(&old, &needed), expected, "{old}");
    };
    let (all, one) = (rule(&["*"], &["*"]), rule(&["get"], &["pods", "nodes"]));
    check(&metadata, &json!([rule(&["list", "get"], &["pods"])]), None);
    check(&metadata, &json!([all]), None);
    let added = json!([one, rule(&["list"], &["pods"])]);
    check(&metadata, &json!([one]), Some(&added));
    check(&json!({ "name": "r" }), &json!([all]), Some(&json!([all])));
    let protected = json!({ "name": "r", "annotations": { KEY: "false" } });
    check(&protected, &Tree::Null, None);
}

#[test]
fn a_role_that_collects_gets_back_its_selectors_only() {
    let metadata = json!({ "name": "r" });
    let collecting = |selectors: Tree, rules: Tree| {
        let rule = json!({ "clusterRoleSelectors": selectors });
        with(&metadata, &json!({ "aggregationRule": rule, "rules": rules }))
    };
    let (ours, theirs) = (json!({ "matchLabels": { "a": "1" } }), json!({ "matchLabels": {} }));
    let needed = collecting(json!([ours]), Tree::Null);
    let rules = || json!([rule(&["get"], &["pods"])]);
    assert_eq!(role(&collecting(json!([theirs, ours]), rules()), &needed), None);
    assert_eq!(
        role(&collecting(json!([theirs]), rules()), &needed),
        Some(Step::Replace(collecting(json!([theirs, ours]), rules())))
    );
    let plain = with(&metadata, &json!({ "rules": rules() }));
    assert_eq!(
        role(&collecting(json!([ours]), rules()), &plain),
        Some(Step::Replace(plain.clone()))
    );
}

#[test]
fn a_binding_gets_back_its_subjects_and_its_role() {
    let check = |old: Tree, expected: Option<Step>| {
        let needed = json!({ "metadata": {}, "roleRef": { "name": "r" }, "subjects": ["a", "b"] });
        assert_eq!(binding(&old, &needed), expected, "{old}");
    };
    let bound = |role: &str, subjects: Tree| json!({ "metadata": {}, "roleRef": { "name": role }, "subjects": subjects });
    check(bound("r", json!(["b", "a", "c"])), None);
    check(bound("r", json!(["c", "b"])), Some(Step::Replace(bound("r", json!(["c", "b", "a"])))));
    check(bound("r", Tree::Null), Some(Step::Replace(bound("r", json!(["a", "b"])))));
    check(bound("other", json!(["a", "b"])), Some(Step::Remake));
    let mut protected = bound("other", Tree::Null);
    protected["metadata"]["annotations"] = json!({ KEY: "false" });
    check(protected, None);
}
