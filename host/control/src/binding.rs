//! The shell of the scheduler: hears of Pods and nodes, asks for decisions, and writes them.
//!
//! A decision is taken as soon as a Pod waits, and the next one does not wait for its binding to be
//! written: the Pod is assumed on its node until the watch confirms it or the write fails. Pods that
//! fit nowhere say so in their condition and wait until something changes that could help.

mod waiting;

use std::any::Any;
use std::sync::Arc;
use std::time::{Duration, Instant};

use api::Client;
use bytes::Bytes;
use controllers::{Key, Which};
use http::Method;
use jiff::Timestamp;
use k8s_openapi::api::core::v1::{Event, Node, ObjectReference, Pod};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{MicroTime, ObjectMeta, Time};
use meta::Clock;
use parking_lot::Mutex;
use scheduler::{Decision, Pending, Snapshot, schedule};
use serde_json::json;
use tokio::sync::Notify;
use tokio::task::JoinSet;

use crate::caches::Caches;
use crate::events::{self, Recorder};
use crate::report::Report;
use waiting::Waiting;

/// Writes that are under way at once.
const WRITES_MAX: usize = 64;
/// Decisions before other tasks of this thread get their turn.
const DECISIONS_AT_ONCE: usize = 32;
/// A Pod that fits nowhere is tried again after this time whatever happens.
const RETRY: Duration = Duration::from_mins(5);
const NAME: &str = "default-scheduler";

/// Runs the scheduler.
#[derive(Debug)]
pub(crate) struct Binder {
    client: Client,
    recorder: Recorder,
    clock: Arc<dyn Clock>,
    report: Arc<Report>,
    state: Mutex<State>,
    wake: Notify,
}

#[derive(Debug, Default)]
struct State {
    snapshot: Snapshot,
    waiting: Waiting,
}

/// A decision that has to be written.
#[derive(Debug)]
enum Write {
    Bind { pod: Arc<Pending>, node: Arc<str> },
    Refuse { pod: Arc<Pending>, message: String },
}

impl Binder {
    pub(crate) fn new(
        client: Client,
        recorder: Recorder,
        clock: Arc<dyn Clock>,
        report: Arc<Report>,
    ) -> Arc<Self> {
        let (state, wake) = (Mutex::default(), Notify::new());
        let client = client.with_user_agent("kube-scheduler");
        Arc::new(Self { client, recorder, clock, report, state, wake })
    }

    /// Schedules until dropped.
    pub(crate) async fn run(self: Arc<Self>, caches: Arc<Caches>) {
        // Nodes first: a Pod that is placed before its node is known would look unschedulable.
        let (nodes, pods) = (caches.handle(Which::Node), caches.handle(Which::Pod));
        nodes.ready().await;
        pods.ready().await;
        let binder = self.clone();
        nodes.observe(Box::new(move |key, before, after| {
            binder.node_changed(key, before.and_then(cast), after.and_then(cast));
        }));
        let binder = self.clone();
        pods.observe(Box::new(move |_, before, after| {
            binder.pod_changed(before.and_then(cast), after.and_then(cast));
        }));
        let mut writes = JoinSet::new();
        loop {
            while writes.len() >= WRITES_MAX {
                let _ = writes.join_next().await;
            }
            while writes.try_join_next().is_some() {}
            let decided = self.decide();
            if decided.is_empty() {
                self.idle(&mut writes).await;
                continue;
            }
            for write in decided {
                let binder = self.clone();
                writes.spawn(async move { binder.write(write).await });
            }
            tokio::task::yield_now().await;
        }
    }

    /// Waits until a Pod may be decided on.
    async fn idle(&self, writes: &mut JoinSet<()>) {
        let due = self.state.lock().waiting.next_due();
        let due = due.unwrap_or_else(|| Instant::now() + RETRY);
        tokio::select! {
            () = self.wake.notified() => {}
            () = tokio::time::sleep_until(due.into()) => {}
            Some(_) = writes.join_next() => {}
        }
    }

    fn decide(&self) -> Vec<Write> {
        let mut state = self.state.lock();
        let State { snapshot, waiting } = &mut *state;
        let now = Instant::now();
        let mut decided = Vec::new();
        while decided.len() < DECISIONS_AT_ONCE
            && let Some(pod) = waiting.take(now)
        {
            decided.push(match schedule(snapshot, &pod) {
                Decision::Bind(node) => {
                    snapshot.place(pod.clone(), &node);
                    Write::Bind { pod, node }
                }
                Decision::Unschedulable(message) => {
                    waiting.refused(&pod, now + RETRY);
                    Write::Refuse { pod, message }
                }
            });
        }
        decided
    }

    async fn write(&self, write: Write) {
        match write {
            Write::Bind { pod, node } => self.bind(pod, &node).await,
            Write::Refuse { pod, message } => self.refuse(&pod, &message).await,
        }
    }

    async fn bind(&self, pod: Arc<Pending>, node: &str) {
        let (namespace, name) = (&pod.namespace, &pod.name);
        let path = format!("/api/v1/namespaces/{namespace}/pods/{name}/binding");
        let binding = json!({
            "apiVersion": "v1",
            "kind": "Binding",
            "metadata": {"name": name, "namespace": namespace, "uid": &*pod.uid},
            "target": {"kind": "Node", "name": node},
        });
        let content = Some(("application/json", Bytes::from(binding.to_string())));
        let written = self.client.request::<serde_json::Value>(Method::POST, &path, content).await;
        match written {
            Ok(_) => {
                self.report.bound();
                let text = format!("Successfully assigned {namespace}/{name} to {node}");
                self.tell(&pod, "Normal", "Scheduled", "Binding", text);
            }
            Err(error) => {
                tracing::debug!(%namespace, %name, error = &error as &dyn std::error::Error, "not bound");
                let mut state = self.state.lock();
                state.snapshot.remove_pod(&pod.uid);
                // One that is gone or bound by somebody else needs no further try.
                if !error.is_not_found() && !error.is_conflict() {
                    state.waiting.failed(&pod, Instant::now());
                    self.wake.notify_one();
                }
            }
        }
    }

