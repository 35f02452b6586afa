//! Merging an applied configuration into the object: its values win, what it does not mention
//! stays.

use std::collections::{BTreeSet, VecDeque};

use serde_json::Map;

use super::Element;
use super::shape::{Atom, Groups, Items, Members, Shape, as_list, as_map};
use crate::Tree;
use crate::schema::{Schema, TypeRef};

/// The object with the configuration merged in.
pub(super) fn merge(
    live: &Tree,
    config: &Tree,
    ty: &TypeRef,
    schema: &Schema,
) -> Result<Tree, String> {
    let merged = Walk { schema }.values(Some(live), Some(config), Shape::root(ty))?;
    Ok(merged.unwrap_or_default())
}

struct Walk<'a> {
    schema: &'a Schema,
}

impl Walk<'_> {
    /// The merged value; nothing if nothing is left of it.
    fn values(
        &self,
        live: Option<&Tree>,
        config: Option<&Tree>,
        shape: Shape<'_>,
    ) -> Result<Option<Tree>, String> {
        let leaf = || Ok(config.or(live).cloned());
        // A null in the configuration is a value, whose kind the object shows.
        let sample = config.filter(|value| !value.is_null()).or(live);
        match shape.atom(self.schema, sample) {
            Atom::Leaf => leaf(),
            Atom::Map(members) => {
                let (a, b) = (as_map(live), as_map(config));
                if a.is_none_or(Map::is_empty) && b.is_none_or(Map::is_empty) {
                    return leaf();
                }
                self.members(a, b, members)
            }
            Atom::List(items) => {
                let (a, b) = (as_list(live), as_list(config));
                if a.is_none_or(<[_]>::is_empty) && b.is_none_or(<[_]>::is_empty) {
                    return leaf();
                }
                self.items(a.unwrap_or_default(), b.unwrap_or_default(), items)
            }
        }
    }

    fn members(
        &self,
        live: Option<&Map<String, Tree>>,
        config: Option<&Map<String, Tree>>,
        members: Members<'_>,
    ) -> Result<Option<Tree>, String> {
        let names: BTreeSet<_> =
            live.into_iter().chain(config).flat_map(|map| map.keys()).collect();
        let mut out = Map::new();
        for name in names {
            let value =
                |map: Option<&'_ Map<String, Tree>>| map.and_then(|map| map.get(name)).cloned();
            let (a, b) = (live.and_then(|map| map.get(name)), config.and_then(|map| map.get(name)));
            let merged = match (a, b) {
                // What the configuration does not mention needs no walk.
                (Some(_), None) => value(live),
                _ => self.values(a, b, members.member(name).0)?,
            };
            if let Some(merged) = merged {
                out.insert(name.clone(), merged);
            }
        }
        Ok((!out.is_empty()).then_some(Tree::Object(out)))
    }

    /// Items of the configuration keep its order. An item that only the object has stays behind the
    /// item that it followed, as far as both orders agree.
    fn items(
        &self,
        live: &[Tree],
        config: &[Tree],
        items: Items<'_>,
    ) -> Result<Option<Tree>, String> {
        let a = items.group(live, self.schema)?;
        let b = items.group(config, self.schema)?;
        if let Some(twice) = b.items.iter().find(|(_, items)| items.len() > 1) {
            return Err(format!("duplicate entries for key {}", twice.0));
        }
        let mut out = Vec::with_capacity(live.len().max(config.len()));
        let mut order = Order::new(&a, &b);
        while let Some(step) = order.next(&a, &b) {
            let merged = match step {
                Step::Live(index) => self.values(live.get(index), None, items.shape)?,
                Step::Merged(element) => {
                    self.values(a.single(element), b.single(element), items.shape)?
                }
            };
            out.extend(merged);
        }
        Ok((!out.is_empty()).then_some(Tree::Array(out)))
    }
}

enum Step<'a> {
    /// The item that only the object has, by its place.
    Live(usize),
    Merged(&'a Element),
}

/// Interleaves the two orders.
struct Order<'a> {
    live: usize,
    config: usize,
    merged: BTreeSet<&'a Element>,
    /// The elements that both have, in the order of the configuration, from the next one on.
    shared: VecDeque<&'a Element>,
}

impl<'a> Order<'a> {
    fn new(a: &Groups<'_>, b: &'a Groups<'_>) -> Self {
        let shared = b.order.iter().filter(|element| a.has(element)).collect();
        Self { live: 0, config: 0, merged: BTreeSet::new(), shared }
    }

    fn next(&mut self, a: &Groups<'_>, b: &'a Groups<'_>) -> Option<Step<'a>> {
        loop {
            let (live, config) = (a.order.get(self.live), b.order.get(self.config));
            if let (Some(live), Some(config)) = (live, config) {
                if live == config {
                    self.live += 1;
                    self.config += 1;
                    self.shared.pop_front();
                    self.merged.insert(config);
                    return Some(Step::Merged(config));
                }
                if b.has(live) && self.shared.front().is_some_and(|next| *next != live) {
                    self.live += 1;
                    continue;
                }
            }
            if let Some(live) = live {
                if !b.has(live) {
                    self.live += 1;
                    return Some(Step::Live(self.live - 1));
                }
                if self.merged.contains(live) {
                    self.live += 1;
                }
            }
            match config {
                Some(config) => {
                    self.config += 1;
                    self.merged.insert(config);
                    if self.shared.front() == Some(&config) {
                        self.shared.pop_front();
                    }
                    return Some(Step::Merged(config));
                }
                None if live.is_none() => return None,
                // What is left of the object was merged before.
                None if !live.is_some_and(|live| self.merged.contains(live)) => self.live += 1,
                None => {}
            }
        }
    }
}
