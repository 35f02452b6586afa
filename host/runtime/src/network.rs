//! The network as a container sees it: the seam between guests' sockets and whatever carries their
//! bytes.
//!
//! The runtime turns `wasi:sockets` and outgoing `wasi:http` into these few calls and adds nothing:
//! addresses, names, policies and what "any address" means are decided behind the seam. Calls must
//! not block; what takes time is a future or a poll.

use std::fmt;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use futures::future::BoxFuture;
use http::{Request, Response};
use http_body_util::combinators::UnsyncBoxBody;
use tokio::io::{AsyncRead, AsyncWrite};

/// What a body fails with; `From<hyper::Error>` exists.
pub use wasmtime_wasi_http::Error as BodyError;

/// A streaming HTTP body.
pub type Body = UnsyncBoxBody<Bytes, BodyError>;

/// A container's network. The error kinds of [`io::Error`] reach the guest as the errors of its own
/// system interface.
pub trait Network: fmt::Debug + Send + Sync + 'static {
    /// Opens a connection. `local` is what the guest bound the socket to before, if it did.
    fn connect(
        &self,
        local: Option<SocketAddr>,
        remote: SocketAddr,
    ) -> BoxFuture<'static, io::Result<Connection>>;

    /// Takes an address to accept connections on; an unspecified IP means all of the container's,
    /// and port 0 any free one.
    fn listen(&self, local: SocketAddr) -> io::Result<Box<dyn Listener>>;

    /// Takes an address for datagrams, with the same meaning of zeros.
    fn datagrams(&self, local: SocketAddr) -> io::Result<Box<dyn Datagrams>>;

    fn resolve(&self, name: &str) -> BoxFuture<'static, io::Result<Vec<IpAddr>>>;

    /// Finds the way for one HTTP request. An HTTP function on this node can answer without a
    /// connection.
    fn route(&self, remote: SocketAddr) -> BoxFuture<'static, io::Result<Route>> {
        let connection = self.connect(None, remote);
        Box::pin(async move { connection.await.map(Route::Connection) })
    }
}

/// Where an HTTP request goes.
pub enum Route {
    Connection(Connection),
    Handler(Arc<dyn HttpHandler>),
}

impl fmt::Debug for Route {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Connection(connection) => fmt::Debug::fmt(connection, f),
            Self::Handler(_) => f.write_str("Handler"),
        }
    }
}

/// Something that answers HTTP requests in this process.
pub trait HttpHandler: Send + Sync + 'static {
    fn handle(&self, request: Request<Body>) -> BoxFuture<'static, Response<Body>>;
}

/// An open connection and its two ends.
pub struct Connection {
    pub stream: Box<dyn Stream>,
    pub local: SocketAddr,
    pub remote: SocketAddr,
}

impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} to {}", self.local, self.remote)
    }
}

/// The bytes of a connection. Shutting down the writer is a half-close; dropping closes both
/// directions.
pub trait Stream: AsyncRead + AsyncWrite + Send + Unpin + 'static {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin + 'static> Stream for T {}

/// A taken TCP address. Dropping it gives the address back and refuses what was not yet accepted.
pub trait Listener: Send + 'static {
    fn local(&self) -> SocketAddr;

    fn poll_accept(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<Connection>>;
}

/// A taken UDP address.
pub trait Datagrams: Send + Sync + 'static {
    fn local(&self) -> SocketAddr;

    /// Receives one datagram whole; what does not fit into `buffer` is lost, as everywhere.
    fn poll_receive(
        &self,
        cx: &mut Context<'_>,
        buffer: &mut [u8],
    ) -> Poll<io::Result<(usize, SocketAddr)>>;

    fn poll_send(
        &self,
        cx: &mut Context<'_>,
        datagram: &[u8],
        remote: SocketAddr,
    ) -> Poll<io::Result<()>>;
}

/// No network at all: every call is refused.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoNetwork;

impl Network for NoNetwork {
    fn connect(
        &self,
        _local: Option<SocketAddr>,
        _remote: SocketAddr,
    ) -> BoxFuture<'static, io::Result<Connection>> {
        Box::pin(async { Err(io::ErrorKind::NetworkUnreachable.into()) })
    }

    fn listen(&self, _local: SocketAddr) -> io::Result<Box<dyn Listener>> {
        Err(io::ErrorKind::AddrNotAvailable.into())
    }

    fn datagrams(&self, _local: SocketAddr) -> io::Result<Box<dyn Datagrams>> {
        Err(io::ErrorKind::AddrNotAvailable.into())
    }

    fn resolve(&self, _name: &str) -> BoxFuture<'static, io::Result<Vec<IpAddr>>> {
        Box::pin(async { Err(io::ErrorKind::NotFound.into()) })
    }
}
