//! Moving from client-side to server-side apply: what updates of the old manager own becomes owned
//! by its applies.

use super::{Entry, Operation};

/// Turns the entries of the named updating managers into those of one applier, for one subresource
/// (usually none).
#[must_use]
pub fn upgrade_client_side_apply(
    mut entries: Vec<Entry>,
    updaters: &[&str],
    applier: &str,
    subresource: &str,
) -> Vec<Entry> {
    for updater in updaters {
        let is_update = |entry: &Entry| {
            entry.manager == *updater
                && entry.operation == Operation::Update
                && entry.subresource == subresource
        };
        let is_apply = |entry: &Entry| {
            entry.manager == applier
                && entry.operation == Operation::Apply
                && entry.subresource == subresource
        };
        let Some(at) =
            entries.iter().position(is_apply).or_else(|| entries.iter().position(is_update))
        else {
            continue;
        };
        let moved: Vec<_> = entries.iter().filter(|entry| is_update(entry)).cloned().collect();
        let Some(target) = entries.get_mut(at) else { continue };
        applier.clone_into(&mut target.manager);
        target.operation = Operation::Apply;
        // Fields of another version may be called otherwise, and are given up.
        let same = moved.iter().find(|entry| entry.api_version == target.api_version);
        if let Some(entry) = same {
            target.fields = target.fields.union(&entry.fields);
        }
        entries.retain(|entry| !is_update(entry));
    }
    entries
}
