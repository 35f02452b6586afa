//! `/scale`: how many replicas an object has and wants, in one shape for all kinds that have any.
//!
//! Where a kind keeps the numbers is data of the kind. A write of the scale is a write of that one field, and whoever writes it owns the field in
//! both shapes. See <https://kubernetes.io/docs/reference/kubernetes-api/workload-resources/scale-v1/>.

use http::{Response, StatusCode};
use k8s_openapi::api::autoscaling::v1::{ScaleSpec, ScaleStatus};
use kinds::{Column, ScalePaths, Selector as SelectorAt, columns};
use meta::field::Path;
use meta::managed::{self, Element};
use meta::selector::label::Selector;
use meta::{FieldError, GroupKind, LabelSelector, ObjectMeta, StatusError, Tree};
use serde_json::json;

use super::parts::Part;
use super::patch::{self, Language, Patch};
use super::write::{self, Wanted, whole_seconds};
use super::{Context, Current, create, update};
use crate::body::Body;
use crate::codec::decode::{self, Expected};
use crate::codec::encode;
use crate::codec::negotiate::{View, ViewVersion};
use crate::options::{WriteOptions, Writing};
use crate::request::Verb;
use crate::table::{self, Include};

const VERSION: &str = "autoscaling/v1";

pub(super) async fn handle(mut context: Context) -> Result<Response<Body>, StatusError> {
    let Some(paths) = context.info().scale else { return Err(StatusError::no_such_path()) };
    let input = match context.resource.verb {
        Verb::Get => {
            let snapshot = context.state.store.snapshot();
            let current = context.current(context.entry(&snapshot, &context.resource.name)?)?;
            check_there(&context, &current.tree, &paths)?;
            return answer(&context, &scale_of(&current.tree, &paths));
        }
        Verb::Patch => Input::Patch(patch::read(&mut context).await?),
        _ => {
            let raw = decode::read(&context.state, &mut context.call).await?;
            let options = WriteOptions::read(&context.call, Writing::Update)?;
            let expected = Expected::of_body("autoscaling", "v1", "Scale")?;
            let mut tree =
                decode::tree(&raw, &expected, options.validation, &context.call.warnings)?;
            create::place(&context, &mut tree)?;
            update::check_name(&context.resource.name, &tree)?;
            Input::Put(tree, options)
        }
    };
    let context = &context;
    let mut change = |current: Option<&Current>| match current {
        None => Err(context.not_found(&context.resource.name)),
        Some(current) => wanted(context, &paths, &input, current),
    };
    let written = write::update(context, input.options(), &Part::Main, false, &mut change).await?;
    let tree: Tree = serde_json::from_slice(&written.body)
        .map_err(|error| StatusError::internal(format!("a stored object is damaged: {error}")))?;
    answer(context, &scale_of(&tree, &paths))
}

/// Objects of a custom kind may lack the number that their scale is about.
fn check_there(context: &Context, tree: &Tree, paths: &ScalePaths) -> Result<(), StatusError> {
    if context.kind.custom().is_none() || get(tree, paths.spec_replicas).is_some() {
        return Ok(());
    }
    let path = meta::quote(paths.spec_replicas);
    Err(StatusError::internal(format!("the spec replicas field {path} does not exist")))
}

/// What the client sent.
enum Input {
    Put(Tree, WriteOptions),
    Patch(Patch),
}

impl Input {
    fn options(&self) -> &WriteOptions {
        match self {
            Input::Put(_, options) => options,
            Input::Patch(patch) => &patch.options,
        }
    }
}

