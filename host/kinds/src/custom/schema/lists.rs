//! Lists whose items must differ: sets, and lists that are maps.

use std::collections::BTreeSet;

use meta::Tree;
use meta::field::{FieldError, Path};
use serde_json::Map;

use super::node::{ListKind, Node, Rest};

/// Items that are there more than once.
pub(crate) fn check(tree: &Tree, node: &Node) -> Vec<FieldError> {
    let mut errors = Vec::new();
    visit(tree, node, None, &mut errors);
    errors
}

/// A path below another, or the first step of one.
pub(super) fn child(path: Option<&Path>, name: &str) -> Path {
    match path {
        Some(path) => path.child(name.to_owned()),
        None => Path::new(name.to_owned()),
    }
}

fn visit(tree: &Tree, node: &Node, path: Option<&Path>, errors: &mut Vec<FieldError>) {
    match tree {
        Tree::Object(fields) => {
            for (name, value) in fields {
                if !value.is_array() && !value.is_object() {
                    continue;
                }
                match (node.properties.get(name.as_str()), &node.rest) {
                    (Some(field), _) => visit(value, field, Some(&child(path, name)), errors),
                    (None, Rest::Schema(rest)) => {
                        let path = path.map(|path| path.key(name));
                        visit(value, rest, path.as_ref(), errors);
                    }
                    _ => {}
                }
            }
        }
        Tree::Array(items) => {
            let Some(path) = path else { return };
            match node.list {
                Some(ListKind::Set) => repeated(items, path, errors),
                Some(ListKind::Map) => keyed(items, &node.keys, path, errors),
                _ => {}
            }
            if let Some(item) = &node.items {
                for (index, value) in items.iter().enumerate() {
                    visit(value, item, Some(&path.index(index)), errors);
                }
            }
        }
        _ => {}
    }
}

fn keyed(items: &[Tree], names: &[Box<str>], path: &Path, errors: &mut Vec<FieldError>) {
    let other = items.iter().position(|item| !item.is_object() && !item.is_null());
    if let Some(index) = other {
        let detail = "must be an object for an array of list-type map";
        errors.push(FieldError::invalid(&path.index(index), &items[index], detail));
        return;
    }
    let key = |item: &Tree| {
        let values = names.iter().filter_map(|name| Some((name, item.get(&**name)?)));
        Tree::Object(values.map(|(name, value)| (name.to_string(), value.clone())).collect())
    };
    repeated(&items.iter().map(key).collect::<Vec<_>>(), path, errors);
}

/// Tells each value that is there again, once.
fn repeated(values: &[Tree], path: &Path, errors: &mut Vec<FieldError>) {
    let mut seen = BTreeSet::new();
    let mut told = BTreeSet::new();
    for (index, value) in values.iter().enumerate() {
        let text = sorted(value).to_string();
        if !seen.insert(text.clone()) && told.insert(text) {
            errors.push(FieldError::duplicate(&path.index(index), value));
        }
    }
}

/// The value with its fields in one order, so that equal values are printed alike.
fn sorted(value: &Tree) -> Tree {
    match value {
        Tree::Object(fields) => {
            let mut fields: Vec<_> = fields.iter().collect();
            fields.sort_by_key(|(name, _)| *name);
            let fields = fields.into_iter().map(|(name, value)| (name.clone(), sorted(value)));
            Tree::Object(fields.collect::<Map<_, _>>())
        }
        Tree::Array(items) => items.iter().map(sorted).collect(),
        scalar => scalar.clone(),
    }
}
