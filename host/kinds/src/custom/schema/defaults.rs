//! Fills in what the schema declares as defaults, and does away with nulls where none may be.
//!
//! See <https://kubernetes.io/docs/tasks/extend-kubernetes/custom-resources/custom-resource-definitions/#defaulting>.

use meta::Tree;

use super::node::{Node, Rest};

/// Drops the nulls of fields that may not be null and have no default.
pub(crate) fn drop_nulls(tree: &mut Tree, node: Option<&Node>) {
    match tree {
        Tree::Object(fields) => fields.retain(|name, value| {
            let field = node.and_then(|node| node.field(name));
            if value.is_null() {
                return field.is_none_or(|field| field.nullable || field.default.is_some());
            }
            if field.is_some() {
                drop_nulls(value, field);
            }
            true
        }),
        Tree::Array(items) => {
            if let Some(item) = node.and_then(|node| node.items.as_deref()) {
                items.iter_mut().for_each(|value| drop_nulls(value, Some(item)));
            }
        }
        _ => {}
    }
}

/// Fills in the defaults of fields that are absent, or null where they may not be.
pub(crate) fn fill(tree: &mut Tree, node: &Node) {
    match tree {
        Tree::Object(fields) => {
            for (name, field) in &node.properties {
                let Some(default) = &field.default else { continue };
                let is_there =
                    fields.get(&**name).is_some_and(|value| field.nullable || !value.is_null());
                if !is_there {
                    fields.insert(name.to_string(), default.clone());
                }
            }
            for (name, value) in fields {
                match (node.properties.get(name.as_str()), &node.rest) {
                    (Some(field), _) => fill(value, field),
                    (None, Rest::Schema(rest)) => fill_item(value, rest),
                    _ => {}
                }
            }
        }
        Tree::Array(items) => {
            if let Some(item) = &node.items {
                items.iter_mut().for_each(|value| fill_item(value, item));
            }
        }
        _ => {}
    }
}

fn fill_item(value: &mut Tree, node: &Node) {
    if value.is_null()
        && !node.nullable
        && let Some(default) = &node.default
    {
        *value = default.clone();
    }
    fill(value, node);
}
