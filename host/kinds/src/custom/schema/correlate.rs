//! Which old value a new one replaces, so that what was already there can be told from what was changed.
//!
//! See <https://kubernetes.io/docs/tasks/extend-kubernetes/custom-resources/custom-resource-definitions/#validation-ratcheting>.

use meta::Tree;

use super::node::{ListKind, Node, Type};

/// A value, the one that it replaces, and the schema by which their parts belong together.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pair<'a> {
    pub(crate) new: &'a Tree,
    pub(crate) old: &'a Tree,
    node: &'a Node,
}

impl<'a> Pair<'a> {
    pub(crate) const fn new(new: &'a Tree, old: &'a Tree, node: &'a Node) -> Self {
        Self { new, old, node }
    }

    /// A field that is in both, and declared.
    pub(crate) fn key(&self, name: &str) -> Option<Self> {
        let (new, old) = (self.new.get(name)?, self.old.get(name)?);
        Some(Self { new, old, node: self.node.field(name)? })
    }

    /// An item of a list that is a map, with the one that had its keys.
    pub(crate) fn index(&self, index: usize) -> Option<Self> {
        if self.node.list != Some(ListKind::Map) {
            return None;
        }
        let new = self.new.get(index)?;
        let old = find(self.node, self.old.as_array()?, new)?;
        Some(Self { new, old, node: self.node.items.as_deref()? })
    }

    /// Whether nothing changed. Undeclared fields are never unchanged.
    pub(crate) fn is_same(&self) -> bool {
        match (self.new, self.old) {
            (Tree::Null, Tree::Null) => true,
            (Tree::Null, _) | (_, Tree::Null) => false,
            (Tree::Array(new), Tree::Array(old)) => {
                if self.node.list == Some(ListKind::Map) && !old.is_empty() {
                    let same = |index| self.index(index).is_some_and(|pair| pair.is_same());
                    new.len() == old.len() && (0..new.len()).all(same)
                } else {
                    new == old
                }
            }
            (Tree::Object(new), Tree::Object(old)) => {
                let same = |name: &String| self.key(name).is_some_and(|pair| pair.is_same());
                new.len() == old.len() && new.keys().all(same)
            }
            (new, old) => new == old,
        }
    }
}

/// The first item of a list that is a map which has the keys of another item. All of them must be there, and be scalars.
pub(crate) fn find<'a>(node: &Node, items: &'a [Tree], like: &Tree) -> Option<&'a Tree> {
    let is_map = node.ty == Some(Type::Array) && node.list == Some(ListKind::Map);
    if !is_map || node.keys.is_empty() {
        return None;
    }
    let key = |item: &'a Tree| -> Option<Vec<&'a Tree>> { key_of(node, item) };
    let wanted = key_of(node, like)?;
    items.iter().find(|item| key(item).is_some_and(|key| key == wanted))
}

fn key_of<'a>(node: &Node, item: &'a Tree) -> Option<Vec<&'a Tree>> {
    let scalar = |value: &&Tree| value.is_boolean() || value.is_number() || value.is_string();
    node.keys.iter().map(|name| item.get(&**name).filter(scalar)).collect()
}
