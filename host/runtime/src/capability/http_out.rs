//! Requests a guest sends (`wasi:http/outgoing-handler` and `client`): resolved, routed and
//! connected through the container's [`Network`]. An HTTP function of this node answers directly;
//! everything else gets HTTP/1.1 on a connection of its own, in TLS where the scheme says so.

use std::future::Future;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use http::uri::{PathAndQuery, Scheme};
use http::{Request, Response, Uri, header};
use http_body_util::BodyExt;
use hyper::body::{Frame, Incoming, SizeHint};
use hyper_util::rt::TokioIo;
use rustls::pki_types::ServerName;
use tokio::time::{Instant, Sleep, timeout};
use tokio_rustls::TlsConnector;
use tokio_util::task::AbortOnDropHandle;
use wasmtime_wasi_http::{Error, RequestOptions, WasiBody, WasiHttpHooks};

use super::Capability;
use crate::network::{Body, Connection, Network, Route, Stream};

pub(super) struct HttpOut;

impl Capability for HttpOut {
    fn interfaces(&self) -> &'static [&'static str] {
        &["wasi:http/outgoing-handler@0.2", "wasi:http/client@0.3"]
    }
}

/// How long a guest that says nothing else waits for a connection, and then for every next part of
/// the answer.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(30);
const READ_TIMEOUT: Duration = Duration::from_mins(5);

/// The client of one instance.
pub(crate) struct Outgoing {
    client: Client,
}

#[derive(Clone)]
struct Client {
    network: Arc<dyn Network>,
    tls: Option<Arc<rustls::ClientConfig>>,
}

impl Outgoing {
    pub(crate) fn new(network: Arc<dyn Network>, tls: Option<Arc<rustls::ClientConfig>>) -> Self {
        Self { client: Client { network, tls } }
    }
}

type Sent = (Response<WasiBody>, Box<dyn Future<Output = Result<(), Error>> + Send>);

impl WasiHttpHooks for Outgoing {
    fn send_request(
        &mut self,
        request: Request<WasiBody>,
        options: Option<RequestOptions>,
        processed: Box<dyn Future<Output = Result<(), Error>> + Send>,
    ) -> Box<dyn Future<Output = Result<Sent, Error>> + Send> {
        // Tells how the guest fared with the answer; there is nobody here to tell.
        drop(processed);
        let client = self.client.clone();
        Box::new(async move { client.send(request, options.unwrap_or_default()).await })
    }
}

impl Client {
    async fn send(self, request: Request<Body>, options: RequestOptions) -> Result<Sent, Error> {
        let target = Target::of(request.uri())?;
        let patience = options.connect_timeout.unwrap_or(CONNECT_TIMEOUT);
        let route = timeout(patience, self.route(&target));
        match route.await.map_err(|_| Error::ConnectionTimeout)?? {
            Route::Handler(handler) => {
                let response = handler.handle(request).await;
                Ok((response, Box::new(std::future::ready(Ok(())))))
            }
            Route::Connection(connection) => {
                let stream = timeout(patience, self.secure(&target, connection));
                let stream = stream.await.map_err(|_| Error::ConnectionTimeout)??;
                exchange(stream, request, options).await
            }
        }
    }

    /// The first of the host's addresses that leads somewhere.
    async fn route(&self, target: &Target) -> Result<Route, Error> {
        let mut failure = Error::DestinationNotFound;
        for ip in self.resolve(&target.host).await? {
            match self.network.route(SocketAddr::new(ip, target.port)).await {
                Ok(route) if target.is_secure && matches!(route, Route::Handler(_)) => {
                    // Functions speak plain HTTP; TLS ends before them, at an ingress.
                    failure = Error::TlsProtocolError;
                }
                Ok(route) => return Ok(route),
                Err(error) => failure = Error::Connect(error),
            }
        }
        Err(failure)
    }

