//! A connection as both sides of the network see it: bytes both ways and two addresses.

use std::fmt;
use std::net::SocketAddr;

use tokio::io::{AsyncRead, AsyncWrite};

/// The bytes of a connection: a ring in memory or a socket of the host.
pub trait Stream: AsyncRead + AsyncWrite + Send + Unpin + 'static {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin + 'static> Stream for T {}

/// An open connection, seen from the side that holds it.
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
