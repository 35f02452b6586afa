//! The second half of the chain, for every write of an object: default, own fields, mutate, reserve, validate, commit.
//!
//! A write works on one snapshot and commits on the condition that the object is still as it was there. If it is not, or if something that a
//! plugin reserved is taken meanwhile, everything after decoding is done again on the newer state.

use std::sync::Arc;

use bytes::Bytes;
use kinds::{Generation, Object};
use meta::field::Path;
use meta::{FieldError, GroupKind, Revision, StatusError, Time, Tree, managed};
use store::{CommitError, Entry, Op, Payload, Precondition, Snapshot, Transaction};

use super::parts::Part;
use super::{Context, Current, defined, deletion, ownership};
use crate::admission::{self, Attempted, Operation, hooks};
use crate::codec::encode;
use crate::options::WriteOptions;
use crate::{authorization, status};

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

/// Creates an object.
pub(crate) async fn create(
    context: &Context,
    options: &WriteOptions,
    wanted: Wanted,
) -> Result<Written, StatusError> {
    let mut names = 0;
    for _ in 0..MAX_TRIES {
        let snapshot = context.state.store.snapshot();
        let draft = draft_new(context, options, &wanted, &snapshot).await?;
        let name = draft.name().to_owned();
        let key = context.key(&name);
        let existing = snapshot.get(key.as_str()).cloned();
        let outcome = match existing {
            Some(entry) => Err(Refused::Exists(entry)),
            None if options.dry_run => {
                // Nothing was stored, so the version is still what the client says.
                let given = text(&wanted.tree, "/metadata/resourceVersion").parse().ok();
                return Ok(Written { created: true, body: draft.body(context, given) });
            }
            None => commit(context, draft, Precondition::Absent).await,
        };
        match outcome {
            Ok(body) => return Ok(Written { created: true, body }),
            Err(Refused::Exists(entry)) => {
                names += 1;
                if !is_generated(&wanted.tree) || names >= MAX_GENERATED_NAMES {
                    // The text counts what the client asked for besides the name.
                    let generates = !text(&wanted.tree, "/metadata/generateName").is_empty();
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
                return create(context, options, wanted).await;
            }
        };
        let current = context.current(entry)?;
        let wanted = change(Some(&current))?;
        let draft = draft_changed(context, options, part, wanted, &current, &snapshot).await?;
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

/// An object that is ready to be committed.
struct Draft {
    object: Box<dyn Object>,
    tree: Tree,
    /// What belongs to the same transaction.
    ops: Vec<Op>,
}

impl Draft {
    fn name(&self) -> &str {
        self.object.metadata().name.as_deref().unwrap_or_default()
    }

    /// The object as an answer shows it when it is not stored.
    fn body(&self, context: &Context, revision: Option<Revision>) -> Bytes {
        let mut tree = self.tree.clone();
        if !context.kind.is_stored_as_served() {
            // The stored kind may have defaults of its own.
            context.kind.rewrite_to_stored(&mut tree);
            context.kind.rewrite_to_served(&mut tree);
        }
        if let Some(metadata) = tree.get_mut("metadata").and_then(Tree::as_object_mut) {
            match revision {
                Some(revision) => {
                    metadata.insert("resourceVersion".to_owned(), revision.to_string().into())
                }
                None => metadata.remove("resourceVersion"),
            };
        }
        encode::plain(&tree)
    }

    fn is_unchanged(&self, current: &Current) -> bool {
        self.ops.iter().all(|op| matches!(op, Op::Check { .. })) && self.tree == current.tree
    }

    /// Whether an update took away the last thing that kept a deleted object.
    fn ends_deletion(&self, current: &Current) -> bool {
        let old = current.object.metadata();
        old.deletion_timestamp.is_some()
            && old.deletion_grace_period_seconds.is_none_or(|secs| secs == 0)
            && self.object.metadata().finalizers.as_deref().unwrap_or_default().is_empty()
            && !deletion::is_held(&self.tree)
    }
}

fn attempted<'a>(
    context: &'a Context,
    options: &WriteOptions,
    snapshot: &'a Snapshot,
    operation: Operation,
    name: &'a str,
    old: Option<&'a dyn Object>,
) -> Attempted<'a> {
    Attempted {
        state: &context.state,
        snapshot,
        info: context.info(),
        identity: &context.call.identity,
        operation,
        subresource: &context.resource.subresource,
        namespace: if operation == Operation::Create && context.info().kind == "Namespace" {
            name
        } else {
            &context.resource.namespace
        },
        name,
        warnings: &context.call.warnings,
        old,
        dry_run: options.dry_run,
    }
}

/// A new object: from what the client wants to what is committed.
async fn draft_new(
    context: &Context,
    options: &WriteOptions,
    wanted: &Wanted,
    snapshot: &Snapshot,
) -> Result<Draft, StatusError> {
    let info = context.info();
    let mut tree = wanted.tree.clone();
    let given = tree.pointer("/metadata/name").and_then(Tree::as_str).unwrap_or_default();
    let still_defined = defined::still(context, snapshot, given)?;
    if info.status && !info.status_on_create {
        clear_status(&mut tree);
    }
    let (mut object, tree) = defaulted(context, tree)?;
    let now = context.state.clock.now();
    let owners = if wanted.owned {
        ownership::stated(&mut *object, tree)
    } else {
        ownership::of_new(context, options, &mut *object, tree)
    };
    let given_name = object.metadata().name.clone().unwrap_or_default();
    let attempted_as_sent =
        attempted(context, options, snapshot, Operation::Create, &given_name, None);
    admission::mutate(&attempted_as_sent, &mut *object)?;
    let mut object = hooks::mutate(context, options, &attempted_as_sent, object).await?;

    let metadata = object.metadata_mut();
    metadata.uid = Some(uuid::Uuid::new_v4().to_string());
    metadata.creation_timestamp = Some(Time(whole_seconds(now)));
    if let Some(first) = info.generation.first() {
        metadata.generation = Some(first);
    }
    metadata.resource_version = None;
    if given_name.is_empty()
        && let Some(prefix) = metadata.generate_name.as_deref().filter(|prefix| !prefix.is_empty())
    {
        let takes_suffix = info.name_rule.takes_suffix();
        metadata.name = Some(if takes_suffix {
            super::create::generate_name(prefix)
        } else {
            prefix.to_owned()
        });
    }
    object.on_create();

    let name = object.metadata().name.clone().unwrap_or_default();
    let attempted = attempted(context, options, snapshot, Operation::Create, &name, None);
    let mut ops: Vec<Op> = still_defined.into_iter().collect();
    admission::reserve(&attempted, Some(&mut *object), &mut ops)?;
    refuse_invalid(context, &name, &object.validate())?;
    context.call.warnings.extend(object.warnings(None));
    admission::validate(&attempted, Some(&*object))?;
    hooks::validate(context, options, &attempted, &*object).await?;
    admission::charge(&attempted, &*object, &mut ops)?;
    let tree = ownership::tree(&*object, owners);
    check_permitted(context, &tree, None).await?;
    Ok(Draft { object, tree, ops })
}

/// A changed object: from what the client wants to what is committed.
async fn draft_changed(
    context: &Context,
    options: &WriteOptions,
    part: &Part,
    wanted: Wanted,
    current: &Current,
    snapshot: &Snapshot,
) -> Result<Draft, StatusError> {
    let name = context.resource.name.as_str();
    check_revision(context, &wanted.tree, current)?;
    let old = &*current.object;
    let tree = part.carry(context.info(), wanted.tree, &current.tree);
    let (mut object, tree) = defaulted(context, tree)?;
    let owners = if wanted.owned {
        ownership::stated(&mut *object, tree)
    } else {
        ownership::of_changed(context, options, &mut *object, tree, current, *part)
    };
    let attempted = attempted(context, options, snapshot, Operation::Update, name, Some(old));
    admission::mutate(&attempted, &mut *object)?;
    let mut object = hooks::mutate(context, options, &attempted, object).await?;
    keep_system_metadata(&mut *object, old, current.entry.revision);
    part.prepare(&mut *object, old);

    let mut ops = Vec::new();
    admission::reserve(&attempted, Some(&mut *object), &mut ops)?;
    refuse_invalid(context, name, &part.validate(&*object, old))?;
    context.call.warnings.extend(part.warnings(&*object, old));
    admission::validate(&attempted, Some(&*object))?;
    hooks::validate(context, options, &attempted, &*object).await?;
    admission::charge(&attempted, &*object, &mut ops)?;
    let mut tree = ownership::tree(&*object, owners);
    move_generation(context.info(), part, &mut *object, &mut tree, current);
    managed::keep_times(&current.tree, &mut tree);
    check_permitted(context, &tree, Some(&current.tree)).await?;
    Ok(Draft { object, tree, ops })
}

/// The object with its defaults, typed and as a tree. Only the tree has the owners of its fields, as far as the client sent any. Most updates bring
/// all defaults with them: then the tree need not be made again, which costs more than everything else here.
fn defaulted(context: &Context, mut tree: Tree) -> Result<(Box<dyn Object>, Tree), StatusError> {
    let owners = managed::take(&mut tree);
    let mut object = context.object(&tree)?;
    let before = object.boxed_clone();
    object.set_defaults();
    if !object.same(&*before) {
        tree = object.tree();
    }
    if let Some(owners) = owners {
        managed::put(&mut tree, owners);
    }
    Ok((object, tree))
}

/// Some writes need more than the permission to write.
async fn check_permitted(
    context: &Context,
    new: &Tree,
    old: Option<&Tree>,
) -> Result<(), StatusError> {
    let (state, identity, resource) = (&context.state, &context.call.identity, &context.resource);
    authorization::escalation::check(state, identity, resource, new, old).await?;
    authorization::signers::check(state, identity, resource, new, old).await?;
    authorization::params::check(state, identity, resource, new, old).await
}

fn refuse_invalid(context: &Context, name: &str, errors: &[FieldError]) -> Result<(), StatusError> {
    if errors.is_empty() {
        Ok(())
    } else {
        Err(StatusError::invalid(&context.stored.info().group_kind(), name, errors))
    }
}

/// A client may say which version it means to replace.
fn check_revision(context: &Context, tree: &Tree, current: &Current) -> Result<(), StatusError> {
    let text = tree.pointer("/metadata/resourceVersion").and_then(Tree::as_str).unwrap_or_default();
    let asked = match text {
        "" => Revision::ZERO,
        text => text.parse().map_err(|_| {
            StatusError::unknown(format!(
                "strconv.ParseUint: parsing {}: invalid syntax",
                meta::quote(text)
            ))
        })?,
    };
    let name = &context.resource.name;
    if asked == Revision::ZERO {
        if context.info().unconditional_update {
            return Ok(());
        }
        let error = FieldError::invalid(
            &Path::of(["metadata", "resourceVersion"]),
            0,
            "must be specified for an update",
        );
        let resource = context.group_resource();
        return Err(StatusError::invalid(
            &GroupKind::new(resource.group, resource.resource),
            name,
            &[error],
        ));
    }
    if asked == current.entry.revision {
        Ok(())
    } else {
        Err(StatusError::modified(&context.group_resource(), name))
    }
}

/// What no update changes.
fn keep_system_metadata(object: &mut dyn Object, old: &dyn Object, revision: Revision) {
    let old = old.metadata();
    let new = object.metadata_mut();
    if new.uid.as_deref().unwrap_or_default().is_empty() {
        new.uid.clone_from(&old.uid);
    }
    new.generation = old.generation;
    new.creation_timestamp.clone_from(&old.creation_timestamp);
    if old.deletion_timestamp.is_some() {
        new.deletion_timestamp.clone_from(&old.deletion_timestamp);
    }
    if new.deletion_grace_period_seconds.is_none() {
        new.deletion_grace_period_seconds = old.deletion_grace_period_seconds;
    }
    new.self_link = None;
    new.resource_version = Some(revision.to_string());
}

/// The generation counts changes of what the client wants, and never those of what is seen.
fn move_generation(
    info: &kinds::KindInfo,
    part: &Part,
    object: &mut dyn Object,
    tree: &mut Tree,
    current: &Current,
) {
    if matches!(info.generation, Generation::Unused | Generation::First) || part.is_status() {
        return;
    }
    if generation_view(info, tree) != generation_view(info, &current.tree) {
        let next = current.object.metadata().generation.unwrap_or(0) + 1;
        object.metadata_mut().generation = Some(next);
        if let Some(metadata) = tree.get_mut("metadata").and_then(Tree::as_object_mut) {
            metadata.insert("generation".to_owned(), next.into());
        }
    }
}

fn generation_view<'a>(info: &kinds::KindInfo, tree: &'a Tree) -> Vec<(&'a str, &'a Tree)> {
    let extra = match info.generation {
        Generation::Unused
        | Generation::First
        | Generation::Spec
        | Generation::SpecOfChanged
        | Generation::All => None,
        Generation::SpecAndAnnotations => tree.pointer("/metadata/annotations"),
        Generation::SpecAndLabels => tree.pointer("/metadata/labels"),
    };
    let counts_status = info.generation == Generation::All;
    let own = tree.as_object().into_iter().flatten();
    own.filter(|(name, _)| *name != "metadata" && (counts_status || *name != "status"))
        .map(|(name, value)| (name.as_str(), value))
        .chain(extra.map(|extra| ("metadata", extra)))
        .collect()
}

/// A new object has no status of the client's making; kinds whose status is always there get an empty one.
pub(super) fn clear_status(tree: &mut Tree) {
    if let Some(object) = tree.as_object_mut() {
        object.remove("status");
    }
}

/// Kubernetes keeps times to the second.
pub(crate) fn whole_seconds(time: jiff::Timestamp) -> jiff::Timestamp {
    jiff::Timestamp::from_second(time.as_second()).unwrap_or(time)
}

fn is_generated(tree: &Tree) -> bool {
    text(tree, "/metadata/name").is_empty() && !text(tree, "/metadata/generateName").is_empty()
}

fn text<'a>(tree: &'a Tree, pointer: &str) -> &'a str {
    tree.pointer(pointer).and_then(Tree::as_str).unwrap_or_default()
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
