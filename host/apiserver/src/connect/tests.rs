//! The whole way of a connection: a client over HTTP/1.1, the chain, the gateway, and a node that answers.
#![expect(clippy::unwrap_used, reason = "tests")]

mod node;

use std::sync::Arc;

use bytes::Bytes;
use futures::{SinkExt as _, StreamExt as _};
use http::header::{CONNECTION, HOST, LOCATION, UPGRADE};
use http::{Method, Request, Response, StatusCode};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper::upgrade::Upgraded;
use hyper_util::rt::TokioIo;
use meta::{Attributes, GroupResource, Key, Tree};
use serde_json::json;
use store::{Op, Precondition, Store};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::Role;

use super::spdy::tests::Client as Spdy;
use crate::authentication::{Authenticator, StaticTokens, Tokens};
use crate::authorization::Authorizer;
use crate::body::Body;
use crate::codec::encode;
use crate::seams::{Identity, Peer};
use crate::service::Service;
use crate::state::{Config, Parts};
use crate::trust::signing::Signer;
use crate::trust::{self, Trust};

const POD: &str = "/api/v1/namespaces/ns/pods/p";

struct World {
    service: Service,
    _folder: tempfile::TempDir,
}

impl World {
    async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let clock: Arc<dyn meta::Clock> = Arc::new(store::SystemClock);
        let trust = Trust::open(trust_config(&folder), clock.now()).unwrap();
        let store = Arc::new(Store::memory(Arc::new(|_, _| Attributes::default())));
        seed(&store).await;
        let tokens =
            Tokens::new(Arc::new(Signer::ephemeral().unwrap()), "https://issuer.example", &[]);
        let verifier = trust.client_verifier().unwrap();
        let nobody = StaticTokens::default();
        let known =
            Authenticator::new(Arc::clone(&store), Arc::clone(&clock), verifier, nobody, tokens);
        let service = Service::new(Parts {
            store: Arc::clone(&store),
            clock,
            authenticator: Arc::new(known),
            authorizer: Arc::new(Authorizer::new(store)),
            nodes: Arc::new(node::Gateway),
            mounts: Vec::new(),
            config: Config::default(),
        });
        Self { service, _folder: folder }
    }

    /// Sends one request over a connection of its own.
    async fn send(&self, request: Request<Full<Bytes>>) -> Response<Incoming> {
        let (near, far) = tokio::io::duplex(64 * 1024);
        let service = self.service.clone();
        let answer = service_fn(move |request: Request<Incoming>| {
            let service = service.clone();
            async move {
                let peer = Peer::internal(Arc::new(Identity::system("tester")));
                Ok::<_, std::convert::Infallible>(
                    service.handle(request.map(Body::from), peer).await,
                )
            }
        });
        let server = hyper::server::conn::http1::Builder::new();
        tokio::spawn(server.serve_connection(TokioIo::new(far), answer).with_upgrades());
        let (mut sender, connection) =
            hyper::client::conn::http1::handshake(TokioIo::new(near)).await.unwrap();
        tokio::spawn(connection.with_upgrades());
        sender.send_request(request).await.unwrap()
    }

    async fn get(&self, path: &str) -> (StatusCode, String) {
        let response = self.send(request(Method::GET, path, &[])).await;
        let code = response.status();
        let bytes = response.into_body().collect().await.unwrap().to_bytes();
        (code, String::from_utf8(bytes.to_vec()).unwrap())
    }

    /// Changes the protocol of a connection, or gives the code of the refusal.
    async fn upgrade(
        &self,
        path: &str,
        protocol: &str,
        headers: &[(&str, &str)],
    ) -> Result<TokioIo<Upgraded>, StatusCode> {
        let mut all = vec![("connection", "Upgrade"), ("upgrade", protocol)];
        all.extend_from_slice(headers);
        let response = self.send(request(Method::POST, path, &all)).await;
        if response.status() != StatusCode::SWITCHING_PROTOCOLS {
            return Err(response.status());
        }
        Ok(TokioIo::new(hyper::upgrade::on(response).await.unwrap()))
    }

    async fn websocket(
        &self,
        path: &str,
        protocol: &str,
    ) -> Result<WebSocketStream<TokioIo<Upgraded>>, StatusCode> {
        let headers = [
            ("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ=="),
            ("sec-websocket-version", "13"),
            ("sec-websocket-protocol", protocol),
        ];
        let io = self.upgrade(path, "websocket", &headers).await?;
        Ok(WebSocketStream::from_raw_socket(io, Role::Client, None).await)
    }
}

