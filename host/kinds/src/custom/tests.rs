#![expect(clippy::unwrap_used, reason = "tests")]

use std::sync::Arc;

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use meta::Tree;
use serde_json::json;

use super::*;
use crate::{AnyKind as _, Generation, Verb};

fn definition(change: impl FnOnce(&mut Tree)) -> CustomResourceDefinition {
    let schema = json!({ "openAPIV3Schema": { "type": "object", "properties": {
        "spec": { "type": "object", "properties": {
            "colour": { "type": "string" },
            "bulbs": { "type": "integer", "default": 1 },
            "share": { "type": "number" },
        } },
        "status": { "type": "object", "properties": { "lit": { "type": "integer" } } },
    } } });
    let mut tree = json!({
        "metadata": { "name": "lamps.x.io", "uid": "1" },
        "spec": {
            "group": "x.io", "scope": "Namespaced",
            "names": { "plural": "lamps", "kind": "Lamp" },
            "versions": [
                { "name": "v1", "served": true, "storage": true, "schema": schema,
                  "subresources": { "status": {} } },
                { "name": "v1beta1", "served": true, "storage": false, "deprecated": true, "schema": schema },
                { "name": "v1alpha1", "served": false, "storage": false, "schema": schema },
            ],
        },
        "status": {
            "acceptedNames": { "plural": "lamps", "singular": "lamp", "kind": "Lamp", "listKind": "LampList",
                "shortNames": ["lp"], "categories": ["all"] },
            "conditions": [{ "type": "Established", "status": "True" }],
        },
    });
    change(&mut tree);
    serde_json::from_value(tree).unwrap()
}

fn served(change: impl FnOnce(&mut Tree)) -> Arc<Definition> {
    Definition::of(&definition(change), None).unwrap()
}

fn kind(change: impl FnOnce(&mut Tree)) -> CustomKind {
    served(change).kinds()[0].clone()
}

fn lamp(spec: Tree) -> Tree {
    json!({ "apiVersion": "x.io/v1", "kind": "Lamp",
        "metadata": { "name": "a", "namespace": "ns", "labels": { "l": "m" },
            "creationTimestamp": "2026-01-01T00:00:00Z" },
        "spec": spec })
}

#[test]
fn facts_come_from_the_definition() {
    let definition = served(|_| {});
    let versions: Vec<&str> = definition.kinds().iter().map(|kind| kind.info().version).collect();
    assert_eq!(versions, ["v1", "v1beta1"]);
    let info = definition.kinds()[0].info();
    assert_eq!((info.group, info.kind, info.list_kind), ("x.io", "Lamp", "LampList"));
    assert_eq!((info.short_names, info.categories), (&["lp"][..], &["all"][..]));
    assert_eq!((info.type_name, info.singular), ("io.x.v1.Lamp", "lamp"));
    assert_eq!((info.generation, info.status), (Generation::Spec, true));
    assert_eq!(info.verbs, Verb::OF_CUSTOM);
    assert!(info.stored_as.is_none() && info.deprecated.is_none() && info.namespaced);
    let old = definition.kinds()[1].info();
    assert_eq!((old.generation, old.status), (Generation::All, false));
    assert_eq!(old.stored_as.map(|stored| stored.version), Some("v1"));
    assert_eq!(old.deprecated, Some("x.io/v1beta1 Lamp is deprecated; use x.io/v1 Lamp"));
    let told = served(|tree| tree["spec"]["versions"][1]["deprecationWarning"] = "move on".into());
    assert_eq!(told.kinds()[1].info().deprecated, Some("move on"));
    let alone = served(|tree| tree["spec"]["versions"][0]["served"] = false.into());
    assert_eq!(alone.kinds()[0].info().deprecated, Some("x.io/v1beta1 Lamp is deprecated"));
}

#[test]
fn only_what_is_established_is_served() {
    let unknown = definition(|tree| tree["status"].take().as_array().into_iter().for_each(drop));
    assert!(Definition::of(&unknown, None).is_none());
    let not_yet = definition(|tree| tree["status"]["conditions"][0]["status"] = "False".into());
    assert!(Definition::of(&not_yet, None).is_none());
}

