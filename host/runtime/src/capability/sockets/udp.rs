//! UDP sockets over [`Network::datagrams`](crate::network::Network::datagrams): a bound address,
//! and a pair of streams that may be fixed to one peer.

use std::any::Any;
use std::net::SocketAddr;
use std::sync::Arc;
use std::task::{Context, Poll, Waker, ready};

use wasmtime::component::Resource;
use wasmtime_wasi::async_trait;
use wasmtime_wasi::p2::{DynPollable, Pollable, subscribe};

use super::bindings::network::{ErrorCode, IpAddressFamily, IpSocketAddress};
use super::bindings::udp::{self, IncomingDatagram, OutgoingDatagram};
use super::bindings::udp_create_socket;
use super::error::{SocketError, SocketResult};
use super::names::Interface;
use super::stream::BUFFER_BYTES;
use super::{View, address};
use crate::account::SocketSlot;
use crate::network::Datagrams;

/// Datagrams handed over in one call.
const BATCH_MAX: usize = 16;

/// The largest payload an IP packet can carry.
const DATAGRAM_BYTES_MAX: usize = 65_507;

#[expect(unreachable_pub, reason = "the generated bindings re-export it")]
pub struct UdpSocket {
    family: IpAddressFamily,
    bound: Option<Arc<dyn Datagrams>>,
    is_binding: bool,
    remote: Option<SocketAddr>,
    hop_limit: u8,
    _slot: SocketSlot,
}

#[expect(unreachable_pub, reason = "the generated bindings re-export it")]
pub struct Incoming {
    socket: Arc<dyn Datagrams>,
    remote: Option<SocketAddr>,
    /// Received while the guest waited.
    arrived: Option<SocketResult<IncomingDatagram>>,
    buffer: Vec<u8>,
}

#[expect(unreachable_pub, reason = "the generated bindings re-export it")]
pub struct Outgoing {
    socket: Arc<dyn Datagrams>,
    family: IpAddressFamily,
    remote: Option<SocketAddr>,
    /// Taken from the guest and not yet placed.
    unsent: Option<(Vec<u8>, SocketAddr)>,
    permitted: usize,
}

impl Incoming {
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        self.buffer.resize(DATAGRAM_BYTES_MAX, 0);
        while self.arrived.is_none() {
            let received = ready!(self.socket.poll_receive(cx, &mut self.buffer));
            self.arrived = match received {
                Ok((_, from)) if self.remote.is_some_and(|remote| remote != from) => None,
                Ok((length, from)) => {
                    let data = self.buffer.get(..length).unwrap_or_default().to_vec();
                    Some(Ok(IncomingDatagram { data, remote_address: from.into() }))
                }
                Err(error) => Some(Err(error.into())),
            };
        }
        Poll::Ready(())
    }
}

#[async_trait]
impl Pollable for Incoming {
    async fn ready(&mut self) {
        std::future::poll_fn(|cx| self.poll(cx)).await;
    }
}

impl Outgoing {
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<SocketResult<()>> {
        if let Some((datagram, remote)) = &self.unsent {
            let sent = ready!(self.socket.poll_send(cx, datagram, *remote));
            self.unsent = None;
            sent?;
        }
        Poll::Ready(Ok(()))
    }

    fn destination(&self, datagram: &OutgoingDatagram) -> SocketResult<SocketAddr> {
        match (datagram.remote_address, self.remote) {
            (Some(address), fixed) => {
                let remote = address::remote(address, self.family)?;
                let is_fixed = fixed.is_none_or(|fixed| fixed == remote);
                if is_fixed { Ok(remote) } else { Err(ErrorCode::InvalidArgument.into()) }
            }
            (None, Some(fixed)) => Ok(fixed),
            (None, None) => Err(ErrorCode::InvalidArgument.into()),
        }
    }

    fn send(&mut self, datagram: OutgoingDatagram) -> SocketResult<()> {
        let remote = self.destination(&datagram)?;
        if datagram.data.len() > DATAGRAM_BYTES_MAX {
            return Err(ErrorCode::DatagramTooLarge.into());
        }
        self.unsent = Some((datagram.data, remote));
        match self.poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(sent) => sent,
            Poll::Pending => Ok(()),
        }
    }
}

