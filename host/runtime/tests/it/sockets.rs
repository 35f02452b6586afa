//! Guests' sockets on a network that lives in this file.

use std::collections::HashMap;
use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::task::{Context, Poll};

use futures::future::BoxFuture;
use parking_lot::Mutex;
use runtime::{Connection, Datagrams, Exit, HttpHandler, Listener, Network, Route, Spec, Stop};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::sync::mpsc;

use crate::harness::{Bench, Lines, within};

type Queue = mpsc::Sender<Connection>;
type Datagram = (Vec<u8>, SocketAddr);

/// What a connection holds that nobody has read yet; an echo of pieces as long as this would wait
/// for itself.
const PIPE_BYTES: usize = 32 * 1024;

/// One host, 127.0.0.1, that everybody is on.
#[derive(Clone, Default)]
pub(crate) struct Loopback(Arc<Mutex<Tables>>);

#[derive(Default)]
struct Tables {
    listeners: HashMap<u16, Queue>,
    datagrams: HashMap<u16, mpsc::Sender<Datagram>>,
    functions: HashMap<u16, Arc<dyn HttpHandler>>,
    last_port: u16,
}

impl Tables {
    fn address(&mut self, wanted: u16) -> SocketAddr {
        self.last_port += 1;
        let port = if wanted == 0 { 40_000 + self.last_port } else { wanted };
        SocketAddr::new(Ipv4Addr::LOCALHOST.into(), port)
    }
}

impl std::fmt::Debug for Loopback {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Loopback")
    }
}

impl Loopback {
    pub(crate) fn is_unused(&self) -> bool {
        self.0.lock().listeners.values().all(mpsc::Sender::is_closed)
    }

    pub(crate) fn serve(&self, port: u16, function: Arc<dyn HttpHandler>) {
        self.0.lock().functions.insert(port, function);
    }
}

impl Network for Loopback {
    fn connect(
        &self,
        local: Option<SocketAddr>,
        remote: SocketAddr,
    ) -> BoxFuture<'static, io::Result<Connection>> {
        let (local, queue) = {
            let mut tables = self.0.lock();
            let local = tables.address(local.map_or(0, |local| local.port()));
            (local, tables.listeners.get(&remote.port()).cloned())
        };
        Box::pin(async move {
            let refused = || io::Error::from(io::ErrorKind::ConnectionRefused);
            let queue = queue.ok_or_else(refused)?;
            let (near, far) = tokio::io::duplex(PIPE_BYTES);
            let far = Connection { stream: Box::new(far), local: remote, remote: local };
            queue.send(far).await.map_err(|_| refused())?;
            Ok(Connection { stream: Box::new(near), local, remote })
        })
    }

    fn listen(&self, local: SocketAddr) -> io::Result<Box<dyn Listener>> {
        let mut tables = self.0.lock();
        let local = tables.address(local.port());
        let (queue, connections) = mpsc::channel(4);
        if tables.listeners.get(&local.port()).is_some_and(|queue| !queue.is_closed()) {
            return Err(io::ErrorKind::AddrInUse.into());
        }
        tables.listeners.insert(local.port(), queue);
        Ok(Box::new(Accepting { local, connections }))
    }

    fn datagrams(&self, local: SocketAddr) -> io::Result<Box<dyn Datagrams>> {
        let mut tables = self.0.lock();
        let local = tables.address(local.port());
        let (queue, received) = mpsc::channel(4);
        tables.datagrams.insert(local.port(), queue);
        let received = Mutex::new(received);
        Ok(Box::new(Bound { local, received, network: self.clone() }))
    }

    fn resolve(&self, name: &str) -> BoxFuture<'static, io::Result<Vec<IpAddr>>> {
        let found = match name {
            "echo.default" => Ok(vec![Ipv4Addr::LOCALHOST.into()]),
            _ => Err(io::ErrorKind::NotFound.into()),
        };
        Box::pin(std::future::ready(found))
    }

    fn route(&self, remote: SocketAddr) -> BoxFuture<'static, io::Result<Route>> {
        if let Some(function) = self.0.lock().functions.get(&remote.port()) {
            let route = Route::Handler(Arc::clone(function));
            return Box::pin(std::future::ready(Ok(route)));
        }
        let connection = self.connect(None, remote);
        Box::pin(async move { connection.await.map(Route::Connection) })
    }
}

struct Accepting {
    local: SocketAddr,
    connections: mpsc::Receiver<Connection>,
}

impl Listener for Accepting {
    fn local(&self) -> SocketAddr {
        self.local
    }

    fn poll_accept(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<Connection>> {
        let connection = self.connections.poll_recv(cx);
        connection
            .map(|connection| connection.ok_or_else(|| io::ErrorKind::ConnectionAborted.into()))
    }
}

struct Bound {
    local: SocketAddr,
    received: Mutex<mpsc::Receiver<Datagram>>,
    network: Loopback,
}

impl Datagrams for Bound {
    fn local(&self) -> SocketAddr {
        self.local
    }

    fn poll_receive(
        &self,
        cx: &mut Context<'_>,
        buffer: &mut [u8],
    ) -> Poll<io::Result<(usize, SocketAddr)>> {
        let received = std::task::ready!(self.received.lock().poll_recv(cx));
        let (datagram, from) = received.expect("the table keeps the sender");
        buffer[..datagram.len()].copy_from_slice(&datagram);
        Poll::Ready(Ok((datagram.len(), from)))
    }

