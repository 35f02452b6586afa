//! `pods/NAME/portforward`: TCP connections to a Pod's ports, several over one connection of the client.
//!
//! kubectl sends SPDY, today inside a WebSocket, formerly as it is. The client opens two streams for each connection, one for data and one for the
//! error that ended it. Other clients use plain WebSocket channels with the ports in the URL: two for each port, in the same order.
//!
//! See <https://kubernetes.io/docs/tasks/access-application-cluster/port-forward-access-application-cluster/>.

use std::collections::HashMap;
use std::sync::Arc;

use bytes::{BufMut as _, Bytes, BytesMut};
use futures::{SinkExt as _, StreamExt as _};
use http::Response;
use http::header::HeaderValue;
use hyper::upgrade::Upgraded;
use hyper_util::rt::TokioIo;
use meta::{GroupResource, StatusError};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio_tungstenite::tungstenite::Message;

use super::exec::STREAM_PROTOCOL;
use super::spdy::{self, Session, Stream};
use super::websocket::Socket;
use super::{find_pod, node, upgrade, websocket};
use crate::body::Body;
use crate::chain::Call;
use crate::request::ResourceRequest;
use crate::state::State;

const PROTOCOL: &str = "portforward.k8s.io";
const TUNNEL: &str = "SPDY/3.1+portforward.k8s.io";
const CHANNELS: &str = "v4.channel.k8s.io";
/// Half-open connections that may wait for their second stream.
const HALVES_MAX: usize = 128;
/// Ports that one URL may name: channels are numbered by a byte.
const PORTS_MAX: usize = 64;
const BUFFER_BYTES: usize = 32 * 1024;
const WAITING_MAX: usize = 16;

/// The Pod whose ports are forwarded.
#[derive(Clone, Debug)]
struct Target {
    state: Arc<State>,
    node: String,
    namespace: String,
    pod: String,
    uid: String,
}

#[expect(clippy::unused_async, reason = "the table of routes wants futures")]
pub(super) async fn handle(
    state: &Arc<State>,
    mut call: Call,
    request: &ResourceRequest,
) -> Result<Response<Body>, StatusError> {
    let pod = find_pod(state, request, &request.name)?;
    let target = Target {
        state: Arc::clone(state),
        node: pod.agent()?.to_owned(),
        namespace: request.namespace.clone(),
        pod: pod.name().to_owned(),
        uid: pod.uid().to_owned(),
    };
    match upgrade::wanted(&call).as_deref() {
        Some("websocket") => {
            let handshake = websocket::handshake(&call, &[TUNNEL, CHANNELS, PROTOCOL])?;
            if handshake.protocol == TUNNEL {
                return upgrade::accept(
                    state,
                    &mut call,
                    "websocket",
                    handshake.headers,
                    move |io| async move {
                        let (pipe, work) = websocket::tunnel(websocket::open(io).await);
                        tokio::join!(work, serve_spdy(pipe, target));
                    },
                );
            }
            let ports = ports(call.info.query.all("ports"))?;
            upgrade::accept(
                state,
                &mut call,
                "websocket",
                handshake.headers,
                move |io| async move {
                    serve_channels(websocket::open(io).await, target, ports).await;
                },
            )
        }
        Some("spdy/3.1") => {
            let offered = call.parts.headers.get_all(STREAM_PROTOCOL).iter();
            let mut offered = offered.filter_map(|value| value.to_str().ok());
            if !offered.any(|protocol| protocol == PROTOCOL) {
                let text = format!("unable to upgrade: the client must offer {PROTOCOL}");
                return Err(StatusError::new(403, "Forbidden", text));
            }
            let headers = [(STREAM_PROTOCOL, HeaderValue::from_static(PROTOCOL))];
            upgrade::accept(state, &mut call, "SPDY/3.1", headers, |io| serve_spdy(io, target))
        }
        _ => Err(upgrade::required()),
    }
}

