//! The bridge from client-side to server-side apply: the annotation that kubectl keeps.

use serde_json::json;

use super::compare::compare;
use super::{Conflict, Context, FieldSet, LAST_APPLIED, validate};
use crate::Tree;
use crate::decode::parse_json;

/// The conflicts that are about something else than what kubectl itself wrote last. None means that
/// it may go on.
pub(super) fn foreign(
    context: &Context<'_>,
    live: &Tree,
    conflicts: Vec<Conflict>,
) -> Result<(), Vec<Conflict>> {
    let Some(allowed) = allowed(context, live) else { return Err(conflicts) };
    let foreign: Vec<_> =
        conflicts.into_iter().filter(|conflict| !allowed.has(&conflict.path)).collect();
    if foreign.is_empty() { Ok(()) } else { Err(foreign) }
}

/// The fields of the last configuration that are still as it has them.
fn allowed(context: &Context<'_>, live: &Tree) -> Option<FieldSet> {
    let text = annotation(live)?;
    let last = parse_json(text.as_bytes()).ok()?.tree;
    if last.get("apiVersion")?.as_str()? != context.api_version {
        return None;
    }
    let (ty, schema) = (context.ty, context.schema);
    validate::validate(&last, ty, schema).ok()?;
    let changes = compare(&last, live, ty, schema).ok()?;
    let fields = FieldSet::from_tree(&last, ty, schema);
    Some(
        fields
            .difference(&changes.modified)
            .difference(&changes.added)
            .difference(&changes.removed),
    )
}

/// Writes the configuration into the annotation if the object has one.
pub(super) fn renew(object: &mut Tree, config: &Tree) {
    if annotation(object).is_none_or(str::is_empty) {
        return;
    }
    let mut config = config.clone();
    if let Some(annotations) = annotations(&mut config) {
        annotations.remove(LAST_APPLIED);
    }
    let text = format!("{config}\n");
    if let Some(annotations) = annotations(object) {
        annotations.insert(LAST_APPLIED.to_owned(), json!(text));
    }
}

fn annotation(object: &Tree) -> Option<&str> {
    object.get("metadata")?.get("annotations")?.get(LAST_APPLIED)?.as_str()
}

fn annotations(object: &mut Tree) -> Option<&mut serde_json::Map<String, Tree>> {
    object.get_mut("metadata")?.get_mut("annotations")?.as_object_mut()
}