    async fn resolve(&self, host: &str) -> Result<Vec<IpAddr>, Error> {
        if let Ok(ip) = host.trim_matches(['[', ']']).parse() {
            return Ok(vec![ip]);
        }
        self.network.resolve(host).await.map_err(|error| match error.kind() {
            io::ErrorKind::TimedOut => Error::DnsTimeout,
            _ => Error::DnsError { rcode: Some(error.to_string()), info_code: None },
        })
    }

    async fn secure(
        &self,
        target: &Target,
        connection: Connection,
    ) -> Result<Box<dyn Stream>, Error> {
        if !target.is_secure {
            return Ok(connection.stream);
        }
        let config = self.tls.clone().ok_or(Error::ConfigurationError)?;
        let name = ServerName::try_from(target.host.trim_matches(['[', ']']).to_owned());
        let name = name.map_err(|_| Error::HttpRequestUriInvalid)?;
        let stream = TlsConnector::from(config).connect(name, connection.stream);
        Ok(Box::new(stream.await.map_err(Error::Tls)?))
    }
}

/// Who is asked, out of the request's URI.
struct Target {
    host: String,
    port: u16,
    is_secure: bool,
}

impl Target {
    fn of(uri: &Uri) -> Result<Self, Error> {
        let host = uri.host().ok_or(Error::HttpRequestUriInvalid)?.to_owned();
        let is_secure = uri.scheme() == Some(&Scheme::HTTPS);
        let port = uri.port_u16().unwrap_or(if is_secure { 443 } else { 80 });
        Ok(Self { host, port, is_secure })
    }
}

/// One request and its answer over a fresh connection. The future beside the answer drives the
/// connection while its body is read.
async fn exchange(
    stream: Box<dyn Stream>,
    mut request: Request<Body>,
    options: RequestOptions,
) -> Result<Sent, Error> {
    let (mut sender, connection) =
        hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
    let driving = AbortOnDropHandle::new(tokio::spawn(connection));
    origin_form(&mut request);
    let patience = options.first_byte_timeout.unwrap_or(READ_TIMEOUT);
    let response = timeout(patience, sender.send_request(request)).await;
    let response = response.map_err(|_| Error::ConnectionReadTimeout)??;
    let pause_max = options.between_bytes_timeout.unwrap_or(READ_TIMEOUT);
    let response = response.map(|body| Paced::new(body, pause_max).boxed_unsync());
    let driven = async move {
        match driving.await {
            Ok(ended) => ended.map_err(Error::from),
            Err(_) => Err(Error::InternalError(None)),
        }
    };
    Ok((response, Box::new(driven)))
}

/// On a direct connection a request names its path in the first line and its host in a header.
fn origin_form(request: &mut Request<Body>) {
    if !request.headers().contains_key(header::HOST)
        && let Some(authority) = request.uri().authority()
        && let Ok(host) = authority.as_str().parse()
    {
        request.headers_mut().insert(header::HOST, host);
    }
    let path = request.uri().path_and_query().cloned();
    *request.uri_mut() = path.unwrap_or_else(|| PathAndQuery::from_static("/")).into();
}

/// A body that fails when nothing arrives for too long.
struct Paced {
    body: Incoming,
    pause_max: Duration,
    deadline: Pin<Box<Sleep>>,
}

impl Paced {
    fn new(body: Incoming, pause_max: Duration) -> Self {
        Self { body, pause_max, deadline: Box::pin(tokio::time::sleep(pause_max)) }
    }
}

impl http_body::Body for Paced {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        match Pin::new(&mut self.body).poll_frame(cx) {
            Poll::Ready(frame) => {
                let next = Instant::now() + self.pause_max;
                self.deadline.as_mut().reset(next);
                Poll::Ready(frame.map(|frame| frame.map_err(Error::from)))
            }
            Poll::Pending => {
                ready!(self.deadline.as_mut().poll(cx));
                Poll::Ready(Some(Err(Error::ConnectionReadTimeout)))
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
