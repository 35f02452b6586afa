//! The published description of the API: one `OpenAPI` 3 document for each group and version, and one `OpenAPI` 2 document of everything.
//!
//! Structure (types, list keys, patch strategies) comes from the facts behind `kinds::schema`, descriptions from the wire types, both of custom kinds
//! from their definitions, and paths from the table of kinds. Documents are made when somebody asks, written piece by piece, and kept nowhere: clients keep them, by the hash in
//! their address.
//!
//! See <https://kubernetes.io/docs/concepts/overview/kubernetes-api/#openapi-interface-definition>.

mod custom;
mod definitions;
mod describe;
mod gnostic;
mod operations;
mod outline;
mod parameters;
mod protobuf;
mod published;
mod v2;
mod v3;

use std::sync::Arc;

use bytes::Bytes;
use futures::stream;
use http::header::{
    ACCEPT, CACHE_CONTROL, CONTENT_TYPE, ETAG, EXPIRES, HeaderValue, IF_NONE_MATCH, LOCATION, VARY,
};
use http::{Response, StatusCode};
use jiff::SignedDuration;
use kinds::custom::CustomKind;
use meta::{StatusError, Tree};
use serde_json::{Map, json};

use crate::body::Body;
use crate::chain::Call;
use crate::codec::{gzip, negotiate};
use crate::etag::{digest, etag};
use crate::registry::{KindRef, Registry};
use crate::routes;
use crate::state::State;
use outline::Outline;

const JSON: &str = "application/json";
/// How clients name `OpenAPI` 2 in protobuf; the second form is of clients before 2022.
const GNOSTIC: [&str; 2] = [
    "com.github.proto-openapi.spec.v2.v1.0+protobuf",
    "com.github.proto-openapi.spec.v2@v1.0+protobuf",
];
const GNOSTIC_ANSWER: &str = "application/com.github.proto-openapi.spec.v2.v1.0+protobuf";

#[expect(clippy::unused_async, reason = "the table of routes wants futures")]
pub(crate) async fn handle(state: &Arc<State>, call: Call) -> Result<Response<Body>, StatusError> {
    let path = call.info.path.trim_end_matches('/');
    match path.strip_prefix("/openapi/") {
        Some("v2") => Ok(second(&call)),
        Some("v3") => Ok(index(&call)),
        Some(rest) => Ok(match rest.strip_prefix("v3/") {
            Some(path) => third(state, &call, path),
            None => routes::not_found(),
        }),
        None => Ok(routes::not_found()),
    }
}

/// What tells one build of the program from another.
const BUILD: &str = match option_env!("SKIFF_GIT_COMMIT") {
    Some(commit) => commit,
    None => env!("CARGO_PKG_VERSION"),
};

/// One group and version with its kinds.
#[derive(Debug)]
pub(crate) struct Part {
    group: &'static str,
    version: &'static str,
    kinds: Vec<KindRef>,
}

impl Part {
    fn all(registry: &Registry) -> Vec<Self> {
        let mut parts: Vec<Self> = Vec::new();
        for kind in registry.all().cloned() {
            let info = kind.info();
            let (group, version) = (info.group, info.version);
            match parts.iter_mut().find(|part| (part.group, part.version) == (group, version)) {
                Some(part) => part.kinds.push(kind),
                None => parts.push(Self { group, version, kinds: vec![kind] }),
            }
        }
        parts
    }

    /// `api/v1`, `apis/apps/v1`: where its resources are, without the first slash.
    fn path(&self) -> String {
        match self.group {
            "" => format!("api/{}", self.version),
            group => format!("apis/{group}/{}", self.version),
        }
    }

    /// Whether users have defined all its kinds.
    fn is_custom(&self) -> bool {
        self.kinds.iter().all(|kind| kind.custom().is_some())
    }

    /// Changes when the document may have changed: with the program, and with what is known of the kinds.
    fn hash(&self) -> String {
        let infos: Vec<_> = self.kinds.iter().map(|kind| kind.info()).collect();
        let custom = self.kinds.iter().filter_map(|kind| kind.custom());
        let schemas: Vec<u64> = custom.map(CustomKind::fingerprint).collect();
        digest(format!("{BUILD} {infos:?} {schemas:?}").as_bytes())
    }
}

fn index(call: &Call) -> Response<Body> {
    let parts = Part::all(&call.kinds);
    let outlines = Outline::all(&parts);
    let outlines = outlines.iter().map(|outline| (outline.path.clone(), outline.hash()));
    let parts = parts.iter().map(|part| (part.path(), part.hash()));
    let paths: Map<String, Tree> = outlines
        .chain(parts)
        .map(|(path, hash)| {
            let address = json!({ "serverRelativeURL": address(&path, &hash) });
            (path, address)
        })
        .collect();
    let text = json!({ "paths": paths }).to_string();
    let tag = etag(text.as_bytes());
    answer(call, &tag, JSON, || text.into_bytes())
}

