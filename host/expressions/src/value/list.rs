//! Lists. Some are sets or maps: then their order means nothing, and adding to them means something else.
//!
//! See <https://kubernetes.io/docs/reference/using-api/cel/#type-checking>.

use std::ops::{Deref, DerefMut};
use std::sync::Arc;

use super::{Key, Value};

/// A list, and what tells its items apart.
#[derive(Clone, Debug, Default)]
pub struct List {
    items: Vec<Value>,
    kind: ListKind,
}

/// What tells the items of a list apart.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum ListKind {
    /// Their place.
    #[default]
    Ordered,
    /// Their value.
    Set,
    /// The values of these fields.
    Keyed(Arc<[Arc<str>]>),
}

impl List {
    pub fn new(items: Vec<Value>, kind: ListKind) -> Self {
        Self { items, kind }
    }

    /// Adds another list: at the end, as far as it is not there, or in the place of what has its keys.
    pub(crate) fn add(&mut self, other: &Self) {
        match &self.kind {
            ListKind::Ordered => self.items.extend(other.items.iter().cloned()),
            ListKind::Set => {
                for item in &other.items {
                    if !self.items.contains(item) {
                        self.items.push(item.clone());
                    }
                }
            }
            ListKind::Keyed(keys) => {
                for item in &other.items {
                    match self.items.iter().position(|known| same_keys(known, item, keys)) {
                        Some(at) => self.items[at] = item.clone(),
                        None => self.items.push(item.clone()),
                    }
                }
            }
        }
    }

    /// Whether every item may have to be compared with every other.
    pub(crate) fn is_unordered(&self) -> bool {
        self.kind != ListKind::Ordered
    }
}

impl PartialEq for List {
    fn eq(&self, other: &Self) -> bool {
        if self.items.len() != other.items.len() {
            return false;
        }
        match &self.kind {
            ListKind::Ordered => self.items == other.items,
            ListKind::Set => {
                let has = |items: &[Value], item| items.contains(item);
                other.items.iter().all(|item| has(&self.items, item))
                    && self.items.iter().all(|item| has(&other.items, item))
            }
            ListKind::Keyed(keys) => other.items.iter().all(|item| {
                let same = self.items.iter().find(|known| same_keys(known, item, keys));
                same.is_some_and(|known| known == item)
            }),
        }
    }
}

fn same_keys(a: &Value, b: &Value, keys: &[Arc<str>]) -> bool {
    let field = |of: &Value, name: &Arc<str>| match of {
        Value::Map(entries) => entries.get(&Key::String(Arc::clone(name))).cloned(),
        _ => None,
    };
    keys.iter().all(|name| field(a, name) == field(b, name))
}

impl Deref for List {
    type Target = Vec<Value>;

    fn deref(&self) -> &Vec<Value> {
        &self.items
    }
}

impl DerefMut for List {
    fn deref_mut(&mut self) -> &mut Vec<Value> {
        &mut self.items
    }
}
