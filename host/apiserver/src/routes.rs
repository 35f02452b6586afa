//! Paths that name no resource: discovery, `OpenAPI`, health, metrics, version, and what is mounted beside the API.

use std::sync::Arc;

use futures::future::BoxFuture;
use http::header::{CONTENT_TYPE, HeaderValue, X_CONTENT_TYPE_OPTIONS};
use http::{Request, Response, StatusCode};
use meta::StatusError;

use crate::body::Body;
use crate::chain::Call;
use crate::state::State;

/// What a handler gives back.
pub(crate) type Answer<'a> = BoxFuture<'a, Result<Response<Body>, StatusError>>;

/// Which paths belong to a handler.
enum Paths {
    /// This one.
    Exact(&'static str),
    /// This one and everything below it.
    Under(&'static str),
}

struct Route {
    paths: Paths,
    handler: fn(&Arc<State>, Call) -> Answer<'_>,
}

const fn exact(path: &'static str, handler: fn(&Arc<State>, Call) -> Answer<'_>) -> Route {
    Route { paths: Paths::Exact(path), handler }
}

const fn under(path: &'static str, handler: fn(&Arc<State>, Call) -> Answer<'_>) -> Route {
    Route { paths: Paths::Under(path), handler }
}

const ROUTES: &[Route] = &[
    exact("/", |state, call| Box::pin(crate::discovery::paths(state, call))),
    under("/api", |state, call| Box::pin(crate::discovery::handle(state, call))),
    under("/apis", |state, call| Box::pin(crate::discovery::handle(state, call))),
    under("/openapi", |state, call| Box::pin(crate::openapi::handle(state, call))),
    exact("/version", |state, call| Box::pin(crate::version::handle(state, call))),
    under("/healthz", |state, call| Box::pin(crate::health::handle(state, call))),
    under("/livez", |state, call| Box::pin(crate::health::handle(state, call))),
    under("/readyz", |state, call| Box::pin(crate::health::handle(state, call))),
    under("/metrics", |state, call| Box::pin(crate::metrics::handle(state, call))),
    under("/.well-known/openid-configuration", |state, call| {
        Box::pin(crate::authentication::openid(state, call))
    }),
    under("/openid", |state, call| Box::pin(crate::authentication::openid(state, call))),
];

/// Answers a path that names no resource.
pub(crate) async fn path(state: &Arc<State>, call: Call) -> Result<Response<Body>, StatusError> {
    if let Some(mount) = state.mounts.iter().find(|mount| call.info.path.starts_with(&mount.prefix))
    {
        let identity = Arc::clone(&call.identity);
        return Ok((mount.handler)(Request::from_parts(call.parts, call.body), identity).await);
    }
    let path = call.info.path.as_str();
    let route = ROUTES.iter().find(|route| match route.paths {
        Paths::Exact(own) => path == own,
        Paths::Under(own) => {
            path.strip_prefix(own).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        }
    });
    match route {
        Some(route) => (route.handler)(state, call).await,
        None => Ok(not_found()),
    }
}

/// Subresources whose answers are streams from a node.
pub(crate) fn is_streaming(subresource: &str) -> bool {
    matches!(subresource, "log" | "exec" | "attach" | "portforward" | "proxy")
}

/// The path is served, but not by this method.
pub(crate) fn method_not_allowed() -> StatusError {
    let text = "the server does not allow this method on the requested resource";
    let mut error = StatusError::new(405, "MethodNotAllowed", text);
    error.details_mut();
    error
}

/// The answer for paths that nothing serves.
pub(crate) fn not_found() -> Response<Body> {
    let mut response = Response::new(Body::from("404 page not found\n"));
    *response.status_mut() = StatusCode::NOT_FOUND;
    response
        .headers_mut()
        .insert(CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    response.headers_mut().insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}
