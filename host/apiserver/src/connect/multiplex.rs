//! The channels of a command as clients send them: in the messages of a WebSocket, or as streams of SPDY. Either is turned into the frames that
//! nodes understand.

use std::collections::HashMap;
use std::time::Duration;

use bytes::{BufMut as _, Bytes, BytesMut};
use futures::stream::{SplitSink, SplitStream};
use futures::{SinkExt as _, StreamExt as _};
use tokio::sync::mpsc;
use tokio_tungstenite::tungstenite::Message;

use super::channels::{Frame, RESIZE, STATUS, STDERR, STDIN, STDOUT};
use super::spdy::{Session, Stream, Writer};
use super::websocket::{self, Socket};

/// In version 5 of the protocol a client closes a channel by naming it on this one.
const CLOSE: u8 = 255;
const WAITING_MAX: usize = 16;
/// A SPDY client must have opened all its streams after this time (Kubernetes: 30 s).
const STREAMS_WITHIN: Duration = Duration::from_secs(30);

/// What comes from a client.
#[derive(Debug)]
pub(super) enum FromClient {
    WebSocket { messages: SplitStream<Socket>, closes_channels: bool },
    Spdy(mpsc::Receiver<Frame>),
}

/// What goes to a client.
#[derive(Debug)]
pub(super) enum ToClient {
    WebSocket(SplitSink<Socket, Message>),
    Spdy(HashMap<u8, Writer>),
}

/// The channels in a WebSocket.
pub(super) fn over_websocket(socket: Socket, closes_channels: bool) -> (FromClient, ToClient) {
    let (sink, messages) = socket.split();
    (FromClient::WebSocket { messages, closes_channels }, ToClient::WebSocket(sink))
}

/// The channels that are streams of SPDY, once all that are `wanted` are open.
pub(super) async fn over_spdy(
    mut session: Session,
    wanted: &[u8],
) -> Option<(FromClient, ToClient)> {
    let collect = async {
        let mut streams: HashMap<u8, Stream> = HashMap::new();
        while !wanted.iter().all(|channel| streams.contains_key(channel)) {
            let stream = session.accept().await?;
            if let Some(channel) = stream.headers.get("streamtype").and_then(channel) {
                streams.insert(channel, stream);
            }
        }
        Some(streams)
    };
    let streams = tokio::time::timeout(STREAMS_WITHIN, collect).await.ok().flatten()?;
    let writers = streams.iter().map(|(channel, stream)| (*channel, stream.writer())).collect();
    let (arrive, frames) = mpsc::channel(WAITING_MAX);
    for (channel, stream) in streams {
        if matches!(channel, STDIN | RESIZE) {
            tokio::spawn(read(stream, channel, arrive.clone()));
        }
    }
    Some((FromClient::Spdy(frames), ToClient::Spdy(writers)))
}

/// Ends with the stream, or when nobody wants its bytes any more.
async fn read(mut stream: Stream, channel: u8, arrive: mpsc::Sender<Frame>) {
    while let Some(data) = stream.read().await {
        if arrive.send(Frame::new(channel, data)).await.is_err() {
            return;
        }
    }
    let _ = arrive.send(Frame::close(channel)).await;
}

fn channel(stream_type: &str) -> Option<u8> {
    Some(match stream_type {
        "stdin" => STDIN,
        "stdout" => STDOUT,
        "stderr" => STDERR,
        "error" => STATUS,
        "resize" => RESIZE,
        _ => return None,
    })
}

impl FromClient {
    /// Whether a client that says nothing more may still listen.
    pub(super) fn may_listen_silently(&self) -> bool {
        matches!(self, Self::Spdy(_))
    }

    /// The next frame; nothing when the client has left or, over SPDY, has nothing more to say.
    pub(super) async fn next(&mut self) -> Option<Frame> {
        match self {
            Self::Spdy(frames) => frames.recv().await,
            Self::WebSocket { messages, closes_channels } => loop {
                let bytes = match messages.next().await?.ok()? {
                    Message::Binary(bytes) => bytes,
                    Message::Text(text) => Bytes::copy_from_slice(text.as_bytes()),
                    Message::Close(_) => return None,
                    Message::Ping(_) | Message::Pong(_) | Message::Frame(_) => continue,
                };
                if let Some(frame) = from_message(&bytes, *closes_channels) {
                    return Some(frame);
                }
            },
        }
    }
}

/// The frame in a message. An empty message opens a channel, which is open anyway.
fn from_message(bytes: &Bytes, closes_channels: bool) -> Option<Frame> {
    let channel = *bytes.first()?;
    let data = bytes.slice(1..);
    match data.first() {
        None => None,
        Some(closed) if channel == CLOSE => closes_channels.then(|| Frame::close(*closed)),
        Some(_) => Some(Frame::new(channel, data)),
    }
}

impl ToClient {
    /// Passes a frame on; an error means that the client has left.
    pub(super) async fn send(&mut self, frame: Frame) -> Result<(), ()> {
        match self {
            Self::WebSocket(sink) => {
                // A client of a WebSocket learns the end of a channel from the end of the command.
                if frame.data.is_empty() {
                    return Ok(());
                }
                let mut message = BytesMut::with_capacity(1 + frame.data.len());
                message.put_u8(frame.channel);
                message.extend_from_slice(&frame.data);
                sink.send(Message::Binary(message.freeze())).await.map_err(|_| ())
            }
            Self::Spdy(writers) => {
                let Some(writer) = writers.get(&frame.channel) else { return Ok(()) };
                let sent = if frame.data.is_empty() {
                    writer.close().await
                } else {
                    writer.write(frame.data).await
                };
                sent.map_err(|_| ())
            }
        }
    }

    /// Says that the command is over.
    pub(super) async fn finish(self) {
        match self {
            Self::WebSocket(mut sink) => {
                let _ = sink.send(websocket::goodbye()).await;
            }
            Self::Spdy(writers) => {
                for writer in writers.values() {
                    let _ = writer.close().await;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_begin_with_their_channel() {
        let of = |bytes: &'static [u8], closes| from_message(&Bytes::from_static(bytes), closes);
        assert_eq!(of(b"\0abc", false), Some(Frame::new(STDIN, "abc")));
        assert_eq!(of(b"\0", true), None);
        assert_eq!(of(b"", true), None);
        assert_eq!(of(b"\xff\0", true), Some(Frame::close(STDIN)));
        assert_eq!(of(b"\xff\0", false), None);
        assert_eq!(of(b"\x04{}", true), Some(Frame::new(RESIZE, "{}")));
    }
}
