//! The bytes of one TCP connection, as the two streams a guest reads and writes.
//!
//! Guests call without waiting and wait separately; connections of the seam only know polls. So
//! what a wait has read stays here until the guest takes it, and what a write could not place is
//! sent by a task, which also finishes after the guest has closed the socket, as an operating
//! system does. At most [`BUFFER_BYTES`] are held for each direction.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker, ready};

use bytes::{Buf, Bytes, BytesMut};
use parking_lot::Mutex;
use tokio::io::AsyncWrite;
use tokio::sync::Notify;
use tokio_util::io::poll_read_buf;
use wasmtime_wasi::async_trait;
use wasmtime_wasi::p2::{InputStream, OutputStream, Pollable, StreamError, StreamResult};

use crate::network::Stream;

pub(super) const BUFFER_BYTES: usize = 64 * 1024;

/// What one wait reads ahead of the guest.
const READ_AHEAD_BYTES: usize = 16 * 1024;

/// A connection, shared by its socket and its two streams.
#[derive(Clone)]
pub(super) struct Link(Arc<Shared>);

struct Shared {
    state: Mutex<State>,
    /// Told when the task that sends has placed everything.
    sent: Notify,
}

struct State {
    stream: Box<dyn Stream>,
    /// Read and not yet taken by the guest.
    arrived: BytesMut,
    input: Half,
    /// Written by the guest and not yet placed.
    unsent: Bytes,
    output: Half,
    is_sending: bool,
}

/// One direction of the connection.
enum Half {
    Open,
    /// No more bytes after those still buffered.
    Closed,
    Failed(io::ErrorKind),
}

impl Half {
    fn check(&self) -> StreamResult<()> {
        match self {
            Self::Open => Ok(()),
            Self::Closed => Err(StreamError::Closed),
            Self::Failed(kind) => {
                Err(StreamError::LastOperationFailed(io::Error::from(*kind).into()))
            }
        }
    }

    fn is_open(&self) -> bool {
        matches!(self, Self::Open)
    }

    fn fail(&mut self, error: &io::Error) {
        *self = match error.kind() {
            io::ErrorKind::BrokenPipe => Self::Closed,
            kind => Self::Failed(kind),
        };
    }
}

impl Link {
    pub(super) fn new(stream: Box<dyn Stream>) -> Self {
        let state = State {
            stream,
            arrived: BytesMut::new(),
            input: Half::Open,
            unsent: Bytes::new(),
            output: Half::Open,
            is_sending: false,
        };
        Self(Arc::new(Shared { state: Mutex::new(state), sent: Notify::new() }))
    }

    pub(super) fn close_input(&self) {
        let mut state = self.0.state.lock();
        state.arrived.clear();
        state.input = Half::Closed;
    }

    /// Closes the direction after what the guest has already written.
    pub(super) fn close_output(&self) {
        let mut state = self.0.state.lock();
        if state.output.is_open() {
            state.output = Half::Closed;
            self.send_in_background(&mut state);
        }
    }

    fn send_in_background(&self, state: &mut State) {
        if std::mem::replace(&mut state.is_sending, true) {
            return;
        }
        let link = self.clone();
        tokio::spawn(async move {
            std::future::poll_fn(|cx| {
                let mut state = link.0.state.lock();
                ready!(state.poll_send(cx));
                // Under the same lock: a close that comes after this has to begin sending again.
                state.is_sending = false;
                Poll::Ready(())
            })
            .await;
            link.0.sent.notify_waiters();
        });
    }
}

impl State {
    fn poll_arrive(&mut self, cx: &mut Context<'_>, bytes: usize) -> Poll<()> {
        if !self.arrived.is_empty() || !self.input.is_open() {
            return Poll::Ready(());
        }
        self.arrived.reserve(bytes);
        match poll_read_buf(Pin::new(&mut self.stream), cx, &mut self.arrived) {
            Poll::Pending => {
                // An idle connection keeps no buffer.
                self.arrived = BytesMut::new();
                return Poll::Pending;
            }
            Poll::Ready(Ok(0)) => self.input = Half::Closed,
            Poll::Ready(Ok(_)) => {}
            Poll::Ready(Err(error)) => self.input.fail(&error),
        }
        Poll::Ready(())
    }

    /// Places what is unsent, and then the end if the guest has closed the direction.
    fn poll_send(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        while !self.unsent.is_empty() {
            match ready!(Pin::new(&mut self.stream).poll_write(cx, &self.unsent)) {
                Ok(written) if written > 0 => self.unsent.advance(written),
                Ok(_) => return self.fail_output(&io::ErrorKind::BrokenPipe.into()),
                Err(error) => return self.fail_output(&error),
            }
        }
        let finished = match self.output {
            Half::Closed => ready!(Pin::new(&mut self.stream).poll_shutdown(cx)),
            Half::Open => ready!(Pin::new(&mut self.stream).poll_flush(cx)),
            Half::Failed(_) => Ok(()),
        };
        match finished {
            Ok(()) => Poll::Ready(()),
            Err(error) => self.fail_output(&error),
        }
    }

    fn fail_output(&mut self, error: &io::Error) -> Poll<()> {
        self.unsent.clear();
        self.output.fail(error);
        Poll::Ready(())
    }
}

pub(super) struct Input(pub(super) Link);

impl InputStream for Input {
    fn read(&mut self, size: usize) -> StreamResult<Bytes> {
        let mut state = self.0.0.state.lock();
        let size = size.min(BUFFER_BYTES);
        if size == 0 {
            return Ok(Bytes::new());
        }
        let _ = state.poll_arrive(&mut Context::from_waker(Waker::noop()), size);
        if state.arrived.is_empty() {
            state.input.check()?;
            return Ok(Bytes::new());
        }
        let taken = size.min(state.arrived.len());
        Ok(state.arrived.split_to(taken).freeze())
    }
}

#[async_trait]
impl Pollable for Input {
    async fn ready(&mut self) {
        let shared = &self.0.0;
        std::future::poll_fn(|cx| shared.state.lock().poll_arrive(cx, READ_AHEAD_BYTES)).await;
    }
}

pub(super) struct Output(pub(super) Link);

impl OutputStream for Output {
    fn check_write(&mut self) -> StreamResult<usize> {
        let state = self.0.0.state.lock();
        state.output.check()?;
        Ok(if state.is_sending { 0 } else { BUFFER_BYTES })
    }

    fn write(&mut self, bytes: Bytes) -> StreamResult<()> {
        let mut state = self.0.0.state.lock();
        state.output.check()?;
        if bytes.is_empty() {
            return Ok(());
        }
        if state.is_sending || bytes.len() > BUFFER_BYTES {
            return Err(StreamError::trap("wrote more than check-write allowed"));
        }
        state.unsent = bytes;
        if state.poll_send(&mut Context::from_waker(Waker::noop())).is_pending() {
            self.0.send_in_background(&mut state);
        }
        Ok(())
    }

    fn flush(&mut self) -> StreamResult<()> {
        self.0.0.state.lock().output.check()
    }
}

#[async_trait]
impl Pollable for Output {
    async fn ready(&mut self) {
        loop {
            // Listening begins before the look, so that the end of sending in between is not
            // missed.
            let sent = self.0.0.sent.notified();
            if !self.0.0.state.lock().is_sending {
                return;
            }
            sent.await;
        }
    }
}
