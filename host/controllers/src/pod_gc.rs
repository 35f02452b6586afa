//! Removes Pods that nobody will remove otherwise: on nodes that are gone or out of service, those
//! that were deleted before they had a node, and the oldest of very many that have ended.
//!
//! Reads Pods and nodes; marks and deletes Pods.
//! See <https://kubernetes.io/docs/concepts/workloads/pods/pod-lifecycle/#pod-garbage-collection>.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use k8s_openapi::api::core::v1::{Node, Pod};
use kinds::wire::OrEmpty;
use serde_json::json;

use crate::taint_eviction::disruption;
use crate::{Action, Change, Controller, Key, Look, Plan, Sources, Target, Watch, pods};

/// A young Pod may know its node before we do.
const QUARANTINE: SignedDuration = SignedDuration::from_secs(40);
/// Pods that may have ended and stay.
const ENDED_MAX: usize = 12_500;
/// To count them all whenever one ends would cost too much: one of so many is the reason to.
const SAMPLE: u64 = 64;
/// Pods deleted by one plan.
const DELETES_MAX: usize = 500;
const OUT_OF_SERVICE: &str = "node.kubernetes.io/out-of-service";

/// The controller.
#[derive(Clone, Copy, Debug)]
pub(crate) struct PodGc {
    ended_max: usize,
}

impl Default for PodGc {
    fn default() -> Self {
        Self { ended_max: ENDED_MAX }
    }
}

/// Everything one decision looks at.
#[derive(Debug)]
struct View {
    pod: Arc<Pod>,
    node: Option<Arc<Node>>,
    now: Timestamp,
}

impl View {
    fn of(look: &Look<'_>, key: &Key) -> Option<Self> {
        let pod = look.sources.pods.get(&key.namespace, &key.name)?;
        let node = look.sources.nodes.get("", pods::node_name(&pod));
        Some(Self { pod, node, now: look.now })
    }
}

fn reconcile(view: &View) -> Plan {
    let mut plan = Plan::default();
    let pod = &*view.pod;
    if pods::is_going(pod) && pod.metadata.deletion_grace_period_seconds == Some(0) {
        // Only finalizers hold it now.
        return plan;
    }
    match &view.node {
        Some(node) => {
            if pods::is_going(pod) && is_out_of_service(node) {
                fail_and_delete(&mut plan, pod);
            }
        }
        None if pods::node_name(pod).is_empty() => {
            if pods::is_going(pod) {
                fail_and_delete(&mut plan, pod);
            }
        }
        None => orphaned(&mut plan, view),
    }
    plan
}

fn orphaned(plan: &mut Plan, view: &View) {
    let pod = &*view.pod;
    let created = pod.metadata.creation_timestamp.as_ref().map_or(view.now, |time| time.0);
    let age = view.now.duration_since(created);
    if age < QUARANTINE {
        plan.wake_in((QUARANTINE - age).unsigned_abs());
        return;
    }
    if !pods::is_finished(pod) {
        let text = "PodGC: node no longer exists";
        plan.act(disruption(pod, "DeletionByPodGC", text, Some("Failed"), view.now));
    }
    plan.act(force_delete(pod));
}

/// Whether people say that it will not come back, and it does not look otherwise.
fn is_out_of_service(node: &Node) -> bool {
    let taints = node.spec.as_ref().map(|spec| spec.taints.or_empty()).unwrap_or_default();
    let status = node.status.as_ref().map(|status| status.conditions.or_empty());
    let mut conditions = status.unwrap_or_default().iter();
    taints.iter().any(|taint| taint.key == OUT_OF_SERVICE)
        && !conditions.any(|known| known.type_ == "Ready" && known.status == "True")
}

/// Nobody will say any more how it ended.
fn fail_and_delete(plan: &mut Plan, pod: &Pod) {
    if !pods::is_finished(pod) {
        let patch = json!({"metadata": {"uid": pod.metadata.uid}, "status": {"phase": "Failed"}});
        plan.act(Action::Patch {
            target: Target::of(pod),
            subresource: "status",
            patch: Change::Strategic(patch),
            announce: None,
        });
    }
    plan.act(force_delete(pod));
}

fn force_delete(pod: &Pod) -> Action {
    Action::Delete {
        target: Target::of(pod),
        propagation: None,
        grace_secs: Some(0),
        announce: None,
    }
}

/// Whether the end of this Pod is the reason to count all that have ended.
fn is_sampled(pod: &Pod) -> bool {
    let revision = pod.metadata.resource_version.or_empty().parse::<u64>();
    pods::is_finished(pod) && revision.is_ok_and(|revision| revision % SAMPLE == 0)
}

/// Deletes the oldest of those that have ended, evicted ones first, if there are too many.
fn thin_out(plan: &mut Plan, sources: &Sources, max: usize) {
    let mut ended = sources.pods.all();
    ended.retain(|pod| pods::is_finished(pod));
    let excess = ended.len().saturating_sub(max);
    if excess == 0 {
        return;
    }
    let is_evicted = |pod: &Pod| {
        let reason = pod.status.as_ref().map(|status| status.reason.or_empty());
        pods::phase(pod) == "Failed" && reason == Some("Evicted")
    };
    ended.sort_by_cached_key(|pod| {
        let metadata = &pod.metadata;
        let created = metadata.creation_timestamp.as_ref().map(|time| time.0);
        (!is_evicted(pod), created, metadata.name.clone(), metadata.namespace.clone())
    });
    for pod in ended.iter().take(excess.min(DELETES_MAX)).filter(|pod| !pods::is_going(pod)) {
        plan.act(force_delete(pod));
    }
    if excess > DELETES_MAX {
        plan.wake_in(std::time::Duration::from_secs(1));
    }
}

fn on_node(sources: &Sources, name: &str) -> Vec<Key> {
    let all = sources.pods.all().into_iter();
    all.filter(|pod| pods::node_name(pod) == name).map(|pod| Key::of(&*pod)).collect()
}

impl Controller for PodGc {
    fn name(&self) -> &'static str {
        "pod-garbage-collector"
    }

    fn watches(&self) -> Vec<Watch> {
        vec![
            Watch::itself::<Pod>(),
            Watch::when(|sources, before: Option<&Node>, after: Option<&Node>| {
                let out = |node: Option<&Node>| node.is_some_and(is_out_of_service);
                let is_gone = before.is_some() && after.is_none();
                let node = before.or(after).filter(|_| is_gone || (out(after) && !out(before)));
                let name = node.map(|node| node.metadata.name.or_empty());
                name.map(|name| on_node(sources, name)).unwrap_or_default()
            }),
        ]
    }

    fn plan(&self, look: &Look<'_>, key: &Key) -> Plan {
        let Some(view) = View::of(look, key) else { return Plan::default() };
        let mut plan = reconcile(&view);
        if plan.actions.is_empty() && is_sampled(&view.pod) {
            thin_out(&mut plan, look.sources, self.ended_max);
        }
        plan
    }
}

#[cfg(test)]
mod tests;
