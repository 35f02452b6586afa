//! A page as an answer: the stored bodies between a head and a tail, without decoding any of them.
//!
//! Long lists are sent piece by piece, so that a list of 30 MB never stands in memory as a whole.

use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use futures::{Stream, StreamExt as _, stream};
use http::{Response, StatusCode};
use meta::StatusError;
use store::Entry;

use super::{Context, ListHead, Page, head_tree};
use crate::body::Body;
use crate::codec::negotiate::{Format, View, ViewVersion, not_in_this_form};
use crate::codec::{encode, gzip, protobuf};
use crate::table::{self, Shown};

/// Pieces of an answer have about this many bytes: large enough for the socket, small enough for memory.
const PIECE_BYTES: usize = 128 * 1024;

/// Rows are made from objects that are decoded for it, in about 15 µs each.
const ROWS_AT_ONCE: usize = 100;

pub(crate) async fn list(context: &Context, page: &Page) -> Result<Response<Body>, StatusError> {
    match context.accepted.view {
        View::Object => objects(context, page).await,
        View::Metadata(_) => Err(not_in_this_form("PartialObjectMetadata", true)),
        View::MetadataList(version) => {
            let json = metadata(context, page, version)?;
            Ok(whole(context, context.formatted(&json)))
        }
        View::Table(version) => {
            let include = table::include(&context.call.info.query)?;
            let bodies = bodies(context, &page.entries)?;
            let now = context.state.clock.now();
            let mut rows = Vec::with_capacity(bodies.len());
            for body in &bodies {
                rows.push(table::row(&*context.kind, body, now));
                if rows.len().is_multiple_of(ROWS_AT_ONCE) {
                    // Others have their turn on this thread.
                    tokio::task::yield_now().await;
                }
            }
            let head = encode::plain(&head_tree(&page.head));
            let json = table::table(&*context.kind, rows, &head, version, include, Shown::List);
            Ok(whole(context, context.formatted(&json.into())))
        }
    }
}

async fn objects(context: &Context, page: &Page) -> Result<Response<Body>, StatusError> {
    let bodies = bodies(context, &page.entries)?;
    let skip = skipped(context);
    match context.accepted.format {
        Format::Json if !context.accepted.pretty => {
            let (pieces, len) = pieces(head(context, &page.head), bodies, skip);
            Ok(sent(context, pieces, len))
        }
        Format::Protobuf => {
            let chunks = messages(context, &page.head, &bodies).await?;
            let len = chunks.iter().map(|chunk| chunk.len() as u64).sum();
            Ok(sent(context, stream::iter(chunks), len))
        }
        Format::Json | Format::Yaml => {
            let mut json = BytesMut::from(&head(context, &page.head)[..]);
            for (index, body) in bodies.iter().enumerate() {
                item(&mut json, index, body, skip);
            }
            json.extend_from_slice(TAIL);
            Ok(whole(context, encode::stored_bytes(&json.freeze(), context.accepted)))
        }
    }
}

/// A list as protobuf. Its envelope begins with its length, so that it has to be there as a whole.
async fn messages(
    context: &Context,
    head: &ListHead,
    bodies: &[Bytes],
) -> Result<Vec<Bytes>, StatusError> {
    let info = context.info();
    let missing = || StatusError::internal(format!("the type of {} is not known", info.list_kind));
    let ty = encode::list_type(info).ok_or_else(missing)?;
    let items = kinds::schema().resolve(&ty).and_then(|ty| ty.field("items"));
    let items = items.ok_or_else(missing)?.proto;
    let mut piece = Vec::with_capacity(PIECE_BYTES + 16 * 1024);
    let head = format!("{{\"metadata\":{}}}", head_tree(head));
    protobuf::message_of(&mut piece, head.as_bytes(), &ty);
    let mut pieces = Vec::new();
    for body in bodies {
        protobuf::element(&mut piece, items, body, context.kind.type_ref());
        if piece.len() >= PIECE_BYTES {
            pieces.push(Bytes::copy_from_slice(&piece));
            piece.clear();
            // Others have their turn on this thread.
            tokio::task::yield_now().await;
        }
    }
    let len = pieces.iter().map(Bytes::len).sum::<usize>() + piece.len();
    let mut begin = Vec::new();
    protobuf::begin(&mut begin, &info.api_version(), info.list_kind, len);
    protobuf::end(&mut piece);
    pieces.insert(0, begin.into());
    pieces.push(piece.into());
    Ok(pieces)
}

