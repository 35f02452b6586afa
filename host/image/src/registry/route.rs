//! Paths and queries of the distribution protocol, parsed once.
//!
//! A repository's name may itself contain words such as `blobs`, so that paths are matched from their end. A name that a route
//! carries has been checked.

use super::answer::{Code, Refusal};
use crate::digest::Digest;
use crate::reference::{is_repository, is_tag};

/// What a request is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Route<'a> {
    Version,
    Catalog,
    Tags { name: &'a str },
    Manifest { name: &'a str, reference: Named<'a> },
    Blob { name: &'a str, digest: Digest },
    Uploads { name: &'a str },
    Upload { name: &'a str, id: &'a str },
    Referrers { name: &'a str, digest: Digest },
}

/// A manifest by tag or by content.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Named<'a> {
    Tag(&'a str),
    Digest(Digest),
}

impl<'a> Route<'a> {
    pub(super) fn parse(path: &'a str) -> Result<Self, Refusal> {
        let unknown = || Refusal::new(Code::NotFound, "no such page");
        let rest = path.strip_prefix("/v2").ok_or_else(unknown)?;
        match rest {
            "" | "/" => return Ok(Self::Version),
            "/_catalog" => return Ok(Self::Catalog),
            _ => {}
        }
        let rest = rest.strip_prefix('/').ok_or_else(unknown)?;
        if let Some(name) = rest.strip_suffix("/tags/list") {
            return Ok(Self::Tags { name: checked(name)? });
        }
        let uploads =
            rest.strip_suffix("/blobs/uploads/").or_else(|| rest.strip_suffix("/blobs/uploads"));
        if let Some(name) = uploads {
            return Ok(Self::Uploads { name: checked(name)? });
        }
        let (front, last) = rest.rsplit_once('/').ok_or_else(unknown)?;
        if let Some(name) = front.strip_suffix("/blobs/uploads") {
            return Ok(Self::Upload { name: checked(name)?, id: last });
        }
        if let Some(name) = front.strip_suffix("/blobs") {
            return Ok(Self::Blob { name: checked(name)?, digest: digest(last)? });
        }
        if let Some(name) = front.strip_suffix("/referrers") {
            return Ok(Self::Referrers { name: checked(name)?, digest: digest(last)? });
        }
        if let Some(name) = front.strip_suffix("/manifests") {
            let name = checked(name)?;
            let reference =
                if is_tag(last) { Named::Tag(last) } else { Named::Digest(digest(last)?) };
            return Ok(Self::Manifest { name, reference });
        }
        Err(unknown())
    }
}

fn checked(name: &str) -> Result<&str, Refusal> {
    if is_repository(name) {
        Ok(name)
    } else {
        Err(Refusal::new(Code::NameInvalid, "invalid repository name"))
    }
}

/// A digest as a path segment or a query value; some clients escape its colon.
pub(super) fn digest(text: &str) -> Result<Digest, Refusal> {
    let text = text.replace("%3A", ":").replace("%3a", ":");
    text.parse().map_err(|error| Refusal::new(Code::DigestInvalid, format!("{error}")))
}

/// The parameters that the protocol knows; others are left alone, as it says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Query {
    pub(super) digest: Option<String>,
    pub(super) mount: Option<String>,
    pub(super) count: Option<usize>,
    pub(super) last: Option<String>,
    pub(super) artifact_type: Option<String>,
}

impl Query {
    pub(super) fn parse(text: &str) -> Self {
        let mut query = Self::default();
        for (name, value) in text.split('&').filter_map(|pair| pair.split_once('=')) {
            let value = unescape(value);
            match name {
                "digest" => query.digest = Some(value),
                "mount" => query.mount = Some(value),
                "n" => query.count = value.parse().ok(),
                "last" => query.last = Some(value),
                "artifactType" => query.artifact_type = Some(value),
                _ => {}
            }
        }
        query
    }
}

/// Resolves percent escapes; what is no escape stays as it is.
fn unescape(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut plain = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let escape = (bytes[at] == b'%').then(|| text.get(at + 1..at + 3)).flatten();
        if let Some(byte) = escape.and_then(|hex| u8::from_str_radix(hex, 16).ok()) {
            plain.push(byte);
            at += 3;
        } else {
            plain.push(if bytes[at] == b'+' { b' ' } else { bytes[at] });
            at += 1;
        }
    }
    String::from_utf8_lossy(&plain).into_owned()
}
