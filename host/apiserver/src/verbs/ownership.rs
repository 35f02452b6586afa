//! Who owns which fields after a write: the `managedFields` of updates, and apply.
//!
//! See <https://kubernetes.io/docs/reference/using-api/server-side-apply/>.

use kinds::Object;
use meta::managed::{self, Element, FieldSet};
use meta::{GroupVersion, GroupVersionKind, StatusError, Tree};

use super::parts::Part;
use super::write::{Wanted, whole_seconds};
use super::{Context, Current};
use crate::options::WriteOptions;

/// The creator owns what it set, defaults included.
pub(super) fn of_new(
    context: &Context,
    options: &WriteOptions,
    object: &mut dyn Object,
    tree: Tree,
) -> Result<(), StatusError> {
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
) -> Result<(), StatusError> {
    track(context, options, object, tree, Some(&current.tree), part)
}

fn track(
    context: &Context,
    options: &WriteOptions,
    object: &mut dyn Object,
    mut tree: Tree,
    live: Option<&Tree>,
    part: Part,
) -> Result<(), StatusError> {
    let reset = managed::is_reset(&tree);
    let api_version = context.info().api_version();
    let not_written = not_written(context, part);
    managed::track_update(
        &tracking(context, options, &api_version, Some(&not_written)),
        live,
        &mut tree,
        reset,
    );
    let owners = tree.pointer_mut("/metadata/managedFields").map(Tree::take);
    let owners = owners.map(serde_json::from_value).transpose();
    object.metadata_mut().managed_fields =
        owners.map_err(|error| StatusError::internal(format!("managed fields: {error}")))?;
    Ok(())
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
        schema: kinds::schema(),
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
    let applied =
        managed::apply(&tracking, current.map(|current| &current.tree), config, options.force)
            .map_err(|error| error.status())?;
    let mut tree = applied.tree;
    meta::decode::canonicalize(&mut tree, context.kind.type_ref(), kinds::schema())
        .map_err(|error| StatusError::unknown(error.to_string()))?;
    Ok(Wanted { tree, owned: true })
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
            let ty = kinds::schema().resolve(context.kind.type_ref());
            ty.map(meta::schema::Struct::fields)
                .unwrap_or_default()
                .iter()
                .filter(|field| {
                    !matches!(&*field.name, "apiVersion" | "kind" | "metadata" | "status")
                })
                .map(|field| Element::path([&*field.name]))
                .collect()
        }
    };
    FieldSet::from_paths(fields.iter().map(|path| &path[..]))
}
