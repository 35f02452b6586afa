//! Objects of custom kinds come to what a real API server makes of them.
//!
//! A line of `tests/*.tsv` without a tab is a schema; lines with two tabs below it are the old object or nothing, the new object, and what
//! comes of it. A line that begins with `#` says what the cases are about. Objects are without what all of them have.

use std::fmt::Write as _;
use std::path::PathBuf;

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::JSONSchemaProps;
use meta::Tree;
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
