//! A fake API server: watches that the test feeds, and a record of what the agent writes.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use api::{Body, Client, Error, Event, EventKind, Payload, Transport, WatchParams, Watching};
use bytes::Bytes;
use futures::StreamExt as _;
use futures::future::BoxFuture;
use http::{Method, Request, Response};
use http_body_util::BodyExt as _;
use k8s_openapi::api::core::v1 as core;
use serde_json::{Value, json};
use tokio::sync::{Notify, broadcast};
use tokio_util::sync::CancellationToken;

/// Ample for a slow machine; no test waits this long unless it fails.
const PATIENCE: Duration = Duration::from_mins(1);

#[derive(Debug)]
pub(crate) struct Server {
    events: broadcast::Sender<(String, EventKind, Value)>,
    /// What GET finds, by path.
    pub(crate) objects: parking_lot::Mutex<BTreeMap<String, Value>>,
    writes: parking_lot::Mutex<Vec<(Method, String, Value)>>,
    written: Notify,
    /// The initial state of watches, by plural.
    initial: parking_lot::Mutex<BTreeMap<String, Vec<Value>>>,
    pub(crate) is_away: std::sync::atomic::AtomicBool,
}

impl Server {
    pub(crate) fn new() -> Arc<Self> {
        Arc::new(Self {
            events: broadcast::Sender::new(1024),
            objects: parking_lot::Mutex::default(),
            writes: parking_lot::Mutex::default(),
            written: Notify::new(),
            initial: parking_lot::Mutex::default(),
            is_away: std::sync::atomic::AtomicBool::new(false),
        })
    }

    pub(crate) fn tell(&self, plural: &str, kind: EventKind, object: Value) {
        // Nobody may be watching yet.
        let _ = self.events.send((plural.to_owned(), kind, object.clone()));
        let mut initial = self.initial.lock();
        let known = initial.entry(plural.to_owned()).or_default();
        known.retain(|known| known["metadata"]["name"] != object["metadata"]["name"]);
        if kind != EventKind::Deleted {
            known.push(object);
        }
    }

    /// Waits until something about the writes holds, and shows them if it never does.
    pub(crate) async fn until<T>(
        &self,
        mut holds: impl FnMut(&[(Method, String, Value)]) -> Option<T>,
    ) -> T {
        let wait = async {
            loop {
                let written = self.written.notified();
                if let Some(found) = holds(&self.writes.lock()) {
                    return found;
                }
                written.await;
            }
        };
        if let Ok(found) = tokio::time::timeout(PATIENCE, wait).await {
            return found;
        }
        let writes = self.writes.lock();
        let shown: Vec<String> =
            writes.iter().map(|(method, path, body)| format!("{method} {path} {body}")).collect();
        panic!("never seen; written was:\n{}", shown.join("\n"));
    }

    /// Waits for a Pod's status.
    pub(crate) async fn status(
        &self,
        pod: &str,
        holds: impl Fn(&core::PodStatus) -> bool,
    ) -> core::PodStatus {
        let path = format!("/api/v1/namespaces/default/pods/{pod}/status");
        self.until(|writes| {
            let mut statuses = writes
                .iter()
                .filter(|(_, written, _)| written.starts_with(&path))
                .map(|(_, _, body)| serde_json::from_value(body["status"].clone()).unwrap());
            statuses.find(|status: &core::PodStatus| holds(status))
        })
        .await
    }

    fn answer(&self, request: &Request<Bytes>) -> (u16, Value) {
        let path = request.uri().path().to_owned();
        let body = serde_json::from_slice(request.body()).unwrap_or(Value::Null);
        if request.method() == Method::GET {
            let found = self.objects.lock().get(&path).cloned();
            return found.map_or_else(|| (404, not_found()), |found| (200, found));
        }
        let answer = match *request.method() {
            Method::POST if path.ends_with("/token") => json!({ "status": { "token": "a-token" } }),
            Method::POST => {
                let mut created = body.clone();
                created["metadata"]["uid"] = "n1".into();
                created
            }
            Method::PATCH if path.contains("/leases/") => {
                json!({ "metadata": {}, "spec": {} })
            }
            _ => json!({ "metadata": {} }),
        };
        self.writes.lock().push((request.method().clone(), path, body));
        self.written.notify_waiters();
        (200, answer)
    }
}

fn not_found() -> Value {
    json!({ "kind": "Status", "apiVersion": "v1", "status": "Failure", "reason": "NotFound", "code": 404 })
}

#[derive(Debug)]
struct Wire(Arc<Server>);

fn away() -> Error {
    Error::Connect { server: "fake".into(), source: "away".into() }
}

