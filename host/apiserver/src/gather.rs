//! Many watches on one HTTP/2 connection hear of the same change at the same time: what they send goes out together.
//!
//! HTTP/2 writes each frame by itself, which would be a record of TLS and a call of the system for each watcher. Here frames are gathered until
//! the connection has no more of them. And it does not stop at the first: where several watches share a connection, the others of them get
//! their turn before it is written, for as long as that brings more.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// So much is gathered: as much as TLS takes at once, and four times the longest frame. To copy a frame takes a small part of what a call of the
/// system does.
const GATHERED_BYTES: usize = 64 * 1024;

/// How many watches run on a connection.
#[derive(Clone, Debug, Default)]
pub struct Watches(Arc<AtomicUsize>);

impl Watches {
    /// Counts a watch until it is dropped.
    pub(crate) fn enter(&self) -> Counted {
        self.0.fetch_add(1, Ordering::Relaxed);
        Counted(self.clone())
    }

    fn are_several(&self) -> bool {
        self.0.load(Ordering::Relaxed) > 1
    }
}

/// A watch that is counted.
#[derive(Debug)]
pub(crate) struct Counted(Watches);

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// A connection that is written to in few and large pieces. It must be flushed.
#[derive(Debug)]
pub(crate) struct Gathered<S> {
    stream: S,
    watches: Watches,
    /// Without memory while there is nothing in it: most connections are silent most of the time.
    buffer: Vec<u8>,
    /// How much of the buffer is written.
    written: usize,
    /// How much there was when the others were given their turn last.
    waited_with: usize,
}

impl<S: AsyncWrite + Unpin> Gathered<S> {
    pub(crate) fn new(stream: S, watches: Watches) -> Self {
        Self { stream, watches, buffer: Vec::new(), written: 0, waited_with: 0 }
    }

    fn poll_write_out(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        while let Some(rest) = self.buffer.get(self.written..).filter(|rest| !rest.is_empty()) {
            match ready!(Pin::new(&mut self.stream).poll_write(context, rest))? {
                0 => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                len => self.written += len,
            }
        }
        self.buffer = Vec::new();
        self.written = 0;
        self.waited_with = 0;
        Poll::Ready(Ok(()))
    }

    /// Whether a write of this length is gathered; there is room for it then, and otherwise nothing that must go out before it.
    fn poll_room(&mut self, context: &mut Context<'_>, len: usize) -> Poll<io::Result<bool>> {
        if self.buffer.len() + len > GATHERED_BYTES {
            ready!(self.poll_write_out(context))?;
        }
        let is_gathered = len <= GATHERED_BYTES;
        if is_gathered && self.buffer.is_empty() && self.watches.are_several() {
            // There will be more.
            self.buffer.reserve_exact(GATHERED_BYTES);
        }
        Poll::Ready(Ok(is_gathered))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Gathered<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        if ready!(self.poll_room(context, bytes.len()))? {
            self.buffer.extend_from_slice(bytes);
            Poll::Ready(Ok(bytes.len()))
        } else {
            Pin::new(&mut self.stream).poll_write(context, bytes)
        }
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        pieces: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let len = pieces.iter().map(|piece| piece.len()).sum();
        if ready!(self.poll_room(context, len))? {
            pieces.iter().for_each(|piece| self.buffer.extend_from_slice(piece));
            Poll::Ready(Ok(len))
        } else {
            Pin::new(&mut self.stream).poll_write_vectored(context, pieces)
        }
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.buffer.len() > self.waited_with && self.watches.are_several() {
            self.waited_with = self.buffer.len();
            context.waker().wake_by_ref();
            return Poll::Pending;
        }
        ready!(self.poll_write_out(context))?;
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.poll_write_out(context))?;
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Gathered<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

#[cfg(test)]
mod tests;
