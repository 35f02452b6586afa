//! GET of a collection: one snapshot, filtered, in pages if the client asks for them.
//!
//! All pages of a list come from the snapshot of its first page. When that is no longer kept, the client gets 410 together with a token
//! that goes on with the current state instead, for those who can live with an inconsistent list.
//! See <https://kubernetes.io/docs/reference/using-api/api-concepts/#retrieving-large-results-sets-in-chunks>.

mod answer;
mod page;

use std::sync::Arc;

use bytes::Bytes;
use http::Response;
use kinds::custom::CustomKind;
use kinds::{AnyKind as _, KindInfo};
use meta::selector::{field, label};
use meta::{Key, Revision, StatusError, Tree};
use store::{Entry, Snapshot};

use super::Context;
use super::get::{from_future, invalid_revision, revision};
use crate::body::Body;
use crate::codec::encode;
use crate::options::{ListOptions, Matching};
use crate::status;

pub(crate) use answer::list as answer;

/// What stands in the metadata of a list.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct ListHead {
    pub(crate) resource_version: String,
    /// Empty on the last page.
    pub(crate) continue_: String,
    /// How many objects follow this page, if that is known.
    pub(crate) remaining: Option<usize>,
}

/// The metadata of a Table that shows one object, as JSON.
pub(crate) fn head_of_object(body: &Bytes) -> Bytes {
    #[derive(Default, serde::Deserialize)]
    #[serde(default)]
    struct Object {
        metadata: Metadata,
    }
    #[derive(Default, serde::Deserialize)]
    #[serde(rename_all = "camelCase", default)]
    struct Metadata {
        resource_version: String,
    }
    let object: Object = serde_json::from_slice(body).unwrap_or_default();
    let head =
        ListHead { resource_version: object.metadata.resource_version, ..ListHead::default() };
    encode::plain(&head_tree(&head))
}

/// One page of a list.
#[derive(Debug, Default)]
pub(crate) struct Page {
    pub(crate) head: ListHead,
    pub(crate) entries: Vec<Arc<Entry>>,
}

pub(crate) async fn handle(context: &Context) -> Result<Response<Body>, StatusError> {
    let options = ListOptions::read(&context.call.info.query, false)?;
    answer(context, &read(context, &options)?).await
}

/// Reads one page.
pub(crate) fn read(context: &Context, options: &ListOptions) -> Result<Page, StatusError> {
    let range = Range::new(context, options)?;
    let start = page::start(options, &range.prefix)?;
    let snapshot = snapshot(context, options, &start, &range)?;
    let unpaged = context.info().watch_cache
        && options.revision == "0"
        && options.matching.is_none_or(|matching| matching == Matching::NotOlderThan);
    let limit = if unpaged { 0 } else { options.limit };
    Ok(page::collect(&snapshot, &range, options, &start, limit))
}

/// Which objects a list or watch is about.
#[derive(Clone, Debug)]
pub(crate) struct Range {
    /// What their keys begin with.
    pub(crate) prefix: String,
    /// The only key that can match, if the selectors name one object.
    pub(crate) only: Option<Key>,
    pub(crate) labels: label::Selector,
    pub(crate) fields: field::Selector,
    /// The custom kind whose objects are read to know their fields. What is selectable of them may have changed since they were stored, so
    /// that the store does not know it.
    read_as: Option<CustomKind>,
}

impl Range {
    /// From the path and the selectors; an unknown field is refused.
    pub(crate) fn new(context: &Context, options: &ListOptions) -> Result<Range, StatusError> {
        let info = context.info();
        check_fields(info, &options.fields)?;
        let mut fields = options.fields.clone();
        if context.resource.name_in_path && !context.resource.name.is_empty() {
            let name = &context.resource.name;
            if fields.is_empty() {
                fields = field::Selector::equal("metadata.name", name);
            } else if fields.requires("metadata.name") != Some(name) {
                let text = "fieldSelector metadata.name doesn't match requested name";
                return Err(StatusError::bad_request(text));
            }
        }
        let resource = info.storage_resource();
        let namespace = match (info.namespaced, context.resource.namespace.as_str()) {
            (false, _) => Some(""),
            (true, "") => fields.requires("metadata.namespace").filter(|name| is_key_part(name)),
            (true, namespace) => Some(namespace),
        };
        let name = fields.requires("metadata.name").filter(|name| is_key_part(name));
        let only =
            namespace.zip(name).map(|(namespace, name)| Key::new(&resource, namespace, name));
        let prefix = Key::prefix(&resource, namespace);
        let fields = fields.renamed(|field| context.kind.stored_field(field));
        let is_own = |term: &field::Term| info.selectable.contains(&term.field.as_str());
        let custom = context.kind.custom().filter(|_| fields.terms().iter().any(is_own));
        let read_as = custom.cloned();
        Ok(Range { prefix, only, labels: options.labels.clone(), fields, read_as })
    }

