//! One HTTP request to a Pod, passed on as it is.

use std::net::{IpAddr, SocketAddr};

use http::{Request, Response, StatusCode};
use http_body_util::BodyExt as _;

use super::{Body, Refusal, refuse};
use crate::network::{self, RequestError};
use crate::shared::Shared;

pub(super) async fn answer(
    shared: &Shared,
    ip: &str,
    port: &str,
    path: &str,
    mut request: Request<Body>,
) -> Result<Response<Body>, Refusal> {
    let bad = |what: &str| refuse(StatusCode::BAD_REQUEST, format!("{what} is not valid"));
    let ip: IpAddr = ip.trim_matches(['[', ']']).parse().map_err(|_| bad("the address"))?;
    let port: u16 = port.parse().map_err(|_| bad("the port"))?;
    let to = SocketAddr::new(ip, port);
    // Pods of this node only: the service must not become a way to everywhere.
    if !shared.network.fabric.has_host(ip) {
        return Err(refuse(StatusCode::NOT_FOUND, format!("no Pod of this node has address {ip}")));
    }
    let query = request.uri().query().map(|query| format!("?{query}")).unwrap_or_default();
    let uri = format!("http://{to}/{path}{query}");
    *request.uri_mut() = uri.parse().map_err(|_| bad("the path"))?;
    let on_client = request.extensions_mut().remove::<hyper::upgrade::OnUpgrade>();
    let request = request
        .map(|body| body.map_err(|_| runtime::BodyError::ConnectionTerminated).boxed_unsync());
    let answered = network::request(&shared.network, to, request).await;
    let mut response = answered.map_err(|error| match error {
        RequestError::Connect { .. } => refuse(
            StatusCode::SERVICE_UNAVAILABLE,
            format!("error trying to reach service: {error}"),
        ),
        RequestError::Http(_) | RequestError::Function => {
            refuse(StatusCode::BAD_GATEWAY, format!("error trying to reach service: {error}"))
        }
    })?;
    if response.status() == StatusCode::SWITCHING_PROTOCOLS
        && let Some(on_client) = on_client
        && let Some(on_pod) = response.extensions_mut().remove::<hyper::upgrade::OnUpgrade>()
    {
        tokio::spawn(async move {
            let (Ok(client), Ok(pod)) = (on_client.await, on_pod.await) else { return };
            let mut client = hyper_util::rt::TokioIo::new(client);
            let mut pod = hyper_util::rt::TokioIo::new(pod);
            // Either side may go at any time; there is nobody to tell.
            let _ = tokio::io::copy_bidirectional(&mut client, &mut pod).await;
        });
    }
    Ok(response.map(|body| body.map_err(Into::into).boxed_unsync()))
}