/// The object with the replicas that the client wants.
fn wanted(
    context: &Context,
    paths: &ScalePaths,
    input: &Input,
    current: &Current,
) -> Result<Wanted, StatusError> {
    let expected = Expected::of_body("autoscaling", "v1", "Scale")?;
    let replicas = replicas_path(paths);
    let owners = managed::decode_entries(&current.tree).unwrap_or_default();
    let mut live = scale_of(&current.tree, paths);
    managed::encode_entries(managed::to_scale(&owners, &replicas), &mut live);

    let tracking = managed::Context {
        manager: &input.options().manager,
        api_version: VERSION,
        subresource: "scale",
        now: whole_seconds(context.state.clock.now()),
        ty: expected.ty,
        schema: expected.schema,
        reset: None,
    };
    let scale = match input {
        Input::Patch(patch) if patch.language == Language::Apply => {
            let applied = managed::apply(&tracking, Some(&live), &patch.tree, patch.options.force);
            let mut tree = applied.map_err(|error| error.status())?.tree;
            patch::report_applied(context, patch)?;
            expected
                .canonicalize(&mut tree)
                .map_err(|error| StatusError::unknown(error.to_string()))?;
            tree
        }
        Input::Patch(patch) => {
            let mut tree = patch::patched(context, patch, &expected, live.clone())?;
            managed::track_update(&tracking, Some(&live), &mut tree, false);
            tree
        }
        Input::Put(tree, _) => {
            let mut tree = tree.clone();
            managed::track_update(&tracking, Some(&live), &mut tree, false);
            tree
        }
    };
    check(context, &scale, current)?;

    let mut tree = current.tree.clone();
    rescale(&mut tree, &scale, paths);
    let own = managed::decode_entries(&scale).unwrap_or_default();
    let owners = managed::from_scale(&owners, &own, &replicas, &context.info().api_version());
    managed::encode_entries(owners, &mut tree);
    // A scale without a version is that of whatever is there, as the tree says already.
    let revision = scale.pointer("/metadata/resourceVersion").filter(|given| is_version(given));
    if let Some(revision) = revision {
        set(&mut tree, ".metadata.resourceVersion", revision.clone());
    }
    Ok(Wanted { tree, owned: true })
}

fn is_version(given: &Tree) -> bool {
    !matches!(given.as_str(), None | Some("" | "0"))
}

fn check(context: &Context, scale: &Tree, current: &Current) -> Result<(), StatusError> {
    let name = &context.resource.name;
    update::check_name(name, scale)?;
    let replicas = scale.pointer("/spec/replicas").and_then(Tree::as_i64).unwrap_or(0);
    // Custom kinds check the field itself, and call it by its place in them.
    if replicas < 0 && context.kind.custom().is_none() {
        let path = Path::of(["spec", "replicas"]);
        let error = FieldError::invalid(&path, replicas, "must be greater than or equal to 0");
        return Err(StatusError::invalid(&GroupKind::new("autoscaling", "Scale"), name, &[error]));
    }
    let uid = current.object.metadata().uid.as_deref().unwrap_or_default();
    let asked = scale.pointer("/metadata/uid").and_then(Tree::as_str);
    let asked = (asked.filter(|asked| !asked.is_empty()), None);
    super::precondition(asked, uid, "")
        .map_err(|text| StatusError::conflict(&context.group_resource(), name, &text))
}

/// The scale of an object.
pub(crate) fn scale_of(tree: &Tree, paths: &ScalePaths) -> Tree {
    let number = |path: &str| get(tree, path).and_then(Tree::as_i64).unwrap_or(0);
    let mut metadata = json!({});
    for name in ["name", "namespace", "uid", "resourceVersion", "creationTimestamp"] {
        if let Some(value) = tree.pointer("/metadata").and_then(|metadata| metadata.get(name)) {
            metadata[name] = value.clone();
        }
    }
    let mut spec = json!({});
    if number(paths.spec_replicas) != 0 {
        spec["replicas"] = number(paths.spec_replicas).into();
    }
    let mut status = json!({ "replicas": number(paths.status_replicas) });
    let selector = paths.selector.map(|at| selector(tree, at)).unwrap_or_default();
    if !selector.is_empty() {
        status["selector"] = selector.into();
    }
    json!({ "kind": "Scale", "apiVersion": VERSION, "metadata": metadata, "spec": spec, "status": status })
}

