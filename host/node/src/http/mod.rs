//! The node's HTTP service: logs, requests to Pods, and raw connections to them, for the API server on behalf of its clients.
//!
//! ```text
//! GET  /logs/{namespace}/{pod}/{container}?follow&tailLines&sinceSeconds&sinceTime&limitBytes&timestamps&previous&stream
//! ANY  /proxy/{pod ip}/{port}/{path…}
//! POST /port-forward/{namespace}/{pod}/{port}      Connection: Upgrade, Upgrade: tcp
//! ```
//!
//! The header `skiff-pod-uid` says which Pod of that name is meant. Errors are short plain texts. Who may ask has been decided before.

mod logs;
mod port_forward;
mod proxy;

use std::sync::Arc;

use bytes::Bytes;
use http::header::{CONTENT_TYPE, HeaderValue, UPGRADE};
use http::{HeaderMap, Method, Request, Response, StatusCode};
use http_body_util::BodyExt as _;
use hyper_util::rt::TokioIo;

use crate::directory::Listed;
use crate::shared::Shared;

/// A streaming body.
pub type Body = http_body_util::combinators::UnsyncBoxBody<Bytes, BoxError>;
/// What a body may fail with.
pub type BoxError = Box<dyn std::error::Error + Send + Sync>;

const POD_UID: &str = "skiff-pod-uid";

/// A request that is not answered as asked.
#[derive(Debug)]
struct Refusal(StatusCode, String);

fn refuse(status: StatusCode, text: impl Into<String>) -> Refusal {
    Refusal(status, text.into())
}

/// Answers one request. One that changes the protocol gets a connection in memory, so that the caller finds the stream where a client of a
/// remote node finds it.
pub(crate) async fn serve(shared: &Arc<Shared>, request: Request<Body>) -> Response<Body> {
    if request.headers().contains_key(UPGRADE) {
        return match over_a_pipe(shared, request).await {
            Ok(response) => response.map(|body| body.map_err(Into::into).boxed_unsync()),
            Err(error) => text(StatusCode::BAD_GATEWAY, error.to_string()),
        };
    }
    answer(shared, request).await
}

async fn over_a_pipe(
    shared: &Arc<Shared>,
    mut request: Request<Body>,
) -> Result<Response<hyper::body::Incoming>, hyper::Error> {
    let (near, far) = net::pair();
    let shared = Arc::clone(shared);
    tokio::spawn(async move {
        let service = hyper::service::service_fn(move |request: Request<_>| {
            let shared = Arc::clone(&shared);
            let request =
                request.map(|body: hyper::body::Incoming| body.map_err(Into::into).boxed_unsync());
            async move { Ok::<_, std::convert::Infallible>(answer(&shared, request).await) }
        });
        let server = hyper::server::conn::http1::Builder::new();
        // The other end says how it went.
        let _ = server.serve_connection(TokioIo::new(far), service).with_upgrades().await;
    });
    let (mut sender, connection) =
        hyper::client::conn::http1::handshake(TokioIo::new(near)).await?;
    tokio::spawn(async move {
        if let Err(error) = connection.with_upgrades().await {
            tracing::debug!(%error, "a connection to the node's service broke");
        }
    });
    request.headers_mut().entry(http::header::HOST).or_insert(HeaderValue::from_static("node"));
    sender.send_request(request).await
}

async fn answer(shared: &Arc<Shared>, request: Request<Body>) -> Response<Body> {
    let path = request.uri().path().to_owned();
    let mut parts = path.trim_start_matches('/').splitn(4, '/');
    let mut part = || parts.next().unwrap_or_default();
    let (kind, second, third, rest) = (part(), part(), part(), part());
    let answered = match (kind, &request.method().clone()) {
        ("logs", &Method::GET) => {
            // A body is not for sharing between threads, so the parts go on without it.
            let (parts, _) = request.into_parts();
            logs::answer(shared, &parts, &plain(second), &plain(third), &plain(rest)).await
        }
        ("proxy", _) => proxy::answer(shared, second, third, rest, request).await,
        ("port-forward", &Method::POST | &Method::GET) => {
            port_forward::answer(shared, &plain(second), &plain(third), rest, request).await
        }
        _ => Err(refuse(StatusCode::NOT_FOUND, "no such page")),
    };
    answered.unwrap_or_else(|Refusal(status, message)| text(status, message))
}

/// The Pod that a request is about.
fn find(
    shared: &Shared,
    headers: &HeaderMap,
    namespace: &str,
    pod: &str,
) -> Result<Arc<Listed>, Refusal> {
    let unknown = || refuse(StatusCode::NOT_FOUND, format!("pod {pod:?} is not on this node"));
    let listed = shared.directory.get(namespace, pod).ok_or_else(unknown)?;
    let wanted = headers.get(POD_UID).and_then(|uid| uid.to_str().ok());
    match wanted {
        Some(uid) if !uid.is_empty() && *uid != *listed.uid => Err(unknown()),
        _ => Ok(listed),
    }
}

/// A path segment without its escapes.
fn plain(segment: &str) -> String {
    let mut bytes = Vec::with_capacity(segment.len());
    let mut rest = segment.as_bytes();
    while let Some((&byte, tail)) = rest.split_first() {
        let hex = tail.get(..2).and_then(|hex| std::str::from_utf8(hex).ok());
        match hex.and_then(|hex| u8::from_str_radix(hex, 16).ok()) {
            Some(escaped) if byte == b'%' => {
                bytes.push(escaped);
                rest = &tail[2..];
            }
            _ => {
                bytes.push(byte);
                rest = tail;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

fn full(bytes: impl Into<Bytes>) -> Body {
    http_body_util::Full::new(bytes.into()).map_err(|never| match never {}).boxed_unsync()
}

fn text(status: StatusCode, message: impl Into<Bytes>) -> Response<Body> {
    let mut response = Response::new(full(message));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/plain"));
    response
}
