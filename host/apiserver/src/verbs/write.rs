//! The second half of the chain, for every write of an object: draft it (see [`super::draft`]) and commit it.
//!
//! A write works on one snapshot and commits on the condition that the object is still as it was there. If it is not, or if something that a
//! plugin reserved is taken meanwhile, everything after decoding is done again on the newer state.

use std::sync::Arc;

use bytes::Bytes;
use kinds::Object;
use meta::{Revision, StatusError, Tree, metadata_text};
use store::{CommitError, Entry, Op, Payload, Precondition, Transaction};

use super::draft::{self, Draft};
use super::parts::Part;
use super::{Context, Current, deletion};
use crate::codec::encode;
use crate::options::WriteOptions;
use crate::request::Verb;
use crate::status;

/// So often a write is begun anew before it is given up; only a very busy object needs more than two.
const MAX_TRIES: usize = 100;
/// So many generated names are tried.
const MAX_GENERATED_NAMES: usize = 8;

/// A finished write.
#[derive(Debug)]
pub(crate) struct Written {
    pub(crate) created: bool,
    /// The object as it is now, in the kind of the request.
    pub(crate) body: Bytes,
}

/// What a client wants an object to be.
#[derive(Debug)]
pub(crate) struct Wanted {
    /// Canonical, in the kind of the request.
    pub(crate) tree: Tree,
    /// Whether the tree says already who owns its fields (as apply does).
    pub(crate) owned: bool,
}

/// Creates an object. What it is to be is asked for again when the first try was in vain.
pub(crate) async fn create(
    context: &Context,
    options: &WriteOptions,
    first: Wanted,
    again: &mut Change<'_>,
) -> Result<Written, StatusError> {
    let mut first = Some(first);
    let mut names = 0;
    for _ in 0..MAX_TRIES {
        let wanted = first.take().map_or_else(|| again(None), Ok)?;
        let given = metadata_text(&wanted.tree, "resourceVersion").parse::<u64>().ok();
        // The text of a refusal counts what the client asked for besides the name.
        let generates = !metadata_text(&wanted.tree, "generateName").is_empty();
        let is_generated = generates && metadata_text(&wanted.tree, "name").is_empty();
        let snapshot = context.state.store.snapshot();
        let draft = draft::of_new(context, options, wanted, &snapshot).await?;
        let name = draft.name().to_owned();
        let key = context.key(&name);
        let existing = snapshot.get(key.as_str()).cloned();
        // It is the store that refuses it: a dry run does not come that far, and a wrong object neither.
        if !options.dry_run
            && context.resource.verb == Verb::Create
            && given.is_some_and(|given| given > 0)
        {
            let text = "resourceVersion should not be set on objects to be created";
            return Err(StatusError::unknown(text));
        }
        let outcome = match existing {
            Some(entry) => Err(Refused::Exists(entry)),
            None if options.dry_run => {
                // Nothing was stored, so the version is still what the client says.
                let given = given.map(Revision);
                return Ok(Written { created: true, body: draft.body(context, given) });
            }
            None => commit(context, draft, Precondition::Absent).await,
        };
        match outcome {
            Ok(body) => return Ok(Written { created: true, body }),
            Err(Refused::Exists(entry)) => {
                names += 1;
                if !is_generated || names >= MAX_GENERATED_NAMES {
                    return Err(already_exists(context, &name, generates, &entry));
                }
            }
            Err(Refused::Changed) => {}
            Err(Refused::Failed(error)) => return Err(error),
        }
    }
    Err(StatusError::server_timeout(&context.group_resource(), "create", 0))
}

/// Makes something of the object that is there; `None` if there is none.
pub(crate) type Change<'a> = dyn FnMut(Option<&Current>) -> Result<Wanted, StatusError> + Send + 'a;

/// Changes a part of an object, or creates it where the kind or the request allows that.
pub(crate) async fn update(
    context: &Context,
    options: &WriteOptions,
    part: &Part,
    may_create: bool,
    change: &mut Change<'_>,
) -> Result<Written, StatusError> {
    let name = context.resource.name.as_str();
    for _ in 0..MAX_TRIES {
        let snapshot = context.state.store.snapshot();
        let entry = match context.entry(&snapshot, name) {
            Ok(entry) => entry,
            Err(error) if !may_create => return Err(error),
            Err(_) => {
                let wanted = change(None)?;
                super::create::check_permitted(context).await?;
                return create(context, options, wanted, change).await;
            }
        };
        let current = context.current(entry)?;
        let wanted = change(Some(&current))?;
        let draft = draft::of_changed(context, options, part, wanted, &current, &snapshot).await?;
        if draft.ends_deletion(&current) {
            return finish_deletion(context, options, draft, &current).await;
        }
        if options.dry_run {
            let body = draft.body(context, Some(current.entry.revision));
            return Ok(Written { created: false, body });
        }
        if draft.is_unchanged(&current) {
            return Ok(Written { created: false, body: context.served(&current.entry.body)? });
        }
        match commit(context, draft, Precondition::At(current.entry.revision)).await {
            Ok(body) => return Ok(Written { created: false, body }),
            Err(Refused::Changed | Refused::Exists(_)) => {}
            Err(Refused::Failed(error)) => return Err(error),
        }
    }
    Err(StatusError::modified(&context.group_resource(), name))
}

