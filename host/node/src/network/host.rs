//! The network of a Pod that asked for the host's own (`hostNetwork`): sockets of this machine, with the cluster's services and names on top.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use futures::future::BoxFuture;
use net::names::Resolver;
use runtime::Connection;
use tokio::io::ReadBuf;
use tokio::net::{TcpListener, UdpSocket};

use super::Network;

/// The host's network as a Pod uses it.
#[derive(Debug)]
pub(crate) struct HostNetwork {
    network: Arc<Network>,
    resolver: Arc<Resolver>,
}

impl HostNetwork {
    pub(crate) fn new(network: Arc<Network>, resolver: Resolver) -> Self {
        Self { network, resolver: Arc::new(resolver) }
    }
}

impl runtime::Network for HostNetwork {
    fn connect(
        &self,
        _local: Option<SocketAddr>,
        remote: SocketAddr,
    ) -> BoxFuture<'static, io::Result<Connection>> {
        let network = Arc::clone(&self.network);
        Box::pin(async move {
            let local = network.node_end();
            let stream = network.dial(local, remote).await?;
            Ok(Connection { stream: Box::new(stream), local, remote })
        })
    }

    fn listen(&self, local: SocketAddr) -> io::Result<Box<dyn runtime::Listener>> {
        let listener = std::net::TcpListener::bind(local)?;
        listener.set_nonblocking(true)?;
        let listener = TcpListener::from_std(listener)?;
        let local = listener.local_addr()?;
        Ok(Box::new(Listener { listener, local }))
    }

    fn datagrams(&self, local: SocketAddr) -> io::Result<Box<dyn runtime::Datagrams>> {
        let socket = std::net::UdpSocket::bind(local)?;
        socket.set_nonblocking(true)?;
        let socket = UdpSocket::from_std(socket)?;
        let local = socket.local_addr()?;
        Ok(Box::new(Datagrams { socket, local }))
    }

    fn resolve(&self, name: &str) -> BoxFuture<'static, io::Result<Vec<IpAddr>>> {
        super::pod::resolve(&self.resolver, &self.network, name)
    }
}

struct Listener {
    listener: TcpListener,
    local: SocketAddr,
}

impl runtime::Listener for Listener {
    fn local(&self) -> SocketAddr {
        self.local
    }

    fn poll_accept(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<Connection>> {
        let (stream, remote) = ready!(self.listener.poll_accept(cx))?;
        let local = stream.local_addr()?;
        Poll::Ready(Ok(Connection { stream: Box::new(stream), local, remote }))
    }
}

struct Datagrams {
    socket: UdpSocket,
    local: SocketAddr,
}

impl runtime::Datagrams for Datagrams {
    fn local(&self) -> SocketAddr {
        self.local
    }

    fn poll_receive(
        &self,
        cx: &mut Context<'_>,
        buffer: &mut [u8],
    ) -> Poll<io::Result<(usize, SocketAddr)>> {
        let mut space = ReadBuf::new(buffer);
        let from = ready!(self.socket.poll_recv_from(cx, &mut space))?;
        Poll::Ready(Ok((space.filled().len(), from)))
    }

    fn poll_send(
        &self,
        cx: &mut Context<'_>,
        datagram: &[u8],
        remote: SocketAddr,
    ) -> Poll<io::Result<()>> {
        ready!(self.socket.poll_send_to(cx, datagram, remote))?;
        Poll::Ready(Ok(()))
    }
}
