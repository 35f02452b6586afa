//! What differs between two versions of an object: which fields were removed, modified and added.

use std::collections::BTreeSet;

use serde_json::Map;

use super::set::Node;
use super::shape::{Atom, Items, Members, Shape, as_list, as_map};
use super::{Element, FieldSet};
use crate::Tree;
use crate::schema::{Schema, TypeRef};

/// The fields that differ.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Changes {
    pub(super) removed: FieldSet,
    pub(super) modified: FieldSet,
    pub(super) added: FieldSet,
}

impl Changes {
    pub(super) fn is_empty(&self) -> bool {
        self.removed.is_empty() && self.modified.is_empty() && self.added.is_empty()
    }

    /// Without fields that the request cannot write.
    pub(super) fn without(self, reset: Option<&FieldSet>) -> Self {
        let Some(reset) = reset else { return self };
        Self {
            removed: self.removed.difference_below(reset),
            modified: self.modified.difference_below(reset),
            added: self.added.difference_below(reset),
        }
    }
}

/// Compares two objects of one type. Lists whose items cannot be told apart are an error.
pub(super) fn compare(
    old: &Tree,
    new: &Tree,
    ty: &TypeRef,
    schema: &Schema,
) -> Result<Changes, String> {
    let delta = Walk { schema }.values(Some(old), Some(new), Shape::root(ty))?;
    Ok(Changes {
        removed: delta.removed.children,
        modified: delta.modified.children,
        added: delta.added.children,
    })
}

/// The differences at a value and inside it.
#[derive(Default)]
struct Delta {
    removed: Slot,
    modified: Slot,
    added: Slot,
}

#[derive(Default)]
struct Slot {
    member: bool,
    children: FieldSet,
}

/// The differences inside a value as they are found.
#[derive(Default)]
struct Parts {
    removed: Vec<Node>,
    modified: Vec<Node>,
    added: Vec<Node>,
}

impl Parts {
    fn take(&mut self, element: Element, delta: Delta) {
        let Delta { removed, modified, added } = delta;
        let has = |slot: &Slot| slot.member || !slot.children.is_empty();
        let node = |element, Slot { member, children }| Node { element, member, children };
        if has(&removed) {
            self.removed.push(node(element.clone(), removed));
        }
        if has(&modified) {
            self.modified.push(node(element.clone(), modified));
        }
        // The one that a new object has many of.
        if has(&added) {
            self.added.push(node(element, added));
        }
    }

    fn into_delta(self) -> Delta {
        let slot = |nodes| Slot { member: false, children: FieldSet::from_nodes(nodes) };
        Delta {
            removed: slot(self.removed),
            modified: slot(self.modified),
            added: slot(self.added),
        }
    }
}

struct Walk<'a> {
    schema: &'a Schema,
}

