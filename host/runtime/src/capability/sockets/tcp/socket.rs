//! One TCP socket: its states, and what it waits for in each.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll, Waker, ready};

use futures::future::BoxFuture;
use tokio_util::sync::WaitForCancellationFutureOwned;
use wasmtime_wasi::async_trait;
use wasmtime_wasi::p2::Pollable;

use super::super::ListenerCount;
use super::super::bindings::network::{ErrorCode, IpAddressFamily};
use super::super::error::SocketResult;
use super::super::stream::Link;
use crate::account::SocketSlot;
use crate::network::{Connection, Listener};

/// Nanoseconds, as the interface counts them.
pub(super) type Duration = u64;

#[expect(unreachable_pub, reason = "the generated bindings re-export it")]
pub struct TcpSocket {
    pub(super) family: IpAddressFamily,
    pub(super) state: State,
    /// What `start-…` began and `finish-…` has not yet ended.
    pub(super) pending: Option<Step>,
    pub(super) options: Options,
    _slot: SocketSlot,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    Bind,
    Listen,
    Connect,
}

pub(super) enum State {
    Unbound,
    Bound(SocketAddr),
    Listening(Box<Listening>),
    Connecting(BoxFuture<'static, io::Result<Connection>>),
    /// Connected, or refused, and not yet told.
    Decided(io::Result<Connection>),
    Connected {
        local: SocketAddr,
        remote: SocketAddr,
        link: Link,
    },
    Closed,
}

pub(super) struct Listening {
    pub(super) local: SocketAddr,
    /// Gone after a stop request: nobody can connect any more.
    listener: Option<Box<dyn Listener>>,
    /// Accepted while the guest waited.
    accepted: Option<io::Result<Connection>>,
    stop: Pin<Box<WaitForCancellationFutureOwned>>,
    _count: ListenerCount,
}

impl Listening {
    pub(super) fn new(
        listener: Box<dyn Listener>,
        stop: WaitForCancellationFutureOwned,
        count: ListenerCount,
    ) -> Box<Self> {
        let (local, stop) = (listener.local(), Box::pin(stop));
        Box::new(Self { local, listener: Some(listener), accepted: None, stop, _count: count })
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if self.stop.as_mut().poll(cx).is_ready() {
            self.listener = None;
        }
        if self.accepted.is_none()
            && let Some(listener) = &mut self.listener
        {
            self.accepted = Some(ready!(listener.poll_accept(cx)));
        }
        Poll::Ready(())
    }

    pub(super) fn accept(&mut self) -> SocketResult<Connection> {
        let _ = self.poll(&mut Context::from_waker(Waker::noop()));
        match self.accepted.take() {
            Some(accepted) => Ok(accepted?),
            // What `accept(2)` says of a listener that was shut down. Of an invalid state wasi-libc
            // makes an abort.
            None if self.listener.is_none() => Err(ErrorCode::InvalidArgument.into()),
            None => Err(ErrorCode::WouldBlock.into()),
        }
    }
}

/// What a guest sets and reads back. The pipes behind the seam have neither probes nor hops, so
/// nothing else reads them.
pub(super) struct Options {
    pub(super) keep_alive: bool,
    pub(super) keep_alive_idle: Duration,
    pub(super) keep_alive_interval: Duration,
    pub(super) keep_alive_count: u32,
    pub(super) hop_limit: u8,
}

impl Default for Options {
    /// Linux' defaults.
    fn default() -> Self {
        const SECOND: Duration = 1_000_000_000;
        Self {
            keep_alive: false,
            keep_alive_idle: 7200 * SECOND,
            keep_alive_interval: 75 * SECOND,
            keep_alive_count: 9,
            hop_limit: 64,
        }
    }
}

impl TcpSocket {
    pub(super) fn new(family: IpAddressFamily, state: State, slot: SocketSlot) -> Self {
        Self { family, state, pending: None, options: Options::default(), _slot: slot }
    }

    pub(super) fn begin(&mut self, step: Step) -> SocketResult<()> {
        if self.pending.is_some() {
            return Err(ErrorCode::ConcurrencyConflict.into());
        }
        self.pending = Some(step);
        Ok(())
    }

    pub(super) fn is_pending(&self, step: Step) -> SocketResult<()> {
        if self.pending == Some(step) { Ok(()) } else { Err(ErrorCode::NotInProgress.into()) }
    }

    pub(super) fn poll_connected(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if let State::Connecting(connecting) = &mut self.state {
            self.state = State::Decided(ready!(connecting.as_mut().poll(cx)));
        }
        Poll::Ready(())
    }
}

#[async_trait]
impl Pollable for TcpSocket {
    async fn ready(&mut self) {
        std::future::poll_fn(|cx| match &mut self.state {
            State::Connecting(_) => self.poll_connected(cx),
            State::Listening(listening) => listening.poll(cx),
            _ => Poll::Ready(()),
        })
        .await;
    }
}

/// The state of a socket that is connected, and the link its streams are made of.
pub(super) fn connected(connection: Connection) -> (Link, State) {
    let link = Link::new(connection.stream);
    let (local, remote) = (connection.local, connection.remote);
    (link.clone(), State::Connected { local, remote, link })
}
