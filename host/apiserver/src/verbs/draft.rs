//! From what a client wants to what is committed: default, own fields, mutate, reserve, validate. The first half is for new objects, the second
//! for changed ones, and both go the same way.

use bytes::Bytes;
use kinds::{Generation, KindInfo, Object};
use meta::field::Path;
use meta::{FieldError, GroupKind, Revision, StatusError, Time, Tree, managed};
use store::{Op, Snapshot};

use super::parts::Part;
use super::write::{Wanted, whole_seconds};
use super::{Context, Current, create, defined, deletion, ownership};
use crate::admission::{self, Attempted, Operation, hooks};
use crate::authorization;
use crate::codec::encode;
use crate::options::WriteOptions;

/// An object that is ready to be committed.
pub(super) struct Draft {
    pub(super) object: Box<dyn Object>,
    pub(super) tree: Tree,
    /// What belongs to the same transaction.
    pub(super) ops: Vec<Op>,
}

impl Draft {
    pub(super) fn name(&self) -> &str {
        self.object.metadata().name.as_deref().unwrap_or_default()
    }

    /// The object as an answer shows it when it is not stored.
    pub(super) fn body(&self, context: &Context, revision: Option<Revision>) -> Bytes {
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

    pub(super) fn is_unchanged(&self, current: &Current) -> bool {
        self.ops.iter().all(|op| matches!(op, Op::Check { .. })) && self.tree == current.tree
    }

    /// Whether an update took away the last thing that kept a deleted object.
    pub(super) fn ends_deletion(&self, current: &Current) -> bool {
        let old = current.object.metadata();
        old.deletion_timestamp.is_some()
            && old.deletion_grace_period_seconds.is_none_or(|secs| secs == 0)
            && self.object.metadata().finalizers.as_deref().unwrap_or_default().is_empty()
            && !deletion::is_held(self.object.info(), &self.tree)
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
pub(super) async fn of_new(
    context: &Context,
    options: &WriteOptions,
    wanted: Wanted,
    snapshot: &Snapshot,
) -> Result<Draft, StatusError> {
    let info = context.info();
    let Wanted { mut tree, owned } = wanted;
    let given = meta::metadata_text(&tree, "name");
    let still_defined = defined::still(context, snapshot, given)?;
    if info.status && !info.status_on_create && !info.drops_status() {
        clear_status(&mut tree);
    }
    let Defaulted { mut object, tree, printed } = defaulted(context, tree)?;
    let now = context.state.clock.now();
    let owners = if owned {
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
        metadata.name =
            Some(if takes_suffix { create::generate_name(prefix) } else { prefix.to_owned() });
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
    let tree = ownership::tree(context, &mut *object, owners, printed);
    check_permitted(context, &tree, None).await?;
    Ok(Draft { object, tree, ops })
}

/// A changed object: from what the client wants to what is committed.
pub(super) async fn of_changed(
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
    let Defaulted { mut object, tree, printed } = defaulted(context, tree)?;
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
    let mut tree = ownership::tree(context, &mut *object, owners, printed);
    move_generation(context.info(), part, &mut *object, &mut tree, current);
    managed::keep_times(&current.tree, &mut tree);
    check_permitted(context, &tree, Some(&current.tree)).await?;
    Ok(Draft { object, tree, ops })
}

/// An object with its defaults.
struct Defaulted {
    object: Box<dyn Object>,
    /// The same as a tree, with the owners of its fields as far as the client sent any: the typed one has none.
    tree: Tree,
    /// What the tree shows, where defaults have changed nothing.
    printed: Option<Box<dyn Object>>,
}

/// Types a tree and sets its defaults. Most updates bring all defaults with them: then the tree need not be made again, which costs more than
/// everything else here.
fn defaulted(context: &Context, mut tree: Tree) -> Result<Defaulted, StatusError> {
    let owners = managed::take(&mut tree);
    let mut object = context.object(&tree)?;
    let before = object.boxed_clone();
    object.set_defaults();
    let printed = if object.same(&*before) {
        context.kind.prints_as_read().then_some(before)
    } else {
        tree = object.tree();
        None
    };
    if let Some(owners) = owners {
        managed::put(&mut tree, owners);
    }
    Ok(Defaulted { object, tree, printed })
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
    let text = meta::metadata_text(tree, "resourceVersion");
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
    info: &KindInfo,
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

fn generation_view<'a>(info: &KindInfo, tree: &'a Tree) -> Vec<(&'a str, &'a Tree)> {
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
