//! Image references: the text in `image:` as a place to look and a name to ask for.
//!
//! * `web:v1`, `team/web@sha256:…`: no registry host, so the registry embedded in the cluster.
//! * `ghcr.io/team/web:v1`, `localhost:5000/web`: the first part has a dot or a port or is `localhost`, so it is a registry's host.
//! * `oci:/srv/images/web:v1`: an OCI image layout folder on the node's disk.
//!
//! Without tag and digest the tag is `latest`. A parsed name is safe as a relative path: no empty, dotted or underscored first letters.
//! <https://github.com/opencontainers/distribution-spec/blob/main/spec.md#pulling-manifests>

use std::fmt;
use std::path::{Component, PathBuf};
use std::str::FromStr;

use crate::digest::Digest;

/// The longest repository name the distribution protocol allows.
const NAME_BYTES_MAX: usize = 255;
/// The longest tag.
const TAG_BYTES_MAX: usize = 128;

/// Where an image is, and which one.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Reference {
    pub location: Location,
    /// The tag; `latest` unless a digest says which one.
    pub tag: Option<String>,
    pub digest: Option<Digest>,
}

/// The place a reference names.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Location {
    /// The registry of this cluster.
    Embedded { repository: String },
    /// Another registry, by host and optional port.
    Remote { registry: String, repository: String },
    /// An image layout folder.
    Layout { path: PathBuf },
}

/// The text is no image reference.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("couldn't parse image reference {text:?}: {why}")]
pub struct ReferenceError {
    pub text: String,
    pub why: &'static str,
}

const FORMAT: &str = "invalid reference format";

impl FromStr for Reference {
    type Err = ReferenceError;

    fn from_str(text: &str) -> Result<Self, ReferenceError> {
        parse(text).map_err(|why| ReferenceError { text: text.to_owned(), why })
    }
}

fn parse(text: &str) -> Result<Reference, &'static str> {
    let (rest, digest) = match text.rsplit_once('@') {
        Some((rest, digest)) => (rest, Some(digest.parse::<Digest>().map_err(|_| FORMAT)?)),
        None => (text, None),
    };
    // A colon before the last slash is a port, not a tag.
    let (rest, tag) = match rest.rsplit_once(':') {
        Some((rest, tag)) if !tag.contains('/') => (rest, Some(tag)),
        _ => (rest, None),
    };
    if tag.is_some_and(|tag| !is_tag(tag)) {
        return Err(FORMAT);
    }
    let location = location(rest)?;
    let tag = match (tag, digest) {
        (None, None) => Some("latest".to_owned()),
        (tag, _) => tag.map(str::to_owned),
    };
    Ok(Reference { location, tag, digest })
}

fn location(text: &str) -> Result<Location, &'static str> {
    if let Some(path) = text.strip_prefix("oci:").filter(|path| path.starts_with('/')) {
        let path = PathBuf::from(path);
        let is_plain = path.components().all(|part| !matches!(part, Component::ParentDir));
        return if is_plain { Ok(Location::Layout { path }) } else { Err(FORMAT) };
    }
    let (registry, repository) = match text.split_once('/') {
        Some((host, rest)) if host == "localhost" || host.contains(['.', ':']) => {
            (Some(host), rest)
        }
        _ => (None, text),
    };
    if repository.bytes().any(|byte| byte.is_ascii_uppercase()) {
        return Err("repository name must be lowercase");
    }
    if !is_repository(repository) {
        return Err(FORMAT);
    }
    let repository = repository.to_owned();
    match registry {
        None => Ok(Location::Embedded { repository }),
        Some(host) if is_host(host) => {
            Ok(Location::Remote { registry: host.to_owned(), repository })
        }
        Some(_) => Err(FORMAT),
    }
}

/// Whether this is a repository name: slash-separated parts of lower case letters and digits, with single separators inside.
pub(crate) fn is_repository(name: &str) -> bool {
    !name.is_empty() && name.len() <= NAME_BYTES_MAX && name.split('/').all(is_repository_part)
}

fn is_repository_part(part: &str) -> bool {
    let letter = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let bytes = part.as_bytes();
    let (Some(&first), Some(&last)) = (bytes.first(), bytes.last()) else { return false };
    if !letter(first) || !letter(last) {
        return false;
    }
    part.split(|c: char| c.is_ascii_lowercase() || c.is_ascii_digit()).all(|separator| {
        matches!(separator, "" | "." | "_" | "__") || separator.bytes().all(|byte| byte == b'-')
    })
}

/// Whether this is a tag: a word letter and then word letters, dots and dashes.
pub(crate) fn is_tag(tag: &str) -> bool {
    let word = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    tag.len() <= TAG_BYTES_MAX
        && tag.bytes().next().is_some_and(word)
        && tag.bytes().all(|byte| word(byte) || byte == b'.' || byte == b'-')
}

fn is_host(host: &str) -> bool {
    let (name, port) = match host.rsplit_once(':') {
        Some((name, port)) if !port.contains(']') => (name, Some(port)),
        _ => (host, None),
    };
    let is_address = name
        .strip_prefix('[')
        .and_then(|rest| rest.strip_suffix(']'))
        .is_some_and(|address| address.parse::<std::net::Ipv6Addr>().is_ok());
    let is_name = name.split('.').all(|label| {
        !label.is_empty()
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
    });
    (is_address || is_name) && port.is_none_or(|port| port.parse::<u16>().is_ok())
}

impl Reference {
    /// The registry's host, where it is not this cluster's.
    pub fn registry(&self) -> Option<&str> {
        match &self.location {
            Location::Remote { registry, .. } => Some(registry),
            Location::Embedded { .. } | Location::Layout { .. } => None,
        }
    }

    /// Whether the tag is `latest` (written or not): the pull policy defaults to `Always` then.
    pub fn is_latest(&self) -> bool {
        self.digest.is_none() && self.tag.as_deref() == Some("latest")
    }
}

impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.location {
            Location::Embedded { repository } => f.write_str(repository)?,
            Location::Remote { registry, repository } => write!(f, "{registry}/{repository}")?,
            Location::Layout { path } => write!(f, "oci:{}", path.display())?,
        }
        if let Some(tag) = &self.tag {
            write!(f, ":{tag}")?;
        }
        if let Some(digest) = &self.digest {
            write!(f, "@{digest}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