fn ports<'a>(values: impl Iterator<Item = &'a str>) -> Result<Vec<u16>, StatusError> {
    let texts: Vec<&str> =
        values.flat_map(|value| value.split(',')).filter(|text| !text.is_empty()).collect();
    if texts.is_empty() {
        return Err(StatusError::bad_request("query parameter \"ports\" is required"));
    }
    if texts.len() > PORTS_MAX {
        return Err(StatusError::bad_request(format!(
            "at most {PORTS_MAX} ports can be forwarded at once"
        )));
    }
    let port = |text: &&str| {
        let port = text.parse::<u16>().ok().filter(|port| *port > 0);
        port.ok_or_else(|| {
            StatusError::bad_request(format!("unable to parse {} as a port", meta::quote(text)))
        })
    };
    texts.iter().map(port).collect()
}

impl Target {
    /// A connection to a port of the Pod, or why there is none, for the client.
    async fn connect(&self, port: u16) -> Result<TokioIo<Upgraded>, String> {
        let (namespace, pod) = (node::escape(&self.namespace), node::escape(&self.pod));
        let path = format!("/port-forward/{namespace}/{pod}/{port}");
        let resource = GroupResource::new("", "pods/portforward");
        let connected =
            node::upgrade(&self.state, &self.node, &path, "tcp", &self.uid, &resource).await;
        connected.map_err(|error| {
            format!("error forwarding port {port} to pod {}, uid {}: {error}", self.pod, self.uid)
        })
    }
}

/// Serves a client that opens streams.
async fn serve_spdy<T>(io: T, target: Target)
where
    T: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    let (session, work) = spdy::serve(io);
    tokio::join!(work, pair(session, target));
}

/// Joins the streams of a connection by the id that both carry, and forwards each pair.
async fn pair(mut session: Session, target: Target) {
    let mut halves: HashMap<String, Stream> = HashMap::new();
    let mut connections = JoinSet::new();
    loop {
        let stream = tokio::select! {
            stream = session.accept() => stream,
            Some(_) = connections.join_next() => continue,
        };
        let Some(stream) = stream else { break };
        let id = request_id(&stream);
        let Some(half) = halves.remove(&id) else {
            if halves.len() < HALVES_MAX {
                halves.insert(id, stream);
            }
            continue;
        };
        let is_data = |stream: &Stream| stream.headers.get("streamtype") == Some("data");
        let (data, error) = if is_data(&stream) { (stream, half) } else { (half, stream) };
        connections.spawn(forward(data, error, target.clone()));
    }
    connections.shutdown().await;
}

/// Clients older than this header open the error stream first and the data stream right after it.
fn request_id(stream: &Stream) -> String {
    match stream.headers.get("requestid") {
        Some(id) => id.to_owned(),
        None if stream.headers.get("streamtype") == Some("data") => {
            stream.id.saturating_sub(2).to_string()
        }
        None => stream.id.to_string(),
    }
}

async fn forward(mut data: Stream, error: Stream, target: Target) {
    let port =
        data.headers.get("port").and_then(|port| port.parse::<u16>().ok()).unwrap_or_default();
    let (data_out, error_out) = (data.writer(), error.writer());
    let connection = match target.connect(port).await {
        Ok(connection) => connection,
        Err(text) => {
            let _ = error_out.write(Bytes::from(text)).await;
            let _ = error_out.close().await;
            let _ = data_out.close().await;
            return;
        }
    };
    let (mut from_pod, mut to_pod) = tokio::io::split(connection);
    let up = async {
        while let Some(chunk) = data.read().await {
            if to_pod.write_all(&chunk).await.is_err() {
                return;
            }
        }
        let _ = to_pod.shutdown().await;
    };
    let down = async {
        let mut buffer = BytesMut::with_capacity(BUFFER_BYTES);
        while let Ok(1..) = from_pod.read_buf(&mut buffer).await {
            if data_out.write(buffer.split().freeze()).await.is_err() {
                return;
            }
            buffer.reserve(BUFFER_BYTES);
        }
        let _ = data_out.close().await;
        let _ = error_out.close().await;
    };
    // When the Pod has said everything the connection is over; the client alone may be silent and still listen.
    tokio::pin!(down);
    tokio::select! {
        () = &mut down => {}
        () = up => down.await,
    }
}

