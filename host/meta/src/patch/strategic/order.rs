//! The order of merged lists: what the patch orders stands as it says, what only the server has
//! keeps its place among its neighbours.

use std::collections::BTreeMap;

use super::list::{identity, item_kind};
use super::{Error, Member, Merge, PATCH, without_directives};
use crate::Tree;
use crate::quote::plain;

/// Merges a list with the items that the patch has for it, and orders it as `$setElementOrder`
/// says.
pub(super) fn merge(
    merge: Merge<'_>,
    original: Option<Vec<Tree>>,
    patch: Option<Vec<Tree>>,
    order: &[Tree],
    member: Member<'_>,
) -> Result<Option<Vec<Tree>>, Error> {
    let key = member.facts.merge_key.as_deref().unwrap_or_default();
    check(patch.as_deref().unwrap_or_default(), order, key)?;
    let before = original.clone().unwrap_or_default();
    let items = patch.clone().unwrap_or_default();
    let merged = match (original, patch) {
        (None, None) => return Ok(None),
        (Some(original), None) => original,
        (None, Some(patch)) => match without_directives(Tree::Array(patch)) {
            Some(Tree::Array(items)) => items,
            _ => return Ok(None),
        },
        (Some(original), Some(patch)) => merge.lists(original, patch, member)?,
    };
    item_kind(&[&before, &items])?;
    normalize(merged, order, &before, key).map(Some)
}

/// The items of the patch must be among those of the order, and stand in that order.
fn check(patch: &[Tree], order: &[Tree], key: &str) -> Result<(), Error> {
    if patch.is_empty() || order.is_empty() {
        return Ok(());
    }
    let mut rest = order.iter();
    for item in patch.iter().filter(|item| item.get(PATCH).is_none()) {
        let wanted = identity(item, key)?;
        let mut found = false;
        for candidate in rest.by_ref() {
            if identity(candidate, key)? == wanted {
                found = true;
                break;
            }
        }
        if !found {
            return Err(Error::OrderMismatch {
                list: plain(&Tree::Array(patch.to_vec())),
                order: plain(&Tree::Array(order.to_vec())),
            });
        }
    }
    Ok(())
}

/// Sorts the items that `order` names by it and the others by `before`, and merges the two: an item
/// that only the server has goes before the first named one that it stood before.
pub(super) fn normalize(
    merged: Vec<Tree>,
    order: &[Tree],
    before: &[Tree],
    key: &str,
) -> Result<Vec<Tree>, Error> {
    let (order, before) = (places(order, key)?, places(before, key)?);
    let (mut named, mut others) = (Vec::new(), Vec::new());
    for item in merged {
        let identity = identity(&item, key)?;
        let place = before.get(&identity).copied();
        match order.get(&identity) {
            Some(at) => named.push((*at, place, item)),
            None => others.push((place, item)),
        }
    }
    named.sort_by_key(|(at, ..)| *at);
    others.sort_by_key(|(place, _)| *place);
    let mut out = Vec::with_capacity(named.len() + others.len());
    let mut others = others.into_iter().peekable();
    for (_, place, item) in named {
        while let Some((other, _)) = others.peek()
            && matches!((other, place), (Some(other), Some(place)) if *other < place)
        {
            out.extend(others.next().map(|(_, item)| item));
        }
        out.push(item);
    }
    out.extend(others.map(|(_, item)| item));
    Ok(out)
}

fn places(items: &[Tree], key: &str) -> Result<BTreeMap<String, usize>, Error> {
    let mut places = BTreeMap::new();
    for (at, item) in items.iter().enumerate() {
        places.entry(identity(item, key)?).or_insert(at);
    }
    Ok(places)
}
