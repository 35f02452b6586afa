//! What a deletion does to an object: mark it, shorten its grace, or remove it.
//!
//! Deletion is a state of the object. An object with finalizers, or one that ends gracefully, is marked first and removed by whoever takes away the
//! last finalizer or confirms the end. See <https://kubernetes.io/docs/concepts/architecture/garbage-collection/>.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use kinds::{KindInfo, Object, Propagation};
use meta::{GroupResource, ObjectMeta, StatusError, Time, Tree};
use store::{CommitError, Entry, Op, Precondition, Transaction};

use super::write::whole_seconds;
use super::{Context, Current};
use crate::admission::{self, Attempted, Operation};
use crate::codec::encode;
use crate::options::{DeleteOptions, Policy};
use crate::status;

const ORPHAN: &str = "orphan";
const FOREGROUND: &str = "foregroundDeletion";

/// What is to be done.
#[derive(Debug)]
pub(super) enum Step {
    /// Nothing: the object is on its way out already.
    Nothing,
    /// Store the object with its marks.
    Mark(Box<dyn Object>),
    /// Take it away; watchers are told it as it is here.
    Remove(Box<dyn Object>),
}

/// Refuses a deletion that means another object or another version of it.
pub(super) fn check_preconditions(
    info: &KindInfo,
    metadata: &ObjectMeta,
    current: &Entry,
    options: &DeleteOptions,
) -> Result<(), StatusError> {
    let name = metadata.name.as_deref().unwrap_or_default();
    let group = info.storage_resource().group;
    let resource = GroupResource { group, resource: info.kind.into() };
    let uid = metadata.uid.as_deref().unwrap_or_default();
    let revision = current.revision.to_string();
    if info.staged_deletion {
        let asked = (options.uid.as_deref(), options.revision.as_deref());
        return super::precondition(asked, uid, &revision)
            .map_err(|text| StatusError::conflict(&info.group_resource(), name, &text));
    }
    if let Some(asked) = options.uid.as_deref().filter(|asked| *asked != uid) {
        let text = format!(
            "the UID in the precondition ({asked}) does not match the UID in record ({uid}). The object might have been deleted and then \
             recreated"
        );
        return Err(StatusError::conflict(&resource, name, &text));
    }
    if let Some(asked) = options.revision.as_deref().filter(|asked| *asked != revision) {
        let text = format!(
            "the ResourceVersion in the precondition ({asked}) does not match the ResourceVersion in record ({revision}). The object might \
             have been modified"
        );
        return Err(StatusError::conflict(&resource, name, &text));
    }
    Ok(())
}

/// Decides what a deletion does now.
pub(super) fn step(
    info: &KindInfo,
    attempted: &Attempted<'_>,
    object: &dyn Object,
    options: &DeleteOptions,
    now: Timestamp,
) -> Step {
    let now = whole_seconds(now);
    let mut object = object.boxed_clone();
    let graceful = match grace(info, &mut *object, options, now) {
        Grace::Pending => return Step::Nothing,
        Grace::None => None,
        Grace::Ends(secs) => Some(secs),
    };
    let was_marked = object.metadata().deletion_timestamp.is_some();
    let held = admission::holds(attempted, &mut *object);
    if held && was_marked {
        return Step::Nothing;
    }
    if held && object.metadata().deletion_timestamp.is_some() {
        return Step::Mark(object);
    }
    let finalizers = finalizers(info, object.metadata(), options, held);
    let metadata = object.metadata_mut();
    let had_any = !finalizers.is_empty();
    metadata.finalizers = (!finalizers.is_empty()).then_some(finalizers);
    match graceful {
        Some(secs) if secs > 0 || had_any || held => Step::Mark(object),
        None if held => {
            metadata.deletion_timestamp.get_or_insert(Time(now));
            Step::Mark(object)
        }
        None if had_any => {
            mark_for_finalizers(metadata, now);
            Step::Mark(object)
        }
        Some(_) | None => Step::Remove(object),
    }
}

enum Grace {
    /// The object ends at once.
    None,
    /// It ends after so many seconds, which its metadata says now.
    Ends(i64),
    /// It is ending, and the request changes nothing about that.
    Pending,
}

fn grace(
    info: &KindInfo,
    object: &mut dyn Object,
    options: &DeleteOptions,
    now: Timestamp,
) -> Grace {
    if !info.graceful_deletion {
        return Grace::None;
    }
    // A negative grace period counts as the shortest one.
    let asked = options.grace_secs.map(|secs| if secs < 0 { 1 } else { secs });
    let old = object.metadata().clone();
    if let Some(Time(ends)) = old.deletion_timestamp {
        let pending =
            old.deletion_grace_period_seconds.map_or(0, |secs| if secs < 0 { 1 } else { secs });
        if pending == 0 {
            return Grace::None;
        }
        let Some(mut secs) = asked.filter(|asked| *asked < pending) else { return Grace::Pending };
        let mut sooner =
            ends.saturating_sub(SignedDuration::from_secs(pending - secs)).unwrap_or(ends);
        if sooner < now {
            sooner = now;
            secs = secs.min(1);
        }
        let metadata = object.metadata_mut();
        metadata.deletion_timestamp = Some(Time(sooner));
        metadata.deletion_grace_period_seconds = Some(secs);
        return Grace::Ends(secs);
    }
    let secs = object.grace_secs(asked);
    let metadata = object.metadata_mut();
    let ends = now.saturating_add(SignedDuration::from_secs(secs)).unwrap_or(now);
    metadata.deletion_timestamp = Some(Time(ends));
    metadata.deletion_grace_period_seconds = Some(secs);
    bump_generation(metadata);
    Grace::Ends(secs)
}