    async fn refuse(&self, pod: &Pending, message: &str) {
        self.tell(pod, "Warning", "FailedScheduling", "Scheduling", message.to_owned());
        let (namespace, name) = (&pod.namespace, &pod.name);
        let url = format!("/api/v1/namespaces/{namespace}/pods/{name}/status");
        let condition = json!({
            "type": "PodScheduled",
            "status": "False",
            "reason": "Unschedulable",
            "message": message,
            "lastProbeTime": null,
            "lastTransitionTime": Time(events::whole_second(self.clock.now())),
        });
        let patch = json!({"metadata": {"uid": &*pod.uid}, "status": {"conditions": [condition]}});
        let media_type = "application/strategic-merge-patch+json";
        let content = Some((media_type, Bytes::from(patch.to_string())));
        let written = self.client.request::<serde_json::Value>(Method::PATCH, &url, content).await;
        if let Err(error) = written {
            tracing::debug!(%namespace, %name, error = &error as &dyn std::error::Error, "not told");
        }
    }

    fn tell(&self, pod: &Pending, type_: &str, reason: &str, action: &str, note: String) {
        let now = self.clock.now();
        let regarding = ObjectReference {
            api_version: Some("v1".to_owned()),
            kind: Some("Pod".to_owned()),
            name: Some(pod.name.clone()),
            namespace: Some(pod.namespace.clone()),
            uid: Some((*pod.uid).to_owned()),
            ..ObjectReference::default()
        };
        self.recorder.record_new(Event {
            metadata: ObjectMeta {
                name: Some(events::name(&regarding, now)),
                namespace: Some(pod.namespace.clone()),
                ..ObjectMeta::default()
            },
            involved_object: regarding,
            type_: Some(type_.to_owned()),
            reason: Some(reason.to_owned()),
            action: Some(action.to_owned()),
            message: Some(note),
            event_time: Some(MicroTime(whole_microsecond(now))),
            reporting_component: Some(NAME.to_owned()),
            reporting_instance: Some(NAME.to_owned()),
            ..Event::default()
        });
    }

    fn node_changed(&self, key: &Key, before: Option<&Node>, after: Option<&Node>) {
        let mut state = self.state.lock();
        match after {
            Some(node) => state.snapshot.set_node(node),
            None => state.snapshot.remove_node(&key.name),
        }
        if after.is_some_and(|after| before.is_none_or(|before| may_help(before, after))) {
            state.waiting.something_changed(Instant::now());
            self.wake.notify_one();
        }
    }

    fn pod_changed(&self, before: Option<&Pod>, after: Option<&Pod>) {
        let mut state = self.state.lock();
        let Some(pod) = after.filter(|pod| !is_finished(pod)) else {
            if let Some(gone) = before.or(after) {
                let uid = gone.metadata.uid.as_deref().unwrap_or("");
                state.waiting.remove(uid);
                state.snapshot.remove_pod(uid);
                state.waiting.something_changed(Instant::now());
                self.wake.notify_one();
            }
            return;
        };
        let uid = pod.metadata.uid.as_deref().unwrap_or("");
        let spec = pod.spec.as_ref();
        if let Some(node) =
            spec.and_then(|spec| spec.node_name.as_deref()).filter(|n| !n.is_empty())
        {
            state.waiting.remove(uid);
            if state.snapshot.home(uid) != Some(node) || has_changed(before, pod) {
                state.snapshot.place(Arc::new(Pending::new(pod)), node);
            }
            if before.is_some_and(|before| before.metadata.labels != pod.metadata.labels) {
                state.waiting.something_changed(Instant::now());
                self.wake.notify_one();
            }
            return;
        }
        let ours = spec.and_then(|s| s.scheduler_name.as_deref()).is_none_or(|name| name == NAME);
        let is_gated = spec.is_some_and(|s| s.scheduling_gates.iter().flatten().next().is_some());
        if !ours || is_gated || pod.metadata.deletion_timestamp.is_some() {
            state.waiting.remove(uid);
        } else if state.snapshot.home(uid).is_none() && has_changed(before, pod) {
            let priority = spec.and_then(|spec| spec.priority).unwrap_or(0);
            state.waiting.add(Arc::new(Pending::new(pod)), priority);
            self.wake.notify_one();
        }
    }
}

fn cast<T: 'static>(object: &dyn Any) -> Option<&T> {
    object.downcast_ref()
}

fn is_finished(pod: &Pod) -> bool {
    let phase = pod.status.as_ref().and_then(|status| status.phase.as_deref());
    matches!(phase, Some("Succeeded" | "Failed"))
}

/// Whether what a Pod asks for changed; its status alone never does.
fn has_changed(before: Option<&Pod>, after: &Pod) -> bool {
    before.is_none_or(|before| {
        before.spec != after.spec
            || before.metadata.labels != after.metadata.labels
            || before.metadata.uid != after.metadata.uid
    })
}

/// Whether a change of a node may make room; a heartbeat does not.
fn may_help(before: &Node, after: &Node) -> bool {
    let allocatable = |node: &Node| node.status.as_ref().and_then(|s| s.allocatable.clone());
    before.spec != after.spec
        || before.metadata.labels != after.metadata.labels
        || allocatable(before) != allocatable(after)
}

fn whole_microsecond(time: Timestamp) -> Timestamp {
    Timestamp::from_microsecond(time.as_microsecond()).unwrap_or(time)
}
