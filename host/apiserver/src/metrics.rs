//! `/metrics`: numbers for Prometheus, under the names that dashboards of Kubernetes know.
//!
//! Labels come from the table of kinds and never from what a client wrote, so that their number is bounded. Sizes (objects, watches,
//! memory) are read when somebody asks.
//!
//! See <https://kubernetes.io/docs/reference/instrumentation/metrics/>.

mod process;

use std::sync::Arc;

use http::Response;
use http::header::{ACCEPT, CONTENT_TYPE, HeaderValue};
use jiff::SignedDuration;
use meta::StatusError;
use parking_lot::Mutex;
use prometheus_client::encoding::{EncodeLabelSet, text};
use prometheus_client::metrics::counter::{ConstCounter, Counter};
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;

use crate::body::Body;
use crate::chain::Call;
use crate::registry::Registry as Kinds;
use crate::request::RequestInfo;
use crate::state::State;

const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";
const PLAIN: &str = "text/plain; version=0.0.4; charset=utf-8";
const DURATION_BUCKETS: [f64; 22] = [
    0.005, 0.025, 0.05, 0.1, 0.2, 0.4, 0.6, 0.8, 1.0, 1.25, 1.5, 2.0, 3.0, 4.0, 5.0, 6.0, 8.0,
    10.0, 15.0, 20.0, 30.0, 60.0,
];

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Answered {
    verb: &'static str,
    group: &'static str,
    resource: &'static str,
    subresource: &'static str,
    code: u16,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Asked {
    verb: &'static str,
    resource: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RequestKind {
    request_kind: &'static str,
}

/// What a request is counted as. Names that nobody serves are left out, so that clients cannot invent labels.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Labels {
    pub(crate) verb: &'static str,
    group: &'static str,
    resource: &'static str,
    subresource: &'static str,
}

impl Labels {
    pub(crate) fn of(info: &RequestInfo, kinds: &Kinds) -> Labels {
        let verb = known_verb(&info.verb());
        let kind = info.resource().and_then(|asked| {
            let kind = kinds.find(&asked.group, &asked.version, &asked.resource)?;
            Some((kind.info(), kind.info().subresource(&asked.subresource)))
        });
        match kind {
            Some((info, subresource)) => Labels {
                verb,
                group: info.group,
                resource: info.plural,
                subresource: subresource.map_or("", |known| known.name),
            },
            None => Labels { verb, ..Labels::default() },
        }
    }
}

/// What is counted while requests are answered.
#[derive(Debug)]
pub(crate) struct Metrics {
    requests: Family<Answered, Counter>,
    durations: Family<Asked, Histogram, fn() -> Histogram>,
    counted: Mutex<Registry>,
}

impl Metrics {
    pub(crate) fn new() -> Metrics {
        let requests = Family::default();
        let new_histogram: fn() -> Histogram = || Histogram::new(DURATION_BUCKETS);
        let durations = Family::new_with_constructor(new_histogram);
        let mut counted = Registry::default();
        counted.register("apiserver_request", "Answered requests.", requests.clone());
        counted.register(
            "apiserver_request_duration_seconds",
            "Time until the answer began.",
            durations.clone(),
        );
        Metrics { requests, durations, counted: Mutex::new(counted) }
    }

    /// Notes an answer.
    pub(crate) fn observe(&self, labels: Labels, code: u16, took: SignedDuration) {
        let Labels { verb, group, resource, subresource } = labels;
        self.requests.get_or_create(&Answered { verb, group, resource, subresource, code }).inc();
        self.durations.get_or_create(&Asked { verb, resource }).observe(took.as_secs_f64());
    }
}

fn known_verb(verb: &str) -> &'static str {
    const KNOWN: [&str; 13] = [
        "get",
        "list",
        "watch",
        "create",
        "update",
        "patch",
        "delete",
        "deletecollection",
        "post",
        "put",
        "head",
        "connect",
        "options",
    ];
    KNOWN.iter().find(|known| **known == verb).copied().unwrap_or("other")
}

