use proptest::prelude::*;
use serde_json::{Value, json};

use super::super::{Applied, ApplyError, Context, Element, FieldSet, LAST_APPLIED, apply};
use super::{canonical, deployment, owners, with};

fn try_apply(
    live: Option<&Value>,
    config: Value,
    manager: &str,
    second: i64,
    force: bool,
) -> Result<Value, ApplyError> {
    with(manager, second, |context| {
        let Applied { tree, .. } = apply(context, live, &config, force)?;
        Ok(canonical(tree))
    })
}

fn applied(live: Option<&Value>, config: Value, manager: &str, second: i64) -> Value {
    try_apply(live, config, manager, second, false).unwrap()
}

fn spec(object: &Value) -> Value {
    let mut spec = object["spec"].clone();
    let map = spec.as_object_mut().unwrap();
    map.retain(|_, value| !value.is_null() && *value != json!({}));
    spec
}

#[test]
fn creates_and_owns() {
    let object =
        applied(None, deployment(json!({"replicas": 1, "containers": [{"name": "a"}]})), "one", 1);
    assert_eq!(spec(&object), json!({"replicas": 1, "containers": [{"name": "a"}]}));
    assert_eq!(
        owners(&object),
        [
            "one Apply 1: .spec.replicas .spec.containers[name=\"a\"] .spec.containers[name=\"a\"].name"
        ]
    );
}

#[test]
fn fields_no_longer_listed_vanish() {
    let live = applied(None, deployment(json!({"replicas": 1, "args": ["a"]})), "one", 1);
    let object = applied(Some(&live), deployment(json!({"args": ["a"]})), "one", 2);
    assert_eq!(spec(&object), json!({"args": ["a"]}));
    assert_eq!(owners(&object), ["one Apply 2: .spec.args"]);
}

#[test]
fn shared_fields_stay_until_the_last_owner_leaves() {
    let live = applied(None, deployment(json!({"replicas": 1, "args": ["a"]})), "one", 1);
    let live = applied(Some(&live), deployment(json!({"replicas": 1})), "two", 2);
    assert_eq!(
        owners(&live),
        ["two Apply -1: .spec.replicas", "one Apply 1: .spec.args .spec.replicas"]
    );
    let live = applied(Some(&live), deployment(json!({"args": ["a"]})), "one", 3);
    assert_eq!(spec(&live), json!({"replicas": 1, "args": ["a"]}));
    let live = applied(Some(&live), deployment(json!({})), "two", 4);
    assert_eq!(spec(&live), json!({"args": ["a"]}));
}

#[test]
fn conflicts_name_the_owners() {
    let mut live = canonical(deployment(json!({"replicas": 1})));
    with("kubectl-client-side-apply", 1, |context| {
        super::super::track_update(context, None, &mut live, false);
    });
    let config = deployment(json!({"replicas": 2}));
    let error = try_apply(Some(&live), config.clone(), "one", 2, false).unwrap_err();
    let status = error.status();
    assert_eq!(
        (status.code(), status.reason(), status.message()),
        (
            409,
            "Conflict",
            "Apply failed with 1 conflict: conflict with \"kubectl-client-side-apply\" using apps/v1: .spec.replicas"
        )
    );
    let cause = &status.causes()[0];
    assert_eq!(cause.field.as_deref(), Some(".spec.replicas"));
    assert_eq!(cause.reason.as_deref(), Some("FieldManagerConflict"));
    assert_eq!(
        cause.message.as_deref(),
        Some("conflict with \"kubectl-client-side-apply\" using apps/v1")
    );
    // The same value is no conflict.
    applied(Some(&live), deployment(json!({"replicas": 1})), "one", 2);
    let forced = try_apply(Some(&live), config, "one", 2, true).unwrap();
    assert_eq!(owners(&forced), ["one Apply 2: .spec.replicas"]);
    assert_eq!(spec(&forced), json!({"replicas": 2}));
}

#[test]
fn several_conflicts_are_listed_by_manager() {
    let live = applied(None, deployment(json!({"replicas": 1, "args": ["a"]})), "one", 1);
    let live = applied(Some(&live), deployment(json!({"strategy": {"type": "x"}})), "two", 1);
    let config = deployment(json!({"replicas": 2, "args": ["b"], "strategy": {"type": "y"}}));
    let error = try_apply(Some(&live), config, "three", 2, false).unwrap_err();
    assert_eq!(
        error.to_string(),
        "Apply failed with 3 conflicts: conflicts with \"one\":\n- .spec.args\n- .spec.replicas\nconflicts with \"two\":\n- .spec.strategy.type"
    );
}