#[async_trait]
impl Pollable for Outgoing {
    async fn ready(&mut self) {
        // A datagram that could not be delivered is lost without a word, as the protocol has it.
        let _lost = std::future::poll_fn(|cx| self.poll(cx)).await;
    }
}

#[async_trait]
impl Pollable for UdpSocket {
    /// Nothing about a socket itself takes time; its streams do.
    async fn ready(&mut self) {}
}

impl View<'_> {
    fn udp(&mut self, socket: &Resource<UdpSocket>) -> SocketResult<&mut UdpSocket> {
        Ok(self.table.get_mut(socket)?)
    }
}

impl udp_create_socket::Host for View<'_> {
    fn create_udp_socket(&mut self, family: IpAddressFamily) -> SocketResult<Resource<UdpSocket>> {
        let slot = self.sockets.slot()?;
        Ok(self.table.push(UdpSocket {
            family,
            bound: None,
            is_binding: false,
            remote: None,
            hop_limit: 64,
            _slot: slot,
        })?)
    }
}

impl udp::Host for View<'_> {}

impl udp::HostUdpSocket for View<'_> {
    fn start_bind(
        &mut self,
        this: Resource<UdpSocket>,
        _network: Resource<Interface>,
        local: IpSocketAddress,
    ) -> SocketResult<()> {
        let network = self.sockets.network.clone();
        let socket = self.udp(&this)?;
        if socket.bound.is_some() {
            return Err(ErrorCode::InvalidState.into());
        }
        let local = address::local(local, socket.family)?;
        socket.bound = Some(Arc::from(network.datagrams(local)?));
        socket.is_binding = true;
        Ok(())
    }

    fn finish_bind(&mut self, this: Resource<UdpSocket>) -> SocketResult<()> {
        let socket = self.udp(&this)?;
        if std::mem::take(&mut socket.is_binding) {
            Ok(())
        } else {
            Err(ErrorCode::NotInProgress.into())
        }
    }

    fn stream(
        &mut self,
        this: Resource<UdpSocket>,
        remote: Option<IpSocketAddress>,
    ) -> SocketResult<(Resource<Incoming>, Resource<Outgoing>)> {
        let is_stream = |child: &(dyn Any + Send)| child.is::<Incoming>() || child.is::<Outgoing>();
        if self.table.iter_children(&this)?.any(is_stream) {
            let error = wasmtime::format_err!("the streams made before have to be dropped first");
            return Err(SocketError::Trap(error));
        }
        let socket = self.udp(&this)?;
        let bound = Arc::clone(socket.bound.as_ref().ok_or(ErrorCode::InvalidState)?);
        let family = socket.family;
        let remote = remote.map(|remote| address::remote(remote, family)).transpose()?;
        socket.remote = remote;
        let incoming =
            Incoming { socket: Arc::clone(&bound), remote, arrived: None, buffer: Vec::new() };
        let outgoing = Outgoing { socket: bound, family, remote, unsent: None, permitted: 0 };
        Ok((self.table.push_child(incoming, &this)?, self.table.push_child(outgoing, &this)?))
    }

    fn local_address(&mut self, this: Resource<UdpSocket>) -> SocketResult<IpSocketAddress> {
        let bound = self.udp(&this)?.bound.as_ref();
        Ok(bound.ok_or(ErrorCode::InvalidState)?.local().into())
    }

    fn remote_address(&mut self, this: Resource<UdpSocket>) -> SocketResult<IpSocketAddress> {
        Ok(self.udp(&this)?.remote.ok_or(ErrorCode::InvalidState)?.into())
    }

    fn address_family(&mut self, this: Resource<UdpSocket>) -> wasmtime::Result<IpAddressFamily> {
        Ok(self.table.get(&this)?.family)
    }

    fn unicast_hop_limit(&mut self, this: Resource<UdpSocket>) -> SocketResult<u8> {
        Ok(self.udp(&this)?.hop_limit)
    }

    fn set_unicast_hop_limit(&mut self, this: Resource<UdpSocket>, limit: u8) -> SocketResult<()> {
        if limit == 0 {
            return Err(ErrorCode::InvalidArgument.into());
        }
        self.udp(&this)?.hop_limit = limit;
        Ok(())
    }

    fn receive_buffer_size(&mut self, this: Resource<UdpSocket>) -> SocketResult<u64> {
        self.udp(&this)?;
        Ok(BUFFER_BYTES as u64)
    }

    /// A hint, by the interface's own words; the size stays.
    fn set_receive_buffer_size(
        &mut self,
        this: Resource<UdpSocket>,
        size: u64,
    ) -> SocketResult<()> {
        self.udp(&this)?;
        if size == 0 { Err(ErrorCode::InvalidArgument.into()) } else { Ok(()) }
    }

    fn send_buffer_size(&mut self, this: Resource<UdpSocket>) -> SocketResult<u64> {
        self.receive_buffer_size(this)
    }

    fn set_send_buffer_size(&mut self, this: Resource<UdpSocket>, size: u64) -> SocketResult<()> {
        self.set_receive_buffer_size(this, size)
    }

    fn subscribe(&mut self, this: Resource<UdpSocket>) -> wasmtime::Result<Resource<DynPollable>> {
        subscribe(self.table, this)
    }

    fn drop(&mut self, this: Resource<UdpSocket>) -> wasmtime::Result<()> {
        self.table.delete(this)?;
        Ok(())
    }
}