fn address(path: &str, hash: &str) -> String {
    format!("/openapi/v3/{path}?hash={hash}")
}

fn third(state: &State, call: &Call, path: &str) -> Response<Body> {
    if !accepts(call, &["json"]) {
        return empty(StatusCode::NOT_ACCEPTABLE);
    }
    let parts = Part::all(&call.kinds);
    let part = parts.iter().find(|part| part.path() == path);
    let outlines = if part.is_none() { Outline::all(&parts) } else { Vec::new() };
    let outline = outlines.iter().find(|outline| outline.path == path);
    let hash = match (part, outline) {
        (Some(part), _) => part.hash(),
        (None, Some(outline)) => outline.hash(),
        (None, None) => return routes::not_found(),
    };
    let asked = call.info.query.text("hash");
    if asked.is_some_and(|asked| asked != hash) {
        let mut response = empty(StatusCode::MOVED_PERMANENTLY);
        if let Ok(address) = HeaderValue::from_str(&address(path, &hash)) {
            response.headers_mut().insert(LOCATION, address);
        }
        return response;
    }
    let mut response = answer(call, &format!("\"{hash}\""), JSON, || match part {
        Some(part) => v3::document(part),
        None => outline.map(v3::outline).unwrap_or_default(),
    });
    if asked.is_some() {
        // What the address names by hash never changes.
        let headers = response.headers_mut();
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("public, immutable"));
        let year = SignedDuration::from_hours(24 * 365);
        let expires = state.clock.now().saturating_add(year).map(http_date);
        if let Ok(Ok(expires)) = expires.map(|text| HeaderValue::from_str(&text)) {
            headers.insert(EXPIRES, expires);
        }
    }
    response
}

fn second(call: &Call) -> Response<Body> {
    let parts = Part::all(&call.kinds);
    let hashes: String = parts.iter().map(Part::hash).collect();
    let tag = etag(hashes.as_bytes());
    if wants_gnostic(call) {
        return answer(call, &tag, GNOSTIC_ANSWER, || gnostic::document(&parts));
    }
    if !accepts(call, &["json"]) {
        return empty(StatusCode::NOT_ACCEPTABLE);
    }
    answer(call, &tag, JSON, || v2::document(&parts))
}

/// Makes the document only if the client does not have it.
fn answer(
    call: &Call,
    tag: &str,
    media_type: &'static str,
    document: impl FnOnce() -> Vec<u8>,
) -> Response<Body> {
    let known = call.header(IF_NONE_MATCH).is_some_and(|known| {
        known == "*" || known.split(',').any(|known| known.trim().trim_start_matches("W/") == tag)
    });
    let mut response = if known {
        empty(StatusCode::NOT_MODIFIED)
    } else if gzip::is_accepted(&call.parts.headers) {
        let document = Bytes::from(document());
        let len = document.len() as u64;
        gzip::apply(Response::new(Body::Empty), stream::iter([document]), len)
    } else {
        Response::new(Body::full(document()))
    };
    let headers = response.headers_mut();
    if let Ok(tag) = HeaderValue::from_str(tag) {
        headers.insert(ETAG, tag);
    }
    headers.append(VARY, HeaderValue::from_static("Accept"));
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(media_type));
    response
}

fn empty(code: StatusCode) -> Response<Body> {
    let mut response = Response::new(Body::Empty);
    *response.status_mut() = code;
    response
}

fn accepts(call: &Call, subtypes: &[&str]) -> bool {
    let Some(header) = call.header(ACCEPT).filter(|header| !header.is_empty()) else { return true };
    negotiate::clauses(header).iter().any(|clause| {
        let main = clause.main == "application" || clause.main == "*";
        main && (clause.sub == "*" || subtypes.contains(&clause.sub.as_str()))
    })
}

/// Whether the client names the protobuf form before any other that is served.
fn wants_gnostic(call: &Call) -> bool {
    let clauses = negotiate::clauses(call.header(ACCEPT).unwrap_or_default());
    let first = clauses.iter().find(|clause| {
        clause.sub == "json" || clause.sub == "*" || GNOSTIC.contains(&clause.sub.as_str())
    });
    first.is_some_and(|clause| GNOSTIC.contains(&clause.sub.as_str()))
}

fn http_date(time: jiff::Timestamp) -> String {
    time.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string()
}

#[cfg(test)]
mod tests;
