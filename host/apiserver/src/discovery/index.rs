//! The index at `/`: the paths that are worth looking at.

use std::collections::BTreeSet;
use std::sync::Arc;

use http::Response;
use http::header::{CONTENT_TYPE, HeaderValue};
use meta::StatusError;
use serde_json::json;

use super::groups::Groups;
use crate::body::Body;
use crate::chain::Call;
use crate::health;
use crate::state::State;

const FIXED: [&str; 11] = [
    "/.well-known/openid-configuration",
    "/api",
    "/api/v1",
    "/apis",
    "/apis/",
    "/metrics",
    "/openapi/v2",
    "/openapi/v3",
    "/openapi/v3/",
    "/openid/v1/jwks",
    "/version",
];

pub(crate) async fn paths(_: &Arc<State>, call: Call) -> Result<Response<Body>, StatusError> {
    let mut paths: BTreeSet<String> = FIXED.iter().map(ToString::to_string).collect();
    for group in Groups::of(&call.kinds).named() {
        paths.insert(format!("/apis/{}", group.name));
        paths.extend(
            group.versions.iter().map(|version| format!("/apis/{}/{}", group.name, version.name)),
        );
    }
    paths.extend(health::paths());
    let text = serde_json::to_string_pretty(&json!({ "paths": paths }))
        .map_err(|error| StatusError::internal(error.to_string()))?;
    let mut response = Response::new(Body::from(text));
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    Ok(response)
}
