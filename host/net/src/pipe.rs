//! A connection in memory: two rings, one for each direction, with the half-close and the back-pressure of TCP.
//!
//! A writer waits while the window is full; a reader wakes it when there is room worth waking for. A ring takes memory only when something is
//! written, and grows with what is in flight up to the window, so that an idle connection costs a few hundred bytes.

use std::collections::TryReserveError;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use parking_lot::Mutex;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// Bytes in flight in one direction.
pub const WINDOW_BYTES: usize = 64 << 10;
/// The first size of a ring.
const RING_BYTES_MIN: usize = 2 << 10;

/// One end of a connection. Dropping it closes both directions.
#[derive(Debug)]
pub struct Pipe {
    incoming: Arc<Channel>,
    outgoing: Arc<Channel>,
}

/// Two connected ends.
pub fn pair() -> (Pipe, Pipe) {
    let (one, other) = (Arc::<Channel>::default(), Arc::<Channel>::default());
    let left = Pipe { incoming: Arc::clone(&one), outgoing: Arc::clone(&other) };
    (left, Pipe { incoming: other, outgoing: one })
}

/// One direction.
#[derive(Debug, Default)]
struct Channel(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    ring: Ring,
    /// Nothing more will be written.
    is_finished: bool,
    /// Nothing more will be read.
    is_abandoned: bool,
    reader: Option<Waker>,
    writer: Option<Waker>,
}

/// Bytes in order, in a buffer whose end is joined to its start.
#[derive(Debug, Default)]
struct Ring {
    buffer: Vec<u8>,
    start: usize,
    length: usize,
}

impl Ring {
    /// Takes as much as fits, growing up to the window.
    fn write(&mut self, bytes: &[u8]) -> usize {
        let wanted = self.length + bytes.len();
        if wanted > self.buffer.len() && self.buffer.len() < WINDOW_BYTES {
            // Without memory for more, the smaller ring does: the writer waits a little more often.
            let _ = self.grow(wanted.next_power_of_two().clamp(RING_BYTES_MIN, WINDOW_BYTES));
        }
        let count = bytes.len().min(self.buffer.len() - self.length);
        let capacity = self.buffer.len();
        let end = (self.start + self.length) % capacity.max(1);
        let first = count.min(capacity - end);
        self.buffer[end..end + first].copy_from_slice(&bytes[..first]);
        self.buffer[..count - first].copy_from_slice(&bytes[first..count]);
        self.length += count;
        count
    }

    fn grow(&mut self, capacity: usize) -> Result<(), TryReserveError> {
        let mut larger = Vec::new();
        larger.try_reserve_exact(capacity)?;
        let (front, back) = self.filled();
        larger.extend_from_slice(front);
        larger.extend_from_slice(back);
        larger.resize(capacity, 0);
        self.buffer = larger;
        self.start = 0;
        Ok(())
    }

    fn filled(&self) -> (&[u8], &[u8]) {
        let first = self.length.min(self.buffer.len() - self.start);
        (&self.buffer[self.start..self.start + first], &self.buffer[..self.length - first])
    }

    fn read(&mut self, into: &mut ReadBuf<'_>) {
        let (front, back) = self.filled();
        let first = front.len().min(into.remaining());
        into.put_slice(&front[..first]);
        let second = back.len().min(into.remaining());
        into.put_slice(&back[..second]);
        self.length -= first + second;
        // Starting over at zero keeps the next copy in one piece.
        self.start =
            if self.length == 0 { 0 } else { (self.start + first + second) % self.buffer.len() };
    }

    fn has_room(&self) -> bool {
        self.length < WINDOW_BYTES
    }
}

impl Channel {
    fn poll_read(&self, cx: &mut Context<'_>, into: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let mut state = self.0.lock();
        if state.ring.length == 0 {
            if state.is_finished {
                return Poll::Ready(Ok(()));
            }
            set_waker(&mut state.reader, cx);
            return Poll::Pending;
        }
        state.ring.read(into);
        // A waiting writer is woken when half the window is free: waking it for every byte would make it run for every byte.
        let writer = if state.ring.length <= WINDOW_BYTES / 2 { state.writer.take() } else { None };
        drop(state);
        wake(writer);
        Poll::Ready(Ok(()))
    }

    fn poll_write(&self, cx: &mut Context<'_>, parts: &[IoSlice<'_>]) -> Poll<io::Result<usize>> {
        let mut state = self.0.lock();
        if state.is_abandoned || state.is_finished {
            return Poll::Ready(Err(io::ErrorKind::BrokenPipe.into()));
        }
        if parts.iter().all(|part| part.is_empty()) {
            return Poll::Ready(Ok(0));
        }
        if !state.ring.has_room() {
            set_waker(&mut state.writer, cx);
            return Poll::Pending;
        }
        let mut written = 0;
        for part in parts {
            let count = state.ring.write(part);
            written += count;
            if count < part.len() {
                break;
            }
        }
        if written == 0 {
            return Poll::Ready(Err(io::ErrorKind::OutOfMemory.into()));
        }
        let reader = state.reader.take();
        drop(state);
        wake(reader);
        Poll::Ready(Ok(written))
    }

    fn finish(&self) {
        let mut state = self.0.lock();
        state.is_finished = true;
        let reader = state.reader.take();
        drop(state);
        wake(reader);
    }

    fn abandon(&self) {
        let mut state = self.0.lock();
        state.is_abandoned = true;
        // What nobody will read need not wait for the other end to go.
        state.ring = Ring::default();
        let writer = state.writer.take();
        drop(state);
        wake(writer);
    }
}

fn set_waker(slot: &mut Option<Waker>, cx: &Context<'_>) {
    match slot {
        Some(waker) => waker.clone_from(cx.waker()),
        None => *slot = Some(cx.waker().clone()),
    }
}

fn wake(waker: Option<Waker>) {
    if let Some(waker) = waker {
        waker.wake();
    }
}

impl AsyncRead for Pipe {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        self.incoming.poll_read(cx, into)
    }
}

impl AsyncWrite for Pipe {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.outgoing.poll_write(cx, &[IoSlice::new(bytes)])
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        parts: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.outgoing.poll_write(cx, parts)
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.outgoing.finish();
        Poll::Ready(Ok(()))
    }
}

impl Drop for Pipe {
    fn drop(&mut self) {
        self.outgoing.finish();
        self.incoming.abandon();
    }
}

#[cfg(test)]
mod tests;