fn mark_for_finalizers(metadata: &mut ObjectMeta, now: Timestamp) {
    if metadata.deletion_timestamp.is_none() {
        bump_generation(metadata);
    }
    if metadata.deletion_timestamp.as_ref().is_none_or(|Time(ends)| *ends > now) {
        metadata.deletion_timestamp = Some(Time(now));
    }
    metadata.deletion_grace_period_seconds = Some(0);
}

/// Controllers must notice that the object is going away.
fn bump_generation(metadata: &mut ObjectMeta) {
    if let Some(generation) = metadata.generation.filter(|generation| *generation > 0) {
        metadata.generation = Some(generation + 1);
    }
}

/// The finalizers after a deletion: the policy of the request decides about the two that the garbage collector works for.
fn finalizers(
    info: &KindInfo,
    metadata: &ObjectMeta,
    options: &DeleteOptions,
    held: bool,
) -> Vec<String> {
    let old = metadata.finalizers.clone().unwrap_or_default();
    let has = |name: &str| old.iter().any(|finalizer| finalizer == name);
    let policy = if info.default_propagation == Propagation::Unsupported {
        None
    } else {
        match (options.orphan, options.policy) {
            (Some(true), _) => Some(Policy::Orphan),
            // What waits for its content anyway waits for its dependents too.
            (Some(false), _) if held => Some(Policy::Foreground),
            (Some(false), _) => Some(Policy::Background),
            (None, Some(policy)) => Some(policy),
            (None, None) if has(ORPHAN) => Some(Policy::Orphan),
            (None, None) if has(FOREGROUND) => Some(Policy::Foreground),
            (None, None) if info.default_propagation == Propagation::Orphan => Some(Policy::Orphan),
            (None, None) => None,
        }
    };
    let mut new: Vec<String> =
        old.into_iter().filter(|name| name != ORPHAN && name != FOREGROUND).collect();
    match policy {
        Some(Policy::Orphan) => new.push(ORPHAN.to_owned()),
        Some(Policy::Foreground) => new.push(FOREGROUND.to_owned()),
        Some(Policy::Background) | None => {}
    }
    new
}

/// Whether an object has finalizers of its own kind, beside those of its metadata.
pub(super) fn is_held(info: &KindInfo, tree: &Tree) -> bool {
    info.staged_deletion
        && tree
            .pointer("/spec/finalizers")
            .and_then(Tree::as_array)
            .is_some_and(|held| !held.is_empty())
}

/// Why an object was not removed.
#[derive(Debug)]
pub(super) enum Refused {
    /// It changed meanwhile, or is gone.
    Changed,
    Failed(StatusError),
}

/// Takes an object away, with what was reserved for it. Watchers are told `last`.
pub(super) async fn remove(
    context: &Context,
    current: &Current,
    mut last: Tree,
) -> Result<Arc<Entry>, Refused> {
    let snapshot = context.state.store.snapshot();
    let metadata = current.object.metadata();
    let name = metadata.name.as_deref().unwrap_or_default();
    let attempted = Attempted {
        state: &context.state,
        snapshot: &snapshot,
        info: context.info(),
        identity: &context.call.identity,
        operation: Operation::Delete,
        subresource: "",
        namespace: metadata.namespace.as_deref().unwrap_or_default(),
        name,
        warnings: &context.call.warnings,
        old: Some(&*current.object),
        dry_run: false,
    };
    if !context.kind.is_stored_as_served() {
        context.kind.rewrite_to_stored(&mut last);
    }
    let key = current.entry.key.clone();
    let mut ops = vec![Op::Delete {
        key,
        precondition: Precondition::At(current.entry.revision),
        last: encode::stored(&last),
    }];
    admission::reserve(&attempted, None, &mut ops).map_err(Refused::Failed)?;
    match context.state.store.commit(Transaction { ops }).await {
        Ok(committed) => Ok(committed
            .entries
            .into_iter()
            .next()
            .flatten()
            .unwrap_or_else(|| Arc::clone(&current.entry))),
        Err(CommitError::Failed { .. }) => Err(Refused::Changed),
        Err(error) => Err(Refused::Failed(status::from_commit(&error))),
    }
}

#[cfg(test)]
mod tests;
