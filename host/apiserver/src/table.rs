//! Views that are made of objects when they are read: Tables for people, and metadata only.
//!
//! Both are written as JSON text around the stored bytes. A Table's cells come from the kind; what a row carries beside its cells is cut out of
//! the stored bytes, not decoded and encoded again.
//!
//! See <https://kubernetes.io/docs/reference/using-api/api-concepts/#receiving-resources-as-tables>.

mod member;

use bytes::Bytes;
use jiff::Timestamp;
use kinds::Column;
use meta::field::FieldError;
use meta::{Path, StatusError, Tree};
use serde_json::json;

use crate::codec::negotiate::ViewVersion;
use crate::query::Query;
use crate::registry::KindRef;

use member::member;

/// What a row carries beside its cells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Include {
    None,
    Metadata,
    Object,
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
pub(crate) fn metadata(body: &[u8], version: ViewVersion) -> Vec<u8> {
    let mut out = Vec::with_capacity(body.len());
    write_metadata(&mut out, body, version);
    out
}

fn write_metadata(out: &mut Vec<u8>, body: &[u8], version: ViewVersion) {
    out.extend_from_slice(b"{\"kind\":\"PartialObjectMetadata\",\"apiVersion\":\"");
    out.extend_from_slice(version.api_version().as_bytes());
    out.extend_from_slice(b"\",\"metadata\":");
    out.extend_from_slice(member(body, "metadata").unwrap_or(b"{}"));
    out.push(b'}');
}

/// A Table of objects, from their bytes. `head` is the JSON of the list's metadata. The first event of a watch tells the columns, later
/// ones leave them out.
pub(crate) fn table(
    kind: KindRef,
    bodies: &[&Bytes],
    head: &[u8],
    version: ViewVersion,
    include: Include,
    with_columns: bool,
    now: Timestamp,
) -> Vec<u8> {
    let columns = kind.info().columns;
    let mut out = Vec::with_capacity(1024 + bodies.len() * 256);
    out.extend_from_slice(b"{\"kind\":\"Table\",\"apiVersion\":\"");
    out.extend_from_slice(version.api_version().as_bytes());
    out.extend_from_slice(b"\",\"metadata\":");
    out.extend_from_slice(head);
    out.extend_from_slice(b",\"columnDefinitions\":");
    if with_columns {
        write_json(&mut out, &definitions(columns));
    } else {
        out.extend_from_slice(b"null");
    }
    out.extend_from_slice(b",\"rows\":[");
    for (index, body) in bodies.iter().enumerate() {
        if index > 0 {
            out.push(b',');
        }
        let (cells, conditions) = row(kind, body, now);
        out.extend_from_slice(b"{\"cells\":");
        write_json(&mut out, &Tree::Array(cells));
        if !conditions.is_empty() {
            out.extend_from_slice(b",\"conditions\":");
            write_json(&mut out, &Tree::Array(conditions));
        }
        out.extend_from_slice(b",\"object\":");
        match include {
            Include::None => out.extend_from_slice(b"null"),
            Include::Metadata => write_metadata(&mut out, body, version),
            Include::Object => out.extend_from_slice(body.trim_ascii_end()),
        }
        out.push(b'}');
    }
    out.extend_from_slice(b"]}");
    out
}

fn definitions(columns: &[Column]) -> Tree {
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

/// The cells of a row, at least as many as there are columns whatever the object is, and its conditions.
fn row(kind: KindRef, body: &[u8], now: Timestamp) -> (Vec<Tree>, Vec<Tree>) {
    let object = serde_json::from_slice::<Tree>(body).ok().and_then(|tree| kind.object(tree).ok());
    let (mut cells, conditions) =
        object.map(|object| (object.row(now), object.row_conditions())).unwrap_or_default();
    cells.resize(kind.info().columns.len().max(cells.len()), Tree::Null);
    (cells, conditions)
}

fn write_json(out: &mut Vec<u8>, tree: &Tree) {
    serde_json::to_writer(out, tree).expect("a tree has text keys, and memory takes every byte");
}

#[cfg(test)]
mod tests;
