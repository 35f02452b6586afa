//! Who owns which fields after a write: the `managedFields` of updates, and apply.
//!
//! See <https://kubernetes.io/docs/reference/using-api/server-side-apply/>.

use std::borrow::Cow;

use kinds::Object;
use meta::decode::format_time;
use meta::managed::{self, Element, FieldSet};
use meta::{GroupVersion, GroupVersionKind, StatusError, Time, Tree};

use super::parts::Part;
use super::write::{Wanted, whole_seconds};
use super::{Context, Current};
use crate::codec::decode::Expected;
use crate::options::WriteOptions;

/// The owners of an object's fields, apart from the object: the typed form has only their [`managed::heads`], to be validated.
pub(super) struct Owners {
    entries: Option<Tree>,
    /// The object as it was when its owners were told.
    tree: Tree,
}

impl Owners {
    pub(super) fn put_into(self, tree: &mut Tree) {
        if let Some(entries) = self.entries {
            managed::put(tree, entries);
        }
    }
}

/// An object with the owners of its fields as a tree. `printed` is what the tree that the owners were told of shows, if it is known: in most
/// writes only the server's own metadata has changed since, and then only that is printed anew.
pub(super) fn tree(
    context: &Context,
    object: &mut dyn Object,
    mut owners: Owners,
    printed: Option<Box<dyn Object>>,
) -> Tree {
    let mut tree = match printed.and_then(|printed| changed_since(object, printed)) {
        None => object.tree(),
        Some(changed) => {
            let mut tree = std::mem::take(&mut owners.tree);
            print_metadata(&mut tree, object, changed);
            // What is empty is not always printed as it was sent, and a status that was cleared may be; all else is there as it is printed.
            let lacks_status = context.info().status && tree.get("status").is_none();
            if lacks_status || meta::has_empty(&tree) {
                context.kind.emit(&mut tree);
            }
            debug_assert_eq!(
                bare(tree.clone()),
                bare(object.tree()),
                "as it would be printed anew"
            );
            tree
        }
    };
    owners.put_into(&mut tree);
    tree
}

fn bare(mut tree: Tree) -> Tree {
    managed::take(&mut tree);
    tree
}

/// What of an object's metadata changed.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Changed {
    /// At most what the server sets.
    System,
    Any,
}

/// What has changed since, if only metadata has.
fn changed_since(object: &mut dyn Object, mut before: Box<dyn Object>) -> Option<Changed> {
    let own = std::mem::take(object.metadata_mut());
    let other = std::mem::take(before.metadata_mut());
    let only_metadata = object.same(&*before);
    let system = own.annotations == other.annotations
        && own.finalizers == other.finalizers
        && own.generate_name == other.generate_name
        && own.labels == other.labels
        && own.namespace == other.namespace
        && own.owner_references == other.owner_references;
    *object.metadata_mut() = own;
    only_metadata.then_some(if system { Changed::System } else { Changed::Any })
}

fn print_metadata(tree: &mut Tree, object: &dyn Object, changed: Changed) {
    let Some(tree) = tree.as_object_mut() else { return };
    let printed = tree.get_mut("metadata").and_then(Tree::as_object_mut);
    let Some(map) = printed.filter(|_| changed == Changed::System) else {
        tree.insert("metadata".to_owned(), object.metadata_tree());
        return;
    };
    let metadata = object.metadata();
    let text = |text: &Option<String>| text.clone().filter(|text| !text.is_empty()).map(Tree::from);
    let time = |time: &Option<Time>| time.as_ref().map(|time| Tree::from(format_time(time.0)));
    for (name, value) in [
        ("creationTimestamp", time(&metadata.creation_timestamp)),
        ("deletionGracePeriodSeconds", metadata.deletion_grace_period_seconds.map(Tree::from)),
        ("deletionTimestamp", time(&metadata.deletion_timestamp)),
        ("generation", metadata.generation.filter(|it| *it != 0).map(Tree::from)),
        ("name", text(&metadata.name)),
        ("resourceVersion", text(&metadata.resource_version)),
        ("selfLink", text(&metadata.self_link)),
        ("uid", text(&metadata.uid)),
    ] {
        match value {
            Some(value) => map.insert(name.to_owned(), value),
            None => map.remove(name),
        };
    }
}

/// The owners are those that the tree says.
pub(super) fn stated(object: &mut dyn Object, mut tree: Tree) -> Owners {
    let owners = managed::take(&mut tree);
    object.metadata_mut().managed_fields = owners.as_ref().map(managed::heads);
    Owners { entries: owners, tree }
}

/// The creator owns what it set, defaults included.
pub(super) fn of_new(
    context: &Context,
    options: &WriteOptions,
    object: &mut dyn Object,
    tree: Tree,
) -> Owners {
    track(context, options, object, tree, None, Part::Main)
}

/// The writer owns what it changed.
pub(super) fn of_changed(
    context: &Context,
    options: &WriteOptions,
    object: &mut dyn Object,
    tree: Tree,
    current: &Current,
    part: Part,
) -> Owners {
    track(context, options, object, tree, Some(&current.tree), part)
}

fn track(
    context: &Context,
    options: &WriteOptions,
    object: &mut dyn Object,
    mut tree: Tree,
    live: Option<&Tree>,
    part: Part,
) -> Owners {
    let reset = managed::is_reset(&tree);
    let api_version = context.info().api_version();
    let not_written = not_written(context, part);
    clear_foreign(context, &mut tree);
    let live = live.map(|live| without_foreign(context, live));
    managed::track_update(
        &tracking(context, options, &api_version, Some(&not_written)),
        live.as_deref(),
        &mut tree,
        reset,
    );
    drop_foreign(context, &mut tree);
    stated(object, tree)
}

