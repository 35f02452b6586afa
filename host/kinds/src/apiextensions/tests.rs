//! Definitions change as a real API server lets them, and schemas are nested only as deep as can be read.
//!
//! In `tests/updates.tsv` is a definition as it is stored, and on each line below it a subresource or nothing, a merge patch, and the errors
//! that come of it.

use std::path::PathBuf;

use meta::Tree;
use meta::decode::canonicalize;
use serde_json::json;

use crate::tests::{kind_of, merged, parse, read, shown};

fn file(name: &str) -> String {
    let path: PathBuf =
        [env!("CARGO_MANIFEST_DIR"), "src/apiextensions/tests", name].iter().collect();
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

#[test]
fn definitions_change_within_limits() {
    let (mut base, mut wrong) = (Tree::Null, Vec::new());
    for line in file("updates.tsv").lines() {
        let columns: Vec<&str> = line.split('\t').collect();
        let [subresource, change, expected] = columns[..] else {
            base = parse(line);
            continue;
        };
        let old = read(base.clone());
        let mut new = read(merged(base.clone(), parse(change)));
        let errors = if subresource.is_empty() {
            new.on_update(&*old);
            new.validate_update(&*old)
        } else {
            new.on_status_update(&*old);
            new.validate_status(&*old)
        };
        if shown(&errors) != parse(expected) {
            wrong.push(format!("{change}\n  is    {expected}\n  found {}\n", shown(&errors)));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.concat());
}

/// A definition with so many schemas, each but the last with another inside.
fn nested(levels: usize) -> Tree {
    let mut schema = json!({ "type": "string", "default": "x", "maxLength": 3 });
    for _ in 1..levels {
        schema = json!({ "type": "object", "properties": { "p": schema } });
    }
    json!({
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": { "name": "deeps.example.com" },
        "spec": {
            "group": "example.com",
            "scope": "Namespaced",
            "names": { "plural": "deeps", "kind": "Deep" },
            "versions": [{
                "name": "v1",
                "served": true,
                "storage": true,
                "schema": { "openAPIV3Schema": schema },
            }],
        },
    })
}

#[test]
fn deep_schemas_are_read_back() {
    let object = read(nested(55));
    assert_eq!(shown(&object.validate()), json!([]));
    let stored = object.tree().to_string();
    assert!(kind_of(&nested(1)).parse(stored.as_bytes()).is_ok(), "it is read back");
}

#[test]
fn deeper_schemas_are_refused() {
    let mut deeper = nested(1_000);
    let kind = kind_of(&deeper);
    let refused = canonicalize(&mut deeper, kind.type_ref(), crate::schema());
    assert!(refused.is_err(), "the walk does not follow it to the end");
}
