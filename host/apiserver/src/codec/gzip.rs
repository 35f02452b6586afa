//! Long answers are compressed for clients that ask for it.
//!
//! Only bodies above a bound, and no watches: for short ones the work is not worth it, and an event would wait for the next in the compressor.

use std::io::Write as _;

use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use futures::{Stream, StreamExt as _, future, stream};
use http::header::{ACCEPT_ENCODING, CONTENT_ENCODING, HeaderValue, VARY};
use http::{HeaderMap, Response};

use crate::body::Body;

/// Kubernetes compresses from here on.
pub(crate) const MIN_BYTES: u64 = 128 * 1024;

/// Whether a client takes gzip.
pub(crate) fn is_accepted(headers: &HeaderMap) -> bool {
    headers
        .get_all(ACCEPT_ENCODING)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .any(|coding| matches!(coding.split(';').next().map(str::trim), Some("gzip" | "*")))
}

/// Compresses an answer of a known length if it is long enough. The pieces are compressed as they are sent.
pub(crate) fn apply(
    mut response: Response<Body>,
    pieces: impl Stream<Item = Bytes> + Send + 'static,
    len: u64,
) -> Response<Body> {
    response.headers_mut().append(VARY, HeaderValue::from_static("Accept-Encoding"));
    if len <= MIN_BYTES {
        *response.body_mut() = Body::sized(pieces.map(Ok), len);
        return response;
    }
    response.headers_mut().insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    *response.body_mut() = Body::stream(packed(pieces).map(Ok));
    response
}

fn packed(pieces: impl Stream<Item = Bytes> + Send + 'static) -> impl Stream<Item = Bytes> + Send {
    let encoder = GzEncoder::new(Vec::new(), Compression::fast());
    let ended = pieces.map(Some).chain(stream::iter([None]));
    let packed = ended.scan(Some(encoder), |encoder, piece| {
        let out = match (piece, encoder.as_mut()) {
            (Some(piece), Some(open)) => {
                open.write_all(&piece).expect("writing to memory");
                std::mem::take(open.get_mut())
            }
            _ => encoder
                .take()
                .map(|last| last.finish().expect("writing to memory"))
                .unwrap_or_default(),
        };
        future::ready(Some(Bytes::from(out)))
    });
    packed.filter(|piece| future::ready(!piece.is_empty()))
}