#[test]
fn items_are_merged_in_order() {
    let list = |names: &str| -> Value {
        names.split_whitespace().map(|name| json!({"name": name})).collect::<Vec<_>>().into()
    };
    let check = |live: &str, config: &str, expected: &str| {
        let live = applied(None, deployment(json!({"containers": list(live)})), "one", 1);
        let object =
            applied(Some(&live), deployment(json!({"containers": list(config)})), "two", 2);
        assert_eq!(spec(&object)["containers"], list(expected), "{live} + {config}");
    };
    check("a b", "c", "a b c");
    check("a b c", "c a", "b c a");
    check("a b c", "a x c", "a b x c");
    check("a b", "b a", "b a");
    check("a", "x a y", "x a y");
}

#[test]
fn items_are_removed_with_their_last_field() {
    let live = applied(
        None,
        deployment(json!({"containers": [{"name": "a", "image": "x"}, {"name": "b"}]})),
        "one",
        1,
    );
    let live = applied(
        Some(&live),
        deployment(json!({"containers": [{"name": "b", "image": "y"}]})),
        "two",
        2,
    );
    let object = applied(Some(&live), deployment(json!({"containers": [{"name": "a"}]})), "one", 3);
    assert_eq!(spec(&object)["containers"], json!([{"name": "a"}, {"name": "b", "image": "y"}]));
    let object = applied(Some(&object), deployment(json!({})), "two", 4);
    assert_eq!(spec(&object)["containers"], json!([{"name": "a"}]));
}

#[test]
fn what_nobody_owned_belongs_to_before_first_apply() {
    let live = canonical(deployment(json!({"replicas": 1, "args": ["a"]})));
    let object =
        try_apply(Some(&live), deployment(json!({"replicas": 2})), "one", 5, true).unwrap();
    assert_eq!(
        owners(&object),
        ["one Apply 5: .spec.replicas", "before-first-apply Update 5: .spec.args"]
    );
}

#[test]
fn applying_again_changes_nothing() {
    let config = deployment(json!({"replicas": 1, "containers": [{"name": "a"}]}));
    let live = applied(None, config.clone(), "one", 1);
    let again = with("one", 2, |context| apply(context, Some(&live), &config, false)).unwrap();
    assert!(!again.changed);
    assert_eq!(canonical(again.tree), live);
}

#[test]
fn kubectl_takes_over_its_own_fields() {
    let config = deployment(json!({"replicas": 1}));
    let mut live = config.clone();
    live["metadata"]["annotations"] = json!({LAST_APPLIED: config.to_string()});
    let mut live = canonical(live);
    with("kubectl-client-side-apply", 1, |c| super::super::track_update(c, None, &mut live, false));
    let new = deployment(json!({"replicas": 2}));
    assert!(try_apply(Some(&live), new.clone(), "one", 2, false).is_err());
    let object = applied(Some(&live), new.clone(), "kubectl", 2);
    assert_eq!(spec(&object), json!({"replicas": 2}));
    // The annotation follows.
    assert_eq!(object["metadata"]["annotations"][LAST_APPLIED], json!(format!("{new}\n")));
    // What another changed since is a conflict for kubectl too.
    let mut scaled = live.clone();
    scaled["spec"]["replicas"] = json!(7);
    with("scaler", 2, |c| super::super::track_update(c, Some(&live), &mut scaled, false));
    assert!(try_apply(Some(&scaled), new, "kubectl", 3, false).is_err());
}

