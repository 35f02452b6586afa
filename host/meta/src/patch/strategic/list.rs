//! Merging lists: scalars without repetition, maps by the value of their merge key.

use std::collections::{BTreeMap, BTreeSet};

use super::{Error, Member, Merge, Object, PATCH, go_kind, kind, order, unknown_directive};
use crate::Tree;
use crate::quote::plain;

/// The original with the items of the patch merged in, in the order that both agree on.
pub(super) fn merge(
    merge: Merge<'_>,
    original: Vec<Tree>,
    patch: Vec<Tree>,
    member: Member<'_>,
) -> Result<Vec<Tree>, Error> {
    if original.is_empty() && patch.is_empty() {
        return Ok(original);
    }
    if item_kind(&[&original, &patch])? != "map" {
        let merged = distinct(original.iter().chain(&patch));
        return order::normalize(merged, &patch, &original, "");
    }
    let key = member.facts.merge_key.as_deref().unwrap_or_default();
    if key.is_empty() {
        return Err(Error::NoDeclaredKey("struct".to_owned()));
    }
    let (original, patch) = directives(original, patch, key)?;
    let merged = by_key(merge, original.clone(), &patch, key, member)?;
    order::normalize(merged, &patch, &original, key)
}

/// The kind of the items, which must be the same in all lists.
pub(super) fn item_kind(lists: &[&[Tree]]) -> Result<&'static str, Error> {
    let mut items = lists.iter().copied().flatten();
    let first = items.next().map(kind).ok_or(Error::NoItems)?;
    if first == "array" {
        return Err(Error::ListOfLists);
    }
    if items.any(|item| kind(item) != first) {
        let shown = lists.iter().map(|list| plain(&Tree::Array(list.to_vec())));
        return Err(Error::MixedItems(shown.collect::<Vec<_>>().join(" ")));
    }
    Ok(first)
}

/// The text that tells an item from others: the value of its merge key, or itself.
pub(super) fn identity(item: &Tree, key: &str) -> Result<String, Error> {
    if key.is_empty() {
        return Ok(item.to_string());
    }
    let map = item.as_object().ok_or_else(|| Error::WrongKind {
        expected: "map[string]interface {}",
        actual: go_kind(item),
    })?;
    map.get(key).map(Tree::to_string).ok_or_else(|| no_merge_key(map, key))
}

fn no_merge_key(item: &Object, key: &str) -> Error {
    Error::NoMergeKey { item: plain(&Tree::Object(item.clone())), key: key.to_owned() }
}

fn distinct<'a>(items: impl Iterator<Item = &'a Tree>) -> Vec<Tree> {
    let mut seen = BTreeSet::new();
    items.filter(|item| seen.insert(item.to_string())).cloned().collect()
}

/// Carries out the directives among the items: deletes matching items, or replaces the whole list.
fn directives(
    mut original: Vec<Tree>,
    patch: Vec<Tree>,
    key: &str,
) -> Result<(Vec<Tree>, Vec<Tree>), Error> {
    let mut plain_items = Vec::with_capacity(patch.len());
    let mut deleted = BTreeSet::new();
    let mut replace = false;
    for item in patch {
        let Tree::Object(map) = &item else { continue };
        let Some(directive) = map.get(PATCH) else {
            plain_items.push(item);
            continue;
        };
        match directive.as_str() {
            Some("delete") => {
                let value = map.get(key).ok_or_else(|| no_merge_key(map, key))?;
                deleted.insert(value.to_string());
            }
            Some("replace") => replace = true,
            Some("merge") => return Err(Error::MergeDirective),
            _ => return Err(unknown_directive(directive, map)),
        }
    }
    if replace {
        return Ok((plain_items, Vec::new()));
    }
    if !deleted.is_empty() {
        original
            .retain(|item| item.get(key).is_none_or(|value| !deleted.contains(&value.to_string())));
    }
    Ok((original, plain_items))
}

/// Items that the original has are merged where they stand, new ones are appended.
fn by_key(
    merge: Merge<'_>,
    mut original: Vec<Tree>,
    patch: &[Tree],
    key: &str,
    member: Member<'_>,
) -> Result<Vec<Tree>, Error> {
    let mut places = BTreeMap::new();
    for (at, item) in original.iter().enumerate() {
        if let Some(value) = item.get(key) {
            places.entry(value.to_string()).or_insert(at);
        }
    }
    for item in patch {
        let value = identity(item, key)?;
        let Tree::Object(new) = item.clone() else { continue };
        if let Some(place) = places.get(&value).and_then(|at| original.get_mut(*at)) {
            let Tree::Object(old) = std::mem::take(place) else { continue };
            *place = Tree::Object(merge.maps(old, new, member.ty)?);
        } else {
            places.insert(value, original.len());
            original.push(Tree::Object(new));
        }
    }
    Ok(original)
}