/// Kubernetes keeps times to the second.
pub(crate) fn whole_seconds(time: jiff::Timestamp) -> jiff::Timestamp {
    jiff::Timestamp::from_second(time.as_second()).unwrap_or(time)
}

fn already_exists(context: &Context, name: &str, generates: bool, entry: &Entry) -> StatusError {
    let resource = context.group_resource();
    let error = if generates {
        StatusError::generate_name_conflict(&resource, name, 1)
    } else {
        StatusError::already_exists(&resource, name)
    };
    let deleting = serde_json::from_slice::<Tree>(&entry.body)
        .is_ok_and(|tree| tree.pointer("/metadata/deletionTimestamp").is_some());
    if deleting {
        let message = format!("object is being deleted: {}", error.message());
        return error.with_message(message);
    }
    error
}

/// Why a commit was not done.
enum Refused {
    /// There is an object of that name.
    Exists(Arc<Entry>),
    /// The state moved on; the write may be tried again.
    Changed,
    Failed(StatusError),
}

impl From<CommitError> for Refused {
    fn from(error: CommitError) -> Refused {
        match error {
            CommitError::Failed { .. } => Refused::Changed,
            error => Refused::Failed(status::from_commit(&error)),
        }
    }
}

/// Stores a draft; gives back the stored body in the kind of the request.
async fn commit(
    context: &Context,
    draft: Draft,
    precondition: Precondition,
) -> Result<Bytes, Refused> {
    let key = context.key(draft.name());
    let mut ops = Vec::with_capacity(1 + draft.ops.len());
    ops.push(put(context, key, precondition, draft.object, draft.tree).map_err(Refused::Failed)?);
    ops.extend(draft.ops);
    match context.state.store.commit(Transaction { ops }).await {
        Ok(committed) => {
            let entry = committed.entries.into_iter().next().flatten();
            let entry = entry.ok_or_else(|| {
                Refused::Failed(StatusError::internal("a put left nothing behind"))
            })?;
            context.served(&entry.body).map_err(Refused::Failed)
        }
        Err(CommitError::Failed { index: 0, current: Some(entry) })
            if precondition == Precondition::Absent =>
        {
            Err(Refused::Exists(entry))
        }
        Err(error) => Err(error.into()),
    }
}

/// The operation that stores an object, in the kind under which it is stored.
pub(crate) fn put(
    context: &Context,
    key: meta::Key,
    precondition: Precondition,
    object: Box<dyn Object>,
    mut tree: Tree,
) -> Result<Op, StatusError> {
    let object = if context.kind.is_stored_as_served() {
        object
    } else {
        context.kind.rewrite_to_stored(&mut tree);
        let stored = context.stored.object(&tree);
        stored.map_err(|error| StatusError::internal(status::chain(&error)))?
    };
    let attributes = object.attributes();
    let body = encode::stored(&tree);
    Ok(Op::Put { key, precondition, body, attributes, value: Some(Box::new(Typed(object))) })
}

/// A typed object on its way to the readers in this process.
struct Typed(Box<dyn Object>);

impl Payload for Typed {
    fn set_revision(&mut self, revision: Revision) {
        let metadata = self.0.metadata_mut();
        metadata.resource_version = Some(revision.to_string());
        // No reader asks which fields they own, see `kinds::AnyKind::parse`.
        for owner in metadata.managed_fields.iter_mut().flatten() {
            owner.fields_v1 = None;
        }
    }

    fn into_any_arc(self: Box<Self>) -> Arc<dyn std::any::Any + Send + Sync> {
        self.0.into_any_arc()
    }
}

/// An update removed the last finalizer of a deleted object: it goes away, and the client gets what it wrote.
async fn finish_deletion(
    context: &Context,
    options: &WriteOptions,
    draft: Draft,
    current: &Current,
) -> Result<Written, StatusError> {
    let body = draft.body(context, Some(current.entry.revision));
    if options.dry_run {
        return Ok(Written { created: false, body });
    }
    match deletion::remove(context, current, draft.tree).await {
        Ok(_) => Ok(Written { created: false, body }),
        Err(deletion::Refused::Changed) => {
            Err(StatusError::modified(&context.group_resource(), &context.resource.name))
        }
        Err(deletion::Refused::Failed(error)) => Err(error),
    }
}