    fn poll_send(
        &self,
        _cx: &mut Context<'_>,
        datagram: &[u8],
        remote: SocketAddr,
    ) -> Poll<io::Result<()>> {
        if let Some(queue) = self.network.0.lock().datagrams.get(&remote.port()) {
            let _ = queue.try_send((datagram.to_vec(), self.local));
        }
        Poll::Ready(Ok(()))
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn guests_talk_tcp_to_each_other_by_name() {
    let bench = Bench::new();
    let server = bench.load(guests::TCP_ECHO).await;
    let (network, stop) = (Arc::new(Loopback::default()), Stop::new());
    let stdout = Arc::new(Lines::default());
    let spec = Spec { stdout: stdout.clone(), network: network.clone(), ..Spec::default() };
    let serving = tokio::spawn({
        let stop = stop.clone();
        async move { server.run(spec, stop).await }
    });
    stdout.wait_for("listening").await;

    let spec = Spec { network: network.clone(), ..Spec::default() };
    let ended = bench.run_with(guests::TCP_CLIENT, &["echo.default:7000"], spec).await;
    assert_eq!(ended.exit, Exit::Code(0), "{ended:?}");
    let expected = ["connected to 127.0.0.1:7000", "echoed 1048576 bytes, then 0"];
    assert_eq!(ended.stdout, expected);

    stop.request();
    assert_eq!(within(serving).await.unwrap().unwrap(), Exit::Code(0));
    assert_eq!(stdout.all().last().unwrap(), "served 1");
}

#[tokio::test]
async fn the_host_talks_to_a_guest_that_is_slower_than_it() {
    let bench = Bench::new();
    let server = bench.load(guests::TCP_ECHO).await;
    let (network, stop) = (Arc::new(Loopback::default()), Stop::new());
    let stdout = Arc::new(Lines::default());
    let spec = Spec { stdout: stdout.clone(), network: network.clone(), ..Spec::default() };
    let account = spec.account.clone();
    let serving = tokio::spawn({
        let stop = stop.clone();
        async move { server.run(spec, stop).await }
    });
    stdout.wait_for("listening").await;
    let connection = network.connect(None, "127.0.0.1:7000".parse().unwrap()).await.unwrap();
    let (mut reader, mut writer) = tokio::io::split(connection.stream);
    let sent: Vec<u8> = (0..1_000_000_u32).map(|number| number.to_le_bytes()[0]).collect();
    let expected = sent.clone();
    // The guest's writes find the pipe full until this reads.
    let writing = tokio::spawn(async move {
        writer.write_all(&sent).await.unwrap();
        writer.shutdown().await.unwrap();
    });
    let mut received = Vec::new();
    within(reader.read_to_end(&mut received)).await.unwrap();
    writing.await.unwrap();
    assert!(received == expected, "{} bytes came back", received.len());
    assert!(account.cpu() > std::time::Duration::ZERO);
    stop.kill();
    assert_eq!(within(serving).await.unwrap().unwrap(), Exit::Killed);
    assert_eq!(account.sockets(), 0);
}

#[tokio::test]
async fn refusals_reach_the_guest() {
    let bench = Bench::new();
    for (server, words) in [
        ("127.0.0.1:9", "Connection refused"),
        ("nobody.default:7000", "failed to lookup address information"),
    ] {
        let network = Arc::new(Loopback::default());
        let spec = Spec { network, ..Spec::default() };
        let ended = bench.run_with(guests::TCP_CLIENT, &[server], spec).await;
        assert_eq!(ended.exit, Exit::Code(1));
        assert!(ended.stderr.concat().contains(words), "{server}: {:?}", ended.stderr);
    }
}

#[tokio::test]
async fn a_port_is_taken_once() {
    let bench = Bench::new();
    let server = bench.load(guests::TCP_ECHO).await;
    let (network, stop) = (Arc::new(Loopback::default()), Stop::new());
    let stdout = Arc::new(Lines::default());
    let spec = Spec { stdout: stdout.clone(), network: network.clone(), ..Spec::default() };
    let first = tokio::spawn({
        let stop = stop.clone();
        async move { server.run(spec, stop).await }
    });
    stdout.wait_for("listening").await;
    let spec = Spec { network, ..Spec::default() };
    let second = bench.run_with(guests::TCP_ECHO, &[], spec).await;
    assert_eq!(second.exit, Exit::Code(1));
    assert!(second.stderr.concat().contains("Address in use"), "{:?}", second.stderr);
    stop.kill();
    within(first).await.unwrap().unwrap();
}

#[tokio::test]
async fn guests_send_datagrams() {
    let bench = Bench::new();
    let spec = Spec { network: Arc::new(Loopback::default()), ..Spec::default() };
    let ended = bench.run_with(guests::UDP, &[], spec).await;
    assert_eq!(ended.exit, Exit::Code(0), "{ended:?}");
    assert_eq!(ended.stdout, [r#"server got "ping""#, r#"client got "pong""#]);
}

#[tokio::test]
async fn without_a_network_everything_is_refused() {
    let bench = Bench::new();
    let ended = bench.run(guests::UDP, &[]).await;
    assert_eq!(ended.exit, Exit::Code(1));
}
