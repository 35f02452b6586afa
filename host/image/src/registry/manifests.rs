//! Manifests, tags, the catalogue and referrers.

use bytes::{Bytes, BytesMut};
use http::header::{CONTENT_LENGTH, CONTENT_TYPE};
use http::{HeaderMap, Response, StatusCode};
use http_body_util::BodyExt as _;
use serde::Serialize;

use super::answer::{Answer, Code, Refusal, full, json, plain, set};
use super::route::{Named, Query};
use super::{Body, BoxError, Registry};
use crate::digest::Digest;
use crate::manifest::{Index, media};
use crate::store::Repository;

/// The largest page of tags or repositories.
const PAGE_MAX: usize = 1000;

impl Registry {
    pub(super) async fn get_manifest(
        &self,
        name: &str,
        reference: Named<'_>,
        with_body: bool,
    ) -> Answer {
        let names = self.store.embedded(name);
        let digest = find(&names, reference).await?;
        let media_type = names.media_type(&digest).await?.ok_or_else(|| unknown(reference))?;
        let bytes = self.store.read_small(&digest).await?;
        let mut response = plain(StatusCode::OK);
        set(&mut response, CONTENT_TYPE.as_str(), &media_type);
        set(&mut response, CONTENT_LENGTH.as_str(), &bytes.len().to_string());
        set(&mut response, "docker-content-digest", &digest.to_string());
        if with_body {
            *response.body_mut() = full(bytes);
        }
        Ok(response)
    }

    pub(super) async fn put_manifest<B>(
        &self,
        name: &str,
        reference: Named<'_>,
        headers: &HeaderMap,
        body: B,
    ) -> Answer
    where
        B: http_body::Body<Data = Bytes> + Send + Unpin,
        B::Error: Into<BoxError>,
    {
        let bytes = self.read_manifest(body).await?;
        let tag = match reference {
            Named::Tag(tag) => Some(tag),
            Named::Digest(expected) if expected == Digest::of(&bytes) => None,
            Named::Digest(_) => {
                let message = "provided digest did not match uploaded content";
                return Err(Refusal::new(Code::DigestInvalid, message));
            }
        };
        let media_type = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
        let names = self.store.embedded(name);
        let (digest, document) = names.put_manifest(&bytes, media_type, tag, true).await?;
        let mut response = plain(StatusCode::CREATED);
        set(&mut response, "location", &format!("/v2/{name}/manifests/{digest}"));
        set(&mut response, "docker-content-digest", &digest.to_string());
        set(&mut response, CONTENT_LENGTH.as_str(), "0");
        if let Some(subject) = document.subject() {
            set(&mut response, "oci-subject", &subject.digest.to_string());
        }
        Ok(response)
    }

    pub(super) async fn delete_manifest(&self, name: &str, reference: Named<'_>) -> Answer {
        let names = self.store.embedded(name);
        let was_there = match reference {
            Named::Tag(tag) => names.delete_tag(tag).await?,
            Named::Digest(digest) => names.delete_manifest(&digest).await?,
        };
        if was_there { Ok(plain(StatusCode::ACCEPTED)) } else { Err(unknown(reference)) }
    }

    pub(super) async fn tags(&self, name: &str, query: &Query) -> Answer {
        #[derive(Serialize)]
        struct Tags<'a> {
            name: &'a str,
            tags: &'a [String],
        }
        let names = self.store.embedded(name);
        if !names.exists().await {
            return Err(Refusal::new(Code::NameUnknown, "repository name not known to registry"));
        }
        let all = names.tags().await?;
        let (tags, next) = page(&all, query);
        let mut response = json(StatusCode::OK, &Tags { name, tags });
        link(&mut response, &format!("/v2/{name}/tags/list"), next);
        Ok(response)
    }

    pub(super) async fn catalog(&self, query: &Query) -> Answer {
        #[derive(Serialize)]
        struct Catalog<'a> {
            repositories: &'a [String],
        }
        let all = self.store.repositories().await?;
        let (repositories, next) = page(&all, query);
        let mut response = json(StatusCode::OK, &Catalog { repositories });
        link(&mut response, "/v2/_catalog", next);
        Ok(response)
    }

    pub(super) async fn referrers(&self, name: &str, subject: Digest, query: &Query) -> Answer {
        let mut manifests = self.store.embedded(name).referrers(&subject).await?;
        if let Some(wanted) = &query.artifact_type {
            manifests.retain(|referrer| referrer.artifact_type.as_ref() == Some(wanted));
        }
        let index = Index {
            schema_version: 2,
            media_type: Some(media::INDEX.to_owned()),
            artifact_type: None,
            manifests,
            subject: None,
            annotations: std::collections::BTreeMap::new(),
        };
        let mut response = json(StatusCode::OK, &index);
        set(&mut response, CONTENT_TYPE.as_str(), media::INDEX);
        if query.artifact_type.is_some() {
            set(&mut response, "oci-filters-applied", "artifactType");
        }
        Ok(response)
    }

    async fn read_manifest<B>(&self, mut body: B) -> Result<Bytes, Refusal>
    where
        B: http_body::Body<Data = Bytes> + Send + Unpin,
        B::Error: Into<BoxError>,
    {
        let limit = self.store.limits().manifest_bytes;
        let mut bytes = BytesMut::new();
        while let Some(frame) = body.frame().await {
            let frame =
                frame.map_err(|_| Refusal::new(Code::ManifestInvalid, "the manifest broke off"))?;
            if let Ok(data) = frame.into_data() {
                if (bytes.len() + data.len()) as u64 > limit {
                    let message = format!("a manifest has at most {limit} bytes");
                    return Err(Refusal::new(Code::SizeInvalid, message));
                }
                bytes.extend_from_slice(&data);
            }
        }
        Ok(bytes.freeze())
    }
}

async fn find(names: &Repository, reference: Named<'_>) -> Result<Digest, Refusal> {
    match reference {
        Named::Digest(digest) => Ok(digest),
        Named::Tag(tag) => names.tag(tag).await?.ok_or_else(|| unknown(reference)),
    }
}

fn unknown(reference: Named<'_>) -> Refusal {
    let message = match reference {
        Named::Tag(tag) => format!("manifest tagged {tag:?} unknown"),
        Named::Digest(digest) => format!("manifest {digest} unknown"),
    };
    Refusal::new(Code::ManifestUnknown, message)
}

/// One page of sorted names, and where the next one begins.
fn page<'a>(all: &'a [String], query: &Query) -> (&'a [String], Option<(usize, &'a str)>) {
    let start = query.last.as_ref().map_or(0, |last| all.partition_point(|name| name <= last));
    let rest = all.get(start..).unwrap_or_default();
    let count = query.count.unwrap_or(PAGE_MAX).min(PAGE_MAX);
    if rest.len() <= count {
        return (rest, None);
    }
    let shown = rest.get(..count).unwrap_or_default();
    (shown, shown.last().map(|last| (count, last.as_str())))
}

fn link(response: &mut Response<Body>, path: &str, next: Option<(usize, &str)>) {
    if let Some((count, last)) = next {
        set(response, "link", &format!("<{path}?n={count}&last={last}>; rel=\"next\""));
    }
}