impl Walk<'_> {
    /// At least one of the values is there.
    fn values(
        &self,
        old: Option<&Tree>,
        new: Option<&Tree>,
        shape: Shape<'_>,
    ) -> Result<Delta, String> {
        // Most of an object is the same; that is told fastest without looking at its type.
        if old == new {
            return Ok(Delta::default());
        }
        if matches!(shape.ty, TypeRef::Any) {
            return self.untyped(old, new, shape);
        }
        match shape.atom(self.schema, new.or(old)) {
            Atom::Leaf => Ok(leaf(old, new)),
            Atom::Map(members) => self.container(old, new, members),
            Atom::List(items) => {
                let (a, b) = (as_list(old), as_list(new));
                if a.is_none_or(<[_]>::is_empty) && b.is_none_or(<[_]>::is_empty) {
                    return Ok(leaf(old, new));
                }
                let delta = self.items(a.unwrap_or_default(), b.unwrap_or_default(), items)?;
                Ok(appearing(delta, old, new))
            }
        }
    }

    /// Without a type, a map is compared by members with another map, and as a whole with anything
    /// else.
    fn untyped(
        &self,
        old: Option<&Tree>,
        new: Option<&Tree>,
        shape: Shape<'_>,
    ) -> Result<Delta, String> {
        let sample = new.filter(|v| v.is_object()).or_else(|| old.filter(|v| v.is_object()));
        let Atom::Map(members) = shape.atom(self.schema, sample) else { return Ok(leaf(old, new)) };
        let mut delta = self.container(old, new, members)?;
        let other = |v: Option<&Tree>| v.is_some_and(|v| !v.is_object() && !v.is_null());
        if other(old) || other(new) {
            delta.modified.member = true;
        }
        Ok(delta)
    }

    fn container(
        &self,
        old: Option<&Tree>,
        new: Option<&Tree>,
        members: Members<'_>,
    ) -> Result<Delta, String> {
        let (a, b) = (as_map(old), as_map(new));
        if a.is_none_or(Map::is_empty) && b.is_none_or(Map::is_empty) {
            return Ok(leaf(old, new));
        }
        let delta = self.members(a, b, members)?;
        Ok(appearing(delta, old, new))
    }

    fn members(
        &self,
        old: Option<&Map<String, Tree>>,
        new: Option<&Map<String, Tree>>,
        members: Members<'_>,
    ) -> Result<Delta, String> {
        let mut parts = Parts::default();
        for (name, value) in old.into_iter().flatten() {
            let other = new.and_then(|new| new.get(name));
            let delta = self.values(Some(value), other, members.member(name).0)?;
            if !delta.is_empty() {
                parts.take(Element::field(name.as_str()), delta);
            }
        }
        for (name, value) in new.into_iter().flatten() {
            if old.is_some_and(|old| old.contains_key(name)) {
                continue;
            }
            let delta = self.values(None, Some(value), members.member(name).0)?;
            parts.take(Element::field(name.as_str()), delta);
        }
        Ok(parts.into_delta())
    }

    fn items(&self, old: &[Tree], new: &[Tree], items: Items<'_>) -> Result<Delta, String> {
        let mut parts = Parts::default();
        let (old, new) = (items.group(old, self.schema)?, items.group(new, self.schema)?);
        let elements: BTreeSet<_> = old.items.keys().chain(new.items.keys()).collect();
        for element in elements {
            let a = old.items.get(element).map_or(&[][..], Vec::as_slice);
            let b = new.items.get(element).map_or(&[][..], Vec::as_slice);
            // Repeated items are only ever compared as one.
            let mut delta = match (a, b) {
                ([a], [b]) => self.values(Some(a), Some(b), items.shape)?,
                ([a], _) => self.values(Some(a), None, items.shape)?,
                (_, [b]) => self.values(None, Some(b), items.shape)?,
                _ => Delta::default(),
            };
            match (a.len(), b.len()) {
                (2.., 2..) => delta.modified.member = a != b,
                (2.., _) => delta.removed.member = true,
                (_, 2..) => delta.added.member = true,
                _ => {}
            }
            parts.take(element.clone(), delta);
        }
        Ok(parts.into_delta())
    }
}

impl Delta {
    fn is_empty(&self) -> bool {
        let empty = |slot: &Slot| !slot.member && slot.children.is_empty();
        empty(&self.removed) && empty(&self.modified) && empty(&self.added)
    }
}

fn leaf(old: Option<&Tree>, new: Option<&Tree>) -> Delta {
    let mut delta = Delta::default();
    match (old, new) {
        (None, _) => delta.added.member = true,
        (_, None) => delta.removed.member = true,
        (Some(old), Some(new)) => delta.modified.member = old != new,
    }
    delta
}

/// A container that only one side has is itself added or removed.
fn appearing(mut delta: Delta, old: Option<&Tree>, new: Option<&Tree>) -> Delta {
    delta.added.member |= old.is_none();
    delta.removed.member |= new.is_none();
    delta
}
