//! UDP between Pods: a bounded queue for each socket. A full queue loses datagrams, as UDP may.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::task::{Context, Poll};

use parking_lot::Mutex;
use tokio::sync::mpsc;

use crate::fabric::{Fabric, ListenError, Port};

/// Datagrams that wait in one socket: about what a system's default receive buffer holds.
const QUEUE: usize = 128;
/// The largest UDP payload over IPv4.
const DATAGRAM_BYTES_MAX: usize = 65_507;

/// One datagram and its sender.
#[derive(Clone, Debug)]
pub struct Datagram {
    pub bytes: Box<[u8]>,
    pub from: SocketAddr,
}

pub(crate) type DatagramQueue = mpsc::Sender<Datagram>;

/// A taken UDP port of a Pod.
#[derive(Debug)]
pub struct Datagrams {
    fabric: Fabric,
    local: SocketAddr,
    port: Port,
    queue: Mutex<mpsc::Receiver<Datagram>>,
    /// Lets a shell add datagrams that came from outside.
    sender: DatagramQueue,
}

impl Fabric {
    /// Takes a UDP port of a Pod; port 0 takes any free one.
    pub fn datagrams(
        &self,
        at: SocketAddr,
        is_loopback: bool,
    ) -> Result<Arc<Datagrams>, ListenError> {
        let (sender, queue) = mpsc::channel(QUEUE);
        let number = self.take_udp(at, is_loopback, sender.clone())?;
        let local = SocketAddr::new(at.ip(), number);
        let port = Port { number, is_loopback };
        let queue = Mutex::new(queue);
        Ok(Arc::new(Datagrams { fabric: self.clone(), local, port, queue, sender }))
    }

    /// Sends a datagram to a Pod. One that finds nobody is lost.
    pub fn send_datagram(&self, from: SocketAddr, to: SocketAddr, bytes: &[u8]) -> io::Result<()> {
        if bytes.len() > DATAGRAM_BYTES_MAX {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "datagram too large"));
        }
        if let Some(queue) = self.find_udp(to, from.ip() == to.ip()) {
            // A full queue drops the newest, as a full socket buffer does.
            let _ = queue.try_send(Datagram { bytes: bytes.into(), from });
        }
        Ok(())
    }
}

impl Datagrams {
    pub fn local(&self) -> SocketAddr {
        self.local
    }

    pub fn poll_receive(&self, cx: &mut Context<'_>) -> Poll<io::Result<Datagram>> {
        let received = self.queue.lock().poll_recv(cx);
        received.map(|datagram| datagram.ok_or_else(|| io::ErrorKind::NotConnected.into()))
    }

    /// Adds a datagram that came from outside the fabric.
    pub fn inject(&self, datagram: Datagram) {
        // As above: a full queue loses it.
        let _ = self.sender.try_send(datagram);
    }
}

impl Drop for Datagrams {
    fn drop(&mut self) {
        self.fabric.release_udp(self.local.ip(), self.port);
    }
}

#[cfg(test)]
#[tokio::test]
#[expect(clippy::unwrap_used, reason = "tests")]
async fn datagrams_arrive_whole_and_a_flood_is_bounded() {
    let fabric = Fabric::default();
    fabric.add_host("100.64.0.2".parse().unwrap());
    let socket = fabric.datagrams("100.64.0.2:53".parse().unwrap(), false).unwrap();
    let from: SocketAddr = "100.64.0.3:4000".parse().unwrap();
    for n in 0..1000_u16 {
        fabric.send_datagram(from, socket.local(), &n.to_be_bytes()).unwrap();
    }
    let first = std::future::poll_fn(|cx| socket.poll_receive(cx)).await.unwrap();
    assert_eq!((&first.bytes[..], first.from), (&[0, 0][..], from));
    let mut waiting = 1;
    while let Poll::Ready(Ok(_)) =
        socket.poll_receive(&mut Context::from_waker(std::task::Waker::noop()))
    {
        waiting += 1;
    }
    assert_eq!(waiting, QUEUE);
}