    /// Whether an object is meant.
    pub(crate) fn matches(&self, entry: &Entry) -> bool {
        self.labels.matches(&entry.attributes) && self.matches_fields(entry)
    }

    fn matches_fields(&self, entry: &Entry) -> bool {
        let Some(kind) = &self.read_as else { return self.fields.matches(&entry.attributes) };
        let Ok(mut tree) = serde_json::from_slice(&entry.body) else { return false };
        kind.rewrite_to_served(&mut tree);
        let object = kind.object(&tree);
        object.is_ok_and(|object| self.fields.matches(&object.attributes()))
    }

    /// Whether every object under the prefix is meant.
    pub(crate) fn is_unfiltered(&self) -> bool {
        self.labels.is_empty() && self.fields.is_empty()
    }
}

fn is_key_part(text: &str) -> bool {
    !text.is_empty() && !text.contains('/')
}

fn check_fields(info: &KindInfo, selector: &field::Selector) -> Result<(), StatusError> {
    for term in selector.terms() {
        let common = match term.field.as_str() {
            "metadata.name" => true,
            "metadata.namespace" => info.namespaced || info.selectable.is_empty(),
            _ => false,
        };
        if !common && !info.selectable.contains(&term.field.as_str()) {
            return Err(StatusError::bad_request(unknown_field(info, &term.field)));
        }
    }
    Ok(())
}

/// Kubernetes has a wording of its own for most groups.
fn unknown_field(info: &KindInfo, field: &str) -> String {
    match (info.selectable.is_empty(), info.group) {
        (true, _) => {
            format!(
                "{} is not a known field selector: only \"metadata.name\", \"metadata.namespace\"",
                meta::quote(field)
            )
        }
        (false, "batch") => {
            format!("field label {} not supported for {}", meta::quote(field), info.kind)
        }
        (false, "resource.k8s.io") => {
            let version = info.api_version();
            format!("field label not supported for {version}, Kind={}: {field}", info.kind)
        }
        (false, _) => format!("field label not supported: {field}"),
    }
}

/// The state that the list shows.
fn snapshot(
    context: &Context,
    options: &ListOptions,
    start: &page::Start,
    range: &Range,
) -> Result<Snapshot, StatusError> {
    let (info, store) = (context.info(), &context.state.store);
    if let Some(at) = start.revision {
        return store.snapshot_at(at).map_err(|error| match error {
            store::SnapshotError::Expired { .. } => page::expired(start),
            store::SnapshotError::Future { current } => from_future(info, at, current),
        });
    }
    let asked = revision(&options.revision).map_err(|wrong| invalid_revision(&wrong))?;
    let exact = match options.matching {
        Some(Matching::Exact) => true,
        Some(Matching::NotOlderThan) => false,
        None => options.limit > 0 && asked > Revision::ZERO && range.only.is_none(),
    };
    if exact {
        return store.snapshot_at(asked).map_err(|error| match error {
            store::SnapshotError::Future { current } => from_future(info, asked, current),
            error @ store::SnapshotError::Expired { .. } => status::from_snapshot(&error, asked),
        });
    }
    let current = store.snapshot();
    if asked > current.revision() {
        return Err(from_future(info, asked, current.revision()));
    }
    Ok(current)
}

/// The metadata of a list as a tree.
pub(crate) fn head_tree(head: &ListHead) -> Tree {
    let mut tree = serde_json::json!({});
    if !head.resource_version.is_empty() {
        tree["resourceVersion"] = head.resource_version.clone().into();
    }
    if !head.continue_.is_empty() {
        tree["continue"] = head.continue_.clone().into();
    }
    if let Some(remaining) = head.remaining {
        tree["remainingItemCount"] = remaining.into();
    }
    tree
}

#[cfg(test)]
mod tests;
