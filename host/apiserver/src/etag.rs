//! Names of documents by their content, so that a client asks for one again only after it has changed.

use std::fmt::Write as _;

use sha2::{Digest as _, Sha512};

/// The digest of a document as upper-case hexadecimal, as it stands in URLs.
pub(crate) fn digest(bytes: &[u8]) -> String {
    let digest = Sha512::digest(bytes);
    digest.iter().fold(String::with_capacity(128), |mut text, byte| {
        let _ = write!(text, "{byte:02X}");
        text
    })
}

/// The value of an `ETag` header.
pub(crate) fn etag(bytes: &[u8]) -> String {
    format!("\"{}\"", digest(bytes))
}
