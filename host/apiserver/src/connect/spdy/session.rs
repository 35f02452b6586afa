//! One connection: reads frames into streams, writes what streams say, both at the same time so that neither waits for the other.
//!
//! Everything is bounded: open streams, what waits to be read on each, what waits to be written.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures::{SinkExt as _, Stream as Frames, StreamExt as _};
use parking_lot::Mutex;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::mpsc;
use tokio_util::codec::Framed;

use super::block::Headers;
use super::frame::{Codec, Error, Frame};

/// A client that opens more streams at once gets the further ones refused.
const STREAMS_MAX: usize = 512;
/// Chunks that may wait on one stream, and frames that may wait to be written.
const WAITING_MAX: usize = 16;
/// Data frames are cut to this size, so that streams take turns.
const CHUNK: usize = 32 * 1024;
/// How long a client may take to hang up after everything was said.
const LINGER: Duration = Duration::from_secs(10);
const REFUSED_STREAM: u32 = 3;
const INVALID_STREAM: u32 = 2;

/// Streams that the client opens, in order.
#[derive(Debug)]
pub(in crate::connect) struct Session {
    opened: mpsc::Receiver<Stream>,
}

/// One stream: bytes in both directions.
#[derive(Debug)]
pub(in crate::connect) struct Stream {
    pub(in crate::connect) id: u32,
    pub(in crate::connect) headers: Headers,
    incoming: mpsc::Receiver<Bytes>,
    outgoing: mpsc::Sender<Frame>,
}

type Open = Arc<Mutex<HashMap<u32, mpsc::Sender<Bytes>>>>;

/// Speaks SPDY over a connection. The returned work must run for the session to go on; it ends with the connection.
pub(in crate::connect) fn serve<T>(io: T) -> (Session, impl Future<Output = ()> + Send)
where
    T: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    let (announce, opened) = mpsc::channel(WAITING_MAX);
    let (outgoing, mut to_write) = mpsc::channel::<Frame>(WAITING_MAX);
    let (mut sink, frames) = Framed::new(io, Codec::new()).split();
    let write = async move {
        while let Some(frame) = to_write.recv().await {
            sink.send(frame).await?;
        }
        sink.close().await
    };
    let read = read(frames, announce, outgoing);
    let work = async move {
        // Reading ends first when the client leaves; what streams still write then goes nowhere.
        let ended: Result<(), Error> = tokio::select! {
            ended = read => ended,
            ended = write => ended,
        };
        if let Err(error) = ended {
            tracing::debug!(error = %crate::status::chain(&error), "a SPDY connection broke");
        }
    };
    (Session { opened }, work)
}

/// Runs a session's work together with who serves its streams. When the streams are served, the client gets a moment to read what was
/// written last and to hang up.
pub(in crate::connect) async fn serve_with(
    work: impl Future<Output = ()>,
    serve: impl Future<Output = ()>,
) {
    tokio::pin!(work);
    tokio::select! {
        () = &mut work => {}
        () = serve => {
            let _ = tokio::time::timeout(LINGER, work).await;
        }
    }
}

async fn read(
    mut frames: impl Frames<Item = Result<Frame, Error>> + Unpin,
    announce: mpsc::Sender<Stream>,
    outgoing: mpsc::Sender<Frame>,
) -> Result<(), Error> {
    let open = Open::default();
    while let Some(frame) = frames.next().await {
        match frame? {
            Frame::Open { stream: id, fin, headers } => {
                let (arrive, incoming) = mpsc::channel(WAITING_MAX);
                let full = open.lock().len() >= STREAMS_MAX;
                if full || id % 2 == 0 || open.lock().contains_key(&id) {
                    let _ =
                        outgoing.send(Frame::Reset { stream: id, status: REFUSED_STREAM }).await;
                    continue;
                }
                if !fin {
                    open.lock().insert(id, arrive);
                }
                let stream = Stream { id, headers, incoming, outgoing: outgoing.clone() };
                let reply = Frame::Reply { stream: id, fin: false, headers: Headers::default() };
                if outgoing.send(reply).await.is_err() || announce.send(stream).await.is_err() {
                    return Ok(());
                }
            }
            Frame::Data { stream, fin, data } => {
                let arrive = open.lock().get(&stream).cloned();
                match arrive {
                    // A reader that has gone is no reason to stop: the others go on.
                    Some(arrive) if !data.is_empty() => {
                        let _ = arrive.send(data).await;
                    }
                    Some(_) => {}
                    None if data.is_empty() => {}
                    None => {
                        let _ =
                            outgoing.send(Frame::Reset { stream, status: INVALID_STREAM }).await;
                    }
                }
                if fin {
                    open.lock().remove(&stream);
                }
            }
            Frame::Headers { stream, fin: true, .. } | Frame::Reset { stream, .. } => {
                open.lock().remove(&stream);
            }
            // Odd ids are the client's questions, even ones its answers to ours, of which there are none.
            Frame::Ping { id } if id % 2 == 1 => {
                let _ = outgoing.send(Frame::Ping { id }).await;
            }
            Frame::GoAway { .. }
            | Frame::Ping { .. }
            | Frame::Headers { .. }
            | Frame::Reply { .. }
            | Frame::Other => {}
        }
    }
    Ok(())
}

impl Session {
    /// The next stream that the client opens; nothing when the connection ends.
    pub(in crate::connect) async fn accept(&mut self) -> Option<Stream> {
        self.opened.recv().await
    }
}

impl Stream {
    /// What the client sends next; nothing when it has said everything.
    pub(in crate::connect) async fn read(&mut self) -> Option<Bytes> {
        self.incoming.recv().await
    }

    /// A way to write that can be moved elsewhere.
    pub(in crate::connect) fn writer(&self) -> Writer {
        Writer { id: self.id, outgoing: self.outgoing.clone() }
    }
}

/// Writes to a stream.
#[derive(Clone, Debug)]
pub(in crate::connect) struct Writer {
    id: u32,
    outgoing: mpsc::Sender<Frame>,
}

/// The connection is gone.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::connect) struct Gone;

impl Writer {
    pub(in crate::connect) async fn write(&self, mut data: Bytes) -> Result<(), Gone> {
        while !data.is_empty() {
            let chunk = data.split_to(data.len().min(CHUNK));
            let frame = Frame::Data { stream: self.id, fin: false, data: chunk };
            self.outgoing.send(frame).await.map_err(|_| Gone)?;
        }
        Ok(())
    }

    /// Says that nothing more follows.
    pub(in crate::connect) async fn close(&self) -> Result<(), Gone> {
        let frame = Frame::Data { stream: self.id, fin: true, data: Bytes::new() };
        self.outgoing.send(frame).await.map_err(|_| Gone)
    }
}