fn trust_config(folder: &tempfile::TempDir) -> trust::Config {
    trust::Config {
        data_dir: folder.path().to_path_buf(),
        bind: std::net::Ipv4Addr::LOCALHOST.into(),
        service_address: std::net::Ipv4Addr::new(10, 43, 0, 1).into(),
        host_name: String::new(),
        extra_names: Vec::new(),
        clients: Vec::new(),
    }
}

fn request(method: Method, path: &str, headers: &[(&str, &str)]) -> Request<Full<Bytes>> {
    let mut builder = Request::builder().method(method).uri(path).header(HOST, "api.example");
    for (name, value) in headers {
        builder = builder.header(*name, *value);
    }
    builder.body(Full::default()).unwrap()
}

async fn seed(store: &Store) {
    let pod = |name: &str, node: &str| {
        json!({
            "apiVersion": "v1", "kind": "Pod",
            "metadata": { "name": name, "namespace": "ns", "uid": "uid-1" },
            "spec": { "nodeName": node, "containers": [{ "name": "c", "ports": [{ "containerPort": 8080 }] }] },
            "status": { "podIP": "100.64.0.9" },
        })
    };
    let service = json!({
        "apiVersion": "v1", "kind": "Service", "metadata": { "name": "web" },
        "spec": { "ports": [{ "name": "http", "port": 80 }] },
    });
    let slice = json!({
        "apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice", "metadata": { "name": "web-1" },
        "addressType": "IPv4",
        "ports": [{ "name": "http", "port": 8080 }],
        "endpoints": [{ "addresses": ["100.64.0.9"], "nodeName": "n1", "conditions": { "ready": true } }],
    });
    let node = json!({ "apiVersion": "v1", "kind": "Node", "metadata": { "name": "n1" } });
    put(store, "", "pods", "p", pod("p", "n1")).await;
    put(store, "", "pods", "waiting", pod("waiting", "")).await;
    put(store, "", "services", "web", service).await;
    put(store, "discovery.k8s.io", "endpointslices", "web-1", slice).await;
    put(store, "", "nodes", "n1", node).await;
}

async fn put(store: &Store, group: &'static str, resource: &'static str, name: &str, object: Tree) {
    let namespace = if resource == "nodes" { "" } else { "ns" };
    let key = Key::new(&GroupResource::new(group, resource), namespace, name);
    let labels = [("kubernetes.io/service-name".to_owned(), "web".to_owned())].into();
    let attributes = Attributes::new(Some(&labels), []);
    let body = encode::stored(&object);
    let op = Op::Put { key, precondition: Precondition::Any, body, attributes, value: None };
    store.commit(op).await.unwrap();
}

#[tokio::test]
async fn logs_come_from_the_node_of_the_pod() {
    let world = World::new().await;
    let (code, text) = world.get(&format!("{POD}/log?tailLines=3&container=c")).await;
    assert_eq!((code, text.as_str()), (StatusCode::OK, "GET /logs/ns/p/c?tailLines=3 uid-1"));
    let (code, text) = world.get("/api/v1/namespaces/ns/pods/waiting/log").await;
    assert_eq!((code, text.as_str()), (StatusCode::OK, ""));
    assert_eq!(world.get("/api/v1/namespaces/ns/pods/none/log").await.0, StatusCode::NOT_FOUND);
    assert_eq!(
        world.get(&format!("{POD}/log?tailLines=-1")).await.0,
        StatusCode::UNPROCESSABLE_ENTITY
    );
    let (code, text) = world.get(&format!("{POD}/log?follow=true&limitBytes=1")).await;
    assert_eq!(code, StatusCode::BAD_REQUEST, "{text}");
    assert!(text.contains("is waiting to start"), "{text}");
    for (accept, expected) in [
        ("application/json, */*", StatusCode::OK),
        ("text/plain", StatusCode::NOT_ACCEPTABLE),
        ("application/json;as=Table;v=v1;g=meta.k8s.io", StatusCode::NOT_ACCEPTABLE),
    ] {
        let path = format!("{POD}/log?container=c");
        let answer = world.send(request(Method::GET, &path, &[("accept", accept)])).await;
        assert_eq!(answer.status(), expected, "{accept}");
    }
}

