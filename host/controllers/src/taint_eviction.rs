//! Deletes Pods from nodes whose `NoExecute` taints they do not tolerate, or not any longer.
//!
//! Reads Pods and their nodes; marks and deletes Pods. A toleration with seconds holds for so long
//! after the taint was added.
//! See <https://kubernetes.io/docs/concepts/scheduling-eviction/taint-and-toleration/#taint-based-evictions>.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use k8s_openapi::api::core::v1::{Node, Pod, Taint, Toleration};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use serde_json::json;

use crate::{Action, Change, Controller, Event, Key, Look, Plan, Target, Watch, pods};

/// The controller.
#[derive(Clone, Copy, Debug)]
pub(crate) struct TaintEviction;

/// Everything one decision looks at.
#[derive(Debug)]
struct View {
    pod: Arc<Pod>,
    node: Arc<Node>,
    now: Timestamp,
}

impl View {
    fn of(look: &Look<'_>, key: &Key) -> Option<Self> {
        let pod = look.sources.pods.get(&key.namespace, &key.name)?;
        let node = look.sources.nodes.get("", pods::node_name(&pod))?;
        Some(Self { pod, node, now: look.now })
    }
}

fn reconcile(view: &View) -> Plan {
    let mut plan = Plan::default();
    if !pods::is_active(&view.pod) {
        return plan;
    }
    let tolerations = view.pod.spec.as_ref().and_then(|spec| spec.tolerations.as_ref());
    let tolerations: Vec<&Toleration> = tolerations.into_iter().flatten().collect();
    let mut end: Option<Timestamp> = None;
    for taint in evicting(&view.node) {
        let since = taint.time_added.as_ref().map_or(view.now, |time| time.0);
        let until = match tolerated(&tolerations, taint) {
            Tolerated::No => view.now,
            Tolerated::For(secs) => since + SignedDuration::from_secs(secs.max(0)),
            Tolerated::Forever => continue,
        };
        end = Some(end.map_or(until, |end| end.min(until)));
    }
    let Some(end) = end else { return plan };
    if end > view.now {
        plan.wake_in(end.duration_since(view.now).unsigned_abs());
        return plan;
    }
    let pod = &*view.pod;
    let (namespace, name) = (pod.metadata.namespace.as_deref(), pod.metadata.name.as_deref());
    let (namespace, name) = (namespace.unwrap_or(""), name.unwrap_or(""));
    plan.event(Event::normal(
        pod,
        "TaintManagerEviction",
        format!("Marking for deletion Pod {namespace}/{name}"),
    ));
    if pods::condition(pod, "DisruptionTarget").is_none() {
        plan.act(disruption(
            pod,
            "DeletionByTaintManager",
            "Taint manager: deleting due to NoExecute taint",
            None,
            view.now,
        ));
    }
    plan.act(Action::Delete {
        target: Target::of(pod),
        propagation: None,
        grace_secs: None,
        announce: None,
    });
    plan
}

/// Says in a Pod's status why it goes, and that it failed if `phase` says so.
pub(crate) fn disruption(
    pod: &Pod,
    reason: &str,
    message: &str,
    phase: Option<&str>,
    now: Timestamp,
) -> Action {
    let mut status = json!({"conditions": [{
        "type": "DisruptionTarget",
        "status": "True",
        "reason": reason,
        "message": message,
        "lastTransitionTime": Time(now),
    }]});
    if let Some(phase) = phase {
        status["phase"] = json!(phase);
    }
    let patch = json!({"metadata": {"uid": pod.metadata.uid}, "status": status});
    Action::Patch {
        target: Target::of(pod),
        subresource: "status",
        patch: Change::Strategic(patch),
        announce: None,
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Tolerated {
    No,
    For(i64),
    Forever,
}

/// The shortest time that the matching tolerations give; one without a time gives no limit.
fn tolerated(tolerations: &[&Toleration], taint: &Taint) -> Tolerated {
    let matching = tolerations.iter().filter(|toleration| matches(toleration, taint));
    let mut found = Tolerated::No;
    for toleration in matching {
        found = match (found, toleration.toleration_seconds) {
            (Tolerated::For(known), Some(secs)) => Tolerated::For(known.min(secs)),
            (_, Some(secs)) => Tolerated::For(secs),
            (Tolerated::No, None) => Tolerated::Forever,
            (known, None) => known,
        };
    }
    found
}

/// Whether a toleration is about a taint.
pub(crate) fn matches(toleration: &Toleration, taint: &Taint) -> bool {
    let set = |text: &Option<String>| text.clone().filter(|text| !text.is_empty());
    let value = |text: &Option<String>| text.clone().unwrap_or_default();
    set(&toleration.effect).is_none_or(|effect| effect == taint.effect)
        && set(&toleration.key).is_none_or(|key| key == taint.key)
        && (toleration.operator.as_deref() == Some("Exists")
            || (set(&toleration.key).is_some() && value(&toleration.value) == value(&taint.value)))
}

fn evicting(node: &Node) -> impl Iterator<Item = &Taint> {
    let taints = node.spec.as_ref().and_then(|spec| spec.taints.as_ref());
    taints.into_iter().flatten().filter(|taint| taint.effect == "NoExecute")
}

impl Controller for TaintEviction {
    fn name(&self) -> &'static str {
        "taint-eviction"
    }

    fn component(&self) -> &'static str {
        "taint-eviction-controller"
    }

    fn watches(&self) -> Vec<Watch> {
        vec![
            Watch::itself::<Pod>(),
            Watch::when(|sources, before: Option<&Node>, after: Option<&Node>| {
                let taints = |node: Option<&Node>| -> Vec<Taint> {
                    node.into_iter().flat_map(evicting).cloned().collect()
                };
                let Some(node) = after.filter(|_| taints(before) != taints(after)) else {
                    return Vec::new();
                };
                let name = node.metadata.name.as_deref().unwrap_or("");
                let all = sources.pods.all().into_iter();
                all.filter(|pod| pods::node_name(pod) == name).map(|pod| Key::of(&*pod)).collect()
            }),
        ]
    }

    fn plan(&self, look: &Look<'_>, key: &Key) -> Plan {
        View::of(look, key).map(|view| reconcile(&view)).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests;
