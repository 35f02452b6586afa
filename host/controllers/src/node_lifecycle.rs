//! Judges nodes by their heartbeats, and taints them by their conditions.
//!
//! Reads Nodes, their Leases and, when one falls silent, its Pods; writes node conditions and taints
//! and the readiness of those Pods. A node that renewed neither lease nor status for [`GRACE`] is
//! `Unknown`. Who has to leave a tainted node is decided by `taint_eviction.rs`.
//! See <https://kubernetes.io/docs/concepts/architecture/nodes/#node-controller>.

use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use k8s_openapi::api::coordination::v1::Lease;
use k8s_openapi::api::core::v1::{Node, NodeCondition, Pod, Taint};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use serde_json::json;

use crate::{Action, Change, Controller, Event, Key, Look, Plan, Target, Watch, pods};

/// How long a node may be silent.
const GRACE: SignedDuration = SignedDuration::from_secs(50);
/// How long a new node may take until it says something.
const STARTUP_GRACE: SignedDuration = SignedDuration::from_secs(60);
const LEASES: &str = "kube-node-lease";
/// The conditions that a silent node has.
const JUDGED: [&str; 4] = ["Ready", "MemoryPressure", "DiskPressure", "PIDPressure"];

/// The controller.
#[derive(Clone, Copy, Debug)]
pub(crate) struct NodeLifecycle;

/// Everything one decision looks at.
#[derive(Debug)]
struct View {
    node: Arc<Node>,
    lease: Option<Arc<Lease>>,
    /// Pods on the node; asked only if it is not ready.
    pods: Vec<Arc<Pod>>,
    now: Timestamp,
}

impl View {
    fn of(look: &Look<'_>, key: &Key) -> Option<Self> {
        let node = look.sources.nodes.get("", &key.name)?;
        let lease = look.sources.leases.get(LEASES, &key.name);
        let mut view = Self { node, lease, pods: Vec::new(), now: look.now };
        let is_ready = condition(&view.node, "Ready").is_some_and(|ready| ready.status == "True");
        if !is_ready || view.is_silent() {
            let all = look.sources.pods.all().into_iter();
            view.pods = all.filter(|pod| pods::node_name(pod) == &*key.name).collect();
            view.pods.sort_by_key(|pod| Key::of(&**pod));
        }
        Some(view)
    }

    fn is_silent(&self) -> bool {
        self.silent_at() <= self.now
    }

    /// When the node counts as silent if nothing more is heard of it.
    fn silent_at(&self) -> Timestamp {
        let renewed =
            self.lease.as_ref().and_then(|lease| lease.spec.as_ref()?.renew_time.as_ref());
        let heard = condition(&self.node, "Ready").and_then(|c| c.last_heartbeat_time.as_ref());
        if let Some(last) = renewed.map(|time| time.0).max(heard.map(|time| time.0)) {
            last + GRACE
        } else {
            let created = self.node.metadata.creation_timestamp.as_ref();
            created.map_or(self.now, |time| time.0) + STARTUP_GRACE
        }
    }
}

fn reconcile(view: &View) -> Plan {
    let mut plan = Plan::default();
    if view.node.metadata.deletion_timestamp.is_some() {
        return plan;
    }
    let mut node = (*view.node).clone();
    if view.is_silent() {
        silence(&mut node, view.now);
    } else {
        let left = view.silent_at().duration_since(view.now).unsigned_abs();
        plan.wake_in(left + Duration::from_secs(1));
    }
    let taints = taints(&node, view.now);
    let known = view.node.spec.as_ref().and_then(|spec| spec.taints.clone()).unwrap_or_default();
    if taints != known {
        plan.act(Action::Patch {
            target: Target::of(&*view.node),
            subresource: "",
            patch: Change::Merge(json!({
                "metadata": {"resourceVersion": view.node.metadata.resource_version},
                "spec": {"taints": taints},
            })),
            announce: None,
        });
    }
    let ready = condition(&node, "Ready").map(|ready| ready.status.as_str());
    if ready != Some("True") {
        let was_ready = condition(&view.node, "Ready").is_some_and(|ready| ready.status == "True");
        if was_ready {
            let name = view.node.metadata.name.as_deref().unwrap_or("");
            let text = format!("Node {name} status is now: NodeNotReady");
            plan.event(Event::normal(&*view.node, "NodeNotReady", text));
        }
        view.pods.iter().for_each(|pod| mark_unready(pod, view.now, &mut plan));
    }
    // The status goes last and, as the object it is part of may change above, as a patch.
    if node.status != view.node.status {
        let conditions = node.status.as_ref().and_then(|status| status.conditions.clone());
        plan.act(Action::Patch {
            target: Target::of(&*view.node),
            subresource: "status",
            patch: Change::Strategic(json!({"status": {"conditions": conditions}})),
            announce: None,
        });
    }
    plan
}

