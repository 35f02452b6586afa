//! A control plane without a network: API server, memory store, controllers, scheduler.

use std::collections::BTreeSet;
use std::fmt::Debug;
use std::sync::Arc;
use std::time::{Duration, Instant};

use api::{
    Api, Client, DeleteParams, Error, EventKind, Object, Payload, Refusal, Transport, WatchParams,
    Watching,
};
use apiserver::{
    Attempt, Authenticate, Authorize, Body, Decision, Identity, NoNodes, Peer, Service,
};
use bytes::Bytes;
use futures::future::BoxFuture;
use futures::{FutureExt, stream};
use http::{Request, Response};
use http_body_util::BodyExt;
use jiff::Timestamp;
use k8s_openapi::api::core::v1::Pod;
use meta::Clock;
use serde_json::Value;
use tokio::task::{JoinHandle, JoinSet};

/// Waits end here; what was seen last is in the failure.
const PATIENCE: Duration = Duration::from_mins(1);

#[derive(Debug)]
struct Now;

impl Clock for Now {
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }
}

#[derive(Debug)]
struct Anybody;

impl Authenticate for Anybody {
    fn authenticate<'a>(
        &'a self,
        _: &'a http::request::Parts,
        _: &'a Peer,
    ) -> BoxFuture<'a, Result<Option<Arc<Identity>>, String>> {
        async { Ok(None) }.boxed()
    }
}

impl Authorize for Anybody {
    fn authorize<'a>(&'a self, _: &'a Attempt<'a>) -> BoxFuture<'a, Decision> {
        async { Decision::Allow { reason: String::new() } }.boxed()
    }
}

#[derive(Debug)]
struct InProcess(Service);

impl Transport for InProcess {
    fn call(&self, request: Request<Bytes>) -> BoxFuture<'_, Result<Response<api::Body>, Error>> {
        async move {
            let peer = Peer::internal(Arc::new(Identity::system("test")));
            let answer = self.0.handle(request.map(Body::full), peer).await;
            let broken = |source| Error::Decode { path: String::new(), source };
            Ok(answer.map(|body| body.map_err(broken).boxed_unsync()))
        }
        .boxed()
    }

    fn watch(&self, params: WatchParams) -> BoxFuture<'_, Result<Watching, Error>> {
        async move {
            let request = params.request()?.map(|_| ());
            let identity = Arc::new(Identity::system("test"));
            let refused = |error: meta::StatusError| Error::from_status(*Refusal::from(error.0));
            let watch = self.0.watch(request, identity).await.map_err(refused)?;
            let events = stream::unfold(watch, move |mut watch| async move {
                Some((watch.next().await?.map(event).map_err(refused), watch))
            });
            Ok(Box::pin(events) as Watching)
        }
        .boxed()
    }
}

fn event(event: apiserver::Event) -> api::Event {
    let kind = match event.kind {
        apiserver::EventKind::Added => EventKind::Added,
        apiserver::EventKind::Modified => EventKind::Modified,
        apiserver::EventKind::Deleted => EventKind::Deleted,
        apiserver::EventKind::Bookmark => EventKind::Bookmark,
        apiserver::EventKind::InitialEnd => EventKind::Synced,
    };
    let object = match event.object {
        apiserver::Payload::Typed(value, _) => Payload::Typed(value, None),
        apiserver::Payload::Json(bytes) => Payload::Json(bytes),
        apiserver::Payload::None => Payload::Json(Bytes::new()),
    };
    api::Event { kind, object, revision: event.revision }
}

/// A certificate by somebody; what is in it does not matter here.
pub(crate) const CERTIFICATE: &str = "-----BEGIN CERTIFICATE-----
MIIBRTCB7AIBATAKBggqhkjOPQQDAjAvMQ0wCwYDVQQKDAR0ZWFtMQwwCgYDVQQK
DANvcHMxEDAOBgNVBAMMB3NvbWVvbmUwHhcNMjcwMTE1MDcwMDAwWhcNMjcwMTE1
MDgwMDMwWjAvMQ0wCwYDVQQKDAR0ZWFtMQwwCgYDVQQKDANvcHMxEDAOBgNVBAMM
B3NvbWVvbmUwWTATBgcqhkjOPQIBBggqhkjOPQMBBwNCAASbW2hf4QSMLulJsGJu
HoEnq470CFgJlQZj6XUKlwoe/3PZC/mJU4q6vTM/OUns3fM/7YVtCzXqPircxMhs
MTFYMAoGCCqGSM49BAMCA0gAMEUCIQD86Vpv/EOsdhMjOIXNKxnVhkZtOLAyE2x6
QXhX7HifFwIgKX+jipdQthsxW6cirViM2RaScJ6NRwR5uoMgyAxl35U=
-----END CERTIFICATE-----
";

#[derive(Debug)]
struct AnySigner;

impl control::Signer for AnySigner {
    fn sign(&self, _: &control::Order<'_>) -> Result<String, control::SignError> {
        Ok(CERTIFICATE.to_owned())
    }

    fn issue_token(&self, holder: &control::Holder<'_>) -> Result<String, control::SignError> {
        Ok(format!("token of {}", holder.account))
    }
}