#[test]
fn configurations_are_checked() {
    let check = |spec: Value, expected: &str| {
        let error = try_apply(None, deployment(spec), "one", 1, false).unwrap_err();
        let prefix =
            "failed to create typed patch object (default/web; apps/v1, Kind=Deployment): ";
        assert_eq!(error.to_string(), format!("{prefix}{expected}"));
        assert_eq!((error.status().code(), error.status().reason()), (500, ""));
    };
    check(json!({"foo": 1}), ".spec.foo: field not declared in schema");
    check(json!({"replicas": "x"}), ".spec.replicas: expected numeric (int or float), got string");
    check(json!({"args": [1]}), ".spec.args[0]: expected string, got 1");
    check(json!({"containers": {}}), ".spec.containers: expected list, got {}");
    check(json!({"selector": {"x": 1}}), ".spec.selector.x: field not declared in schema");
    check(
        json!({"containers": [{"name": "a"}, {"name": "a"}]}),
        ".spec.containers: duplicate entries for key [name=\"a\"]",
    );
    check(
        json!({"replies": [{"text": "x"}]}),
        ".spec.replies: element 0: associative list with keys has an element that omits all key fields [\"to\"] (and doesn't have default values for any key fields)",
    );
    check(
        json!({"foo": 1, "containers": [{"name": "a", "x": 1}]}),
        "errors:\n  .spec.containers[name=\"a\"].x: field not declared in schema\n  .spec.foo: field not declared in schema",
    );
    // A key that is always printed is empty where it is left out.
    let applied = try_apply(None, deployment(json!({"containers": [{}]})), "one", 1, false);
    let applied = applied.expect("it is a matter of validation");
    let owned = &applied["metadata"]["managedFields"][0]["fieldsV1"]["f:spec"]["f:containers"];
    assert_eq!(owned, &json!({"k:{\"name\":\"\"}": {}}));
    let mut config = deployment(json!({}));
    config["metadata"]["managedFields"] = json!([]);
    let error = try_apply(None, config, "one", 1, false).unwrap_err();
    assert_eq!(error.status().message(), "metadata.managedFields must be nil");
}

#[test]
fn fields_of_other_subresources_are_not_owned() {
    let reset = FieldSet::from_paths([&Element::path(["status"])[..]]);
    let mut config = deployment(json!({"replicas": 1}));
    config["status"] = json!({"ready": 1});
    let object = with("one", 1, |context| {
        let context = Context { reset: Some(&reset), ..*context };
        apply(&context, None, &config, false).unwrap().tree
    });
    assert_eq!(owners(&object), ["one Apply 1: .spec.replicas"]);
}

fn any_config() -> impl Strategy<Value = Value> {
    let container = ("[a-d]", prop::option::of("[xy]"));
    let containers = prop::collection::vec(container, 0..4);
    (prop::option::of(0..3i32), containers).prop_map(|(replicas, containers)| {
        let mut seen = std::collections::BTreeSet::new();
        let mut spec = json!({});
        if let Some(replicas) = replicas {
            spec["replicas"] = replicas.into();
        }
        let containers: Vec<_> = containers
            .into_iter()
            .filter(|(name, _)| seen.insert(name.clone()))
            .map(|(name, image)| match image {
                Some(image) => json!({"name": name, "image": image}),
                None => json!({"name": name}),
            })
            .collect();
        if !containers.is_empty() {
            spec["containers"] = containers.into();
        }
        deployment(spec)
    })
}

proptest! {
    /// What an applier states holds after it; what it alone stated before and states no more is
    /// gone; and stating it again changes nothing.
    #[test]
    fn appliers_get_what_they_state(configs in prop::collection::vec((any_config(), "(one|two)"), 1..6)) {
        let mut live: Option<Value> = None;
        for (second, (config, manager)) in (1..).zip(configs) {
            let object = try_apply(live.as_ref(), config.clone(), &manager, second, true).unwrap();
            let containers = |tree: &Value| tree["spec"]["containers"].as_array().cloned().unwrap_or_default();
            for wanted in containers(&config) {
                let found = containers(&object).into_iter().find(|c| c["name"] == wanted["name"]).unwrap();
                if let Some(image) = wanted.get("image") {
                    prop_assert_eq!(&found["image"], image);
                }
            }
            let again = with(&manager, second + 100, |context| apply(context, Some(&object), &config, false)).unwrap();
            prop_assert!(!again.changed);
            prop_assert_eq!(canonical(again.tree), object.clone());
            live = Some(object);
        }
        // When all have left, nothing of what they stated is left.
        for manager in ["one", "two"] {
            live = Some(try_apply(live.as_ref(), deployment(json!({})), manager, 1000, true).unwrap());
        }
        prop_assert_eq!(spec(&live.unwrap()), json!({}));
    }
}
