//! Removes Pods that nobody will remove otherwise: on nodes that are gone, and those that were
//! deleted before they had a node.
//!
//! Reads Pods and nodes; marks and deletes Pods.
//! See <https://kubernetes.io/docs/concepts/workloads/pods/pod-lifecycle/#pod-garbage-collection>.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use k8s_openapi::api::core::v1::{Node, Pod};

use crate::taint_eviction::disruption;
use crate::{Action, Controller, Key, Look, Plan, Target, Watch, pods};

/// A young Pod may know its node before we do.
const QUARANTINE: SignedDuration = SignedDuration::from_secs(40);

/// The controller.
#[derive(Clone, Copy, Debug)]
pub(crate) struct PodGc;

/// Everything one decision looks at.
#[derive(Debug)]
struct View {
    pod: Arc<Pod>,
    node_exists: bool,
    now: Timestamp,
}

impl View {
    fn of(look: &Look<'_>, key: &Key) -> Option<Self> {
        let pod = look.sources.pods.get(&key.namespace, &key.name)?;
        let node_exists = look.sources.nodes.get("", pods::node_name(&pod)).is_some();
        Some(Self { pod, node_exists, now: look.now })
    }
}

fn reconcile(view: &View) -> Plan {
    let mut plan = Plan::default();
    let pod = &*view.pod;
    if pods::is_going(pod) && pod.metadata.deletion_grace_period_seconds == Some(0) {
        // Only finalizers hold it now.
        return plan;
    }
    if pods::node_name(pod).is_empty() {
        if pods::is_going(pod) {
            plan.act(force_delete(pod));
        }
        return plan;
    }
    if view.node_exists {
        return plan;
    }
    let created = pod.metadata.creation_timestamp.as_ref().map_or(view.now, |time| time.0);
    let age = view.now.duration_since(created);
    if age < QUARANTINE {
        plan.wake_in((QUARANTINE - age).unsigned_abs());
        return plan;
    }
    if !pods::is_finished(pod) {
        let text = "PodGC: node no longer exists";
        plan.act(disruption(pod, "DeletionByPodGC", text, Some("Failed"), view.now));
    }
    plan.act(force_delete(pod));
    plan
}

fn force_delete(pod: &Pod) -> Action {
    Action::Delete {
        target: Target::of(pod),
        propagation: None,
        grace_secs: Some(0),
        announce: None,
    }
}

impl Controller for PodGc {
    fn name(&self) -> &'static str {
        "pod-garbage-collector"
    }

    fn watches(&self) -> Vec<Watch> {
        vec![
            Watch::itself::<Pod>(),
            Watch::when(|sources, before: Option<&Node>, after: Option<&Node>| {
                let gone = before.filter(|_| after.is_none());
                let Some(name) = gone.and_then(|node| node.metadata.name.as_deref()) else {
                    return Vec::new();
                };
                let all = sources.pods.all().into_iter();
                all.filter(|pod| pods::node_name(pod) == name).map(|pod| Key::of(&*pod)).collect()
            }),
        ]
    }

    fn plan(&self, look: &Look<'_>, key: &Key) -> Plan {
        View::of(look, key).map(|view| reconcile(&view)).unwrap_or_default()
    }
}
