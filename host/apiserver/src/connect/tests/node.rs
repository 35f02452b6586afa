//! A node for tests: tells what it is asked, echoes what is sent, and listens on every port but 7.

use bytes::Bytes;
use futures::future::BoxFuture;
use futures::{SinkExt as _, StreamExt as _};
use http::header::{CONNECTION, LOCATION, UPGRADE};
use http::{Request, Response, StatusCode};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio_util::codec::Framed;

use crate::body::Body;
use crate::connect::channels::{Codec, Frame, STATUS as STATUS_CHANNEL, STDERR, STDIN, STDOUT};
use crate::seams::{GatewayError, NodeGateway};

pub(super) const STATUS: &str = r#"{"metadata":{},"status":"Success"}"#;

#[derive(Debug)]
pub(super) struct Gateway;

impl NodeGateway for Gateway {
    fn request<'a>(
        &'a self,
        _: &'a str,
        request: Request<Body>,
    ) -> BoxFuture<'a, Result<Response<Body>, GatewayError>> {
        Box::pin(async move {
            let (near, far) = tokio::io::duplex(64 * 1024);
            let server = hyper::server::conn::http1::Builder::new();
            tokio::spawn(
                server.serve_connection(TokioIo::new(far), service_fn(answer)).with_upgrades(),
            );
            let (mut sender, connection) =
                hyper::client::conn::http1::handshake(TokioIo::new(near)).await.unwrap();
            tokio::spawn(connection.with_upgrades());
            Ok(sender.send_request(request).await.unwrap().map(Body::from))
        })
    }
}

async fn answer(
    mut request: Request<Incoming>,
) -> Result<Response<Full<Bytes>>, std::convert::Infallible> {
    let uri = request.uri().clone();
    let (path, query) = (uri.path(), uri.query().unwrap_or_default().to_owned());
    let refuse = |code, text: &'static str| {
        let mut response = Response::new(Full::from(text));
        *response.status_mut() = code;
        Ok(response)
    };
    if path.starts_with("/logs/") && query.contains("follow") {
        return refuse(StatusCode::BAD_REQUEST, "container \"c\" in pod \"p\" is waiting to start");
    }
    if path.ends_with("/port-forward/ns/p/7") {
        return refuse(StatusCode::BAD_GATEWAY, "nothing listens");
    }
    if let Some(protocol) = request.headers().get(UPGRADE).cloned() {
        let runs_command = path.starts_with("/exec/");
        let upgraded = hyper::upgrade::on(&mut request);
        tokio::spawn(async move {
            let io = TokioIo::new(upgraded.await.unwrap());
            if runs_command {
                command(Framed::new(io, Codec), &query).await;
            } else {
                let (mut from, mut to) = tokio::io::split(io);
                let _ = tokio::io::copy(&mut from, &mut to).await;
            }
        });
        let mut response = Response::new(Full::default());
        *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
        response.headers_mut().insert(CONNECTION, "Upgrade".parse().unwrap());
        response.headers_mut().insert(UPGRADE, protocol);
        return Ok(response);
    }
    let uid =
        request.headers().get("skiff-pod-uid").map(|uid| uid.to_str().unwrap()).unwrap_or_default();
    let mut response = Response::new(Full::from(format!("{} {uri} {uid}", request.method())));
    if path.ends_with("/moved") {
        response.headers_mut().insert(LOCATION, "http://100.64.0.9:8080/there".parse().unwrap());
    }
    Ok(response)
}

/// Tells its options as errors, then repeats its input.
async fn command(mut client: Framed<TokioIo<hyper::upgrade::Upgraded>, Codec>, query: &str) {
    if query.contains("stderr") {
        client.send(Frame::new(STDERR, query.to_owned())).await.unwrap();
    }
    if query.contains("stdin") {
        let mut input = Vec::new();
        while let Some(Ok(frame)) = client.next().await {
            if frame.channel == STDIN && frame.data.is_empty() {
                break;
            }
            input.extend_from_slice(&frame.data);
        }
        client.send(Frame::new(STDOUT, input)).await.unwrap();
    }
    client.send(Frame::new(STATUS_CHANNEL, STATUS)).await.unwrap();
}