pub(crate) struct Cluster {
    pub(crate) client: Client,
    pub(crate) report: Arc<control::Report>,
    running: JoinHandle<Result<(), control::Error>>,
    playing: JoinSet<()>,
}

impl Drop for Cluster {
    fn drop(&mut self) {
        self.running.abort();
    }
}

impl Cluster {
    pub(crate) async fn start(disabled: &[&str]) -> Self {
        let clock: Arc<dyn Clock> = Arc::new(Now);
        let service = Service::new(apiserver::Parts {
            store: Arc::new(store::Store::memory(apiserver::describe())),
            clock: clock.clone(),
            authenticator: Arc::new(Anybody),
            authorizer: Arc::new(Anybody),
            nodes: Arc::new(NoNodes),
            mounts: Vec::new(),
            config: apiserver::Config::default(),
        });
        service.bootstrap().await.expect("the first objects");
        let client = Client::new(Arc::new(InProcess(service)));
        let report: Arc<control::Report> = Arc::default();
        let config = control::Config {
            disabled: disabled.iter().map(|name| (*name).to_owned()).collect::<BTreeSet<_>>(),
            root_ca: "PEM".to_owned(),
            signer: Some(Arc::new(AnySigner)),
            report: report.clone(),
        };
        let running =
            tokio::spawn(control::run(client.clone(), clock, config, std::future::pending()));
        Self { client, report, running, playing: JoinSet::new() }
    }

    pub(crate) fn api<K>(&self) -> Api<K>
    where
        K: Object + k8s_openapi::Resource,
        K::Scope: 'static,
    {
        self.client.api::<K>(Some("ns"))
    }

    pub(crate) async fn create<K>(&self, tree: Value) -> K
    where
        K: Object + k8s_openapi::Resource,
        K::Scope: 'static,
    {
        let object: K = serde_json::from_value(tree).expect("an object");
        let made = self.api::<K>().create(&object, &api::WriteParams::default()).await;
        made.expect("it is created")
    }

    /// Waits until an object is as wanted.
    pub(crate) async fn wait<K>(&self, name: &str, is: impl Fn(&K) -> bool) -> K
    where
        K: Object + k8s_openapi::Resource,
        K::Scope: 'static,
    {
        let get = || async { self.api::<K>().get(name).await };
        self.until(get, |found| found.as_ref().is_ok_and(&is)).await.expect("it was found")
    }

    /// Waits until an object is gone.
    pub(crate) async fn gone<K>(&self, name: &str)
    where
        K: Object + k8s_openapi::Resource,
        K::Scope: 'static,
    {
        let get = || async { self.api::<K>().get(name).await };
        let is_gone = |found: &Result<K, Error>| found.as_ref().is_err_and(Error::is_not_found);
        drop(self.until(get, is_gone).await);
    }

    /// Waits until a list is as wanted.
    pub(crate) async fn wait_list<K>(&self, is: impl Fn(&[K]) -> bool) -> Vec<K>
    where
        K: Object + k8s_openapi::Resource,
        K::Scope: 'static,
    {
        let list = || async {
            self.api::<K>().list(&api::ListParams::default()).await.map(|page| page.items)
        };
        let found = self.until(list, |found| found.as_ref().is_ok_and(|items| is(items))).await;
        found.expect("it was listed")
    }

    async fn until<T: Debug, F: Future<Output = T>>(
        &self,
        look: impl Fn() -> F,
        is: impl Fn(&T) -> bool,
    ) -> T {
        let begun = Instant::now();
        loop {
            let seen = look().await;
            if is(&seen) {
                return seen;
            }
            assert!(begun.elapsed() < PATIENCE, "not reached; last seen: {seen:#?}");
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    }

    /// Does what nodes do: Pods that are bound run and are ready, and those that are deleted go.
    pub(crate) fn play_node(&mut self) {
        let (cache, driver) = api::Cache::new(self.client.api::<Pod>(None), api::Setup::default());
        let client = self.client.clone();
        self.playing.spawn(driver.run());
        self.playing.spawn(async move {
            let mut changes = cache.subscribe();
            loop {
                let Some(pod) = changes.next().await.after else { continue };
                let (name, namespace) = (pod.name(), pod.namespace());
                let pods = client.api::<Pod>(Some(namespace));
                let is_bound = pod.spec.as_ref().is_some_and(|spec| spec.node_name.is_some());
                let phase = pod.status.as_ref().and_then(|status| status.phase.as_deref());
                // Somebody else may have been faster; the next change tells.
                if pod.metadata.deletion_timestamp.is_some() {
                    let now =
                        DeleteParams { grace_period_seconds: Some(0), ..DeleteParams::default() };
                    let _ = pods.delete(name, &now).await;
                } else if is_bound && phase == Some("Pending") {
                    let patch = api::Patch::Strategic(running());
                    let _ = pods.patch_status(name, &patch, &api::WriteParams::default()).await;
                }
            }
        });
    }
}

fn running() -> Value {
    serde_json::json!({"status": {"phase": "Running", "podIP": "100.64.0.1",
        "podIPs": [{"ip": "100.64.0.1"}], "conditions": [{"type": "Ready", "status": "True",
        "lastTransitionTime": "2026-01-01T00:00:00Z"}]}})
}
