use proptest::prelude::*;
use serde_json::{Value, json};

use super::super::compare::compare;
use super::super::remove::{reconcile, remove};
use super::super::{Element, FieldSet};
use super::{deployment, schema, show};
use crate::schema::{Schema, TypeRef};

fn fields(tree: &Value) -> FieldSet {
    let (schema, ty) = schema();
    FieldSet::from_tree(tree, &ty, &schema)
}

#[test]
fn fields_of_values() {
    let check = |spec: Value, expected: &[&str]| {
        let shown = show(&fields(&json!({"spec": spec})));
        assert_eq!(shown, expected, "{spec}");
    };
    check(json!({"replicas": 1}), &[".spec.replicas"]);
    check(json!({}), &[".spec"]);
    check(json!(null), &[".spec"]);
    check(json!({"replicas": null}), &[".spec.replicas"]);
    check(json!({"selector": {"matchLabels": {"a": "b"}}}), &[".spec.selector"]);
    check(json!({"nodeSelector": {"a": "b"}}), &[".spec.nodeSelector"]);
    check(json!({"args": ["a", "b"]}), &[".spec.args"]);
    check(json!({"containers": []}), &[]);
    check(
        json!({"containers": [{"name": "b"}, {"name": "a", "image": "x"}]}),
        &[
            ".spec.containers[name=\"a\"]",
            ".spec.containers[name=\"b\"]",
            ".spec.containers[name=\"a\"].image",
            ".spec.containers[name=\"a\"].name",
            ".spec.containers[name=\"b\"].name",
        ],
    );
    check(
        json!({"containers": [{"name": "a", "ports": [{"containerPort": 80}]}]}),
        &[
            ".spec.containers[name=\"a\"]",
            ".spec.containers[name=\"a\"].name",
            ".spec.containers[name=\"a\"].ports[containerPort=80,protocol=\"TCP\"]",
            ".spec.containers[name=\"a\"].ports[containerPort=80,protocol=\"TCP\"].containerPort",
        ],
    );
    check(json!({"containers": [{"name": "a"}, {"name": "a"}]}), &[".spec.containers[name=\"a\"]"]);
    check(
        json!({"raw": {"a": [1], "b": {"c": 1}, "d": {}}}),
        &[".spec.raw.a", ".spec.raw.b", ".spec.raw.d", ".spec.raw.b.c"],
    );
    check(json!({"opaque": {"a": 1}}), &[".spec.opaque"]);
    let meta = fields(&json!({"metadata": {"labels": {"a": "b"}, "finalizers": ["x"]}}));
    assert_eq!(show(&meta), [".metadata.finalizers[=\"x\"]", ".metadata.labels.a"]);
}

#[test]
fn fields_v1() {
    let encoded = json!({
        "f:metadata": {"f:labels": {".": {}, "f:a": {}}, "f:finalizers": {"v:\"x\"": {}}},
        "f:spec": {
            "f:containers": {"k:{\"name\":\"<a>\"}".replace("<a>", "\\u003ca\\u003e"): {".": {}, "f:image": {}}},
            "f:list": {"i:3": {}},
        },
    });
    let set = FieldSet::decode(&encoded).unwrap();
    assert_eq!(
        show(&set),
        [
            ".metadata.labels",
            ".metadata.finalizers[=\"x\"]",
            ".metadata.labels.a",
            ".spec.containers[name=\"<a>\"]",
            ".spec.containers[name=\"<a>\"].image",
            ".spec.list[3]",
        ]
    );
    assert_eq!(set.encode(), encoded);
    assert_eq!(
        FieldSet::decode(&json!({"x:unknown": {}, "f:a": {}})).unwrap().encode(),
        json!({"f:a": {}})
    );
    for wrong in
        [json!([]), json!({"spec": {}}), json!({"k:[]": {}}), json!({"i:x": {}}), json!({"f:a": 1})]
    {
        assert!(FieldSet::decode(&wrong).is_err(), "{wrong}");
    }
}

#[test]
fn comparisons() {
    let check = |old: Value, new: Value, removed: &[&str], modified: &[&str], added: &[&str]| {
        let (schema, ty) = schema();
        let changes = compare(&json!({"spec": old}), &json!({"spec": new}), &ty, &schema).unwrap();
        let shown = [show(&changes.removed), show(&changes.modified), show(&changes.added)];
        assert_eq!(shown, [removed, modified, added], "{old} {new}");
    };
    check(json!({"replicas": 1}), json!({"replicas": 1}), &[], &[], &[]);
    check(json!({"replicas": 1}), json!({"replicas": 2}), &[], &[".spec.replicas"], &[]);
    check(json!({}), json!({"replicas": 2}), &[], &[], &[".spec.replicas"]);
    check(json!({"args": ["a"]}), json!({"args": ["b"]}), &[], &[".spec.args"], &[]);
    check(
        json!({"strategy": {"type": "a"}}),
        json!({}),
        &[".spec.strategy", ".spec.strategy.type"],
        &[],
        &[],
    );
    check(
        json!({"containers": [{"name": "a", "image": "1"}, {"name": "b"}]}),
        json!({"containers": [{"name": "c"}, {"name": "a", "image": "2"}]}),
        &[".spec.containers[name=\"b\"]", ".spec.containers[name=\"b\"].name"],
        &[".spec.containers[name=\"a\"].image"],
        &[".spec.containers[name=\"c\"]", ".spec.containers[name=\"c\"].name"],
    );
    check(json!({"raw": {"a": 1}}), json!({"raw": "x"}), &[".spec.raw.a"], &[".spec.raw"], &[]);
    check(json!({"raw": 1}), json!({"raw": {"a": 1}}), &[], &[".spec.raw"], &[".spec.raw.a"]);
    check(
        json!({"containers": null}),
        json!({"containers": [{"name": "a"}]}),
        &[],
        &[],
        &[".spec.containers[name=\"a\"]", ".spec.containers[name=\"a\"].name"],
    );
}

