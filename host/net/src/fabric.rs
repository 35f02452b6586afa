//! The connections of one node's Pods: who listens where, and how a connection gets there.
//!
//! A Pod is a host with an address. Its containers listen on ports of it; an HTTP function registers a [`Handler`], which takes
//! connections without a queue. A connection to a known host is refused where nobody listens; to an unknown one it is unreachable. A full
//! backlog makes the client wait, up to a limit. Loopback listeners are seen from their own Pod only.

use std::any::Any;
use std::collections::HashMap;
use std::fmt;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use parking_lot::RwLock;
use tokio::sync::mpsc;

use crate::datagram::DatagramQueue;
use crate::pipe::{self, Pipe};
use crate::stream::Connection;

/// Connections that wait to be accepted on one port: the usual limit of systems.
const BACKLOG: usize = 128;
/// How long a client waits for a place in the backlog.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// Ports for clients and for listeners that ask for any.
const EPHEMERAL: std::ops::Range<u16> = 32768..61000;

/// Takes connections without a listener: an HTTP function.
pub trait Handler: Any + Send + Sync + 'static {
    /// Serves a connection. Must return at once.
    fn accept(&self, connection: Connection);

    /// For callers in this process that know the type behind.
    fn as_any(self: Arc<Self>) -> Arc<dyn Any + Send + Sync>;
}

/// Why a connection was not made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ConnectError {
    #[error("connection refused")]
    Refused,
    #[error("connection timed out")]
    TimedOut,
    #[error("no route to host")]
    Unreachable,
}

impl From<ConnectError> for io::Error {
    fn from(error: ConnectError) -> Self {
        let kind = match error {
            ConnectError::Refused => io::ErrorKind::ConnectionRefused,
            ConnectError::TimedOut => io::ErrorKind::TimedOut,
            ConnectError::Unreachable => io::ErrorKind::HostUnreachable,
        };
        Self::new(kind, error)
    }
}

/// Why a port was not given.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ListenError {
    #[error("address in use")]
    InUse,
    #[error("address not available")]
    NotAvailable,
}

impl From<ListenError> for io::Error {
    fn from(error: ListenError) -> Self {
        let kind = match error {
            ListenError::InUse => io::ErrorKind::AddrInUse,
            ListenError::NotAvailable => io::ErrorKind::AddrNotAvailable,
        };
        Self::new(kind, error)
    }
}

/// All Pods of one node. Cheap to clone.
#[derive(Clone, Default)]
pub struct Fabric {
    hosts: Arc<RwLock<HashMap<IpAddr, Host>>>,
}

#[derive(Default)]
struct Host {
    tcp: HashMap<Port, Entry>,
    pub(crate) udp: HashMap<Port, DatagramQueue>,
    next_ephemeral: u16,
}

/// A port, and whether only the Pod itself can reach it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Port {
    pub(crate) number: u16,
    pub(crate) is_loopback: bool,
}

#[derive(Clone)]
enum Entry {
    Queue(mpsc::Sender<Connection>),
    Handler(Arc<dyn Handler>),
}

impl fmt::Debug for Fabric {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Fabric").field("hosts", &self.hosts.read().len()).finish()
    }
}

impl Fabric {
    /// Adds a Pod's address.
    pub fn add_host(&self, ip: IpAddr) {
        self.hosts.write().entry(ip).or_default();
    }

    /// Removes a Pod's address with all that listens on it.
    pub fn remove_host(&self, ip: IpAddr) {
        let removed = self.hosts.write().remove(&ip);
        // Queued connections close outside the lock.
        drop(removed);
    }

    pub fn has_host(&self, ip: IpAddr) -> bool {
        self.hosts.read().contains_key(&ip)
    }

    /// Takes a port of a Pod; port 0 takes any free one.
    pub fn listen(&self, at: SocketAddr, is_loopback: bool) -> Result<Listener, ListenError> {
        let (sender, queue) = mpsc::channel(BACKLOG);
        let number = self.take_tcp(at, is_loopback, Entry::Queue(sender))?;
        let local = SocketAddr::new(at.ip(), number);
        let port = Port { number, is_loopback };
        Ok(Listener { fabric: self.clone(), local, port, queue })
    }

    /// Lets a handler take the connections to a port of a Pod.
    pub fn handle(&self, at: SocketAddr, handler: Arc<dyn Handler>) -> Result<(), ListenError> {
        self.take_tcp(at, false, Entry::Handler(handler)).map(|_| ())
    }

    /// Takes a handler's port back.
    pub fn unhandle(&self, at: SocketAddr) {
        self.release_tcp(at.ip(), Port { number: at.port(), is_loopback: false });
    }

    /// The handler behind an address, if a function answers there.
    pub fn handler(&self, at: SocketAddr, from_same_host: bool) -> Option<Arc<dyn Handler>> {
        match self.find(at, from_same_host) {
            Ok(Entry::Handler(handler)) => Some(handler),
            _ => None,
        }
    }

    /// Opens a connection to a Pod.
    pub async fn connect(&self, from: SocketAddr, to: SocketAddr) -> Result<Pipe, ConnectError> {
        let entry = self.find(to, from.ip() == to.ip())?;
        let (near, far) = pipe::pair();
        let connection = Connection { stream: Box::new(far), local: to, remote: from };
        push(entry, connection).await.map_err(|(_, error)| error)?;
        Ok(near)
    }

    /// Hands over a connection that exists already, as seen by the Pod that shall get it. Gives it back where that fails.
    pub async fn deliver(&self, connection: Connection) -> Result<(), (Connection, ConnectError)> {
        match self.find(connection.local, false) {
            Ok(entry) => push(entry, connection).await,
            Err(error) => Err((connection, error)),
        }
    }