#[tokio::test]
async fn proxies_pass_the_path_and_rewrite_what_comes_back() {
    let world = World::new().await;
    let cases = [
        ("/api/v1/namespaces/ns/pods/p/proxy/a%2Fb?x=1", "GET /proxy/100.64.0.9/8080/a%2Fb?x=1 "),
        ("/api/v1/namespaces/ns/pods/p:81/proxy/", "GET /proxy/100.64.0.9/81/ "),
        ("/api/v1/namespaces/ns/services/web:http/proxy/y", "GET /proxy/100.64.0.9/8080/y "),
        ("/api/v1/namespaces/ns/services/web:80/proxy/y", "GET /proxy/100.64.0.9/8080/y "),
        ("/api/v1/nodes/n1/proxy/metrics", "GET /metrics "),
    ];
    for (path, expected) in cases {
        assert_eq!(world.get(path).await, (StatusCode::OK, expected.to_owned()), "{path}");
    }
    let refused = [
        ("/api/v1/namespaces/ns/services/web:81/proxy/", StatusCode::SERVICE_UNAVAILABLE),
        ("/api/v1/namespaces/ns/services/none/proxy/", StatusCode::SERVICE_UNAVAILABLE),
        ("/api/v1/namespaces/ns/services/none:80/proxy/", StatusCode::NOT_FOUND),
        ("/api/v1/namespaces/ns/pods/https:p:443/proxy/", StatusCode::NOT_IMPLEMENTED),
        ("/api/v1/namespaces/ns/pods/waiting/proxy/", StatusCode::BAD_REQUEST),
        ("/api/v1/nodes/n2/proxy/", StatusCode::NOT_FOUND),
    ];
    for (path, expected) in refused {
        assert_eq!(world.get(path).await.0, expected, "{path}");
    }
    let moved =
        world.send(request(Method::GET, "/api/v1/namespaces/ns/pods/p/proxy?a=b", &[])).await;
    assert_eq!(moved.status(), StatusCode::MOVED_PERMANENTLY);
    assert_eq!(moved.headers()[LOCATION], "/api/v1/namespaces/ns/pods/p/proxy/?a=b");
    let there =
        world.send(request(Method::GET, "/api/v1/namespaces/ns/pods/p/proxy/moved", &[])).await;
    assert_eq!(there.headers()[LOCATION], "/api/v1/namespaces/ns/pods/p/proxy/there");
}

#[tokio::test]
async fn an_upgrade_through_a_proxy_becomes_a_pair_of_bytes() {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    let world = World::new().await;
    let mut io = world.upgrade(&format!("{POD}/proxy/echo"), "anything", &[]).await.unwrap();
    io.write_all(b"ping").await.unwrap();
    let mut back = [0; 4];
    io.read_exact(&mut back).await.unwrap();
    assert_eq!(&back, b"ping");
}

#[tokio::test]
async fn ports_are_forwarded_over_spdy() {
    let world = World::new().await;
    let headers = [("x-stream-protocol-version", "portforward.k8s.io")];
    let io = world.upgrade(&format!("{POD}/portforward"), "SPDY/3.1", &headers).await.unwrap();
    check_forwarding(Spdy::new(io)).await;
}

#[tokio::test]
async fn ports_are_forwarded_over_spdy_in_a_websocket() {
    let world = World::new().await;
    let protocol = "SPDY/3.1+portforward.k8s.io";
    let socket = world.websocket(&format!("{POD}/portforward"), protocol).await.unwrap();
    let (near, work) = super::websocket::tunnel(socket);
    tokio::spawn(work);
    check_forwarding(Spdy::new(near)).await;
}

async fn check_forwarding<T>(mut client: Spdy<T>)
where
    T: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin,
{
    // The streams of two connections interleave; each finds its partner by its id.
    for (stream, kind, id, port) in [
        (1, "error", "0", "80"),
        (3, "error", "1", "7"),
        (5, "data", "1", "7"),
        (7, "data", "0", "80"),
    ] {
        client.open(stream, &[("streamtype", kind), ("port", port), ("requestid", id)]).await;
    }
    client.say(7, b"hello", false).await;
    assert_eq!(client.hear(7, 5).await, b"hello");
    assert_eq!(client.hear_all(5).await, b"");
    let error = String::from_utf8(client.hear_all(3).await).unwrap();
    let expected = "error forwarding port 7 to pod p, uid uid-1: ";
    assert!(error.starts_with(expected) && error.contains("nothing listens"), "{error}");
    client.say(7, b"", true).await;
    assert_eq!(client.hear_all(7).await, b"");
    assert_eq!(client.hear_all(1).await, b"");
}

