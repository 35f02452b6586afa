//! `WebSockets` of clients: the handshake, and a byte stream inside one.
//!
//! See RFC 6455 and <https://kubernetes.io/blog/2024/08/20/websockets-transition/>.

use bytes::Bytes;
use futures::{SinkExt as _, StreamExt as _};
use http::header::{
    HeaderName, HeaderValue, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_KEY, SEC_WEBSOCKET_PROTOCOL,
    SEC_WEBSOCKET_VERSION,
};
use hyper::upgrade::Upgraded;
use hyper_util::rt::TokioIo;
use meta::StatusError;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use tokio_tungstenite::tungstenite::protocol::frame::CloseFrame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::tungstenite::protocol::{Role, WebSocketConfig};
use tokio_tungstenite::tungstenite::{Message, Utf8Bytes};

use crate::authentication::PROTOCOL_PREFIX;
use crate::chain::Call;

/// A message of a client may have this many bytes.
const MESSAGE_BYTES_MAX: usize = 1 << 20;
/// What may wait between a WebSocket and the stream inside it.
const PIPE_BYTES: usize = 64 * 1024;

pub(super) type Socket = WebSocketStream<TokioIo<Upgraded>>;

/// The agreed protocol, and the headers of the answer.
#[derive(Debug)]
pub(super) struct Handshake {
    pub(super) protocol: &'static str,
    pub(super) headers: Vec<(HeaderName, HeaderValue)>,
}

/// Agrees with a client on the first of its protocols that is spoken here.
pub(super) fn handshake(call: &Call, spoken: &[&'static str]) -> Result<Handshake, StatusError> {
    let key = call.header(SEC_WEBSOCKET_KEY).unwrap_or_default();
    if key.is_empty() || call.header(SEC_WEBSOCKET_VERSION) != Some("13") {
        return Err(StatusError::bad_request("a WebSocket needs version 13 and a key"));
    }
    let offered = call.parts.headers.get_all(SEC_WEBSOCKET_PROTOCOL).iter();
    let offered =
        offered.filter_map(|value| value.to_str().ok()).flat_map(|value| value.split(','));
    let mut offered =
        offered.map(str::trim).filter(|protocol| !protocol.starts_with(PROTOCOL_PREFIX));
    let protocol = offered.find_map(|protocol| spoken.iter().find(|own| **own == protocol));
    let Some(protocol) = protocol else {
        let text =
            format!("none of the WebSocket's protocols is spoken here: {}", spoken.join(", "));
        return Err(StatusError::bad_request(text));
    };
    let accept = HeaderValue::from_str(&derive_accept_key(key.as_bytes()))
        .map_err(|error| StatusError::internal(error.to_string()))?;
    let headers = vec![
        (SEC_WEBSOCKET_ACCEPT, accept),
        (SEC_WEBSOCKET_PROTOCOL, HeaderValue::from_static(protocol)),
    ];
    Ok(Handshake { protocol, headers })
}

/// The WebSocket on a connection whose handshake is done.
pub(super) async fn open(io: TokioIo<Upgraded>) -> Socket {
    let config = WebSocketConfig::default()
        .max_message_size(Some(MESSAGE_BYTES_MAX))
        .max_frame_size(Some(MESSAGE_BYTES_MAX));
    WebSocketStream::from_raw_socket(io, Role::Server, Some(config)).await
}

/// The end of a conversation as clients expect it: without a code they take it for a failure.
pub(super) fn goodbye() -> Message {
    Message::Close(Some(CloseFrame { code: CloseCode::Normal, reason: Utf8Bytes::default() }))
}

/// The bytes of all binary messages as one stream. The returned work moves them and ends with either side.
pub(super) fn tunnel(socket: Socket) -> (DuplexStream, impl Future<Output = ()> + Send) {
    let (near, far) = tokio::io::duplex(PIPE_BYTES);
    let (mut sink, mut messages) = socket.split();
    let (mut from_near, mut to_near) = tokio::io::split(far);
    let arriving = async move {
        while let Some(Ok(message)) = messages.next().await {
            match message {
                Message::Binary(bytes) => to_near.write_all(&bytes).await?,
                Message::Text(text) => to_near.write_all(text.as_bytes()).await?,
                Message::Close(_) => break,
                Message::Ping(_) | Message::Pong(_) | Message::Frame(_) => {}
            }
        }
        to_near.shutdown().await
    };
    let leaving = async move {
        let mut buffer = vec![0; PIPE_BYTES / 2];
        loop {
            let len = from_near.read(&mut buffer).await?;
            let Some(chunk) = buffer.get(..len).filter(|chunk| !chunk.is_empty()) else { break };
            let message = Message::Binary(Bytes::copy_from_slice(chunk));
            sink.send(message).await.map_err(std::io::Error::other)?;
        }
        sink.send(goodbye()).await.map_err(std::io::Error::other)
    };
    let work = async move {
        let ended: std::io::Result<()> = tokio::select! {
            ended = arriving => ended,
            ended = leaving => ended,
        };
        if let Err(error) = ended {
            tracing::debug!(%error, "a tunnel in a WebSocket broke");
        }
    };
    (near, work)
}