impl udp::HostIncomingDatagramStream for View<'_> {
    fn receive(
        &mut self,
        this: Resource<Incoming>,
        results_max: u64,
    ) -> SocketResult<Vec<IncomingDatagram>> {
        let stream = self.table.get_mut(&this)?;
        let results_max = usize::try_from(results_max).unwrap_or(usize::MAX).min(BATCH_MAX);
        let mut received = Vec::new();
        while received.len() < results_max
            && stream.poll(&mut Context::from_waker(Waker::noop())).is_ready()
        {
            match stream.arrived.take() {
                Some(Ok(datagram)) => received.push(datagram),
                // An error after datagrams is told with the next call.
                Some(Err(error)) if received.is_empty() => return Err(error),
                error => {
                    stream.arrived = error;
                    break;
                }
            }
        }
        Ok(received)
    }

    fn subscribe(&mut self, this: Resource<Incoming>) -> wasmtime::Result<Resource<DynPollable>> {
        subscribe(self.table, this)
    }

    fn drop(&mut self, this: Resource<Incoming>) -> wasmtime::Result<()> {
        self.table.delete(this)?;
        Ok(())
    }
}

impl udp::HostOutgoingDatagramStream for View<'_> {
    fn check_send(&mut self, this: Resource<Outgoing>) -> SocketResult<u64> {
        let stream = self.table.get_mut(&this)?;
        let is_free = stream.poll(&mut Context::from_waker(Waker::noop())).is_ready();
        stream.permitted = if is_free { BATCH_MAX } else { 0 };
        Ok(stream.permitted as u64)
    }

    fn send(
        &mut self,
        this: Resource<Outgoing>,
        datagrams: Vec<OutgoingDatagram>,
    ) -> SocketResult<u64> {
        let stream = self.table.get_mut(&this)?;
        if datagrams.len() > stream.permitted {
            let error = wasmtime::format_err!("sent more than check-send allowed");
            return Err(SocketError::Trap(error));
        }
        stream.permitted = 0;
        let mut sent = 0;
        for datagram in datagrams {
            if stream.unsent.is_some() {
                break;
            }
            match stream.send(datagram) {
                Ok(()) => sent += 1,
                Err(_) if sent > 0 => break,
                Err(error) => return Err(error),
            }
        }
        Ok(sent)
    }

    fn subscribe(&mut self, this: Resource<Outgoing>) -> wasmtime::Result<Resource<DynPollable>> {
        subscribe(self.table, this)
    }

    fn drop(&mut self, this: Resource<Outgoing>) -> wasmtime::Result<()> {
        self.table.delete(this)?;
        Ok(())
    }
}
