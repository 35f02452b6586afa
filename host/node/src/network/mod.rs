//! The node's side of the Pod network: where a connection goes, for containers, probes, proxies and the node's own ports.
//!
//! The tables are those of the `net` room; this module adds the host's stack for what is outside, and the seams that the `runtime` room asks for.

mod datagrams;
mod doors;
mod function;
mod host;
mod pod;
mod remembered;
mod request;
mod tables;

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicU16, Ordering};
use std::time::{Duration, Instant};

use ipnet::Ipv4Net;
use net::{Client, Dropped, Fabric, Front, Protocol, Services};
use tokio::net::TcpStream;

pub(crate) use doors::{HostPorts, host_port, keep as keep_doors};
pub(crate) use function::{Function, empty};
pub(crate) use host::HostNetwork;
pub(crate) use pod::PodNetwork;
pub(crate) use remembered::{KnownServices, keep as keep_remembered};
pub(crate) use request::{RequestError, connect, request};
pub(crate) use tables::keep as keep_tables;

/// How long the host's stack may take to connect.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(30);
/// Endpoints tried for one connection.
const TRIES_MAX: usize = 5;

/// The network of one node.
#[derive(Debug)]
pub(crate) struct Network {
    pub(crate) fabric: Fabric,
    pub(crate) services: Services,
    /// All Pods of the cluster.
    pub(crate) pods: Ipv4Net,
    /// All service addresses.
    pub(crate) service_range: Ipv4Net,
    /// The node's own address: who Pods see when the node connects to them.
    pub(crate) node_ip: IpAddr,
    next_port: AtomicU16,
}

/// Ports that the node's own connections to Pods seem to come from; nobody can connect to them.
const FIRST_PORT: u16 = 32768;

/// A stream to somewhere.
pub(crate) type BoxStream = Box<dyn net::Stream>;

/// Where an address leads.
enum Way {
    /// A Pod of this node.
    Pod(SocketAddr),
    Service(Arc<Front>),
    Outside(SocketAddr),
    Nowhere(io::ErrorKind),
}

impl Network {
    pub(crate) fn new(
        services: Services,
        pods: Ipv4Net,
        service_range: Ipv4Net,
        node_ip: IpAddr,
    ) -> Self {
        let (fabric, next_port) = (Fabric::default(), AtomicU16::new(0));
        Self { fabric, services, pods, service_range, node_ip, next_port }
    }

    /// The node's end of a connection to a Pod.
    pub(crate) fn node_end(&self) -> SocketAddr {
        let number = self.next_port.fetch_add(1, Ordering::Relaxed);
        SocketAddr::new(self.node_ip, FIRST_PORT | number)
    }

    fn way(&self, to: SocketAddr, protocol: Protocol) -> Way {
        if self.fabric.has_host(to.ip()) {
            return Way::Pod(to);
        }
        if let Some(front) = self.services.front(to, protocol) {
            return Way::Service(front);
        }
        match to.ip() {
            IpAddr::V4(ip) if self.service_range.contains(&ip) => {
                Way::Nowhere(io::ErrorKind::ConnectionRefused)
            }
            IpAddr::V4(ip) if self.pods.contains(&ip) => {
                Way::Nowhere(io::ErrorKind::HostUnreachable)
            }
            _ => Way::Outside(to),
        }
    }

    /// Opens a connection from a Pod or from the node to any address.
    pub(crate) async fn dial(&self, from: SocketAddr, to: SocketAddr) -> io::Result<BoxStream> {
        match self.way(to, Protocol::Tcp) {
            Way::Service(front) => self.dial_service(from, &front).await,
            way => self.dial_way(from, way).await,
        }
    }

    async fn dial_way(&self, from: SocketAddr, way: Way) -> io::Result<BoxStream> {
        match way {
            Way::Pod(to) => Ok(Box::new(self.fabric.connect(from, to).await?)),
            Way::Outside(to) => Ok(Box::new(dial_outside(to).await?)),
            Way::Nowhere(kind) => Err(kind.into()),
            // An endpoint that is a service address again leads nowhere: no loops.
            Way::Service(_) => Err(io::ErrorKind::HostUnreachable.into()),
        }
    }

    async fn dial_service(&self, from: SocketAddr, front: &Front) -> io::Result<BoxStream> {
        let mut tried = Vec::new();
        loop {
            let client = Client::Inside(from.ip());
            let target =
                self.services.pick(front, client, &tried, Instant::now()).map_err(refusal)?;
            let way = self.way(target.address, Protocol::Tcp);
            match self.dial_way(from, way).await {
                Err(error) if is_refused(&error) && tried.len() < TRIES_MAX => {
                    tried.push(target.address);
                }
                result => return result,
            }
        }
    }

    /// The HTTP function that answers at an address of this node or of a service, if one does.
    pub(crate) fn function(&self, from: IpAddr, to: SocketAddr) -> Option<Arc<Function>> {
        let at = match self.way(to, Protocol::Tcp) {
            Way::Pod(at) => at,
            Way::Service(front) => {
                // Looked at before a turn is taken: whoever gets no function here opens a connection, and that takes the turn.
                let first = front.endpoints.first()?.address;
                self.fabric.handler(first, false)?;
                let client = Client::Inside(from);
                let picked = self.services.pick(&front, client, &[], Instant::now());
                picked.ok()?.address
            }
            Way::Outside(_) | Way::Nowhere(_) => return None,
        };
        let handler = self.fabric.handler(at, from == at.ip())?;
        handler.as_any().downcast::<Function>().ok()
    }
}

/// Opens a connection through the host's stack.
async fn dial_outside(to: SocketAddr) -> io::Result<TcpStream> {
    let connecting = tokio::time::timeout(CONNECT_TIMEOUT, TcpStream::connect(to));
    let stream = connecting.await.map_err(|_| io::Error::from(io::ErrorKind::TimedOut))??;
    // Small messages must not wait for more; a socket that refuses the option works without it.
    let _ = stream.set_nodelay(true);
    Ok(stream)
}

fn refusal(dropped: Dropped) -> io::Error {
    match dropped {
        Dropped::NoEndpoint => io::ErrorKind::ConnectionRefused.into(),
        Dropped::Policy => io::ErrorKind::TimedOut.into(),
    }
}

fn is_refused(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::ConnectionRefused | io::ErrorKind::HostUnreachable)
}
