//! One HTTP request to a Pod from the node itself: probes, hooks, and the API server's proxy.
//!
//! A function is asked directly; anything else gets a connection of its own.

use std::io;
use std::net::SocketAddr;

use http::{Request, Response};
use http_body_util::BodyExt as _;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;

use super::Network;

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RequestError {
    #[error("dial tcp {to}: connect: {}", text(.source))]
    Connect { to: SocketAddr, source: io::Error },
    #[error("{0}")]
    Http(#[from] hyper::Error),
    #[error("the function's host failed")]
    Function,
}

/// The words that people know from Go programs.
fn text(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::ConnectionRefused => "connection refused".to_owned(),
        io::ErrorKind::HostUnreachable => "no route to host".to_owned(),
        io::ErrorKind::TimedOut => "connection timed out".to_owned(),
        _ => error.to_string(),
    }
}

/// Opens a connection from the node.
pub(crate) async fn connect(
    network: &Network,
    to: SocketAddr,
) -> Result<super::BoxStream, RequestError> {
    network
        .dial(network.node_end(), to)
        .await
        .map_err(|source| RequestError::Connect { to, source })
}

/// Sends a request. Its URI may be absolute, for HTTP functions; only the path goes over a connection.
pub(crate) async fn request(
    network: &Network,
    to: SocketAddr,
    mut request: Request<runtime::Body>,
) -> Result<Response<runtime::Body>, RequestError> {
    if let Some(function) = network.function(network.node_ip, to) {
        return function.answer(request).await.ok_or(RequestError::Function);
    }
    let stream = connect(network, to).await?;
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
    // Ends when the body has been read or dropped.
    tokio::spawn(async move {
        if let Err(error) = connection.with_upgrades().await {
            tracing::debug!(%error, "a connection to a Pod broke");
        }
    });
    let path = request.uri().path_and_query().map_or("/", |path| path.as_str()).to_owned();
    if let Ok(path) = path.parse() {
        *request.uri_mut() = path;
    }
    let response = sender.send_request(request).await?;
    Ok(response.map(|body| body.map_err(runtime::BodyError::from).boxed_unsync()))
}
