//! The fields that a value has.
//!
//! Leaves are members, and so are items of lists, entries of maps, nulls and empty maps; structs
//! are not.

use super::FieldSet;
use super::set::Node;
use super::shape::{Atom, Shape, as_list, as_map};
use crate::Tree;
use crate::schema::{Schema, TypeRef};

pub(super) fn field_set(tree: &Tree, ty: &TypeRef, schema: &Schema) -> FieldSet {
    visit(tree, Shape::root(ty), schema).1
}

/// Whether the value itself is a member, and the fields inside it.
fn visit(value: &Tree, shape: Shape<'_>, schema: &Schema) -> (bool, FieldSet) {
    let mut nodes = Vec::new();
    match shape.atom(schema, Some(value)) {
        Atom::Leaf => return (true, FieldSet::new()),
        Atom::Map(members) => {
            for (name, value) in as_map(Some(value)).into_iter().flatten() {
                let (shape, declared) = members.member(name);
                let (member, children) = visit(value, shape, schema);
                let hollow =
                    value.is_null() || value.as_object().is_some_and(serde_json::Map::is_empty);
                nodes.push(Node {
                    element: super::Element::field(name.as_str()),
                    member: member || hollow || !declared,
                    children,
                });
            }
        }
        Atom::List(items) => {
            let list = as_list(Some(value)).unwrap_or_default();
            let mut elements = Vec::with_capacity(list.len());
            for item in list {
                // Items that cannot be told apart are refused by validation before it comes to
                // this.
                let Ok(element) = items.element(item, schema) else { continue };
                elements.push((element, item));
            }
            elements.sort_by(|a, b| a.0.cmp(&b.0));
            for same in elements.chunk_by(|a, b| a.0 == b.0) {
                // What is inside repeated items cannot be attributed.
                let children = match same {
                    [(_, item)] => visit(item, items.shape, schema).1,
                    _ => FieldSet::new(),
                };
                let Some((element, _)) = same.first() else { continue };
                nodes.push(Node { element: element.clone(), member: true, children });
            }
        }
    }
    (false, FieldSet::from_nodes(nodes))
}