const TAIL: &[u8] = b"]}\n";

fn head(context: &Context, head: &ListHead) -> Bytes {
    let info = context.info();
    let mut metadata = head_tree(head);
    // Lists of kinds without a type always tell where they go on, even if that is nowhere.
    if info.is_custom && head.continue_.is_empty() {
        metadata["continue"] = "".into();
    }
    let text = format!(
        "{{\"kind\":\"{}\",\"apiVersion\":\"{}\",\"metadata\":{metadata},\"items\":[",
        info.list_kind,
        info.api_version(),
    );
    text.into()
}

/// How many bytes of each item a list leaves out, the opening brace included. Typed lists leave out `apiVersion` and `kind`; those of custom kinds,
/// which have no type that would tell them, do not.
fn skipped(context: &Context) -> usize {
    match context.kind.custom() {
        Some(_) => 1,
        None => encode::type_prefix_len(context.info()),
    }
}

fn item(out: &mut BytesMut, index: usize, body: &[u8], skip: usize) {
    out.extend_from_slice(if index == 0 { b"{" } else { b",{" });
    out.extend_from_slice(body.get(skip..).unwrap_or_default());
}

/// A list as JSON, piece by piece, and its length.
fn pieces(head: Bytes, bodies: Vec<Bytes>, skip: usize) -> (impl Stream<Item = Bytes>, u64) {
    let items: usize = bodies.iter().map(|body| body.len() - skip + 2).sum();
    let len = head.len() + items - usize::from(!bodies.is_empty()) + TAIL.len();
    let bodies = bodies.into_iter().enumerate();
    let pieces = stream::unfold((Some(head), bodies), move |(head, mut rest)| async move {
        let mut piece = BytesMut::with_capacity(PIECE_BYTES + 16 * 1024);
        let head = match head {
            Some(head) => head,
            // The tail has been sent.
            None if rest.len() == 0 => return None,
            None => Bytes::new(),
        };
        piece.extend_from_slice(&head);
        for (index, body) in rest.by_ref() {
            item(&mut piece, index, &body, skip);
            if piece.len() >= PIECE_BYTES {
                break;
            }
        }
        if rest.len() == 0 {
            piece.extend_from_slice(TAIL);
        }
        Some((piece.freeze(), (None, rest)))
    });
    (pieces, len as u64)
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
        json.extend_from_slice(&table::metadata(
            context.info(),
            &context.served(&entry.body)?,
            version,
        ));
    }
    json.extend_from_slice(if page.entries.is_empty() { b"}\n" } else { TAIL });
    Ok(json.freeze())
}

/// An answer that is there as a whole, compressed if the client likes.
fn whole(context: &Context, bytes: Bytes) -> Response<Body> {
    let len = bytes.len() as u64;
    sent(context, stream::iter([bytes]), len)
}

/// An answer of pieces, compressed if the client likes.
fn sent(
    context: &Context,
    pieces: impl Stream<Item = Bytes> + Send + 'static,
    len: u64,
) -> Response<Body> {
    let mut response = encode::response(StatusCode::OK, context.accepted, Bytes::new());
    if gzip::is_accepted(&context.call.parts.headers) {
        return gzip::apply(response, pieces, len);
    }
    *response.body_mut() = Body::sized(pieces.map(Ok), len);
    response
}