    /// A port number for the client's end of a connection.
    pub fn ephemeral_port(&self, ip: IpAddr) -> u16 {
        self.hosts.write().get_mut(&ip).map_or(EPHEMERAL.start, Host::next_ephemeral)
    }

    fn find(&self, to: SocketAddr, from_same_host: bool) -> Result<Entry, ConnectError> {
        let hosts = self.hosts.read();
        let host = hosts.get(&to.ip()).ok_or(ConnectError::Unreachable)?;
        let number = to.port();
        let local = from_same_host.then(|| host.tcp.get(&Port { number, is_loopback: true }));
        let entry = local.flatten().or_else(|| host.tcp.get(&Port { number, is_loopback: false }));
        entry.cloned().ok_or(ConnectError::Refused)
    }

    fn take_tcp(
        &self,
        at: SocketAddr,
        is_loopback: bool,
        entry: Entry,
    ) -> Result<u16, ListenError> {
        let mut hosts = self.hosts.write();
        let host = hosts.get_mut(&at.ip()).ok_or(ListenError::NotAvailable)?;
        let number = match at.port() {
            0 => host
                .free(|host, number| !host.tcp.contains_key(&Port { number, is_loopback }))
                .ok_or(ListenError::InUse)?,
            number => number,
        };
        let port = Port { number, is_loopback };
        if host.tcp.contains_key(&port) {
            return Err(ListenError::InUse);
        }
        host.tcp.insert(port, entry);
        Ok(number)
    }

    fn release_tcp(&self, ip: IpAddr, port: Port) {
        let removed = self.hosts.write().get_mut(&ip).and_then(|host| host.tcp.remove(&port));
        drop(removed);
    }

    pub(crate) fn take_udp(
        &self,
        at: SocketAddr,
        is_loopback: bool,
        queue: DatagramQueue,
    ) -> Result<u16, ListenError> {
        let mut hosts = self.hosts.write();
        let host = hosts.get_mut(&at.ip()).ok_or(ListenError::NotAvailable)?;
        let number = match at.port() {
            0 => host
                .free(|host, number| !host.udp.contains_key(&Port { number, is_loopback }))
                .ok_or(ListenError::InUse)?,
            number => number,
        };
        let port = Port { number, is_loopback };
        if host.udp.contains_key(&port) {
            return Err(ListenError::InUse);
        }
        host.udp.insert(port, queue);
        Ok(number)
    }

    pub(crate) fn release_udp(&self, ip: IpAddr, port: Port) {
        let removed = self.hosts.write().get_mut(&ip).and_then(|host| host.udp.remove(&port));
        drop(removed);
    }

    pub(crate) fn find_udp(&self, to: SocketAddr, from_same_host: bool) -> Option<DatagramQueue> {
        let hosts = self.hosts.read();
        let host = hosts.get(&to.ip())?;
        let number = to.port();
        let local = from_same_host.then(|| host.udp.get(&Port { number, is_loopback: true }));
        local.flatten().or_else(|| host.udp.get(&Port { number, is_loopback: false })).cloned()
    }
}

impl Host {
    fn next_ephemeral(&mut self) -> u16 {
        let port = self.next_ephemeral.max(EPHEMERAL.start);
        self.next_ephemeral = if port + 1 < EPHEMERAL.end { port + 1 } else { EPHEMERAL.start };
        port
    }

    fn free(&mut self, is_free: impl Fn(&Self, u16) -> bool) -> Option<u16> {
        for _ in EPHEMERAL {
            let number = self.next_ephemeral();
            if is_free(self, number) {
                return Some(number);
            }
        }
        None
    }
}

async fn push(entry: Entry, connection: Connection) -> Result<(), (Connection, ConnectError)> {
    let queue = match entry {
        Entry::Handler(handler) => {
            handler.accept(connection);
            return Ok(());
        }
        Entry::Queue(queue) => queue,
    };
    // The usual case takes no timer.
    let connection = match queue.try_send(connection) {
        Ok(()) => return Ok(()),
        Err(mpsc::error::TrySendError::Closed(connection)) => {
            return Err((connection, ConnectError::Refused));
        }
        Err(mpsc::error::TrySendError::Full(connection)) => connection,
    };
    match tokio::time::timeout(CONNECT_TIMEOUT, queue.reserve()).await {
        Ok(Ok(place)) => {
            place.send(connection);
            Ok(())
        }
        Ok(Err(_)) => Err((connection, ConnectError::Refused)),
        Err(_) => Err((connection, ConnectError::TimedOut)),
    }
}

/// A taken port. Dropping it gives the port back and closes what waits.
pub struct Listener {
    fabric: Fabric,
    local: SocketAddr,
    port: Port,
    queue: mpsc::Receiver<Connection>,
}

impl fmt::Debug for Listener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Listener").field("local", &self.local).finish_non_exhaustive()
    }
}

impl Listener {
    pub fn local(&self) -> SocketAddr {
        self.local
    }

    /// The next connection. An error means that the Pod is gone.
    pub fn poll_accept(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<Connection>> {
        self.queue
            .poll_recv(cx)
            .map(|connection| connection.ok_or_else(|| io::ErrorKind::NotConnected.into()))
    }

    pub async fn accept(&mut self) -> io::Result<Connection> {
        std::future::poll_fn(|cx| self.poll_accept(cx)).await
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        // Closed first, so that a client that has found the queue already is refused and not lost.
        self.queue.close();
        self.fabric.release_tcp(self.local.ip(), self.port);
    }
}

#[cfg(test)]
mod tests;
