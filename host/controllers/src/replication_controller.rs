//! Keeps as many Pods as `spec.replicas` asks for: the elder of the `ReplicaSet`, with the same rules.
//!
//! Reads `ReplicationControllers` and the Pods they own or could adopt; creates, adopts, releases and
//! deletes Pods, and writes the status.
//! See <https://kubernetes.io/docs/concepts/workloads/controllers/replicationcontroller/>.

use std::sync::Arc;

use jiff::Timestamp;
use k8s_openapi::api::core::v1::{
    Pod, ReplicationController, ReplicationControllerCondition, ReplicationControllerStatus,
};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{LabelSelector, Time};

use crate::replicas::{self, Counts};
use crate::{Controller, Failure, Key, Look, Plan, Watch, ownership, pods};

/// The controller.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ReplicationControllers;

/// Everything one decision looks at.
#[derive(Debug)]
struct View {
    set: Arc<ReplicationController>,
    candidates: Vec<Arc<Pod>>,
    now: Timestamp,
    failure: Option<Failure>,
}

impl View {
    fn of(look: &Look<'_>, key: &Key) -> Option<Self> {
        let set = look.sources.replication_controllers.get(&key.namespace, &key.name)?;
        let uid = set.metadata.uid.as_deref().unwrap_or("");
        let selector = selector(&set);
        let candidates = ownership::candidates(&look.sources.pods, &key.namespace, uid, &selector);
        Some(Self { candidates, now: look.now, failure: look.failure.cloned(), set })
    }
}

fn selector(set: &ReplicationController) -> LabelSelector {
    let match_labels = set.spec.as_ref().and_then(|spec| spec.selector.clone());
    LabelSelector { match_labels, match_expressions: None }
}

fn reconcile(view: View) -> Plan {
    let mut plan = Plan::default();
    let set = &*view.set;
    let Some(spec) = &set.spec else { return plan };
    let template = spec.template.clone().unwrap_or_default();
    let want = spec.replicas.unwrap_or(1);
    let selector = ownership::parse(&selector(set));
    let active = view.candidates.into_iter().filter(|pod| pods::is_active(pod)).collect();
    let members = ownership::claim(set, selector.as_ref(), active, &mut plan);
    let min_ready_secs = spec.min_ready_seconds.unwrap_or(0);
    let counts = replicas::count(&members, &template, min_ready_secs, view.now);
    if set.metadata.deletion_timestamp.is_none() {
        replicas::manage(set, &template, want, &members, &members, view.now, &mut plan);
    }
    let failure = replicas::failure(view.failure.as_ref(), counts.replicas, want);
    let mut wanted = set.clone();
    wanted.status = Some(status(set, counts, failure, view.now));
    plan.status_if_changed(set, wanted);
    if let Some(wait) = counts.next_available {
        plan.wake_in(wait.unsigned_abs());
    }
    plan
}

fn status(
    set: &ReplicationController,
    counts: Counts,
    failure: Option<(String, String)>,
    now: Timestamp,
) -> ReplicationControllerStatus {
    let nonzero = |count: i32| Some(count).filter(|count| *count != 0);
    let old = set.status.clone().unwrap_or_default();
    let mut conditions = old.conditions.unwrap_or_default();
    let failed = conditions.iter().any(|condition| condition.type_ == "ReplicaFailure");
    match failure {
        Some((reason, message)) if !failed => conditions.push(ReplicationControllerCondition {
            type_: "ReplicaFailure".to_owned(),
            status: "True".to_owned(),
            reason: Some(reason),
            message: Some(message),
            last_transition_time: Some(Time(now)),
        }),
        Some(_) => {}
        None => conditions.retain(|condition| condition.type_ != "ReplicaFailure"),
    }
    ReplicationControllerStatus {
        replicas: counts.replicas,
        fully_labeled_replicas: nonzero(counts.fully_labeled),
        ready_replicas: nonzero(counts.ready),
        available_replicas: nonzero(counts.available),
        observed_generation: set.metadata.generation,
        conditions: Some(conditions).filter(|conditions| !conditions.is_empty()),
    }
}

impl Controller for ReplicationControllers {
    fn name(&self) -> &'static str {
        "replicationcontroller"
    }

    fn component(&self) -> &'static str {
        "replication-controller"
    }

    fn watches(&self) -> Vec<Watch> {
        vec![
            Watch::itself::<ReplicationController>(),
            Watch::of(|sources, pod: &Pod| {
                if ownership::controller_of(&pod.metadata).is_some() {
                    return ownership::controller_key::<ReplicationController>(&pod.metadata);
                }
                let namespace = pod.metadata.namespace.as_deref().unwrap_or("");
                let sets = sources.replication_controllers.in_namespace(namespace);
                let finds = |set: &&Arc<ReplicationController>| {
                    ownership::selects(ownership::parse(&selector(set)).as_ref(), &pod.metadata)
                };
                sets.iter().filter(finds).map(|set| Key::of(&**set)).collect()
            }),
        ]
    }

    fn plan(&self, look: &Look<'_>, key: &Key) -> Plan {
        View::of(look, key).map(reconcile).unwrap_or_default()
    }
}
