//! Writes that change nothing but times are no writes.

use super::owners;
use super::owners::put;
use crate::Tree;

/// Gives the new object the times of the live one's owners if nothing else differs, so that
/// applying the same configuration again keeps the revision.
pub fn keep_times(live: &Tree, new: &mut Tree) {
    let (Some(Tree::Array(old)), Some(Tree::Array(now))) = (owners::get(live), owners::get(new))
    else {
        return;
    };
    // What an update is for differs mostly, so that the owners, which are most of many objects, need not be looked at.
    let same = || old.len() == now.len() && old.iter().zip(now).all(|(a, b)| same_but_time(a, b));
    if same_elsewhere(live, new) && same() && old != now {
        put(new, Tree::Array(old.clone()));
    }
}

fn same_but_time(a: &Tree, b: &Tree) -> bool {
    same_without(a, b, "time")
}

fn same_elsewhere(a: &Tree, b: &Tree) -> bool {
    let metadata = match (a.get("metadata"), b.get("metadata")) {
        (Some(a), Some(b)) => same_without(a, b, "managedFields"),
        (a, b) => a == b,
    };
    metadata && same_without(a, b, "metadata")
}

/// Whether two objects agree in all members but one.
fn same_without(a: &Tree, b: &Tree, name: &str) -> bool {
    let (Some(a), Some(b)) = (a.as_object(), b.as_object()) else { return a == b };
    let others =
        |map: &serde_json::Map<String, Tree>| map.len() - usize::from(map.contains_key(name));
    others(a) == others(b)
        && a.iter().filter(|(key, _)| *key != name).all(|(key, value)| b.get(key) == Some(value))
}
