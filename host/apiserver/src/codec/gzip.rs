//! Long answers are compressed for clients that ask for it.
//!
//! Only whole bodies above a bound: for short ones the work is not worth it, and a stream would wait for its compressor.

use std::io::Write as _;

use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
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

/// Compresses an answer if it is long enough.
pub(crate) fn apply(mut response: Response<Body>, bytes: Bytes) -> Response<Body> {
    response.headers_mut().append(VARY, HeaderValue::from_static("Accept-Encoding"));
    if bytes.len() as u64 <= MIN_BYTES {
        *response.body_mut() = Body::full(bytes);
        return response;
    }
    let mut encoder = GzEncoder::new(Vec::with_capacity(bytes.len() / 8), Compression::fast());
    let packed =
        encoder.write_all(&bytes).and_then(|()| encoder.finish()).expect("writing to memory");
    response.headers_mut().insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    *response.body_mut() = Body::full(packed);
    response
}
