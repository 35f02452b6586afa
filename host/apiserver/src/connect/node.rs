//! Requests to the HTTP service of a node, and what its errors mean for the client.

use std::fmt::Write as _;

use http::header::{CONNECTION, HeaderName, HeaderValue, UPGRADE};
use http::request::Builder;
use http::{Method, Request, Response, StatusCode};
use hyper::upgrade::{OnUpgrade, Upgraded};
use hyper_util::rt::TokioIo;
use meta::{GroupResource, StatusError};

use crate::body::Body;
use crate::seams::GatewayError;
use crate::state::State;

/// Tells the node which Pod of that name is meant.
const POD_UID: HeaderName = HeaderName::from_static("skiff-pod-uid");
/// A node's error text longer than this is cut.
const ERROR_BYTES_MAX: usize = 2048;

/// A request to a node for a Pod.
pub(super) fn request(method: Method, path_and_query: &str, pod_uid: &str) -> Builder {
    let builder = Request::builder().method(method).uri(path_and_query);
    match HeaderValue::from_str(pod_uid) {
        Ok(uid) => builder.header(POD_UID, uid),
        Err(_) => builder,
    }
}

/// Sends a request to a node.
pub(super) async fn send(
    state: &State,
    node: &str,
    request: Result<Request<Body>, http::Error>,
) -> Result<Response<Body>, StatusError> {
    let request = request.map_err(|error| StatusError::bad_request(error.to_string()))?;
    state.nodes.request(node, request).await.map_err(|error| unreachable(&error))
}

/// Sends a request that turns the connection to the node into another protocol.
pub(super) async fn upgrade(
    state: &State,
    node: &str,
    path_and_query: &str,
    protocol: &'static str,
    pod_uid: &str,
    resource: &GroupResource,
) -> Result<TokioIo<Upgraded>, StatusError> {
    let request = request(Method::POST, path_and_query, pod_uid)
        .header(CONNECTION, HeaderValue::from_static("Upgrade"))
        .header(UPGRADE, HeaderValue::from_static(protocol))
        .body(Body::Empty);
    let mut response = send(state, node, request).await?;
    if response.status() != StatusCode::SWITCHING_PROTOCOLS {
        return Err(refused(response, resource).await);
    }
    let Some(on_upgrade) = response.extensions_mut().remove::<OnUpgrade>() else {
        return Err(StatusError::internal("the connection to the node cannot change its protocol"));
    };
    let upgraded = on_upgrade.await;
    upgraded
        .map(TokioIo::new)
        .map_err(|error| StatusError::internal(format!("the node hung up: {error}")))
}

/// The error that a node's refusal is for the client.
pub(super) async fn refused(response: Response<Body>, resource: &GroupResource) -> StatusError {
    let code = response.status();
    let text = response.into_body().read(ERROR_BYTES_MAX).await.unwrap_or_default();
    let text = String::from_utf8_lossy(&text);
    let text = text.trim();
    match code.as_u16() {
        400 => StatusError::bad_request(text),
        404 => StatusError::new(
            404,
            "NotFound",
            format!("the server could not find the requested resource ({resource}): {text}"),
        ),
        429 => StatusError::too_many_requests(text, 1),
        503 => StatusError::service_unavailable(text),
        _ => StatusError::internal(format!("the node answers {code}: {text}")),
    }
}

fn unreachable(error: &GatewayError) -> StatusError {
    match error {
        GatewayError::NotConnected { .. } => StatusError::service_unavailable(error.to_string()),
        GatewayError::Broken { .. } => StatusError::internal(crate::status::chain(error)),
    }
}

/// Escapes a part of a path or query: everything but letters, digits and a few marks becomes `%xx`.
pub(super) fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            escaped.push(char::from(byte));
        } else {
            let _ = write!(escaped, "%{byte:02X}");
        }
    }
    escaped
}
