//! TCP sockets: the interface's state machine over [`Network::connect`] and [`Network::listen`].
//!
//! Binding records the address, and listening takes it: an address in use is therefore reported by
//! `start-listen`, and port 0 gets its number there.
//!
//! [`Network::connect`]: crate::network::Network::connect
//! [`Network::listen`]: crate::network::Network::listen

use std::sync::Arc;
use std::task::{Context, Waker};

use wasmtime::component::Resource;
use wasmtime_wasi::p2::{DynInputStream, DynOutputStream, DynPollable, subscribe};

use super::bindings::network::{ErrorCode, IpAddressFamily, IpSocketAddress};
use super::bindings::tcp::{self, ShutdownType};
use super::bindings::tcp_create_socket;
use super::error::SocketResult;
use super::names::Interface;
use super::stream::{BUFFER_BYTES, Input, Link, Output};
use super::{ListenerCount, View, address};

#[expect(unreachable_pub, reason = "the generated bindings re-export it")]
pub use socket::TcpSocket;
use socket::{Duration, Listening, State, Step, connected};

mod socket;

impl View<'_> {
    /// Makes the two streams of a connection and stores them as children of its socket.
    fn streams(
        &mut self,
        socket: &Resource<TcpSocket>,
        link: &Link,
    ) -> SocketResult<(Resource<DynInputStream>, Resource<DynOutputStream>)> {
        let input: DynInputStream = Box::new(Input(link.clone()));
        let output: DynOutputStream = Box::new(Output(link.clone()));
        Ok((self.table.push_child(input, socket)?, self.table.push_child(output, socket)?))
    }

    fn tcp(&mut self, socket: &Resource<TcpSocket>) -> SocketResult<&mut TcpSocket> {
        Ok(self.table.get_mut(socket)?)
    }
}

impl tcp_create_socket::Host for View<'_> {
    fn create_tcp_socket(&mut self, family: IpAddressFamily) -> SocketResult<Resource<TcpSocket>> {
        let slot = self.sockets.slot()?;
        Ok(self.table.push(TcpSocket::new(family, State::Unbound, slot))?)
    }
}

impl tcp::Host for View<'_> {}