/// What was true of a node when it fell silent is not known to be true any more.
fn silence(node: &mut Node, now: Timestamp) {
    let conditions = node.status.get_or_insert_default().conditions.get_or_insert_default();
    for type_ in JUDGED {
        match conditions.iter_mut().find(|condition| condition.type_ == type_) {
            Some(known) if known.status == "Unknown" => {}
            Some(known) => {
                "Unknown".clone_into(&mut known.status);
                known.reason = Some("NodeStatusUnknown".to_owned());
                known.message = Some("Kubelet stopped posting node status.".to_owned());
                known.last_transition_time = Some(Time(now));
            }
            None => conditions.push(NodeCondition {
                type_: type_.to_owned(),
                status: "Unknown".to_owned(),
                reason: Some("NodeStatusNeverUpdated".to_owned()),
                message: Some("Kubelet never posted node status.".to_owned()),
                last_heartbeat_time: node.metadata.creation_timestamp.clone(),
                last_transition_time: Some(Time(now)),
            }),
        }
    }
}

/// The taints that follow from a node's state, beside those that others gave it.
fn taints(node: &Node, now: Timestamp) -> Vec<Taint> {
    let is = |type_: &str, status: &str| condition(node, type_).is_some_and(|c| c.status == status);
    let known = node.spec.as_ref().and_then(|spec| spec.taints.clone()).unwrap_or_default();
    let cordoned = node.spec.as_ref().and_then(|spec| spec.unschedulable) == Some(true);
    // A node that never said it is ready is not ready.
    let not_ready = is("Ready", "False") || condition(node, "Ready").is_none();
    let unreachable = is("Ready", "Unknown");
    let rules: [(&str, &str, bool); 9] = [
        ("node.kubernetes.io/not-ready", "NoSchedule", not_ready),
        ("node.kubernetes.io/unreachable", "NoSchedule", unreachable),
        ("node.kubernetes.io/memory-pressure", "NoSchedule", is("MemoryPressure", "True")),
        ("node.kubernetes.io/disk-pressure", "NoSchedule", is("DiskPressure", "True")),
        ("node.kubernetes.io/pid-pressure", "NoSchedule", is("PIDPressure", "True")),
        ("node.kubernetes.io/network-unavailable", "NoSchedule", is("NetworkUnavailable", "True")),
        ("node.kubernetes.io/unschedulable", "NoSchedule", cordoned),
        ("node.kubernetes.io/not-ready", "NoExecute", is("Ready", "False")),
        ("node.kubernetes.io/unreachable", "NoExecute", unreachable),
    ];
    let is_ours = |taint: &Taint| {
        rules.iter().any(|(key, effect, _)| taint.key == *key && taint.effect == *effect)
    };
    let mut taints: Vec<Taint> = known
        .iter()
        .filter(|taint| {
            let wanted = |(key, effect, on): &(&str, &str, bool)| {
                *on && taint.key == *key && taint.effect == *effect
            };
            !is_ours(taint) || rules.iter().any(wanted)
        })
        .cloned()
        .collect();
    for (key, effect, on) in rules {
        let has = taints.iter().any(|taint| taint.key == key && taint.effect == effect);
        if on && !has {
            taints.push(Taint {
                key: key.to_owned(),
                effect: effect.to_owned(),
                value: None,
                time_added: Some(Time(now)),
            });
        }
    }
    taints
}

/// A Pod on a node that is not ready serves nobody.
fn mark_unready(pod: &Pod, now: Timestamp, plan: &mut Plan) {
    if !pods::is_ready(pod) {
        return;
    }
    plan.act(Action::Patch {
        target: Target::of(pod),
        subresource: "status",
        patch: Change::Strategic(json!({
            "metadata": {"uid": pod.metadata.uid},
            "status": {"conditions": [
                {"type": "Ready", "status": "False", "lastTransitionTime": Time(now)},
            ]},
        })),
        announce: None,
    });
    plan.event(Event::warning(pod, "NodeNotReady", "Node is not ready".to_owned()));
}

fn condition<'a>(node: &'a Node, type_: &str) -> Option<&'a NodeCondition> {
    let conditions = node.status.as_ref().and_then(|status| status.conditions.as_ref());
    conditions.into_iter().flatten().find(|condition| condition.type_ == type_)
}

impl Controller for NodeLifecycle {
    fn name(&self) -> &'static str {
        "node-lifecycle"
    }

    fn component(&self) -> &'static str {
        "node-controller"
    }

    fn watches(&self) -> Vec<Watch> {
        vec![
            Watch::itself::<Node>(),
            // A heartbeat changes nothing by itself: the wake-up planned before looks at it. Only
            // the first one, or one of a node that was silent, is news.
            Watch::of(|sources, lease: &Lease| {
                let name = lease.metadata.name.as_deref().unwrap_or("");
                let here = lease.metadata.namespace.as_deref() == Some(LEASES);
                let node = sources.nodes.get("", name).filter(|_| here);
                let silent = node.filter(|node| {
                    condition(node, "Ready").is_none_or(|ready| ready.status == "Unknown")
                });
                silent.map(|node| Key::of(&*node)).into_iter().collect()
            }),
            Watch::of(|sources, pod: &Pod| {
                // A Pod that claims to be ready on a node that is not.
                let node = sources.nodes.get("", pods::node_name(pod));
                let node = node.filter(|node| {
                    pods::is_ready(pod)
                        && condition(node, "Ready").is_some_and(|ready| ready.status == "Unknown")
                });
                node.map(|node| Key::of(&*node)).into_iter().collect()
            }),
        ]
    }

    fn plan(&self, look: &Look<'_>, key: &Key) -> Plan {
        View::of(look, key).map(|view| reconcile(&view)).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests;
