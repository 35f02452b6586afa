//! Taking fields out of an object.

use serde_json::Map;

use super::set::Node;
use super::shape::{Atom, Shape};
use super::{Element, FieldSet};
use crate::Tree;
use crate::schema::{Schema, TypeRef};

/// The object without the fields of the set, and without what is inside them.
pub(super) fn remove(tree: &Tree, fields: &FieldSet, ty: &TypeRef, schema: &Schema) -> Tree {
    visit(tree, fields, Shape::root(ty), schema)
}

/// A container of which nothing is left becomes null.
fn visit(value: &Tree, fields: &FieldSet, shape: Shape<'_>, schema: &Schema) -> Tree {
    match (shape.atom(schema, Some(value)), value) {
        (Atom::Map(members), Tree::Object(map)) => {
            let mut out = Map::new();
            for (name, value) in map {
                let kept = match fields.find(&Element::field(name.as_str())) {
                    Some(node) if node.member => continue,
                    Some(node) => visit(value, &node.children, members.member(name).0, schema),
                    None => value.clone(),
                };
                out.insert(name.clone(), kept);
            }
            if out.is_empty() { Tree::Null } else { Tree::Object(out) }
        }
        (Atom::List(items), Tree::Array(list)) => {
            let mut out = Vec::with_capacity(list.len());
            for item in list {
                let element = items.element(item, schema).ok();
                match element.and_then(|element| fields.find(&element)) {
                    Some(node) if node.member => {}
                    Some(node) => out.push(visit(item, &node.children, items.shape, schema)),
                    None => out.push(item.clone()),
                }
            }
            if out.is_empty() { Tree::Null } else { Tree::Array(out) }
        }
        (Atom::Leaf, value) if !matches!(value, Tree::Array(_) | Tree::Object(_)) => value.clone(),
        _ => Tree::Null,
    }
}

/// The set with the structs as members that have fields in it, so that removing all of a struct
/// removes it.
pub(super) fn with_structs(fields: &FieldSet, ty: &TypeRef, schema: &Schema) -> FieldSet {
    ensure(fields, Shape::root(ty), schema)
}

fn ensure(fields: &FieldSet, shape: Shape<'_>, schema: &Schema) -> FieldSet {
    let atom = shape.parts(schema);
    let nodes = fields.nodes().iter().map(|node| {
        let (inner, declared) = match (&node.element, atom) {
            (Element::Field(name), Atom::Map(members)) => {
                let (shape, declared) = members.member(name);
                (Some(shape), declared)
            }
            (_, Atom::List(items)) => (Some(items.shape), false),
            _ => (None, false),
        };
        Node {
            element: node.element.clone(),
            member: node.member || (declared && !node.children.is_empty()),
            children: match inner {
                Some(shape) => ensure(&node.children, shape, schema),
                None => node.children.clone(),
            },
        }
    });
    FieldSet::from_nodes(nodes.collect())
}

/// The set after its type changed: where a value is now owned as a whole, fields inside it become
/// the value itself. Types seldom change, so that nothing is copied unless one did.
pub(super) fn reconcile(fields: FieldSet, ty: &TypeRef, schema: &Schema) -> FieldSet {
    let root = Shape::root(ty);
    if fits(&fields, root, schema) { fields } else { collapse(&fields, root, schema) }
}

/// Whether no value that is owned as a whole has fields of its own in the set.
fn fits(fields: &FieldSet, shape: Shape<'_>, schema: &Schema) -> bool {
    fields.nodes().iter().filter(|node| !node.children.is_empty()).all(|node| {
        inner(&node.element, shape, schema)
            .is_none_or(|inner| !inner.is_whole(schema) && fits(&node.children, inner, schema))
    })
}

fn collapse(fields: &FieldSet, shape: Shape<'_>, schema: &Schema) -> FieldSet {
    let nodes = fields.nodes().iter().map(|node| {
        let inner = inner(&node.element, shape, schema).filter(|_| !node.children.is_empty());
        let (member, children) = match inner {
            None => return node.clone(),
            Some(inner) if inner.is_whole(schema) => (true, FieldSet::new()),
            Some(inner) => (node.member, collapse(&node.children, inner, schema)),
        };
        Node { element: node.element.clone(), member, children }
    });
    FieldSet::from_nodes(nodes.collect())
}

/// The shape of what a step leads to, if the type knows the step.
fn inner<'a>(element: &Element, shape: Shape<'a>, schema: &'a Schema) -> Option<Shape<'a>> {
    match (element, shape.parts(schema)) {
        (Element::Field(name), Atom::Map(members)) => Some(members.member(name).0),
        (_, Atom::List(items)) => Some(items.shape),
        _ => None,
    }
}