#[test]
fn types_that_became_whole() {
    let (schema, ty) = schema();
    let mut old = FieldSet::new();
    old.insert(&Element::path(["spec", "selector", "matchLabels", "a"]));
    old.insert(&Element::path(["spec", "replicas"]));
    let new = reconcile(old.clone(), &ty, &schema);
    assert_eq!(show(&new), [".spec.replicas", ".spec.selector"]);
    assert_eq!(reconcile(new.clone(), &ty, &schema), new);
}

#[test]
fn removal() {
    let (schema, ty) = schema();
    let tree = deployment(
        json!({"replicas": 1, "containers": [{"name": "a", "image": "x"}, {"name": "b"}]}),
    );
    let mut gone = FieldSet::new();
    gone.insert(&Element::path(["spec", "replicas"]));
    let key = Element::Key(Box::new([("name".into(), "b".into())]));
    gone.insert(&[Element::field("spec"), Element::field("containers"), key]);
    let left = remove(&tree, &gone, &ty, &schema);
    assert_eq!(left, deployment(json!({"containers": [{"name": "a", "image": "x"}]})));
}

fn any_set() -> impl Strategy<Value = FieldSet> {
    let element = prop_oneof![
        "[a-c]".prop_map(Element::field),
        (0i64..3).prop_map(Element::Index),
        "[a-c]".prop_map(|text| Element::Value(text.as_str().into())),
        "[a-c]".prop_map(|text| Element::Key(Box::new([("name".into(), text.as_str().into())]))),
    ];
    let path = prop::collection::vec(element, 1..4);
    prop::collection::vec(path, 0..8)
        .prop_map(|paths| FieldSet::from_paths(paths.iter().map(Vec::as_slice)))
}

pub(super) fn any_object() -> impl Strategy<Value = Value> {
    let spec = (
        prop::option::of(0..3i32),
        prop::collection::vec(("[ab]", prop::option::of("[xy]")), 0..3),
        prop::option::of(prop::collection::btree_map("[ab]", "[xy]", 0..2)),
        prop::option::of(prop_oneof![
            Just(json!(1)),
            Just(json!({"a": {"b": 1}})),
            Just(json!({"a": []}))
        ]),
    );
    spec.prop_map(|(replicas, containers, labels, raw)| {
        let mut spec = json!({});
        if let Some(replicas) = replicas {
            spec["replicas"] = replicas.into();
        }
        if let Some(raw) = raw {
            spec["raw"] = raw;
        }
        let mut seen = std::collections::BTreeSet::new();
        let containers: Vec<_> = containers
            .into_iter()
            .filter(|(name, _)| seen.insert(name.clone()))
            .map(|(name, image)| {
                image.map_or_else(|| json!({"name": name}), |i| json!({"name": name, "image": i}))
            })
            .collect();
        spec["containers"] = containers.into();
        let mut object = deployment(spec);
        if let Some(labels) = labels {
            object["metadata"]["labels"] = json!(labels);
        }
        object
    })
}

proptest! {
    #[test]
    fn algebra(a in any_set(), b in any_set(), c in any_set()) {
        prop_assert_eq!(a.union(&b), b.union(&a));
        prop_assert_eq!(a.intersection(&b), b.intersection(&a));
        prop_assert_eq!(a.union(&b).union(&c), a.union(&b.union(&c)));
        prop_assert_eq!(&a.difference(&b).union(&a.intersection(&b)), &a);
        prop_assert!(a.difference(&b).intersection(&b).is_empty());
        prop_assert!(a.difference(&a).is_empty() && a.clone().difference_below(&a).is_empty());
        for path in a.paths() {
            prop_assert!(a.has(&path) && a.union(&b).has(&path));
            prop_assert_eq!(a.intersection(&b).has(&path), b.has(&path));
        }
        prop_assert_eq!(a.meets(&b), !a.intersection(&b).is_empty());
        prop_assert_eq!(a.clone().merged(b.clone()), a.union(&b));
        prop_assert_eq!(FieldSet::decode(&a.encode()).unwrap(), a);
    }

    #[test]
    fn comparing_agrees_with_fields(old in any_object(), new in any_object()) {
        let (schema, ty): (Schema, TypeRef) = schema();
        let changes = compare(&old, &new, &ty, &schema).unwrap();
        prop_assert_eq!(changes.is_empty(), {
            let set = |tree: &Value| { let mut tree = tree.clone(); tree["spec"]["containers"].as_array_mut().unwrap().sort_by_key(|c| c["name"].to_string()); tree };
            set(&old) == set(&new)
        });
        let back = compare(&new, &old, &ty, &schema).unwrap();
        prop_assert_eq!((changes.added, changes.removed, changes.modified), (back.removed, back.added, back.modified));
    }

    #[test]
    fn removing_all_fields_leaves_nothing(tree in any_object()) {
        let (schema, ty) = schema();
        let all = FieldSet::from_tree(&tree, &ty, &schema);
        prop_assert!(FieldSet::from_tree(&remove(&tree, &all, &ty, &schema), &ty, &schema).intersection(&all).is_empty());
    }
}