fn tracking<'a>(
    context: &'a Context,
    options: &'a WriteOptions,
    api_version: &'a str,
    reset: Option<&'a FieldSet>,
) -> managed::Context<'a> {
    managed::Context {
        manager: &options.manager,
        api_version,
        subresource: &context.resource.subresource,
        now: whole_seconds(context.state.clock.now()),
        ty: context.kind.type_ref(),
        schema: context.kind.schema(),
        reset,
    }
}

/// The object after an apply of `config`.
pub(super) fn apply(
    context: &Context,
    options: &WriteOptions,
    config: &Tree,
    current: Option<&Current>,
    part: Part,
) -> Result<Wanted, StatusError> {
    check_type(context, config)?;
    let reset = not_written(context, part);
    let api_version = context.info().api_version();
    let tracking = tracking(context, options, &api_version, Some(&reset));
    let live = current.map(|current| without_foreign(context, &current.tree));
    let applied = managed::apply(&tracking, live.as_deref(), config, options.force)
        .map_err(|error| error.status())?;
    let mut tree = applied.tree;
    drop_foreign(context, &mut tree);
    Expected::of_kind(&*context.kind)
        .convert(&mut tree)
        .map_err(|error| unconvertible(context, config, &error.to_string()))?;
    Ok(Wanted { tree, owned: true })
}

/// A value of the merged object is none of its type, which the configuration alone does not tell: types there are structures only.
fn unconvertible(context: &Context, config: &Tree, error: &str) -> StatusError {
    let bytes = if error.starts_with("illegal base64") { "error decoding from json: " } else { "" };
    StatusError::unknown(format!(
        "failed to convert new object ({}) to proper version: unable to convert unstructured object to {}: {bytes}{error}",
        managed::described(config),
        context.info().gvk()
    ))
}

/// The live object without what is owned through another group. Where two groups show the same objects, neither knows what the other calls
/// their fields. The entries stay, so that the object still counts as one whose owners are known; see [`drop_foreign`].
fn without_foreign<'a>(context: &Context, live: &'a Tree) -> Cow<'a, Tree> {
    if managed::get(live)
        .and_then(Tree::as_array)
        .into_iter()
        .flatten()
        .any(|entry| is_foreign(context, entry))
    {
        let mut live = live.clone();
        clear_foreign(context, &mut live);
        Cow::Owned(live)
    } else {
        Cow::Borrowed(live)
    }
}

fn clear_foreign(context: &Context, tree: &mut Tree) {
    let foreign =
        entries_mut(tree).into_iter().flatten().filter(|entry| is_foreign(context, entry));
    for entry in foreign.filter_map(Tree::as_object_mut) {
        entry.insert("fieldsV1".to_owned(), Tree::Object(serde_json::Map::new()));
    }
}

/// A write through one group ends what was owned through the other.
fn drop_foreign(context: &Context, tree: &mut Tree) {
    if let Some(entries) = entries_mut(tree) {
        entries.retain(|entry| !is_foreign(context, entry));
    }
}

fn entries_mut(tree: &mut Tree) -> Option<&mut Vec<Tree>> {
    tree.get_mut("metadata")?.get_mut("managedFields")?.as_array_mut()
}

fn is_foreign(context: &Context, entry: &Tree) -> bool {
    let version = entry.get("apiVersion").and_then(Tree::as_str).and_then(GroupVersion::parse);
    version
        .is_some_and(|version| !version.version.is_empty() && version.group != context.info().group)
}

fn check_type(context: &Context, config: &Tree) -> Result<(), StatusError> {
    let text = |name| config.get(name).and_then(Tree::as_str).unwrap_or_default();
    let version = GroupVersion::parse(text("apiVersion")).unwrap_or_default();
    let given: GroupVersionKind = version.with_kind(text("kind").to_owned());
    if given == context.info().gvk() {
        Ok(())
    } else {
        Err(StatusError::bad_request(format!("invalid object type: {given}")))
    }
}

/// The fields that a path cannot write, so that nobody owns them by it: the top fields that belong to other paths, or what the kind says.
fn not_written(context: &Context, part: Part) -> FieldSet {
    let info = context.info();
    let path = context.resource.subresource.as_str();
    if let Some((_, fields)) = info.unowned.iter().find(|(subresource, _)| *subresource == path) {
        let steps = |field: &&str| field.split('.').map(Element::field).collect();
        let paths: Vec<Vec<Element>> = fields.iter().map(steps).collect();
        return FieldSet::from_paths(paths.iter().map(Vec::as_slice));
    }
    let fields: Vec<[Element; 1]> = match part {
        Part::Main | Part::Fields(_) if info.status => vec![Element::path(["status"])],
        Part::Main | Part::Fields(_) => Vec::new(),
        Part::Status => {
            let keeps_metadata = context.info().status_keeps_metadata;
            let ty = context.kind.schema().resolve(context.kind.type_ref());
            ty.map(meta::schema::Struct::fields)
                .unwrap_or_default()
                .iter()
                .filter(|field| {
                    !matches!(&*field.name, "apiVersion" | "kind" | "status")
                        && (keeps_metadata || &*field.name != "metadata")
                })
                .map(|field| Element::path([&*field.name]))
                .collect()
        }
    };
    FieldSet::from_paths(fields.iter().map(|path| &path[..]))
}
