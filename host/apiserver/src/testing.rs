//! A whole API server over the memory store, for tests: requests go through the real chain, without a socket.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures::future::BoxFuture;
use http::header::{CONTENT_TYPE, USER_AGENT, WARNING};
use http::request::Parts as Head;
use http::{HeaderMap, Method, Request, StatusCode};
use meta::{Clock, Tree};
use parking_lot::Mutex;
use store::Store;

use crate::body::Body;
use crate::seams::{Attempt, Authenticate, Authorize, Decision, Identity, NoNodes, Peer};
use crate::service::{Service, describe};
use crate::state::{Config, Parts};

/// A clock that stands until it is moved.
#[derive(Debug)]
pub(crate) struct StoppedClock(Mutex<jiff::Timestamp>);

impl StoppedClock {
    pub(crate) fn advance(&self, secs: i64) {
        let mut now = self.0.lock();
        *now = now
            .saturating_add(jiff::SignedDuration::from_secs(secs))
            .expect("a duration can be added");
    }
}

impl Clock for StoppedClock {
    fn now(&self) -> jiff::Timestamp {
        *self.0.lock()
    }
}

/// Knows everybody by the name in a header, and lets everybody do everything but what is denied.
#[derive(Debug)]
struct Open;

impl Authenticate for Open {
    fn authenticate<'a>(
        &'a self,
        _: &'a Head,
        _: &'a Peer,
    ) -> BoxFuture<'a, Result<Option<Arc<Identity>>, String>> {
        Box::pin(async { Ok(Some(Arc::new(Identity::system("tester")))) })
    }
}

impl Authorize for Open {
    fn authorize<'a>(&'a self, attempt: &'a Attempt<'a>) -> BoxFuture<'a, Decision> {
        let denied = attempt
            .resource
            .is_some_and(|resource| resource.name.split('.').next() == Some("denied"));
        Box::pin(async move {
            if denied {
                Decision::NoOpinion { reason: String::new() }
            } else {
                Decision::Allow { reason: String::new() }
            }
        })
    }
}

/// A server with its namespaces.
#[derive(Debug)]
pub(crate) struct Server {
    pub(crate) service: Service,
    pub(crate) store: Arc<Store>,
    pub(crate) clock: Arc<StoppedClock>,
}

/// An answer, read whole.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) code: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) bytes: Bytes,
    /// The same, as far as it is text.
    pub(crate) text: String,
}

impl Server {
    pub(crate) async fn start() -> Server {
        Server::with(Config { advertise: Some(([192, 0, 2, 1].into(), 6443)), ..Config::default() })
            .await
    }

    pub(crate) async fn with(config: Config) -> Server {
        let clock = Arc::new(StoppedClock(Mutex::new(
            "2026-01-02T03:04:05Z".parse().expect("a timestamp"),
        )));
        let store = Arc::new(Store::memory_at(
            store::Config::default(),
            describe(),
            Arc::clone(&clock) as Arc<dyn Clock>,
        ));
        let service = Service::new(Parts {
            store: Arc::clone(&store),
            clock: Arc::clone(&clock) as Arc<dyn Clock>,
            authenticator: Arc::new(Open),
            authorizer: Arc::new(Open),
            nodes: Arc::new(NoNodes),
            mounts: Vec::new(),
            config,
        });
        service.bootstrap().await.expect("a new server can be set up");
        Server { service, store, clock }
    }

    /// A request with any headers; the body is sent as JSON unless a header says otherwise.
    pub(crate) async fn send(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &str,
    ) -> Reply {
        let mut request = Request::builder()
            .method(Method::from_bytes(method.as_bytes()).expect("a method"))
            .uri(path)
            .header(USER_AGENT, "tester/1.0");
        if !headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("content-type")) {
            request = request.header(CONTENT_TYPE, "application/json");
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.body(Body::full(body.to_owned())).expect("a request");
        let response = self.service.handle(request, Peer::default()).await;
        let (parts, body) = response.into_parts();
        let read = tokio::time::timeout(Duration::from_secs(20), body.read(64 * 1024 * 1024));
        let bytes = read.await.expect("an answer ends").expect("an answer can be read");
        Reply {
            code: parts.status,
            headers: parts.headers,
            text: String::from_utf8_lossy(&bytes).into_owned(),
            bytes,
        }
    }

    pub(crate) async fn get(&self, path: &str) -> Reply {
        self.send("GET", path, &[], "").await
    }

    pub(crate) async fn post(&self, path: &str, body: &Tree) -> Reply {
        self.send("POST", path, &[], &body.to_string()).await
    }

    pub(crate) async fn put(&self, path: &str, body: &Tree) -> Reply {
        self.send("PUT", path, &[], &body.to_string()).await
    }

    pub(crate) async fn delete(&self, path: &str) -> Reply {
        self.send("DELETE", path, &[], "").await
    }

    pub(crate) async fn patch(&self, path: &str, language: &str, body: &Tree) -> Reply {
        let media_type = match language {
            "apply" => "application/apply-patch+yaml".to_owned(),
            language => format!("application/{language}-patch+json"),
        };
        self.send("PATCH", path, &[("content-type", &media_type)], &body.to_string()).await
    }
}

impl Reply {
    pub(crate) fn json(&self) -> Tree {
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("{error}: {}", self.text))
    }

    /// The value at a JSON pointer.
    pub(crate) fn at(&self, pointer: &str) -> Tree {
        self.json().pointer(pointer).cloned().unwrap_or_default()
    }

    pub(crate) fn message(&self) -> String {
        self.at("/message").as_str().unwrap_or_default().to_owned()
    }

    pub(crate) fn warnings(&self) -> Vec<String> {
        self.headers
            .get_all(WARNING)
            .iter()
            .filter_map(|value| value.to_str().ok())
            .map(str::to_owned)
            .collect()
    }

    /// The events of a watch.
    pub(crate) fn events(&self) -> Vec<(String, Tree)> {
        let lines = self
            .text
            .lines()
            .map(|line| serde_json::from_str::<Tree>(line).expect("a line is an event"));
        lines
            .map(|event| {
                (event["type"].as_str().unwrap_or_default().to_owned(), event["object"].clone())
            })
            .collect()
    }

    #[track_caller]
    pub(crate) fn expect(self, code: u16) -> Reply {
        assert_eq!(self.code.as_u16(), code, "{}", self.text);
        self
    }
}
