//! The node's own ports: node ports of services and host ports of Pods, as real listeners.
//!
//! A connection that comes in is handed to a Pod of this node as it is; bytes are only copied when the endpoint is elsewhere. An endpoint that
//! refuses is replaced by another one.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, Instant};

use net::node_port::{Admission, Doors};
use net::{Client, Connection, Protocol};
use parking_lot::Mutex;
use tokio::net::TcpStream;
use tokio::sync::Notify;

use super::{Network, TRIES_MAX, Way};

/// Between tries to open a port that somebody else has.
const RETRY: Duration = Duration::from_secs(10);

/// What is behind a port of the node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Behind {
    /// The service that has this node port.
    NodePort(u16),
    /// A container's port.
    Pod(SocketAddr),
}

/// The host ports that Pods ask for.
#[derive(Debug, Default)]
pub(crate) struct HostPorts {
    ports: Mutex<BTreeMap<SocketAddr, (Box<str>, SocketAddr)>>,
    /// Ports of the node, of services too, that some other process has.
    blocked: Mutex<BTreeSet<SocketAddr>>,
    pub(crate) changed: Arc<Notify>,
}

impl HostPorts {
    /// Reserves a port for a Pod. Answers whether no other Pod has it.
    pub(crate) fn add(&self, at: SocketAddr, pod: &str, to: SocketAddr) -> bool {
        let mut ports = self.ports.lock();
        if ports.get(&at).is_some_and(|(holder, _)| **holder != *pod) {
            return false;
        }
        ports.insert(at, (pod.into(), to));
        drop(ports);
        self.changed.notify_one();
        true
    }

    /// Whether a port that should be this node's is another process's.
    pub(crate) fn is_blocked(&self, port: u16) -> bool {
        self.blocked.lock().iter().any(|at| at.port() == port)
    }

    /// Gives back all ports of a Pod.
    pub(crate) fn remove(&self, pod: &str) {
        let mut ports = self.ports.lock();
        let before = ports.len();
        ports.retain(|_, (holder, _)| **holder != *pod);
        if ports.len() != before {
            self.changed.notify_one();
        }
    }
}

/// Opens and closes ports until dropped. A port that is taken is reported to `on_blocked`.
pub(crate) async fn keep(
    network: Arc<Network>,
    host_ports: Arc<HostPorts>,
    node_ports_at: IpAddr,
    on_blocked: impl Fn(&net::ServiceKey, String) + Send,
) {
    let through = Arc::clone(&network);
    let mut doors = Doors::new(Arc::new(move |behind, stream, peer| {
        let network = Arc::clone(&through);
        Box::pin(async move { admit(network, behind, stream, peer).await }) as Admission
    }));
    loop {
        let mut wanted = BTreeMap::new();
        for (protocol, port, _) in network.services.node_ports() {
            if protocol == Protocol::Tcp {
                wanted.insert(SocketAddr::new(node_ports_at, port), Behind::NodePort(port));
            }
        }
        for (at, (_, to)) in host_ports.ports.lock().iter() {
            wanted.insert(*at, Behind::Pod(*to));
        }
        let blocked = doors.set(wanted).await;
        *host_ports.blocked.lock() = blocked.iter().map(|blocked| blocked.at).collect();
        for blocked in blocked {
            let message = format!("{blocked}: {}", blocked.source);
            tracing::warn!(%message, "a port of the node is taken");
            let front = match blocked.to {
                Behind::NodePort(port) => network.services.node_port(port, Protocol::Tcp),
                Behind::Pod(_) => None,
            };
            if let Some(front) = front {
                on_blocked(&front.service, message);
            }
        }
        let retry = async {
            if doors.is_blocked() {
                tokio::time::sleep(RETRY).await;
            } else {
                std::future::pending::<()>().await;
            }
        };
        tokio::select! {
            () = host_ports.changed.notified() => {}
            () = retry => {}
        }
    }
}

async fn admit(network: Arc<Network>, behind: Behind, stream: TcpStream, peer: SocketAddr) {
    match behind {
        Behind::Pod(to) => {
            let connection = Connection { stream: Box::new(stream), local: to, remote: peer };
            if let Err((_, error)) = network.fabric.deliver(connection).await {
                tracing::debug!(%to, %error, "a host port leads nowhere");
            }
        }
        Behind::NodePort(port) => admit_service(&network, port, stream, peer).await,
    }
}

async fn admit_service(network: &Network, port: u16, stream: TcpStream, peer: SocketAddr) {
    let Some(front) = network.services.node_port(port, Protocol::Tcp) else { return };
    let mut stream: super::BoxStream = Box::new(stream);
    let mut tried = Vec::new();
    while tried.len() < TRIES_MAX {
        let client = Client::Outside(peer.ip());
        let Ok(target) = network.services.pick(&front, client, &tried, Instant::now()) else {
            return;
        };
        tried.push(target.address);
        match network.way(target.address, Protocol::Tcp) {
            Way::Pod(local) => {
                let connection = Connection { stream, local, remote: peer };
                match network.fabric.deliver(connection).await {
                    Ok(()) => return,
                    Err((connection, _)) => stream = connection.stream,
                }
            }
            Way::Outside(at) => {
                let Ok(mut other) = super::dial_outside(at).await else { continue };
                tokio::spawn(async move {
                    // Either side may go at any time; there is nobody to tell.
                    let _ = tokio::io::copy_bidirectional(&mut stream, &mut other).await;
                });
                return;
            }
            Way::Nowhere(_) | Way::Service(_) => {}
        }
    }
}

/// Where a host port listens: on one address of the host, or on all.
pub(crate) fn host_port(ip: Option<&str>, port: u16) -> SocketAddr {
    let ip = ip.and_then(|ip| ip.parse().ok()).unwrap_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED));
    SocketAddr::new(ip, port)
}
