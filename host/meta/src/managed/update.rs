//! Attributing the changes of a create, update or patch to its manager.

use serde_json::{Map, json};

use super::compare::{Changes, compare};
use super::entry::decode_list;
use super::owners::{self, put, take};
use super::{
    ANCIENT_CHANGES, Context, Entry, FieldSet, Operation, UPDATE_MANAGERS_MAX, decode_entries,
    encode_entries, is_reset, raw, remove,
};
use crate::Tree;
use crate::decode::{emit, format_time};

/// Writes `metadata.managedFields` of the new object.
///
/// Both objects are in canonical form. What `new` carries in its `managedFields` are the client's
/// wishes: entries to keep instead of those of the live object, or nothing. `reset` tells that the
/// client asked to forget all owners (see [`is_reset`]). Where the owners cannot be told, those of
/// the live object stay.
pub fn track_update(context: &Context<'_>, live: Option<&Tree>, new: &mut Tree, reset: bool) {
    let reset = reset || is_reset(new);
    let known = live.and_then(owners::get);
    let wished = take(new).filter(|_| context.subresource.is_empty());
    let wished = match wished {
        _ if reset && context.subresource.is_empty() => Some(Vec::new()),
        Some(wished) if known != Some(&wished) => {
            decode_list(Some(&wished)).ok().filter(|entries| !entries.is_empty())
        }
        _ => None,
    };
    // An object whose owners are not known is not tracked, until somebody applies to it.
    let unknown = wished.as_ref().map_or_else(|| known.is_none(), Vec::is_empty);
    if unknown && live.is_some() {
        return;
    }
    let Ok(changes) = changes(context, live, new) else {
        known.cloned().into_iter().for_each(|known| put(new, known));
        return;
    };
    if let Some(entries) = wished {
        return encode_entries(updated(context, changes, entries), new);
    }
    match known.cloned() {
        None => encode_entries(updated(context, changes, Vec::new()), new),
        Some(known) if changes.is_empty() => put(new, known),
        Some(known) => {
            let moved = Moved::by(changes);
            let entries = match known {
                Tree::Array(entries) => entries,
                _ => Vec::new(),
            };
            match raw::rewrite(context, manager(context), entries, &moved.lost, &moved.gained) {
                Some(entries) if entries.is_empty() => {}
                Some(entries) => put(new, Tree::Array(entries)),
                None => {
                    let entries = live.and_then(|live| decode_entries(live).ok());
                    encode_entries(passed_on(context, moved, entries.unwrap_or_default()), new);
                }
            }
        }
    }
}

fn changes(context: &Context<'_>, live: Option<&Tree>, new: &Tree) -> Result<Changes, String> {
    let empty;
    let live = if let Some(live) = live {
        live
    } else {
        empty = empty_object(context);
        &empty
    };
    Ok(compare(live, new, context.ty, context.schema)?.without(context.reset))
}

/// The entries after an update from the live to the new object.
pub(super) fn update(
    context: &Context<'_>,
    live: Option<&Tree>,
    new: &Tree,
    entries: Vec<Entry>,
) -> Result<Vec<Entry>, String> {
    Ok(updated(context, changes(context, live, new)?, entries))
}

fn updated(context: &Context<'_>, changes: Changes, entries: Vec<Entry>) -> Vec<Entry> {
    passed_on(context, Moved::by(changes), entries)
}

fn passed_on(context: &Context<'_>, moved: Moved, entries: Vec<Entry>) -> Vec<Entry> {
    let mut entries = reconciled(context, entries);
    let Moved { lost, gained } = moved;
    if lost.is_empty() {
        return entries;
    }
    give_up(&mut entries, &lost);
    if !gained.is_empty() {
        let time = format_time(context.now);
        let own = Entry {
            manager: manager(context).to_owned(),
            operation: Operation::Update,
            api_version: context.api_version.to_owned(),
            time,
            subresource: context.subresource.to_owned(),
            fields: gained,
        };
        match entries.iter_mut().find(|entry| entry.identity() == own.identity()) {
            Some(entry) => {
                entry.fields = entry.fields.union(&own.fields);
                entry.time = own.time;
            }
            None => entries.push(own),
        }
    }
    cap(&mut entries);
    entries
}