#[expect(clippy::unused_async, reason = "the table of routes wants futures")]
pub(crate) async fn handle(state: &Arc<State>, call: Call) -> Result<Response<Body>, StatusError> {
    let mut text = String::new();
    let wrote = text::encode_registry(&mut text, &state.metrics.counted.lock())
        .and_then(|()| text::encode_registry(&mut text, &sizes(state)))
        .and_then(|()| text::encode_eof(&mut text));
    wrote.map_err(|error| StatusError::internal(format!("metrics: {error}")))?;
    let open_metrics =
        call.header(ACCEPT).is_some_and(|accept| accept.contains("application/openmetrics-text"));
    let mut response = Response::new(Body::from(text));
    let media_type = HeaderValue::from_static(if open_metrics { OPEN_METRICS } else { PLAIN });
    response.headers_mut().insert(CONTENT_TYPE, media_type);
    Ok(response)
}

fn sizes(state: &State) -> Registry {
    let mut registry = Registry::default();
    let store = state.store.metrics();
    let mut gauge = |name: &str, help: &str, value: u64| {
        registry.register(name, help, ConstGauge::new(i64::try_from(value).unwrap_or(i64::MAX)));
    };
    gauge("apiserver_storage_objects_all", "Stored objects.", store.entries);
    gauge("apiserver_storage_size_bytes", "Bytes of all objects.", store.entry_bytes);
    gauge("skiff_store_revision", "The newest resourceVersion.", store.revision);
    gauge("skiff_store_history_events", "Changes kept for watches.", store.history_events);
    gauge("skiff_store_history_bytes", "Bytes kept for watches only.", store.history_bytes);
    gauge("skiff_store_read_only", "1 after a failed write.", u64::from(store.read_only));
    gauge("apiserver_longrunning_requests", "Open watches.", store.watches);
    let mut counter = |name: &str, help: &str, value: u64| {
        registry.register(name, help, ConstCounter::new(value));
    };
    counter("skiff_store_commits", "Transactions answered as done.", store.commits);
    counter("skiff_store_refusals", "Transactions refused for their precondition.", store.refusals);
    counter("skiff_store_syncs", "Groups of transactions written with one sync.", store.groups);
    counter("skiff_store_written_bytes", "Bytes handed to the engine.", store.written_bytes);
    registry.register(
        "skiff_store_sync_seconds",
        "Time spent writing and syncing.",
        ConstCounter::new(store.sync_seconds),
    );
    inflight(state, &mut registry);
    process::register(&mut registry);
    registry
}

fn inflight(state: &State, registry: &mut Registry) {
    let family: Family<RequestKind, prometheus_client::metrics::gauge::Gauge> = Family::default();
    let running =
        |most: usize, free: usize| i64::try_from(most.saturating_sub(free)).unwrap_or(i64::MAX);
    let (limits, config) = (&state.limits, &state.config);
    let kinds = [
        ("readOnly", running(config.max_reads_inflight, limits.reads.available_permits())),
        ("mutating", running(config.max_writes_inflight, limits.writes.available_permits())),
        ("watch", running(config.max_watches, limits.watches.available_permits())),
    ];
    for (request_kind, value) in kinds {
        family.get_or_create(&RequestKind { request_kind }).set(value);
    }
    registry.register("apiserver_current_inflight_requests", "Requests that run now.", family);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_known_words_whatever_clients_send() {
        let (metrics, kinds) = (Metrics::new(), Kinds::default());
        let took = SignedDuration::from_millis(7);
        let pod = "/api/v1/namespaces/a/pods/p";
        let paths = [pod, "/api/v1/nonsense", &format!("{pod}/log"), &format!("{pod}/nonsense")];
        for (method, path) in
            ["GET", "FETCH"].into_iter().flat_map(|method| paths.map(|path| (method, path)))
        {
            let method = http::Method::from_bytes(method.as_bytes()).expect("a method");
            let info = RequestInfo::parse(&method, &path.parse().expect("a path"));
            let labels = Labels::of(&info.expect("it can be understood"), &kinds);
            metrics.observe(labels, 200, took);
        }
        let mut text = String::new();
        text::encode_registry(&mut text, &metrics.counted.lock()).expect("writing to a string");
        let line = "apiserver_request_total{verb=\"other\",group=\"\",resource=\"\",subresource=\"\",code=\"200\"} 1";
        assert!(text.contains(line), "{text}");
        let line = "verb=\"get\",group=\"\",resource=\"pods\",subresource=\"log\",code=\"200\"} 1";
        assert!(text.contains(line), "{text}");
        assert!(!text.contains("nonsense") && !text.contains("fetch"), "{text}");
        assert!(text.contains("le=\"0.025\""), "{text}");
    }
}