#[tokio::test]
async fn ports_are_forwarded_over_websocket_channels() {
    let world = World::new().await;
    let path = format!("{POD}/portforward?ports=80&ports=7");
    let mut socket = world.websocket(&path, "v4.channel.k8s.io").await.unwrap();
    let mut greetings = Vec::new();
    for _ in 0..4 {
        greetings.push(socket.next().await.unwrap().unwrap().into_data().to_vec());
    }
    assert_eq!(greetings, [[0, 80, 0], [1, 80, 0], [2, 7, 0], [3, 7, 0]]);
    let error = socket.next().await.unwrap().unwrap().into_data();
    assert_eq!(error[0], 3);
    socket.send(Message::Binary(Bytes::from_static(b"\0hello"))).await.unwrap();
    assert_eq!(socket.next().await.unwrap().unwrap().into_data(), &b"\0hello"[..]);
}

#[tokio::test]
async fn commands_are_joined_with_their_client() {
    let world = World::new().await;
    let path = format!("{POD}/exec?command=cat&stdin=true&stdout=true&stderr=true");
    let mut socket = world.websocket(&path, "v5.channel.k8s.io").await.unwrap();
    for message in [&b"\0hel"[..], b"\0lo", b"\xff\0"] {
        socket.send(Message::Binary(Bytes::copy_from_slice(message))).await.unwrap();
    }
    let mut seen = Vec::new();
    while let Some(Ok(message)) = socket.next().await {
        match message {
            Message::Binary(data) => seen.push(String::from_utf8(data.to_vec()).unwrap()),
            Message::Close(close) => {
                assert_eq!(u16::from(close.unwrap().code), 1000);
                break;
            }
            _ => {}
        }
    }
    let status = format!("\u{3}{}", node::STATUS);
    let query = "\u{2}command=cat&stdin=true&stdout=true&stderr=true";
    assert_eq!(seen, [query, "\u{1}hello", &status]);
}

#[tokio::test]
async fn commands_are_joined_with_silent_clients_over_spdy() {
    let world = World::new().await;
    let headers = [("x-stream-protocol-version", "v4.channel.k8s.io")];
    let path = format!("{POD}/exec?command=ls&stdout=true");
    let io = world.upgrade(&path, "SPDY/3.1", &headers).await.unwrap();
    let mut client = Spdy::new(io);
    client.open(1, &[("streamtype", "error")]).await;
    client.open(3, &[("streamtype", "stdout")]).await;
    assert_eq!(client.hear_all(1).await, node::STATUS.as_bytes());
    assert_eq!(client.hear_all(3).await, b"");
}

#[tokio::test]
async fn what_cannot_be_connected_is_refused_before_the_protocol_changes() {
    let world = World::new().await;
    let plain = world.get(&format!("{POD}/portforward")).await;
    assert_eq!(plain.0, StatusCode::BAD_REQUEST);
    let waiting = "/api/v1/namespaces/ns/pods/waiting/portforward";
    assert_eq!(
        world.websocket(waiting, "v4.channel.k8s.io").await.unwrap_err(),
        StatusCode::BAD_REQUEST
    );
    let unknown =
        world.websocket(&format!("{POD}/exec?command=x&stdout=1"), "v9.channel.k8s.io").await;
    assert_eq!(unknown.unwrap_err(), StatusCode::BAD_REQUEST);
    let silent = world.websocket(&format!("{POD}/exec?command=x"), "v5.channel.k8s.io").await;
    assert_eq!(silent.unwrap_err(), StatusCode::BAD_REQUEST);
    assert_eq!(
        world.upgrade(&format!("{POD}/exec?stdout=1"), "SPDY/3.1", &[]).await.unwrap_err(),
        StatusCode::FORBIDDEN
    );
    let headers = [(CONNECTION.as_str(), "close"), (UPGRADE.as_str(), "websocket")];
    let closed = world.send(request(Method::GET, &format!("{POD}/exec?stdout=1"), &headers)).await;
    assert_eq!(closed.status(), StatusCode::BAD_REQUEST);
}