pub(super) fn manager<'a>(context: &Context<'a>) -> &'a str {
    if context.manager.is_empty() { "unknown" } else { context.manager }
}

/// What an object of the type looks like before anything is set.
pub(super) fn empty_object(context: &Context<'_>) -> Tree {
    let mut empty = Tree::Object(Map::new());
    emit(&mut empty, context.ty, context.schema);
    if empty.get("metadata").is_none()
        && let Tree::Object(map) = &mut empty
    {
        map.insert("metadata".to_owned(), json!({}));
    }
    empty
}

/// The entries with their fields as the type has them today.
pub(super) fn reconciled(context: &Context<'_>, mut entries: Vec<Entry>) -> Vec<Entry> {
    for entry in &mut entries {
        let fields = std::mem::take(&mut entry.fields);
        entry.fields = remove::reconcile(fields, context.ty, context.schema);
    }
    entries
}

/// Takes lost fields from those who owned them.
pub(super) fn give_up(entries: &mut Vec<Entry>, lost: &FieldSet) {
    for entry in entries.iter_mut() {
        if entry.fields.meets(lost) {
            entry.fields = entry.fields.difference(lost);
        }
    }
    entries.retain(|entry| !entry.fields.is_empty());
}

/// Fields that change hands.
struct Moved {
    /// What others own no longer: all that changed or is gone.
    lost: FieldSet,
    /// What the writer owns from now on.
    gained: FieldSet,
}

impl Moved {
    fn by(changes: Changes) -> Self {
        let Changes { removed, modified, added } = changes;
        let mut gained = modified.merged(added);
        let lost = removed.merged(gained.clone());
        strip(&mut gained);
        Self { lost, gained }
    }
}

/// Takes out the fields that belong to nobody: names, types and what the server itself writes.
pub(super) fn strip(fields: &mut FieldSet) {
    if let Some(metadata) = fields.below("metadata") {
        metadata.forget(&[
            "name",
            "namespace",
            "creationTimestamp",
            "selfLink",
            "uid",
            "clusterName",
            "generation",
            "managedFields",
            "resourceVersion",
        ]);
    }
    fields.forget(&["apiVersion", "kind", "metadata"]);
}

/// Merges the oldest updates of each version until few enough are left.
fn cap(entries: &mut Vec<Entry>) {
    let updates = || entries.iter().filter(|entry| entry.operation == Operation::Update);
    let mut surplus = updates().count().saturating_sub(UPDATE_MANAGERS_MAX);
    if surplus == 0 {
        return;
    }
    let mut updates: Vec<_> = updates().cloned().collect();
    updates.sort_by(|a, b| (&a.time, a.identity()).cmp(&(&b.time, b.identity())));
    let mut merged: Vec<Entry> = Vec::new();
    let mut firsts: Vec<Entry> = Vec::new();
    for update in updates {
        if surplus == 0 {
            break;
        }
        let version = &update.api_version;
        let is_bucket = |entry: &Entry| entry.api_version == *version;
        let Some(first) = firsts.iter().find(|entry| is_bucket(entry)) else {
            firsts.push(update);
            continue;
        };
        if !merged.iter().any(is_bucket) {
            let mut bucket = first.clone();
            remove_entry(entries, first);
            ANCIENT_CHANGES.clone_into(&mut bucket.manager);
            bucket.subresource.clear();
            merged.push(bucket);
        }
        remove_entry(entries, &update);
        for bucket in merged.iter_mut().filter(|entry| entry.api_version == *version) {
            bucket.fields = bucket.fields.union(&update.fields);
            bucket.time.clone_from(&update.time);
        }
        surplus -= 1;
    }
    for bucket in merged {
        match entries.iter_mut().find(|entry| entry.identity() == bucket.identity()) {
            Some(entry) => {
                entry.fields = entry.fields.union(&bucket.fields);
                entry.time = bucket.time;
            }
            None => entries.push(bucket),
        }
    }
}

fn remove_entry(entries: &mut Vec<Entry>, gone: &Entry) {
    entries.retain(|entry| entry.identity() != gone.identity());
}
