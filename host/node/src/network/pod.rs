//! A Pod's network as its containers see it.

use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::task::{Context, Poll};

use futures::future::BoxFuture;
use net::names::{Resolved, Resolver};
use runtime::{Connection, Route};

use super::Network;
use super::datagrams::PodDatagrams;

/// One Pod's view. Cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct PodNetwork(pub(super) Arc<View>);

#[derive(Debug)]
pub(super) struct View {
    pub(super) network: Arc<Network>,
    pub(super) ip: IpAddr,
    resolver: Resolver,
}

impl PodNetwork {
    pub(crate) fn new(network: Arc<Network>, ip: IpAddr, resolver: Resolver) -> Self {
        Self(Arc::new(View { network, ip, resolver }))
    }
}

impl View {
    /// The address that is meant: inside a Pod, loopback and "any" are the Pod itself.
    pub(super) fn meant(&self, to: SocketAddr) -> SocketAddr {
        let ip = to.ip().to_canonical();
        let is_own = ip.is_loopback() || ip.is_unspecified();
        SocketAddr::new(if is_own { self.ip } else { ip }, to.port())
    }

    /// Where a socket may be bound: the address within the fabric, and whether it is loopback only.
    pub(super) fn bindable(&self, local: SocketAddr) -> io::Result<(SocketAddr, bool)> {
        let ip = local.ip().to_canonical();
        if ip.is_unspecified() || ip == self.ip {
            Ok((SocketAddr::new(self.ip, local.port()), false))
        } else if ip.is_loopback() {
            Ok((SocketAddr::new(self.ip, local.port()), true))
        } else {
            Err(io::ErrorKind::AddrNotAvailable.into())
        }
    }

    fn local(&self, bound: Option<SocketAddr>) -> SocketAddr {
        match bound {
            Some(bound) if bound.port() != 0 => SocketAddr::new(self.ip, bound.port()),
            _ => SocketAddr::new(self.ip, self.network.fabric.ephemeral_port(self.ip)),
        }
    }
}

/// The guest's own address as it knows it: a connection to loopback comes from loopback.
fn shown(local: SocketAddr, remote: SocketAddr) -> SocketAddr {
    if remote.ip().is_loopback() {
        SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), local.port())
    } else {
        local
    }
}

impl runtime::Network for PodNetwork {
    fn connect(
        &self,
        local: Option<SocketAddr>,
        remote: SocketAddr,
    ) -> BoxFuture<'static, io::Result<Connection>> {
        let view = Arc::clone(&self.0);
        Box::pin(async move {
            let from = view.local(local);
            let stream = view.network.dial(from, view.meant(remote)).await?;
            let local = shown(from, remote);
            Ok(Connection { stream: Box::new(stream), local, remote })
        })
    }

    fn listen(&self, local: SocketAddr) -> io::Result<Box<dyn runtime::Listener>> {
        let (at, is_loopback) = self.0.bindable(local)?;
        let listener = self.0.network.fabric.listen(at, is_loopback)?;
        let shown = SocketAddr::new(local.ip(), listener.local().port());
        Ok(Box::new(Listener { listener, shown }))
    }

    fn datagrams(&self, local: SocketAddr) -> io::Result<Box<dyn runtime::Datagrams>> {
        PodDatagrams::bind(Arc::clone(&self.0), local)
            .map(|socket| Box::new(socket) as Box<dyn runtime::Datagrams>)
    }

    fn resolve(&self, name: &str) -> BoxFuture<'static, io::Result<Vec<IpAddr>>> {
        resolve(&self.0.resolver, &self.0.network, name)
    }

    fn route(&self, remote: SocketAddr) -> BoxFuture<'static, io::Result<Route>> {
        let to = self.0.meant(remote);
        if let Some(function) = self.0.network.function(self.0.ip, to) {
            let handler = Arc::new(function.service.clone());
            return Box::pin(std::future::ready(Ok(Route::Handler(handler))));
        }
        let connection = self.connect(None, remote);
        Box::pin(async move { connection.await.map(Route::Connection) })
    }
}

/// Resolves a name from the tables, or asks the host.
pub(super) fn resolve(
    resolver: &Resolver,
    network: &Network,
    name: &str,
) -> BoxFuture<'static, io::Result<Vec<IpAddr>>> {
    match resolver.resolve(&network.services, name) {
        Resolved::Addresses(addresses) => Box::pin(std::future::ready(Ok(addresses))),
        Resolved::Unknown => Box::pin(std::future::ready(Err(io::ErrorKind::NotFound.into()))),
        Resolved::Outside(names) => Box::pin(ask_host(names)),
    }
}

/// The host's resolver, for each name until one exists.
async fn ask_host(names: Vec<String>) -> io::Result<Vec<IpAddr>> {
    let mut last = io::Error::from(io::ErrorKind::NotFound);
    for name in names {
        match tokio::net::lookup_host((name.as_str(), 0)).await {
            Ok(found) => {
                let addresses: Vec<IpAddr> = found.map(|address| address.ip()).collect();
                if !addresses.is_empty() {
                    return Ok(addresses);
                }
            }
            Err(error) => last = error,
        }
    }
    Err(io::Error::new(io::ErrorKind::NotFound, last))
}

struct Listener {
    listener: net::Listener,
    shown: SocketAddr,
}

impl runtime::Listener for Listener {
    fn local(&self) -> SocketAddr {
        self.shown
    }

    fn poll_accept(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<Connection>> {
        self.listener.poll_accept(cx).map_ok(|accepted| Connection {
            stream: Box::new(accepted.stream),
            local: accepted.local,
            remote: accepted.remote,
        })
    }
}