fn selector(tree: &Tree, at: SelectorAt) -> String {
    match at {
        SelectorAt::Labels(path) => {
            let selector = get(tree, path)
                .and_then(|tree| serde_json::from_value::<LabelSelector>(tree.clone()).ok());
            selector
                .and_then(|selector| Selector::from(&selector).ok())
                .map(|selector| selector.to_string())
                .unwrap_or_default()
        }
        SelectorAt::Map(path) => {
            let labels = get(tree, path)
                .and_then(|tree| serde_json::from_value(tree.clone()).ok())
                .unwrap_or_default();
            Selector::from_labels(&labels).to_string()
        }
        SelectorAt::Text(path) => {
            get(tree, path).and_then(Tree::as_str).unwrap_or_default().to_owned()
        }
    }
}

fn replicas_path(paths: &ScalePaths) -> Vec<Element> {
    steps(paths.spec_replicas).map(Element::field).collect()
}

/// The steps of a path as `.spec.replicas`.
fn steps(path: &str) -> impl Iterator<Item = &str> {
    path.split('.').filter(|step| !step.is_empty())
}

fn get<'a>(tree: &'a Tree, path: &str) -> Option<&'a Tree> {
    steps(path).try_fold(tree, |tree, step| tree.get(step))
}

/// Puts the replicas of a scale into the object behind it.
pub(crate) fn rescale(whole: &mut Tree, scale: &Tree, paths: &ScalePaths) {
    let count = scale.pointer("/spec/replicas").cloned().unwrap_or_else(|| 0.into());
    set(whole, paths.spec_replicas, count);
}

/// Puts a value at a path; `null` takes away what is there.
fn set(tree: &mut Tree, path: &str, value: Tree) {
    let mut steps = steps(path).peekable();
    let mut place = tree;
    while let Some(step) = steps.next() {
        let Some(object) = place.as_object_mut() else { return };
        if steps.peek().is_none() {
            if value.is_null() {
                object.remove(step);
            } else {
                object.insert(step.to_owned(), value);
            }
            return;
        }
        place = object.entry(step.to_owned()).or_insert_with(|| json!({}));
    }
}

const COLUMNS: &[Column] = &[
    Column::of::<ObjectMeta>("Name", "name"),
    Column::of::<ScaleSpec>("Desired", "replicas").integer(),
    Column::of::<ScaleStatus>("Available", "replicas").integer(),
    columns::AGE,
];

/// A Table of the scale, with metadata or the scale itself beside the cells, as the client asks.
fn table_of(context: &Context, scale: &Tree, version: ViewVersion) -> Result<Tree, StatusError> {
    let object = match table::include(&context.call.info.query)? {
        Include::None => Tree::Null,
        Include::Object => scale.clone(),
        Include::Metadata => json!({
            "kind": "PartialObjectMetadata",
            "apiVersion": version.api_version(),
            "metadata": scale["metadata"],
        }),
    };
    let metadata: ObjectMeta =
        serde_json::from_value(scale["metadata"].clone()).unwrap_or_default();
    let number = |pointer| scale.pointer(pointer).cloned().unwrap_or_else(|| 0.into());
    let cells = [
        metadata.name.clone().into(),
        number("/spec/replicas"),
        number("/status/replicas"),
        columns::age(&metadata, context.state.clock.now()),
    ];
    Ok(json!({
        "kind": "Table",
        "apiVersion": version.api_version(),
        "metadata": { "resourceVersion": metadata.resource_version },
        "columnDefinitions": table::definitions(COLUMNS),
        "rows": [{ "cells": cells, "object": object }],
    }))
}

fn answer(context: &Context, scale: &Tree) -> Result<Response<Body>, StatusError> {
    let accepted = context.accepted;
    let bytes = match accepted.view {
        View::Metadata(version) => context
            .formatted(&table::metadata(context.info(), &encode::plain(scale), version).into()),
        View::Table(version) => encode::value(&table_of(context, scale, version)?, accepted),
        View::Object | View::MetadataList(_) => encode::value(scale, accepted),
    };
    Ok(encode::response(StatusCode::OK, accepted, bytes))
}
