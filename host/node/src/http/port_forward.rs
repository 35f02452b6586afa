//! A raw connection to a port of a Pod: the request's connection becomes the stream.

use std::net::SocketAddr;

use http::header::{CONNECTION, HeaderValue, UPGRADE};
use http::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;

use super::{Body, Refusal, find, full, refuse};
use crate::network;
use crate::shared::Shared;

pub(super) async fn answer(
    shared: &Shared,
    namespace: &str,
    pod: &str,
    port: &str,
    mut request: Request<Body>,
) -> Result<Response<Body>, Refusal> {
    let bad = |text: &str| refuse(StatusCode::BAD_REQUEST, text);
    let listed = find(shared, request.headers(), namespace, pod)?;
    let port: u16 = port.parse().map_err(|_| bad("the port is not valid"))?;
    let ip = listed.ip.ok_or_else(|| {
        refuse(StatusCode::SERVICE_UNAVAILABLE, format!("pod {pod} has no address"))
    })?;
    let on_upgrade = request
        .extensions_mut()
        .remove::<hyper::upgrade::OnUpgrade>()
        .ok_or_else(|| bad("the connection must be upgraded to tcp"))?;
    // A body is not for sharing between threads.
    drop(request);
    let to = SocketAddr::new(ip, port);
    let mut stream = network::connect(&shared.network, to)
        .await
        .map_err(|error| refuse(StatusCode::SERVICE_UNAVAILABLE, error.to_string()))?;
    tokio::spawn(async move {
        match on_upgrade.await {
            Ok(client) => {
                let mut client = TokioIo::new(client);
                // Either side may go at any time; there is nobody to tell.
                let _ = tokio::io::copy_bidirectional(&mut client, &mut stream).await;
            }
            Err(error) => tracing::debug!(%error, "a port-forward was given up"),
        }
    });
    let mut response = Response::new(full(""));
    *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
    response.headers_mut().insert(CONNECTION, HeaderValue::from_static("Upgrade"));
    response.headers_mut().insert(UPGRADE, HeaderValue::from_static("tcp"));
    Ok(response)
}