/// Serves a client that names its ports in the URL: channel 2n is the data of port n, channel 2n+1 its error.
async fn serve_channels(socket: Socket, target: Target, ports: Vec<u16>) {
    let (mut sink, mut messages) = socket.split();
    let (leave, mut leaving) = mpsc::channel::<Bytes>(WAITING_MAX);
    let mut arrive: Vec<mpsc::Sender<Bytes>> = Vec::new();
    let mut connections = JoinSet::new();
    for (index, port) in ports.into_iter().enumerate() {
        let (to_port, from_client) = mpsc::channel(WAITING_MAX);
        arrive.push(to_port);
        let channel = u8::try_from(index * 2).unwrap_or(u8::MAX - 1);
        // Each channel begins with its port, low byte first, so that the client can tell them apart.
        for channel in [channel, channel + 1] {
            let greeting = Message::Binary(message(channel, &port.to_le_bytes()));
            if sink.send(greeting).await.is_err() {
                return;
            }
        }
        connections.spawn(forward_channel(
            target.clone(),
            port,
            channel,
            from_client,
            leave.clone(),
        ));
    }
    drop(leave);
    let up = async {
        while let Some(Ok(message)) = messages.next().await {
            let bytes = match message {
                Message::Binary(bytes) => bytes,
                Message::Close(_) => return,
                _ => continue,
            };
            let Some(channel) = bytes.first() else { continue };
            if let Some(port) = arrive.get(usize::from(channel / 2)).filter(|_| channel % 2 == 0) {
                let _ = port.send(bytes.slice(1..)).await;
            }
        }
    };
    let down = async {
        while let Some(bytes) = leaving.recv().await {
            if sink.send(Message::Binary(bytes)).await.is_err() {
                return;
            }
        }
        let _ = sink.send(websocket::goodbye()).await;
    };
    tokio::select! {
        () = up => {}
        () = down => {}
    }
    connections.shutdown().await;
}

async fn forward_channel(
    target: Target,
    port: u16,
    channel: u8,
    mut from_client: mpsc::Receiver<Bytes>,
    leave: mpsc::Sender<Bytes>,
) {
    let connection = match target.connect(port).await {
        Ok(connection) => connection,
        Err(text) => {
            let _ = leave.send(message(channel + 1, text.as_bytes())).await;
            return;
        }
    };
    let (mut from_pod, mut to_pod) = tokio::io::split(connection);
    let up = async {
        while let Some(chunk) = from_client.recv().await {
            if to_pod.write_all(&chunk).await.is_err() {
                return;
            }
        }
    };
    let down = async {
        let mut buffer = vec![0; BUFFER_BYTES];
        while let Ok(len @ 1..) = from_pod.read(&mut buffer).await {
            let chunk = buffer.get(..len).unwrap_or_default();
            if leave.send(message(channel, chunk)).await.is_err() {
                return;
            }
        }
    };
    tokio::select! {
        () = up => {}
        () = down => {}
    }
}

fn message(channel: u8, data: &[u8]) -> Bytes {
    let mut message = BytesMut::with_capacity(1 + data.len());
    message.put_u8(channel);
    message.extend_from_slice(data);
    message.freeze()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ports_come_in_one_parameter_or_in_many() {
        let of = |values: &[&'static str]| ports(values.iter().copied());
        assert_eq!(of(&["80,443", "8080"]).expect("ports"), [80, 443, 8080]);
        for wrong in [&[][..], &["x"], &["0"], &["70000"]] {
            assert_eq!(of(wrong).expect_err("no ports").code(), 400);
        }
    }
}
