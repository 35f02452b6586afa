//! The body of requests and answers: nothing, bytes that are shared with the store, or a stream.
//!
//! One type serves both directions, so that the same [`crate::Service`] answers a socket, a caller in this process and a
//! test. Stored objects travel as reference-counted [`Bytes`] and are never copied between the store and the socket.

use std::collections::VecDeque;
use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use futures::Stream;
use http_body::{Frame, SizeHint};
use http_body_util::BodyExt as _;
use parking_lot::Mutex;

/// Why a body ended early.
pub type Error = Box<dyn std::error::Error + Send + Sync>;

type BoxStream = Pin<Box<dyn Stream<Item = Result<Bytes, Error>> + Send>>;

/// A stream that is only ever reached by its owner: the lock is never taken, it lets bodies be part of shared state.
pub struct Exclusive(Mutex<BoxStream>);

impl Exclusive {
    fn new(stream: impl Stream<Item = Result<Bytes, Error>> + Send + 'static) -> Exclusive {
        Exclusive(Mutex::new(Box::pin(stream)))
    }
}

impl fmt::Debug for Exclusive {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Exclusive")
    }
}

/// A request's or an answer's body.
#[derive(Default)]
pub enum Body {
    /// No bytes.
    #[default]
    Empty,
    /// Chunks that are all there: one for an object, many for a list.
    Chunks(VecDeque<Bytes>),
    /// Chunks that come one after the other: watches, logs, long lists; with their length where it is known.
    Stream(Exclusive, Option<u64>),
    /// What a peer sends over a socket.
    Incoming(hyper::body::Incoming),
}

impl Body {
    /// A body that is there as a whole.
    pub fn full(bytes: impl Into<Bytes>) -> Body {
        let bytes = bytes.into();
        if bytes.is_empty() { Body::Empty } else { Body::Chunks(VecDeque::from([bytes])) }
    }

    /// A body of several pieces that are sent without joining them first.
    pub fn chunks(chunks: impl IntoIterator<Item = Bytes>) -> Body {
        Body::Chunks(chunks.into_iter().filter(|chunk| !chunk.is_empty()).collect())
    }

    /// A body whose pieces come over time.
    pub fn stream(stream: impl Stream<Item = Result<Bytes, Error>> + Send + 'static) -> Body {
        Body::Stream(Exclusive::new(stream), None)
    }

    /// A body whose pieces come over time and have `len` bytes together.
    pub fn sized(
        stream: impl Stream<Item = Result<Bytes, Error>> + Send + 'static,
        len: u64,
    ) -> Body {
        Body::Stream(Exclusive::new(stream), Some(len))
    }

    /// The number of bytes, if it is known before reading.
    pub fn len(&self) -> Option<u64> {
        match self {
            Body::Empty => Some(0),
            Body::Chunks(chunks) => Some(chunks.iter().map(|chunk| chunk.len() as u64).sum()),
            Body::Stream(_, len) => *len,
            Body::Incoming(incoming) => http_body::Body::size_hint(incoming).exact(),
        }
    }

    /// Whether the body is known to have no bytes.
    pub fn is_empty(&self) -> bool {
        self.len() == Some(0)
    }

    /// Reads the whole body unless it is longer than `limit` bytes.
    pub async fn read(mut self, limit: usize) -> Result<Bytes, ReadError> {
        self.collected(limit).await
    }

    /// Reads the whole body of a request. The rest of one that is too long is read and dropped, up to a bound: a client that is cut off while
    /// it sends never learns why.
    pub(crate) async fn read_request(mut self, limit: usize) -> Result<Bytes, ReadError> {
        let outcome = self.collected(limit).await;
        if let Err(ReadError::TooLong { .. }) = outcome {
            self.discard().await;
        }
        outcome
    }

    async fn collected(&mut self, limit: usize) -> Result<Bytes, ReadError> {
        match self {
            Body::Empty => return Ok(Bytes::new()),
            Body::Chunks(chunks) if chunks.len() == 1 => {
                let chunk = chunks.pop_front().unwrap_or_default();
                return if chunk.len() > limit {
                    Err(ReadError::TooLong { limit })
                } else {
                    Ok(chunk)
                };
            }
            Body::Chunks(_) | Body::Stream(..) | Body::Incoming(_) => {}
        }
        let mut bytes = BytesMut::new();
        while let Some(frame) = self.frame().await {
            let frame = frame.map_err(|source| ReadError::Broken { source })?;
            let Some(data) = frame.data_ref() else { continue };
            if bytes.len() + data.len() > limit {
                return Err(ReadError::TooLong { limit });
            }
            bytes.extend_from_slice(data);
        }
        Ok(bytes.freeze())
    }

    async fn discard(&mut self) {
        let all = async {
            let mut left = DISCARDED_BYTES_MAX;
            while let Some(Ok(frame)) = self.frame().await {
                let len = frame.data_ref().map_or(0, Bytes::len);
                let Some(rest) = left.checked_sub(len) else { return };
                left = rest;
            }
        };
        // When the time is over the connection is closed, whatever the client does.
        let _ = tokio::time::timeout(DISCARD_TIME, all).await;
    }
}

const DISCARDED_BYTES_MAX: usize = 128 << 20;
const DISCARD_TIME: Duration = Duration::from_secs(5);

/// Why a body could not be read.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// It has more bytes than are accepted.
    #[error("the body is longer than {limit} bytes")]
    TooLong {
        /// How many are accepted.
        limit: usize,
    },
    /// The peer went away or broke the protocol.
    #[error("the body could not be read")]
    Broken {
        /// What the connection reports.
        source: Error,
    },
}

impl http_body::Body for Body {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        match &mut *self {
            Body::Empty => Poll::Ready(None),
            Body::Chunks(chunks) => {
                Poll::Ready(chunks.pop_front().map(|chunk| Ok(Frame::data(chunk))))
            }
            Body::Stream(stream, _) => stream
                .0
                .get_mut()
                .as_mut()
                .poll_next(context)
                .map(|next| next.map(|chunk| chunk.map(Frame::data))),
            Body::Incoming(incoming) => Pin::new(incoming)
                .poll_frame(context)
                .map(|next| next.map(|frame| frame.map_err(Error::from))),
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Body::Empty => true,
            Body::Chunks(chunks) => chunks.is_empty(),
            Body::Stream(..) => false,
            Body::Incoming(incoming) => incoming.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        self.len().map_or_else(SizeHint::default, SizeHint::with_exact)
    }
}

impl From<hyper::body::Incoming> for Body {
    fn from(incoming: hyper::body::Incoming) -> Body {
        Body::Incoming(incoming)
    }
}

impl From<Bytes> for Body {
    fn from(bytes: Bytes) -> Body {
        Body::full(bytes)
    }
}

impl From<String> for Body {
    fn from(text: String) -> Body {
        Body::full(text)
    }
}

impl From<&'static str> for Body {
    fn from(text: &'static str) -> Body {
        Body::full(Bytes::from_static(text.as_bytes()))
    }
}

impl fmt::Debug for Body {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.len() {
            Some(len) => write!(formatter, "Body({len} bytes)"),
            None => formatter.write_str("Body(stream)"),
        }
    }
}
