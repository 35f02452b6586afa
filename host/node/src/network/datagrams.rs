//! UDP for containers: to Pods of this node, to services, and to the outside through one socket of the host.
//!
//! A guest that sends to a service address must get the answer from that address, so the socket remembers which endpoint stands for which
//! service. The memory is bounded; what is forgotten is picked again.

use std::collections::VecDeque;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll, ready};
use std::time::Instant;

use net::{Client, Datagrams, Protocol};
use parking_lot::Mutex;
use tokio::io::ReadBuf;
use tokio::net::UdpSocket;

use super::Way;
use super::pod::View;

/// Services one socket talks to at a time.
const SERVICES_MAX: usize = 64;

pub(super) struct PodDatagrams {
    view: Arc<View>,
    inner: Arc<Datagrams>,
    shown: SocketAddr,
    /// Made at the first datagram to the outside.
    outside: OnceLock<UdpSocket>,
    /// Service address and the endpoint that stands for it.
    services: Mutex<VecDeque<(SocketAddr, SocketAddr)>>,
}

impl PodDatagrams {
    pub(super) fn bind(view: Arc<View>, local: SocketAddr) -> io::Result<Self> {
        let (at, is_loopback) = view.bindable(local)?;
        let inner = view.network.fabric.datagrams(at, is_loopback)?;
        let shown = SocketAddr::new(local.ip(), inner.local().port());
        let (outside, services) = (OnceLock::new(), Mutex::default());
        Ok(Self { view, inner, shown, outside, services })
    }

    fn endpoint(&self, front: &net::Front, service: SocketAddr) -> Option<SocketAddr> {
        let mut known = self.services.lock();
        let still =
            |at: &SocketAddr| front.endpoints.iter().any(|endpoint| endpoint.address == *at);
        if let Some((_, at)) = known.iter().find(|(s, at)| *s == service && still(at)) {
            return Some(*at);
        }
        known.retain(|(s, _)| *s != service);
        let client = Client::Inside(self.view.ip);
        let picked = self.view.network.services.pick(front, client, &[], Instant::now());
        let at = picked.ok()?.address;
        if known.len() >= SERVICES_MAX {
            known.pop_front();
        }
        known.push_back((service, at));
        Some(at)
    }

    /// The sender as the guest knows it.
    fn known_as(&self, from: SocketAddr) -> SocketAddr {
        let known = self.services.lock();
        let service = known.iter().find(|(_, at)| *at == from).map(|(service, _)| *service);
        match service {
            Some(service) => service,
            None if from.ip() == self.view.ip && self.shown.ip().is_loopback() => {
                SocketAddr::new(self.shown.ip(), from.port())
            }
            None => from,
        }
    }

    fn poll_send_outside(
        &self,
        cx: &mut Context<'_>,
        datagram: &[u8],
        to: SocketAddr,
    ) -> Poll<io::Result<()>> {
        let socket = if let Some(socket) = self.outside.get() {
            socket
        } else {
            let any = match to.ip() {
                IpAddr::V4(_) => IpAddr::V4(Ipv4Addr::UNSPECIFIED),
                IpAddr::V6(_) => IpAddr::V6(Ipv6Addr::UNSPECIFIED),
            };
            let socket = std::net::UdpSocket::bind((any, 0))?;
            socket.set_nonblocking(true)?;
            let socket = UdpSocket::from_std(socket)?;
            self.outside.get_or_init(|| socket)
        };
        ready!(socket.poll_send_to(cx, datagram, to))?;
        Poll::Ready(Ok(()))
    }
}

impl runtime::Datagrams for PodDatagrams {
    fn local(&self) -> SocketAddr {
        self.shown
    }

    fn poll_receive(
        &self,
        cx: &mut Context<'_>,
        buffer: &mut [u8],
    ) -> Poll<io::Result<(usize, SocketAddr)>> {
        if let Poll::Ready(received) = self.inner.poll_receive(cx) {
            let datagram = received?;
            let length = datagram.bytes.len().min(buffer.len());
            buffer[..length].copy_from_slice(&datagram.bytes[..length]);
            return Poll::Ready(Ok((length, self.known_as(datagram.from))));
        }
        let Some(outside) = self.outside.get() else { return Poll::Pending };
        let mut space = ReadBuf::new(buffer);
        let from = ready!(outside.poll_recv_from(cx, &mut space))?;
        Poll::Ready(Ok((space.filled().len(), self.known_as(from))))
    }

    fn poll_send(
        &self,
        cx: &mut Context<'_>,
        datagram: &[u8],
        remote: SocketAddr,
    ) -> Poll<io::Result<()>> {
        let to = self.view.meant(remote);
        let network = &self.view.network;
        let way = match network.way(to, Protocol::Udp) {
            Way::Service(front) => match self.endpoint(&front, to) {
                Some(endpoint) => network.way(endpoint, Protocol::Udp),
                None => Way::Nowhere(io::ErrorKind::ConnectionRefused),
            },
            way => way,
        };
        match way {
            Way::Pod(at) => {
                Poll::Ready(network.fabric.send_datagram(self.inner.local(), at, datagram))
            }
            Way::Outside(at) => self.poll_send_outside(cx, datagram, at),
            // Nobody there: the datagram is lost, as on a wire.
            Way::Nowhere(_) | Way::Service(_) => Poll::Ready(Ok(())),
        }
    }
}
