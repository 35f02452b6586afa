//! Views that are made of objects when they are read: Tables for people, and metadata only.
//!
//! Both are written as JSON text around the stored bytes. A Table's cells come from the kind; what a row carries beside its cells is cut out of
//! the stored bytes, not decoded and encoded again.
//!
//! See <https://kubernetes.io/docs/reference/using-api/api-concepts/#receiving-resources-as-tables>.

use bytes::Bytes;
use jiff::Timestamp;
use kinds::columns::CREATED_AT;
use kinds::{AnyKind, Column, KindInfo};
use meta::field::FieldError;
use meta::{Path, StatusError, Tree, member};
use serde_json::json;

use crate::codec::negotiate::ViewVersion;
use crate::query::Query;

/// What a row carries beside its cells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Include {
    None,
    Metadata,
    Object,
}

/// What a Table shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shown {
    /// Objects of a list, among which one may stand out.
    List,
    /// One object, or the first event of a watch.
    Object,
    /// An event of a watch that has told its columns already.
    LaterEvent,
}

/// What a client wants rows to carry.
pub(crate) fn include(query: &Query) -> Result<Include, StatusError> {
    match query.first("includeObject").unwrap_or_default() {
        "None" => Ok(Include::None),
        "" | "Metadata" => Ok(Include::Metadata),
        "Object" => Ok(Include::Object),
        other => {
            let rule = "must be 'Metadata', 'Object', 'None', or empty";
            let error = FieldError::invalid(&Path::new("includeObject"), other, rule);
            Err(StatusError::bad_request(format!(
                "Unable to convert to Table as requested: {error}"
            )))
        }
    }
}

/// The `PartialObjectMetadata` of an object, from its bytes.
pub(crate) fn metadata(info: &KindInfo, body: &[u8], version: ViewVersion) -> Vec<u8> {
    let mut out = Vec::with_capacity(body.len());
    write_metadata(&mut out, info, body, version);
    out
}

fn write_metadata(out: &mut Vec<u8>, info: &KindInfo, body: &[u8], version: ViewVersion) {
    out.extend_from_slice(b"{\"kind\":\"PartialObjectMetadata\",\"apiVersion\":\"");
    out.extend_from_slice(version.api_version().as_bytes());
    out.extend_from_slice(b"\",\"metadata\":");
    let metadata = member(body, "metadata").unwrap_or(b"{}");
    match without_other_versions(info, metadata) {
        Some(metadata) => meta::write_json(&metadata, out),
        None => out.extend_from_slice(metadata),
    }
    out.push(b'}');
}

/// Metadata without the annotations that stand for fields of other versions; none if it has none of them.
fn without_other_versions(info: &KindInfo, metadata: &[u8]) -> Option<Tree> {
    if info.of_other_versions.is_empty() {
        return None;
    }
    let mut metadata: Tree = serde_json::from_slice(metadata).ok()?;
    let map = metadata.as_object_mut()?;
    let annotations = map.get_mut("annotations")?.as_object_mut()?;
    let all = annotations.len();
    annotations.retain(|name, _| !info.of_other_versions.contains(&name.as_str()));
    let left = annotations.len();
    if left == 0 {
        map.remove("annotations");
    }
    (left < all).then_some(metadata)
}

/// A Table of rows. `head` is the JSON of the list's metadata.
pub(crate) fn table(
    kind: &dyn AnyKind,
    mut rows: Vec<Row<'_>>,
    head: &[u8],
    version: ViewVersion,
    include: Include,
    shown: Shown,
) -> Vec<u8> {
    let columns = kind.info().columns;
    let mut out = Vec::with_capacity(1024 + rows.len() * 256);
    out.extend_from_slice(b"{\"kind\":\"Table\",\"apiVersion\":\"");
    out.extend_from_slice(version.api_version().as_bytes());
    out.extend_from_slice(b"\",\"metadata\":");
    out.extend_from_slice(head);
    out.extend_from_slice(b",\"columnDefinitions\":");
    if shown == Shown::LaterEvent {
        out.extend_from_slice(b"null");
    } else {
        meta::write_json(&definitions(columns), &mut out);
    }
    let is_default = |column: &Column| column.name == CREATED_AT.name;
    if rows.is_empty() && columns.iter().any(is_default) {
        // Where Kubernetes has no columns of the kind's own, no rows are no list.
        out.extend_from_slice(b",\"rows\":null}");
        return out;
    }
    let default = if shown == Shown::List { default_name(kind, &rows) } else { None };
    out.extend_from_slice(b",\"rows\":[");
    rows.sort_by_key(|row| row.rank);
    for (index, mut row) in rows.into_iter().enumerate() {
        if index > 0 {
            out.push(b',');
        }
        mark_default(&mut row.cells, default.as_deref());
        out.extend_from_slice(b"{\"cells\":");
        meta::write_json(&Tree::Array(row.cells), &mut out);
        if !row.conditions.is_empty() {
            out.extend_from_slice(b",\"conditions\":");
            meta::write_json(&Tree::Array(row.conditions), &mut out);
        }
        out.extend_from_slice(b",\"object\":");
        match include {
            Include::None => out.extend_from_slice(b"null"),
            Include::Metadata => write_metadata(&mut out, kind.info(), row.body, version),
            Include::Object => out.extend_from_slice(row.body.trim_ascii_end()),
        }
        out.push(b'}');
    }
    out.extend_from_slice(b"]}");
    out
}

/// Columns as clients are told of them.
pub(crate) fn definitions(columns: &[Column]) -> Tree {
    columns
        .iter()
        .map(|column| {
            json!({
                "name": column.name,
                "type": column.type_,
                "format": column.format,
                "description": column.describe(),
                "priority": column.priority,
            })
        })
        .collect()
}

/// What a row shows of an object.
pub(crate) struct Row<'a> {
    body: &'a Bytes,
    cells: Vec<Tree>,
    conditions: Vec<Tree>,
    rank: i64,
}

/// The row of an object, with at least as many cells as there are columns whatever the object is.
pub(crate) fn row<'a>(kind: &dyn AnyKind, body: &'a Bytes, now: Timestamp) -> Row<'a> {
    let mut row = Row { body, cells: Vec::new(), conditions: Vec::new(), rank: 0 };
    if let Ok(object) = kind.parse(body) {
        row.cells = object.row(now);
        row.conditions = object.row_conditions();
        row.rank = object.row_rank();
    }
    row.cells.resize(kind.info().columns.len().max(row.cells.len()), Tree::Null);
    row
}

/// The object of a list that others get by default.
fn default_name(kind: &dyn AnyKind, rows: &[Row<'_>]) -> Option<String> {
    kind.info().is_default?;
    let metadata = |row: &Row<'_>| serde_json::from_slice(member(row.body, "metadata")?).ok();
    kind.info().default_among(rows.iter().filter_map(metadata))
}

fn mark_default(cells: &mut [Tree], default: Option<&str>) {
    if let (Some(name), Some(Tree::String(cell))) = (default, cells.first_mut())
        && cell == name
    {
        cell.push_str(" (default)");
    }
}

#[cfg(test)]
mod tests;