#[test]
fn a_definition_is_made_anew_only_if_it_says_something_else() {
    let before = served(|_| {});
    let again = |change: fn(&mut Tree)| Definition::of(&definition(change), Some(&before)).unwrap();
    let same = again(|tree| tree["metadata"]["labels"] = json!({ "a": "b" }));
    assert!(Arc::ptr_eq(&same, &before));
    let ending = again(|tree| {
        tree["status"]["conditions"] = json!([
            { "type": "Established", "status": "True" },
            { "type": "Terminating", "status": "True" },
        ]);
    });
    assert!(ending.kinds()[0].info().ending);
    assert!(ending.kinds()[0].is_defined_as(&before.kinds()[0]));
    let changed = again(|tree| {
        tree["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["description"] = "x".into();
    });
    assert!(!changed.kinds()[0].is_defined_as(&before.kinds()[0]));
    assert_ne!(changed.kinds()[0].fingerprint(), before.kinds()[0].fingerprint());
    let another = again(|tree| tree["metadata"]["uid"] = "2".into());
    assert!(!another.kinds()[0].is_defined_as(&before.kinds()[0]));
}

#[test]
fn stored_objects_are_shown_in_every_version() {
    let definition = served(|_| {});
    let stored = lamp(json!({ "colour": "red", "gone": 1 }));
    for kind in definition.kinds() {
        let mut shown = stored.clone();
        kind.rewrite_to_served(&mut shown);
        assert_eq!(shown["apiVersion"], kind.info().api_version());
        assert_eq!(shown["spec"], json!({ "colour": "red", "bulbs": 1 }));
        kind.rewrite_to_stored(&mut shown);
        assert_eq!(shown["apiVersion"], "x.io/v1");
    }
}

#[test]
fn decoding_fits_the_metadata_and_drops_the_rest() {
    let kind = kind(|_| {});
    let mut tree = lamp(json!({ "colour": "red", "gone": 1, "bulbs": 3.0 }));
    tree["metadata"]["nickname"] = "b".into();
    tree["extra"] = true.into();
    let found = kind.canonicalize(&mut tree).unwrap();
    assert_eq!(found.unknown, ["extra", "metadata.nickname", "spec.gone"]);
    assert_eq!(tree, lamp(json!({ "colour": "red", "bulbs": 3 })));
    let mut wrong = lamp(json!({}));
    wrong["metadata"]["labels"]["l"] = 1.into();
    let told =
        "json: cannot unmarshal number into Go struct field ObjectMeta.labels of type string";
    assert_eq!(kind.canonicalize(&mut wrong).unwrap_err().to_string(), told);
    // What has the wrong type elsewhere is for validation to refuse.
    kind.canonicalize(&mut lamp(json!({ "colour": 5 }))).unwrap();
}

fn cells(columns: Tree, spec: Tree) -> Vec<Tree> {
    let kind = kind(|tree| tree["spec"]["versions"][0]["additionalPrinterColumns"] = columns);
    let object = kind.object(&lamp(spec)).unwrap();
    let cells = object.row("2026-01-01T00:10:00Z".parse().unwrap());
    assert_eq!(cells.len(), kind.info().columns.len());
    cells
}

#[test]
fn columns_point_into_objects() {
    let check = |type_: &str, path: &str, expected: Tree| {
        let column = json!([{ "name": "C", "type": type_, "jsonPath": path }]);
        let spec = json!({ "colour": "red", "bulbs": 3, "share": 1.5, "on": true, "none": null,
            "at": "2026-01-01T00:09:00Z", "list": [1, "b"], "map": { "a": 1 } });
        assert_eq!(cells(column, spec), [json!("a"), expected], "{type_} {path}");
    };
    check("string", ".spec.colour", json!("red"));
    check("string", ".spec.bulbs", json!("3"));
    check("string", ".spec.share", json!("1.5"));
    check("string", ".spec.on", json!("true"));
    check("string", ".spec.list", json!("[1,\"b\"]"));
    check("string", ".spec.map", json!("{\"a\":1}"));
    check("string", ".spec.none", json!("<no value>"));
    check("string", ".spec.missing", Tree::Null);
    check("string", ".metadata.labels.l", json!("m"));
    check("integer", ".spec.bulbs", json!(3));
    check("integer", ".spec.share", json!(1));
    check("integer", ".spec.colour", Tree::Null);
    check("number", ".spec.share", json!(1.5));
    check("boolean", ".spec.on", json!(true));
    check("boolean", ".spec.colour", Tree::Null);
    check("date", ".spec.at", json!("60s"));
    check("date", ".spec.colour", json!("<invalid>"));
    check("date", ".metadata.creationTimestamp", json!("10m"));
}

#[test]
fn kinds_without_columns_show_their_age() {
    let row = cells(json!([]), json!({}));
    assert_eq!(row, [json!("a"), json!("10m")]);
    let names: Vec<&str> = kind(|_| {}).info().columns.iter().map(|column| column.name).collect();
    assert_eq!(names, ["Name", "Age"]);
    // Nothing is shown from a path on that is none.
    let broken = json!([
        { "name": "A", "type": "string", "jsonPath": ".spec.colour" },
        { "name": "B", "type": "string", "jsonPath": ".spec[" },
        { "name": "C", "type": "string", "jsonPath": ".spec.colour" },
    ]);
    assert_eq!(cells(broken, json!({ "colour": "red" })).len(), 2);
}

#[test]
fn scales_need_whole_numbers() {
    let check = |spec: Tree, status: Tree, expected: &[&str]| {
        let kind = kind(|tree| {
            tree["spec"]["versions"][0]["subresources"]["scale"] = json!({
                "specReplicasPath": ".spec.bulbs", "statusReplicasPath": ".status.lit",
                "labelSelectorPath": ".status.selector" });
        });
        let tree = json!({ "spec": spec, "status": status });
        let errors = scale::spec_errors(kind.info(), &tree).into_iter();
        let errors = errors.chain(scale::status_errors(kind.info(), &tree));
        let texts: Vec<String> = errors.map(|error| error.to_string()).collect();
        assert_eq!(texts, expected);
    };
    check(json!({ "bulbs": 3 }), json!({ "lit": 2, "selector": "a=b" }), &[]);
    check(json!({}), json!({}), &[]);
    let negative = ".spec.bulbs: Invalid value: -1: should be a non-negative integer";
    check(json!({ "bulbs": -1 }), json!({}), &[negative]);
    let large =
        ".status.lit: Invalid value: 2147483648: should be less than or equal to 2147483647";
    check(json!({}), json!({ "lit": 2_147_483_648_i64 }), &[large]);
    let text = ".spec.bulbs: Invalid value: 0: .spec.bulbs accessor error: x is of the type string, expected int64";
    check(json!({ "bulbs": "x" }), json!({}), &[text]);
    let inner = ".spec.bulbs: Invalid value: 0: .spec accessor error: x is of the type string, expected map[string]interface{}";
    check(json!("x"), json!({}), &[inner]);
    let selector = ".status.selector: Invalid value: \"\": .status.selector accessor error: true is of the type bool, expected string";
    check(json!({}), json!({ "selector": true }), &[selector]);
}

#[test]
fn finalizers_without_a_domain_are_warned_about() {
    let check = |old: Option<&[&str]>, new: &[&str], expected: usize| {
        let with = |names: &[&str]| k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta {
            finalizers: Some(names.iter().map(|&name| name.to_owned()).collect()),
            ..Default::default()
        };
        let told = warnings::of_finalizers(&with(new), old.map(with).as_ref());
        assert_eq!(told.len(), expected, "{told:?}");
    };
    check(None, &["x/y", "orphan", "foregroundDeletion"], 0);
    check(None, &["x"], 1);
    check(Some(&["x"]), &["x"], 0);
    check(Some(&["x"]), &["x", "z"], 1);
    check(None, &["not a name"], 2);
}

#[test]
fn attributes_of_stored_objects_need_no_definition() {
    let body = lamp(json!({})).to_string();
    let resource = meta::GroupResource::new("x.io", "lamps");
    let key = meta::Key::new(&resource, "ns", "a");
    let found = stored_attributes(&key, body.as_bytes()).unwrap();
    assert_eq!((found.label("l"), found.field("metadata.name")), (Some("m"), Some("a")));
    assert_eq!(found.field("metadata.namespace"), Some("ns"));
}
