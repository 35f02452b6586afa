//! The socket: TLS, HTTP/1.1 and HTTP/2, bounds for connections, and a graceful end.
//!
//! A connection that does not finish its handshake, or does not send its headers, is closed after a while. When the server stops, no new
//! connection is taken, watches end, and requests that are running get some time to finish.

use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use http::{Request, Response};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use hyper_util::server::graceful::GracefulShutdown;
use rustls::ServerConfig;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;
use tokio_util::sync::CancellationToken;

use crate::at_once::AtOnce;
use crate::body::Body;
use crate::gather::Gathered;
use crate::seams::{ClientCertificates, Peer};
use crate::service::Service;

/// How connections are taken.
#[derive(Clone, Debug)]
pub struct Listen {
    /// Certificates and protocols; the certificate may be swapped while serving.
    pub tls: Arc<ServerConfig>,
    /// So many connections are open at once; further clients wait in the system's queue.
    pub max_connections: usize,
    /// A handshake takes at most this long.
    pub handshake_timeout: Duration,
    /// The headers of a request arrive within this time.
    pub header_timeout: Duration,
    /// A silent HTTP/2 connection is asked whether it lives after this time, and closed if it does not answer.
    pub keep_alive: Duration,
    /// So many requests run at once on one HTTP/2 connection.
    pub max_streams: u32,
    /// Requests that are running when the server stops get this long.
    pub grace: Duration,
}

impl Listen {
    /// The usual bounds.
    pub fn new(tls: Arc<ServerConfig>) -> Listen {
        Listen {
            tls,
            max_connections: 10_000,
            handshake_timeout: Duration::from_secs(10),
            header_timeout: Duration::from_secs(30),
            keep_alive: Duration::from_secs(30),
            max_streams: 1000,
            grace: Duration::from_secs(10),
        }
    }
}

/// Serves until `stop` is cancelled, and then until the running requests are done or their time is over.
pub async fn serve(
    service: Service,
    listener: TcpListener,
    listen: Listen,
    stop: CancellationToken,
) {
    let acceptor = TlsAcceptor::from(Arc::clone(&listen.tls));
    let places = Arc::new(Semaphore::new(listen.max_connections));
    let graceful = Arc::new(GracefulShutdown::new());
    let builder = builder(&listen);
    let mut connections = JoinSet::new();
    loop {
        let place = tokio::select! {
            () = stop.cancelled() => break,
            place = Arc::clone(&places).acquire_owned() => place,
        };
        let Ok(place) = place else { break };
        let accepted = tokio::select! {
            () = stop.cancelled() => break,
            accepted = listener.accept() => accepted,
        };
        while connections.try_join_next().is_some() {}
        let (stream, address) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                pause_after(&error).await;
                continue;
            }
        };
        let connection = Connection {
            service: service.clone(),
            acceptor: acceptor.clone(),
            builder: builder.clone(),
            graceful: Arc::clone(&graceful),
            handshake_timeout: listen.handshake_timeout,
        };
        connections.spawn(async move {
            connection.run(stream, address).await;
            drop(place);
        });
    }
    drop(listener);
    service.shutdown();
    let finish = async {
        if let Some(graceful) = Arc::into_inner(graceful) {
            graceful.shutdown().await;
        }
        while connections.join_next().await.is_some() {}
    };
    if timeout(listen.grace, finish).await.is_err() {
        tracing::warn!("requests were cut off when the server stopped");
    }
}

/// Running out of files or memory passes; taking connections again at once would only burn time.
async fn pause_after(error: &std::io::Error) {
    tracing::warn!(%error, "a connection could not be accepted");
    let _ = timeout(Duration::from_millis(50), std::future::pending::<()>()).await;
}

fn builder(listen: &Listen) -> Builder<AtOnce> {
    let mut builder = Builder::new(AtOnce);
    builder.http1().timer(TokioTimer::new()).header_read_timeout(listen.header_timeout);
    builder
        .http2()
        .timer(TokioTimer::new())
        .keep_alive_interval(listen.keep_alive)
        .keep_alive_timeout(listen.keep_alive)
        .max_concurrent_streams(listen.max_streams)
        .adaptive_window(true);
    builder
}

trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}
impl<S: AsyncRead + AsyncWrite + Send + Unpin> Stream for S {}

struct Connection {
    service: Service,
    acceptor: TlsAcceptor,
    builder: Builder<AtOnce>,
    graceful: Arc<GracefulShutdown>,
    handshake_timeout: Duration,
}

impl Connection {
    async fn run(self, stream: TcpStream, address: SocketAddr) {
        // Small answers must not wait for more to come.
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(%error, %address, "no delay could not be set");
        }
        let stream = match timeout(self.handshake_timeout, self.acceptor.accept(stream)).await {
            Ok(Ok(stream)) => stream,
            Ok(Err(error)) => {
                tracing::debug!(%error, %address, "the handshake failed");
                return;
            }
            Err(_) => {
                tracing::debug!(%address, "the handshake took too long");
                return;
            }
        };
        let peer = peer(&stream, address);
        let is_http2 = stream.get_ref().1.alpn_protocol() == Some(b"h2");
        // Only HTTP/2 flushes always; it is also what has more than one answer at a time to write.
        let stream: Box<dyn Stream> = if is_http2 {
            Box::new(Gathered::new(stream, peer.watches.clone()))
        } else {
            Box::new(stream)
        };
        let service = self.service;
        let answer = service_fn(move |request: Request<Incoming>| {
            let (service, peer) = (service.clone(), peer.clone());
            async move {
                Ok::<Response<Body>, std::convert::Infallible>(
                    service.handle(request.map(Body::from), peer).await,
                )
            }
        });
        let connection =
            self.builder.serve_connection_with_upgrades(TokioIo::new(stream), answer).into_owned();
        let watched = pin!(self.graceful.watch(connection));
        drop(self.graceful);
        if let Err(error) = watched.await {
            tracing::debug!(%error, %address, "a connection broke");
        }
    }
}

fn peer(stream: &TlsStream<TcpStream>, address: SocketAddr) -> Peer {
    let (_, session) = stream.get_ref();
    let certificates = session.peer_certificates().unwrap_or_default();
    let chain = certificates.iter().map(|certificate| certificate.clone().into_owned()).collect();
    let certificates = Arc::new(ClientCertificates::new(chain));
    Peer { address: Some(address), certificates, ..Peer::default() }
}
