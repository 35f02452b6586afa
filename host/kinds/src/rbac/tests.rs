use k8s_openapi::api::rbac::v1::{ClusterRole, ClusterRoleBinding, Role, RoleBinding};
use serde_json::{Value, json};

use crate::Kind;

fn check<K: Kind>(object: Value, expected: &[&str]) {
    let mut object: K = serde_json::from_value(object).expect("an object");
    object.set_defaults();
    let errors: Vec<String> = object.validate().iter().map(ToString::to_string).collect();
    assert_eq!(errors, expected);
}

#[test]
fn rules_are_about_resources_or_about_paths() {
    let verbs = json!(["get"]);
    let pods = json!({ "apiGroups": [""], "resources": ["pods"], "verbs": verbs });
    let paths = json!({ "nonResourceURLs": ["/a"], "verbs": verbs });
    check::<Role>(json!({ "rules": [pods] }), &[]);
    check::<ClusterRole>(json!({ "rules": [pods, paths] }), &[]);
    check::<Role>(
        json!({ "rules": [paths] }),
        &[
            "rules[0].nonResourceURLs: Invalid value: [\"/a\"]: namespaced rules cannot apply to non-resource URLs",
        ],
    );
    check::<ClusterRole>(
        json!({ "rules": [{ "nonResourceURLs": ["/a"], "resources": ["pods"], "verbs": verbs }] }),
        &[
            "rules[0].nonResourceURLs: Invalid value: [\"/a\"]: rules cannot apply to both regular resources and non-resource URLs",
        ],
    );
    check::<Role>(
        json!({ "rules": [{ "verbs": [] }] }),
        &[
            "rules[0].apiGroups: Required value: resource rules must supply at least one api group",
            "rules[0].resources: Required value: resource rules must supply at least one resource",
            "rules[0].verbs: Required value",
        ],
    );
    check::<ClusterRole>(
        json!({ "aggregationRule": {} }),
        &[
            "aggregationRule.clusterRoleSelectors: Required value: at least one clusterRoleSelector required if aggregationRule is non-nil",
        ],
    );
}

#[test]
fn bindings_name_a_role_and_subjects() {
    let role = json!({ "kind": "Role", "name": "r" });
    let good = json!({
        "roleRef": role,
        "subjects": [{ "kind": "User", "name": "a b" }, { "kind": "ServiceAccount", "name": "s" }],
    });
    check::<RoleBinding>(good.clone(), &[]);
    check::<ClusterRoleBinding>(
        good,
        &[
            "roleRef.kind: Unsupported value: \"Role\": supported values: \"ClusterRole\"",
            "subjects[1].namespace: Required value",
        ],
    );
    check::<RoleBinding>(
        json!({
            "roleRef": { "apiGroup": "a", "kind": "Role", "name": "" },
            "subjects": [{ "kind": "Group", "name": "" }, { "kind": "Bar", "name": "x" }],
        }),
        &[
            "roleRef.apiGroup: Unsupported value: \"a\": supported values: \"rbac.authorization.k8s.io\"",
            "subjects[1].kind: Unsupported value: \"Bar\": supported values: \"ServiceAccount\", \"User\", \"Group\"",
            "subjects[0].name: Required value",
            "roleRef.name: Required value",
        ],
    );
}

#[test]
fn the_role_of_a_binding_stays() {
    let binding = |name: &str| -> RoleBinding {
        let role = json!({ "kind": "Role", "name": name, "apiGroup": super::GROUP });
        serde_json::from_value(json!({ "roleRef": role })).expect("a binding")
    };
    let errors = binding("b").validate_update(&binding("a"));
    assert_eq!(errors.len(), 1);
    assert!(errors.iter().all(|error| error.detail == "field is immutable"));
    assert_eq!(binding("a").validate_update(&binding("a")), []);
}

#[test]
fn a_binding_shows_who_is_bound() {
    let binding: RoleBinding = serde_json::from_value(json!({
        "metadata": { "name": "b" },
        "roleRef": { "kind": "Role", "name": "r" },
        "subjects": [
            { "kind": "User", "name": "ann" },
            { "kind": "User", "name": "bob" },
            { "kind": "ServiceAccount", "name": "s", "namespace": "n" },
        ],
    }))
    .expect("a binding");
    let row = binding.row(jiff::Timestamp::UNIX_EPOCH);
    assert_eq!(row, ["b", "Role/r", "<unknown>", "ann, bob", "", "n/s"].map(Value::from));
}
