//! An API server in this process, over memory, which lets everybody do everything.

use std::sync::{Arc, LazyLock};
use std::time::Duration;

use apiserver::{
    Attempt, Authenticate, Authorize, Body, Config, Decision, Identity, NoNodes, Parts, Peer,
    Service, describe,
};
use bytes::Bytes;
use futures::future::BoxFuture;
use http::{Method, Request, request};
use serde_json::json;
use store::{Store, SystemClock};
use tokio::runtime::{Builder, Runtime};

/// Longer than any request takes, even where it is watched by a sanitizer.
const PATIENCE: Duration = Duration::from_secs(20);
/// The answers to the longest lists.
const ANSWER_BYTES_MAX: usize = 64 << 20;

#[derive(Debug)]
struct Open;

impl Authenticate for Open {
    fn authenticate<'a>(
        &'a self,
        _: &'a request::Parts,
        _: &'a Peer,
    ) -> BoxFuture<'a, Result<Option<Arc<Identity>>, String>> {
        Box::pin(async { Ok(None) })
    }
}

impl Authorize for Open {
    fn authorize<'a>(&'a self, _: &'a Attempt<'a>) -> BoxFuture<'a, Decision> {
        Box::pin(async { Decision::Allow { reason: String::new() } })
    }
}

struct Server {
    runtime: Runtime,
    service: Service,
}

static SERVER: LazyLock<Server> = LazyLock::new(|| {
    let runtime = Builder::new_current_thread().enable_all().build().expect("a runtime");
    let store = Arc::new(Store::memory(describe()));
    let service = Service::new(Parts {
        store,
        clock: Arc::new(SystemClock),
        authenticator: Arc::new(Open),
        authorizer: Arc::new(Open),
        nodes: Arc::new(NoNodes),
        mounts: Vec::new(),
        config: Config::default(),
    });
    runtime.block_on(service.bootstrap()).expect("a new server can be set up");
    let server = Server { runtime, service };
    server.fill();
    server
});

impl Server {
    /// Makes the objects that patches are for.
    fn fill(&self) {
        let container = json!({
            "name": "main", "image": "it:1", "ports": [{"containerPort": 80}, {"containerPort": 53, "protocol": "UDP"}],
            "env": [{"name": "A", "value": "1"}, {"name": "B", "value": "2"}],
        });
        let template =
            json!({"metadata": {"labels": {"app": "it"}}, "spec": {"containers": [container]}});
        for (collection, mut object) in [
            ("api/v1/namespaces/default/configmaps", json!({"data": {"a": "1", "b": "2"}})),
            ("api/v1/namespaces/default/pods", template.clone()),
            (
                "api/v1/namespaces/default/services",
                json!({"spec": {"ports": [{"port": 80}], "selector": {"app": "it"}}}),
            ),
            (
                "apis/apps/v1/namespaces/default/deployments",
                json!({"spec": {"selector": {"matchLabels": {"app": "it"}}, "template": template}}),
            ),
        ] {
            object["metadata"]["name"] = json!("it");
            let code = self.ask(
                Method::POST,
                &format!("/{collection}"),
                &[("content-type", "application/json")],
                object.to_string().as_bytes(),
            );
            assert_eq!(code, Some(201), "{collection}");
        }
    }

    fn ask(
        &self,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> Option<u16> {
        let mut request = Request::builder().method(method).uri(path);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        // What is no request at all does not reach the server.
        let request = request.body(Body::full(Bytes::copy_from_slice(body))).ok()?;
        let peer = Peer::internal(Arc::new(Identity::system("fuzz")));
        let answering = async {
            let (parts, body) = self.service.handle(request, peer).await.into_parts();
            // A watch has no end.
            if parts.headers.contains_key(http::header::CONTENT_LENGTH) {
                let _ = body.read(ANSWER_BYTES_MAX).await;
            }
            parts.status.as_u16()
        };
        self.runtime.block_on(async {
            Some(tokio::time::timeout(PATIENCE, answering).await.expect("an answer in time"))
        })
    }
}

/// Sends a request and reads the answer.
pub(crate) fn ask(method: Method, path: &str, headers: &[(&str, &str)], body: &[u8]) {
    SERVER.ask(method, path, headers, body);
}
