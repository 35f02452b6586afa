//! A page as an answer: the stored bodies between a head and a tail, without decoding any of them.
//!
//! Long lists are sent piece by piece, so that a list of 30 MB never stands in memory as a whole.

use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use futures::stream;
use http::header::{CONTENT_TYPE, HeaderValue};
use http::{Response, StatusCode};
use meta::StatusError;
use store::Entry;

use super::{Context, ListHead, Page, head_tree};
use crate::body::Body;
use crate::codec::negotiate::{Format, View, ViewVersion};
use crate::codec::{encode, gzip};
use crate::table::{self, Shown};

/// Pieces of an answer have about this many bytes: large enough for the socket, small enough for memory.
const PIECE_BYTES: usize = 128 * 1024;

pub(crate) fn list(context: &Context, page: &Page) -> Result<Response<Body>, StatusError> {
    match context.accepted.view {
        View::Object => objects(context, page),
        View::Metadata(version) => {
            let json = metadata(context, page, version)?;
            Ok(whole(context, context.formatted(&json)))
        }
        View::Table(version) => {
            let include = table::include(&context.call.info.query)?;
            let bodies = bodies(context, &page.entries)?;
            let bodies: Vec<&Bytes> = bodies.iter().collect();
            let now = context.state.clock.now();
            let head = encode::plain(&head_tree(&page.head));
            let json =
                table::table(context.kind, &bodies, &head, version, include, Shown::List, now);
            Ok(whole(context, context.formatted(&json.into())))
        }
    }
}

fn objects(context: &Context, page: &Page) -> Result<Response<Body>, StatusError> {
    let head = head(context, &page.head);
    // A body of another kind is decoded, so the shortcut for the stored kind does not apply.
    let plain = context.info().stored_as.is_none();
    let skip = encode::type_prefix_len(context.info());
    if plain && !context.accepted.pretty && context.accepted.format == Format::Json {
        let response = streamed(head.clone(), page.entries.clone(), skip);
        let short = response.body().len().is_some_and(|len| len <= gzip::MIN_BYTES);
        if short || !gzip::is_accepted(&context.call.parts.headers) {
            return Ok(response);
        }
    }
    let mut json = BytesMut::from(&head[..]);
    for (index, body) in bodies(context, &page.entries)?.iter().enumerate() {
        item(&mut json, index, body, skip);
    }
    json.extend_from_slice(TAIL);
    Ok(whole(context, encode::stored_bytes(&json.freeze(), context.accepted)))
}

const TAIL: &[u8] = b"]}\n";

fn head(context: &Context, head: &ListHead) -> Bytes {
    let info = context.info();
    let text = format!(
        "{{\"kind\":\"{}\",\"apiVersion\":\"{}\",\"metadata\":{},\"items\":[",
        info.list_kind,
        info.api_version(),
        head_tree(head)
    );
    text.into()
}

/// Typed lists leave `apiVersion` and `kind` of their items out.
fn item(out: &mut BytesMut, index: usize, body: &[u8], skip: usize) {
    out.extend_from_slice(if index == 0 { b"{" } else { b",{" });
    out.extend_from_slice(body.get(skip..).unwrap_or_default());
}

fn streamed(head: Bytes, entries: Vec<Arc<Entry>>, skip: usize) -> Response<Body> {
    let items: usize = entries.iter().map(|entry| entry.body.len() - skip + 2).sum();
    let len = head.len() + items - usize::from(!entries.is_empty()) + TAIL.len();
    let entries = entries.into_iter().enumerate();
    let pieces = stream::unfold((Some(head), entries), move |(head, mut rest)| async move {
        let mut piece = BytesMut::with_capacity(PIECE_BYTES + 16 * 1024);
        let head = match head {
            Some(head) => head,
            // The tail has been sent.
            None if rest.len() == 0 => return None,
            None => Bytes::new(),
        };
        piece.extend_from_slice(&head);
        for (index, entry) in rest.by_ref() {
            item(&mut piece, index, &entry.body, skip);
            if piece.len() >= PIECE_BYTES {
                break;
            }
        }
        if rest.len() == 0 {
            piece.extend_from_slice(TAIL);
        }
        Some((Ok(piece.freeze()), (None, rest)))
    });
    let mut response = Response::new(Body::sized(pieces, len as u64));
    response
        .headers_mut()
        .insert(CONTENT_TYPE, HeaderValue::from_static(Format::Json.media_type()));
    response
}

fn bodies(context: &Context, entries: &[Arc<Entry>]) -> Result<Vec<Bytes>, StatusError> {
    entries.iter().map(|entry| context.served(&entry.body)).collect()
}

fn metadata(context: &Context, page: &Page, version: ViewVersion) -> Result<Bytes, StatusError> {
    let mut json = BytesMut::new();
    let head = format!(
        "{{\"kind\":\"PartialObjectMetadataList\",\"apiVersion\":\"{}\",\"metadata\":{},\"items\":",
        version.api_version(),
        head_tree(&page.head)
    );
    json.extend_from_slice(head.as_bytes());
    // Go writes a list that nothing was appended to as null.
    json.extend_from_slice(if page.entries.is_empty() { b"null" } else { b"[" });
    for (index, entry) in page.entries.iter().enumerate() {
        if index > 0 {
            json.extend_from_slice(b",");
        }
        json.extend_from_slice(&table::metadata(&context.served(&entry.body)?, version));
    }
    json.extend_from_slice(if page.entries.is_empty() { b"}\n" } else { TAIL });
    Ok(json.freeze())
}

/// An answer that is there as a whole, compressed if the client likes.
fn whole(context: &Context, bytes: Bytes) -> Response<Body> {
    let zipped = gzip::is_accepted(&context.call.parts.headers);
    if zipped {
        let empty = encode::response(StatusCode::OK, context.accepted, Bytes::new());
        return gzip::apply(empty, bytes);
    }
    encode::response(StatusCode::OK, context.accepted, bytes)
}