impl tcp::HostTcpSocket for View<'_> {
    fn start_bind(
        &mut self,
        this: Resource<TcpSocket>,
        _network: Resource<Interface>,
        local: IpSocketAddress,
    ) -> SocketResult<()> {
        let socket = self.tcp(&this)?;
        let State::Unbound = socket.state else { return Err(ErrorCode::InvalidState.into()) };
        let local = address::local(local, socket.family)?;
        socket.begin(Step::Bind)?;
        socket.state = State::Bound(local);
        Ok(())
    }

    fn finish_bind(&mut self, this: Resource<TcpSocket>) -> SocketResult<()> {
        let socket = self.tcp(&this)?;
        socket.is_pending(Step::Bind)?;
        socket.pending = None;
        Ok(())
    }

    fn start_connect(
        &mut self,
        this: Resource<TcpSocket>,
        _network: Resource<Interface>,
        remote: IpSocketAddress,
    ) -> SocketResult<()> {
        let network = self.sockets.network.clone();
        let socket = self.tcp(&this)?;
        let local = match socket.state {
            State::Unbound => None,
            State::Bound(local) => Some(local),
            _ => return Err(ErrorCode::InvalidState.into()),
        };
        let remote = address::remote(remote, socket.family)?;
        socket.begin(Step::Connect)?;
        socket.state = State::Connecting(network.connect(local, remote));
        Ok(())
    }

    fn finish_connect(
        &mut self,
        this: Resource<TcpSocket>,
    ) -> SocketResult<(Resource<DynInputStream>, Resource<DynOutputStream>)> {
        let socket = self.tcp(&this)?;
        socket.is_pending(Step::Connect)?;
        let _ = socket.poll_connected(&mut Context::from_waker(Waker::noop()));
        if let State::Connecting(_) = socket.state {
            return Err(ErrorCode::WouldBlock.into());
        }
        socket.pending = None;
        let State::Decided(decided) = std::mem::replace(&mut socket.state, State::Closed) else {
            return Err(ErrorCode::InvalidState.into());
        };
        let (link, state) = connected(decided?);
        socket.state = state;
        self.streams(&this, &link)
    }

    fn start_listen(&mut self, this: Resource<TcpSocket>) -> SocketResult<()> {
        let network = self.sockets.network.clone();
        let (stop, count) = (self.sockets.stop.clone(), Arc::clone(&self.sockets.listeners));
        let socket = self.tcp(&this)?;
        let State::Bound(local) = socket.state else { return Err(ErrorCode::InvalidState.into()) };
        socket.begin(Step::Listen)?;
        let listener = network.listen(local).inspect_err(|_| socket.pending = None)?;
        let count = ListenerCount::new(&count);
        socket.state = State::Listening(Listening::new(listener, stop.requested_owned(), count));
        Ok(())
    }

    fn finish_listen(&mut self, this: Resource<TcpSocket>) -> SocketResult<()> {
        let socket = self.tcp(&this)?;
        socket.is_pending(Step::Listen)?;
        socket.pending = None;
        Ok(())
    }

    fn accept(
        &mut self,
        this: Resource<TcpSocket>,
    ) -> SocketResult<(Resource<TcpSocket>, Resource<DynInputStream>, Resource<DynOutputStream>)>
    {
        let socket = self.tcp(&this)?;
        let family = socket.family;
        let State::Listening(listening) = &mut socket.state else {
            return Err(ErrorCode::InvalidState.into());
        };
        let (link, state) = connected(listening.accept()?);
        let slot = self.sockets.slot()?;
        let accepted = self.table.push(TcpSocket::new(family, state, slot))?;
        let (input, output) = self.streams(&accepted, &link)?;
        Ok((accepted, input, output))
    }

    fn local_address(&mut self, this: Resource<TcpSocket>) -> SocketResult<IpSocketAddress> {
        match &self.tcp(&this)?.state {
            State::Bound(local) | State::Connected { local, .. } => Ok((*local).into()),
            State::Listening(listening) => Ok(listening.local.into()),
            _ => Err(ErrorCode::InvalidState.into()),
        }
    }

    fn remote_address(&mut self, this: Resource<TcpSocket>) -> SocketResult<IpSocketAddress> {
        match &self.tcp(&this)?.state {
            State::Connected { remote, .. } => Ok((*remote).into()),
            _ => Err(ErrorCode::InvalidState.into()),
        }
    }

    fn is_listening(&mut self, this: Resource<TcpSocket>) -> wasmtime::Result<bool> {
        Ok(matches!(self.table.get(&this)?.state, State::Listening(_)))
    }

    fn address_family(&mut self, this: Resource<TcpSocket>) -> wasmtime::Result<IpAddressFamily> {
        Ok(self.table.get(&this)?.family)
    }

    /// The length of the queue belongs to the network, as the interface allows.
    fn set_listen_backlog_size(
        &mut self,
        this: Resource<TcpSocket>,
        size: u64,
    ) -> SocketResult<()> {
        self.tcp(&this)?;
        not_zero(size).map(|_| ())
    }

    fn keep_alive_enabled(&mut self, this: Resource<TcpSocket>) -> SocketResult<bool> {
        Ok(self.tcp(&this)?.options.keep_alive)
    }

    fn set_keep_alive_enabled(&mut self, this: Resource<TcpSocket>, on: bool) -> SocketResult<()> {
        self.tcp(&this)?.options.keep_alive = on;
        Ok(())
    }

    fn keep_alive_idle_time(&mut self, this: Resource<TcpSocket>) -> SocketResult<Duration> {
        Ok(self.tcp(&this)?.options.keep_alive_idle)
    }

    fn set_keep_alive_idle_time(
        &mut self,
        this: Resource<TcpSocket>,
        time: Duration,
    ) -> SocketResult<()> {
        self.tcp(&this)?.options.keep_alive_idle = not_zero(time)?;
        Ok(())
    }

    fn keep_alive_interval(&mut self, this: Resource<TcpSocket>) -> SocketResult<Duration> {
        Ok(self.tcp(&this)?.options.keep_alive_interval)
    }

    fn set_keep_alive_interval(
        &mut self,
        this: Resource<TcpSocket>,
        time: Duration,
    ) -> SocketResult<()> {
        self.tcp(&this)?.options.keep_alive_interval = not_zero(time)?;
        Ok(())
    }

    fn keep_alive_count(&mut self, this: Resource<TcpSocket>) -> SocketResult<u32> {
        Ok(self.tcp(&this)?.options.keep_alive_count)
    }

    fn set_keep_alive_count(&mut self, this: Resource<TcpSocket>, count: u32) -> SocketResult<()> {
        self.tcp(&this)?.options.keep_alive_count = not_zero(count)?;
        Ok(())
    }

    fn hop_limit(&mut self, this: Resource<TcpSocket>) -> SocketResult<u8> {
        Ok(self.tcp(&this)?.options.hop_limit)
    }

    fn set_hop_limit(&mut self, this: Resource<TcpSocket>, limit: u8) -> SocketResult<()> {
        self.tcp(&this)?.options.hop_limit = not_zero(limit)?;
        Ok(())
    }

    fn receive_buffer_size(&mut self, this: Resource<TcpSocket>) -> SocketResult<u64> {
        self.tcp(&this)?;
        Ok(BUFFER_BYTES as u64)
    }

    /// A hint, by the interface's own words; the size stays.
    fn set_receive_buffer_size(
        &mut self,
        this: Resource<TcpSocket>,
        size: u64,
    ) -> SocketResult<()> {
        self.tcp(&this)?;
        not_zero(size).map(|_| ())
    }

    fn send_buffer_size(&mut self, this: Resource<TcpSocket>) -> SocketResult<u64> {
        self.receive_buffer_size(this)
    }

    fn set_send_buffer_size(&mut self, this: Resource<TcpSocket>, size: u64) -> SocketResult<()> {
        self.set_receive_buffer_size(this, size)
    }

    fn subscribe(&mut self, this: Resource<TcpSocket>) -> wasmtime::Result<Resource<DynPollable>> {
        subscribe(self.table, this)
    }

    fn shutdown(&mut self, this: Resource<TcpSocket>, how: ShutdownType) -> SocketResult<()> {
        let State::Connected { link, .. } = &self.tcp(&this)?.state else {
            return Err(ErrorCode::InvalidState.into());
        };
        if matches!(how, ShutdownType::Receive | ShutdownType::Both) {
            link.close_input();
        }
        if matches!(how, ShutdownType::Send | ShutdownType::Both) {
            link.close_output();
        }
        Ok(())
    }

    fn drop(&mut self, this: Resource<TcpSocket>) -> wasmtime::Result<()> {
        self.table.delete(this)?;
        Ok(())
    }
}

fn not_zero<N: Default + PartialEq>(value: N) -> SocketResult<N> {
    if value == N::default() { Err(ErrorCode::InvalidArgument.into()) } else { Ok(value) }
}