impl Transport for Wire {
    fn call(&self, request: Request<Bytes>) -> BoxFuture<'_, Result<Response<Body>, Error>> {
        Box::pin(async move {
            if self.0.is_away.load(std::sync::atomic::Ordering::Relaxed) {
                return Err(away());
            }
            let (code, answer) = self.0.answer(&request);
            let body = http_body_util::Full::new(Bytes::from(answer.to_string()));
            let body = body.map_err(|never| match never {}).boxed_unsync();
            let mut response = Response::new(body);
            *response.status_mut() = http::StatusCode::from_u16(code).unwrap();
            Ok(response)
        })
    }

    fn watch(&self, params: WatchParams) -> BoxFuture<'_, Result<Watching, Error>> {
        Box::pin(async move {
            if self.0.is_away.load(std::sync::atomic::Ordering::Relaxed) {
                return Err(away());
            }
            let plural = params.resource.plural.to_string();
            let mut live = self.0.events.subscribe();
            let known = self.0.initial.lock().get(&plural).cloned().unwrap_or_default();
            let event = |kind, object: &Value| {
                let object = Payload::Json(Bytes::from(object.to_string()));
                Ok(Event { kind, object, revision: meta::Revision(1) })
            };
            let mut first: Vec<_> =
                known.iter().map(|object| event(EventKind::Added, object)).collect();
            first.push(event(EventKind::Synced, &json!({})));
            let rest = async_stream(move || {
                let plural = plural.clone();
                let mut receiver = live.resubscribe();
                std::mem::swap(&mut receiver, &mut live);
                (plural, receiver)
            });
            Ok(futures::stream::iter(first).chain(rest).boxed())
        })
    }
}

/// The live events of one resource.
fn async_stream(
    begin: impl FnOnce() -> (String, broadcast::Receiver<(String, EventKind, Value)>),
) -> impl futures::Stream<Item = Result<Event, Error>> {
    futures::stream::unfold(begin(), |(plural, mut live)| async move {
        loop {
            let (of, kind, object) = live.recv().await.ok()?;
            if of == plural {
                let object = Payload::Json(Bytes::from(object.to_string()));
                let event = Event { kind, object, revision: meta::Revision(2) };
                return Some((Ok(event), (plural, live)));
            }
        }
    })
}

#[derive(Debug)]
struct SystemClock;

impl meta::Clock for SystemClock {
    fn now(&self) -> jiff::Timestamp {
        jiff::Timestamp::now()
    }
}

/// A node with a fake server and real everything else.
pub(crate) struct Node {
    pub(crate) server: Arc<Server>,
    pub(crate) handle: node::Handle,
    shutdown: CancellationToken,
    pub(crate) folder: tempfile::TempDir,
}

/// The guests' threads. One set for all tests: a runtime must not be dropped where it would be, inside of another.
fn executor() -> tokio::runtime::Handle {
    static EXECUTOR: std::sync::OnceLock<tokio::runtime::Runtime> = std::sync::OnceLock::new();
    EXECUTOR.get_or_init(|| runtime::executor(None).unwrap()).handle().clone()
}

impl Node {
    pub(crate) async fn start() -> Self {
        Self::start_in(tempfile::tempdir().unwrap(), Server::new()).await
    }

    pub(crate) async fn start_in(folder: tempfile::TempDir, server: Arc<Server>) -> Self {
        let mut config = runtime::Config::new(folder.path().join("cache"));
        config.pooled_instances_max = std::num::NonZeroU32::new(32);
        let engine = runtime::Engine::new(config, executor()).unwrap();
        let store =
            image::Store::open(folder.path().join("images"), image::Limits::default()).unwrap();
        for (name, wasm) in guests::ALL {
            let artifact = image::Artifact::new(*wasm, None).unwrap();
            store.push(&artifact, &name.to_lowercase().replace('_', "-"), "v1").await.unwrap();
        }
        let mut config = node::Config::new(folder.path(), "n1");
        config.node_ports_at = std::net::Ipv4Addr::LOCALHOST.into();
        let parts = node::Parts {
            client: Client::new(Arc::new(Wire(Arc::clone(&server)))),
            clock: Arc::new(SystemClock),
            engine,
            images: image::Puller::new(store),
        };
        let shutdown = CancellationToken::new();
        let handle = node::run(config, parts, shutdown.clone()).await.unwrap();
        Self { server, handle, shutdown, folder }
    }

    pub(crate) async fn stop(self) -> (tempfile::TempDir, Arc<Server>) {
        self.shutdown.cancel();
        self.handle.stopped().await;
        (self.folder, self.server)
    }

    /// Binds a Pod to the node.
    pub(crate) fn run(&self, name: &str, spec: Value) {
        self.server.tell("pods", EventKind::Added, pod(name, spec));
    }

    pub(crate) async fn get(&self, path: &str) -> (u16, String) {
        let body = http_body_util::Empty::new().map_err(|never| match never {}).boxed_unsync();
        let request = Request::get(path).header("host", "x").body(body).unwrap();
        let response = self.handle.handle(request).await;
        let (parts, body) = response.into_parts();
        let bytes = body.collect().await.unwrap().to_bytes();
        (parts.status.as_u16(), String::from_utf8_lossy(&bytes).into_owned())
    }
}

pub(crate) fn pod(name: &str, spec: Value) -> Value {
    let mut spec = spec;
    spec["nodeName"] = "n1".into();
    json!({ "apiVersion": "v1", "kind": "Pod", "spec": spec,
        "metadata": { "name": name, "namespace": "default", "uid": format!("uid-{name}"), "generation": 1 } })
}
