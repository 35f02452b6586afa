//! Tells clients what is served: groups, versions and resources, all derived from the table of kinds.
//!
//! There are two forms: the older documents for each level, and one aggregated document that kubectl asks for first. Which one a client
//! gets depends on its `Accept` header only.
//!
//! See <https://kubernetes.io/docs/concepts/overview/kubernetes-api/#discovery-api>.

mod aggregated;
mod documents;
mod groups;
mod index;
pub(crate) mod priority;

use std::sync::Arc;

use http::header::{ACCEPT, CACHE_CONTROL, ETAG, HeaderValue, IF_NONE_MATCH, VARY};
use http::{HeaderMap, Method, Response, StatusCode};
use meta::{StatusError, Tree};

use crate::body::Body;
use crate::chain::Call;
use crate::codec::encode;
use crate::codec::negotiate::{self, Accepted, Clause, Format, Offers};
use crate::etag::etag;
use crate::state::State;
use crate::{registry, routes};

pub(crate) use index::paths;

use groups::Groups;

const MEDIA_TYPES: [Format; 2] = [Format::Json, Format::Yaml];

#[expect(clippy::unused_async, reason = "the table of routes wants futures")]
pub(crate) async fn handle(state: &Arc<State>, call: Call) -> Result<Response<Body>, StatusError> {
    let groups = Groups::of(&call.kinds);
    let path: Vec<&str> = call.info.path.trim_matches('/').split('/').collect();
    // The list of groups and each group are answered whatever the method is, everything else to a GET.
    let any_method = path.first() == Some(&"apis") && path.len() < 3;
    if !any_method && call.info.method != Method::GET {
        return Err(routes::method_not_allowed());
    }
    // A doubled slash at the end says nothing more; inside a path it is a part without a name, and there is no such thing.
    let document = match path.as_slice() {
        [root @ ("api" | "apis")] => {
            if let Some(format) = aggregated_form(&call.parts.headers) {
                return Ok(aggregated(&call, &groups, root, format));
            }
            match *root {
                "api" => documents::core_versions(state, &call),
                _ => documents::group_list(&groups),
            }
        }
        ["api", version] => {
            documents::resources(&groups, "", version).ok_or_else(StatusError::no_such_path)?
        }
        ["apis", group] => match documents::group(&groups, group) {
            Some(document) => document,
            None => return unknown(group),
        },
        ["apis", group, version] if !group.is_empty() => {
            match documents::resources(&groups, group, version) {
                Some(document) => document,
                None => return unknown(group),
            }
        }
        _ => return Err(StatusError::no_such_path()),
    };
    if !accepts_any_of_ours(&call.parts.headers) {
        return Err(not_acceptable());
    }
    let accepted = call.accepted(Offers::Document)?;
    Ok(encode::response(StatusCode::OK, accepted, encode::value(&document, accepted)))
}

/// The answer where there is no such group or version.
fn unknown(group: &str) -> Result<Response<Body>, StatusError> {
    if registry::is_own_group(group) {
        Err(StatusError::no_such_path())
    } else {
        Ok(routes::not_found())
    }
}

fn aggregated(call: &Call, groups: &Groups<'_>, root: &str, format: Format) -> Response<Body> {
    let document: Tree = aggregated::document(groups, root == "api");
    let tag = etag(document.to_string().as_bytes());
    let matches = call.header(IF_NONE_MATCH) == Some(tag.as_str());
    let accepted = Accepted { format, pretty: is_pretty(call), ..Accepted::default() };
    let mut response = if matches {
        let mut response = Response::new(Body::Empty);
        *response.status_mut() = StatusCode::NOT_MODIFIED;
        response
    } else {
        let mut response =
            encode::response(StatusCode::OK, accepted, encode::value(&document, accepted));
        let media_type = match format {
            Format::Yaml => "application/yaml;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList",
            _ => "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList",
        };
        // Older clients compare this text as a whole, so parameters keep this order whatever the client sent.
        response
            .headers_mut()
            .insert(http::header::CONTENT_TYPE, HeaderValue::from_static(media_type));
        response
    };
    let headers = response.headers_mut();
    if let Ok(tag) = HeaderValue::from_str(&tag) {
        headers.insert(ETAG, tag);
    }
    headers.insert(VARY, HeaderValue::from_static("Accept"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("public"));
    response
}

fn is_pretty(call: &Call) -> bool {
    negotiate::accept(&HeaderMap::new(), &call.info.query, Offers::Plain)
        .is_ok_and(|accepted| accepted.pretty)
}

/// The format in which the client takes the aggregated document, if it does. Clauses that ask for it are more specific than plain ones,
/// so their place in the header does not matter.
fn aggregated_form(headers: &HeaderMap) -> Option<Format> {
    clauses(headers).iter().find_map(|clause| {
        let wants = clause.parameter("g") == Some("apidiscovery.k8s.io")
            && clause.parameter("v") == Some("v2")
            && clause.parameter("as") == Some("APIGroupDiscoveryList");
        MEDIA_TYPES.into_iter().find(|format| wants && names(clause, *format))
    })
}

fn clauses(headers: &HeaderMap) -> Vec<Clause> {
    let header = headers.get(ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or_default();
    negotiate::clauses(header)
}

fn names(clause: &Clause, format: Format) -> bool {
    let (main, sub) = format.media_type().split_once('/').unwrap_or_default();
    clause.main == main && clause.sub == sub
}

/// Whether the client takes any media type that exists here, whatever its parameters.
fn accepts_any_of_ours(headers: &HeaderMap) -> bool {
    let clauses = clauses(headers);
    clauses.is_empty()
        || clauses.iter().any(|clause| {
            clause.sub == "*"
                || MEDIA_TYPES
                    .into_iter()
                    .chain([Format::Protobuf])
                    .any(|format| names(clause, format))
        })
}

fn not_acceptable() -> StatusError {
    let text = "406: Not Acceptable\n\nAvailable representations: \
                application/json, application/yaml, application/vnd.kubernetes.protobuf";
    let mut error = StatusError::new(406, "NotAcceptable", text);
    error.details_mut();
    error
}

#[cfg(test)]
mod tests;
