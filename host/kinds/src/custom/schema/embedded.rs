//! Objects inside objects: what every object has is checked and pruned in them too.

use k8s_openapi::api::core::v1::ConfigMap;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use meta::field::{FieldError, Path};
use meta::{GroupVersion, Tree, decode, names};
use serde::Deserialize as _;
use serde_json::Map;

use super::lists::child;
use super::node::{Node, Rest};
use crate::{KindInfo, NameRule, facts, metadata};

/// Of an object inside another nothing is known, not even how its kind is called.
const EMBEDDED: KindInfo =
    KindInfo { name_rule: NameRule::PathSegment, ..KindInfo::namespaced::<ConfigMap>() };

/// Brings the metadata of embedded objects into its form. Returns the paths of what was dropped, or what does not have the form at all.
/// `is_resource` says that the value itself is one, and `base` where it is.
pub(crate) fn coerce(
    tree: &mut Tree,
    node: &Node,
    is_resource: bool,
    base: Option<&Path>,
) -> Result<Vec<String>, FieldError> {
    let mut dropped = Vec::new();
    coerce_at(tree, node, base, is_resource || node.embedded, &mut dropped)?;
    dropped.sort();
    Ok(dropped)
}

fn coerce_at(
    tree: &mut Tree,
    node: &Node,
    path: Option<&Path>,
    embedded: bool,
    dropped: &mut Vec<String>,
) -> Result<(), FieldError> {
    match tree {
        Tree::Object(fields) => {
            if embedded {
                coerce_object(fields, path, dropped)?;
            }
            for (name, value) in fields {
                if !value.is_object() && !value.is_array() {
                    continue;
                }
                if let Some((inner, path)) = step(node, name, path) {
                    coerce_at(value, inner, Some(&path), inner.embedded, dropped)?;
                }
            }
        }
        Tree::Array(items) => {
            let (Some(item), Some(path)) = (&node.items, path) else { return Ok(()) };
            for (index, value) in items.iter_mut().enumerate() {
                coerce_at(value, item, Some(&path.index(index)), item.embedded, dropped)?;
            }
        }
        _ => {}
    }
    Ok(())
}

/// The schema of a field and the path to it.
fn step<'a>(node: &'a Node, name: &str, path: Option<&Path>) -> Option<(&'a Node, Path)> {
    match (node.properties.get(name), &node.rest) {
        (Some(field), _) => Some((field, child(path, name))),
        (None, Rest::Schema(rest)) => Some((rest, path?.key(name))),
        _ => None,
    }
}

fn coerce_object(
    fields: &mut Map<String, Tree>,
    path: Option<&Path>,
    dropped: &mut Vec<String>,
) -> Result<(), FieldError> {
    for name in ["apiVersion", "kind"] {
        if let Some(value) = fields.get(name).filter(|value| !value.is_string()) {
            return Err(FieldError::invalid(&child(path, name), value, "must be a string"));
        }
    }
    let Some(metadata) = fields.get_mut("metadata") else { return Ok(()) };
    let path = child(path, "metadata");
    if metadata.is_null() {
        *metadata = Tree::Object(Map::new());
        return Ok(());
    }
    let given = metadata.clone();
    let found =
        decode::canonicalize(metadata, facts::type_ref(facts::OBJECT_META), facts::schema());
    match found {
        Ok(found) => {
            dropped.extend(found.unknown.iter().map(|name| format!("{path}.{name}")));
            Ok(())
        }
        Err(error) => Err(FieldError::invalid(&path, given, error.to_string())),
    }
}

/// What is wrong with embedded objects. `is_resource` says that the value itself is one.
pub(crate) fn check(
    tree: &Tree,
    node: &Node,
    is_resource: bool,
    base: Option<&Path>,
) -> Vec<FieldError> {
    let mut errors = Vec::new();
    check_at(tree, node, base, is_resource || node.embedded, &mut errors);
    errors
}

fn check_at(
    tree: &Tree,
    node: &Node,
    path: Option<&Path>,
    embedded: bool,
    errors: &mut Vec<FieldError>,
) {
    match tree {
        Tree::Object(fields) => {
            if embedded {
                check_object(fields, path, errors);
            }
            for (name, value) in fields {
                if !value.is_object() && !value.is_array() {
                    continue;
                }
                if let Some((inner, path)) = step(node, name, path) {
                    check_at(value, inner, Some(&path), inner.embedded, errors);
                }
            }
        }
        Tree::Array(items) => {
            let (Some(item), Some(path)) = (&node.items, path) else { return };
            for (index, value) in items.iter().enumerate() {
                check_at(value, item, Some(&path.index(index)), item.embedded, errors);
            }
        }
        _ => {}
    }
}

fn check_object(fields: &Map<String, Tree>, path: Option<&Path>, errors: &mut Vec<FieldError>) {
    for name in ["apiVersion", "kind"] {
        if !fields.contains_key(name) {
            errors.push(FieldError::required(&child(path, name), ""));
        }
    }
    for (name, value) in fields {
        let at = child(path, name);
        let problem = match (name.as_str(), value) {
            ("apiVersion" | "kind", Tree::String(text)) if text.is_empty() => {
                Some("must not be empty".to_owned())
            }
            ("apiVersion", Tree::String(text)) => GroupVersion::parse(text)
                .is_none()
                .then(|| format!("unexpected GroupVersion string: {text}")),
            ("kind", Tree::String(text)) => {
                let problems = names::is_dns1035_label(&text.to_lowercase());
                (!problems.is_empty()).then(|| {
                    format!(
                        "may have mixed case, but should otherwise match: {}",
                        problems.join(",")
                    )
                })
            }
            ("apiVersion" | "kind", _) => Some("must be a string".to_owned()),
            ("metadata", value) => {
                errors.extend(check_metadata(value, &at));
                None
            }
            _ => None,
        };
        errors.extend(problem.map(|problem| FieldError::invalid(&at, value, problem)));
    }
}

fn check_metadata(value: &Tree, path: &Path) -> Vec<FieldError> {
    let mut canonical = value.clone();
    let typed = match canonical {
        Tree::Null => Ok(ObjectMeta::default()),
        _ => decode::canonicalize(
            &mut canonical,
            facts::type_ref(facts::OBJECT_META),
            facts::schema(),
        )
        .map_err(|error| error.to_string())
        .and_then(|_| ObjectMeta::deserialize(&canonical).map_err(|error| error.to_string())),
    };
    let mut typed = match typed {
        Ok(typed) => typed,
        Err(problem) => return vec![FieldError::invalid(path, value, problem)],
    };
    // It may be without a name.
    if typed.name.as_deref().unwrap_or_default().is_empty() {
        typed.name = Some("fakename".to_owned());
    }
    let namespaced = typed.namespace.as_deref().is_some_and(|namespace| !namespace.is_empty());
    let mut errors = metadata::validate(&KindInfo { namespaced, ..EMBEDDED }, &typed);
    for error in &mut errors {
        let inside = error.path.strip_prefix("metadata").unwrap_or_default();
        error.path = format!("{path}{inside}");
    }
    errors
}
