//! Objects of custom kinds come to what a real API server makes of them.
//!
//! A line of `tests/*.tsv` without a tab is a schema; lines with two tabs below it are the old object or nothing, the new object, and what
//! comes of it. A line that begins with `#` says what the cases are about. Objects are without what all of them have.

use std::fmt::Write as _;
use std::path::PathBuf;

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::JSONSchemaProps;
use meta::Tree;
use proptest::prelude::*;
use serde_json::json;

use super::{CustomSchema, Found};

fn file(name: &str) -> String {
    let path: PathBuf =
        [env!("CARGO_MANIFEST_DIR"), "src/custom/schema/tests", name].iter().collect();
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn parse(text: &str) -> Tree {
    serde_json::from_str(text).unwrap_or_else(|error| panic!("{error}: {text}"))
}

fn object(fields: &Tree) -> Tree {
    let mut object =
        json!({ "apiVersion": "t.example.com/v1", "kind": "Case", "metadata": { "name": "x" } });
    for (name, value) in fields.as_object().expect("cases are objects") {
        if name == "metadata" {
            for (name, value) in value.as_object().expect("metadata is an object") {
                object["metadata"][name] = value.clone();
            }
        } else {
            object[name] = value.clone();
        }
    }
    object
}

/// What comes of an object, as the files have it.
fn outcome(schema: &CustomSchema, old: Option<&Tree>, new: &Tree, of_status: bool) -> Tree {
    let mut new = object(new);
    let mut dropped = schema.prune(&mut new);
    match schema.coerce_embedded(&mut new) {
        Ok(more) => dropped.extend(more),
        Err(error) => return json!({ "refused": error.to_string() }),
    }
    dropped.sort();
    schema.set_defaults(&mut new);
    let old = old.map(|old| {
        let mut old = object(old);
        schema.prune(&mut old);
        schema.set_defaults(&mut old);
        old
    });
    let Found { errors, warnings } = match &old {
        Some(old) if of_status => schema.validate_status(&new, old),
        old => schema.validate(&new, old.as_ref()),
    };
    let mut errors: Vec<String> = errors.iter().map(ToString::to_string).collect();
    errors.sort();
    let mut found = json!({ "dropped": dropped, "errors": errors, "warnings": warnings });
    if errors.is_empty() {
        let fields = new.as_object_mut().expect("it is an object");
        for name in ["apiVersion", "kind", "metadata"] {
            fields.remove(name);
        }
        found["object"] = new;
    }
    found
}

fn check(cases: &str) {
    let mut wrong = String::new();
    let (mut schema, mut of_status) = (CustomSchema::compile(None), false);
    for line in cases.lines() {
        let columns: Vec<&str> = line.split('\t').collect();
        let [old, new, expected] = columns[..] else {
            if line.starts_with('#') {
                of_status = line.contains("status");
            } else {
                let props: JSONSchemaProps = serde_json::from_value(parse(line)).expect("a schema");
                schema = CustomSchema::compile(Some(&props));
            }
            continue;
        };
        let old = (!old.is_empty()).then(|| parse(old));
        let found = outcome(&schema, old.as_ref(), &parse(new), of_status);
        if found != parse(expected) {
            let _ = writeln!(wrong, "{line}\n  found {found}");
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}

#[test]
fn values_are_checked_as_their_schema_says() {
    check(&file("values.tsv"));
}

#[test]
fn rules_are_run_as_their_schema_says() {
    check(&file("rules.tsv"));
}

fn any_tree() -> impl Strategy<Value = Tree> {
    let leaf = prop_oneof![
        Just(Tree::Null),
        any::<bool>().prop_map(Tree::from),
        (-3_i64..3).prop_map(Tree::from),
        Just(json!(1.5)),
        Just(json!(2.0)),
        "[ab]{0,2}".prop_map(Tree::from),
    ];
    leaf.prop_recursive(4, 24, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Tree::from),
            prop::collection::btree_map("[abk]", inner, 0..4)
                .prop_map(|fields| Tree::Object(fields.into_iter().collect())),
        ]
    })
}

fn any_schema() -> impl Strategy<Value = Tree> {
    let leaf = prop_oneof![
        Just(json!({ "type": "string", "maxLength": 1, "default": "a" })),
        Just(json!({ "type": "string", "nullable": true, "pattern": "a" })),
        Just(json!({ "type": "integer", "minimum": 0, "default": 1 })),
        Just(json!({ "type": "number", "multipleOf": 0.5 })),
        Just(json!({ "type": "boolean", "enum": [true], "nullable": true })),
        Just(json!({ "x-kubernetes-int-or-string": true })),
        Just(json!({ "x-kubernetes-preserve-unknown-fields": true })),
    ];
    leaf.prop_recursive(4, 16, 3, |inner| {
        let fields = prop::collection::btree_map("[abk]", inner.clone(), 0..3);
        let object = (fields, any::<bool>(), any::<bool>()).prop_map(|(fields, keeps, filled)| {
            let mut schema = json!({ "type": "object", "properties": fields, "required": ["a"] });
            if keeps {
                schema["x-kubernetes-preserve-unknown-fields"] = true.into();
            }
            if filled {
                schema["default"] = json!({});
            }
            schema
        });
        let set = json!({ "type": "array", "x-kubernetes-list-type": "set" });
        prop_oneof![
            object,
            inner.clone().prop_map(|of| json!({ "type": "object", "additionalProperties": of })),
            inner.prop_map(move |of| {
                let mut list = set.clone();
                list["items"] = of;
                list
            }),
        ]
    })
}

fn compiled(spec: Tree) -> CustomSchema {
    let schema = json!({ "type": "object", "properties": { "spec": spec } });
    let props: JSONSchemaProps = serde_json::from_value(schema).expect("a schema");
    CustomSchema::compile(Some(&props))
}

proptest! {
    #[test]
    fn pruning_and_defaulting_again_changes_nothing(spec in any_schema(), value in any_tree()) {
        let schema = compiled(spec);
        let mut tree = object(&json!({ "spec": value }));
        schema.prune(&mut tree);
        schema.set_defaults(&mut tree);
        let once = tree.clone();
        prop_assert_eq!(schema.prune(&mut tree), Vec::<String>::new());
        schema.set_defaults(&mut tree);
        prop_assert_eq!(tree, once);
    }

    #[test]
    fn what_is_not_changed_stays_valid(spec in any_schema(), value in any_tree()) {
        let schema = compiled(spec);
        let mut tree = object(&json!({ "spec": value }));
        schema.prune(&mut tree);
        schema.set_defaults(&mut tree);
        let new: Vec<_> = schema.validate(&tree, None).errors;
        for error in schema.validate(&tree, Some(&tree)).errors {
            prop_assert!(new.contains(&error), "{} is told of a new object as well", error);
        }
    }
}
