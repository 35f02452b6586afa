//! Keeps as many Pods as `spec.replicas` asks for, and tells in the status what is seen.
//!
//! Reads `ReplicaSets` and the Pods they own or could adopt; creates, adopts, releases and deletes
//! Pods, and writes the status. Pods that ended or are being deleted do not count. Of too many Pods
//! those go first that serve least, see [`pods::deletion_order`].
//! See <https://kubernetes.io/docs/concepts/workloads/controllers/replicaset/>.

use std::sync::Arc;

use jiff::Timestamp;
use k8s_openapi::api::apps::v1::{ReplicaSet, ReplicaSetCondition, ReplicaSetStatus};
use k8s_openapi::api::core::v1::Pod;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use meta::selector::label::Selector;

use crate::replicas::{self, Counts};
use crate::{Controller, Failure, Key, Look, Plan, Watch, ownership, pods};

/// The controller.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ReplicaSets;

/// Everything one decision looks at.
#[derive(Debug)]
struct View {
    set: Arc<ReplicaSet>,
    selector: Option<Selector>,
    /// Pods that it owns or that nobody owns and its selector might find.
    candidates: Vec<Arc<Pod>>,
    /// Pods of the other `ReplicaSets` of the same owner.
    siblings: Vec<Arc<Pod>>,
    now: Timestamp,
    failure: Option<Failure>,
}

impl View {
    fn of(look: &Look<'_>, key: &Key) -> Option<Self> {
        let sources = look.sources;
        let set = sources.replica_sets.get(&key.namespace, &key.name)?;
        let spec = &set.spec;
        let uid = set.metadata.uid.as_deref().unwrap_or("");
        let candidates = ownership::candidates(&sources.pods, &key.namespace, uid, &spec.selector);
        let owner = ownership::controller_of(&set.metadata);
        let siblings = owner.map_or_else(Vec::new, |owner| {
            let sets = sources.replica_sets.owned_by(&owner.uid);
            let uids = sets.iter().filter_map(|set| set.metadata.uid.as_deref());
            uids.filter(|other| *other != uid).flat_map(|uid| sources.pods.owned_by(uid)).collect()
        });
        let selector = ownership::parse(&spec.selector);
        let failure = look.failure.cloned();
        Some(Self { selector, candidates, siblings, now: look.now, failure, set })
    }
}

fn reconcile(view: View) -> Plan {
    let mut plan = Plan::default();
    let set = &*view.set;
    let spec = &set.spec;
    let template = spec.template.clone().unwrap_or_default();
    let want = spec.replicas.unwrap_or(1);
    let min_ready_secs = spec.min_ready_seconds.unwrap_or(0);
    let selector = view.selector.as_ref();

    let (active, rest): (Vec<_>, Vec<_>) =
        view.candidates.into_iter().partition(|pod| pods::is_active(pod));
    let members = ownership::claim(set, selector, active, &mut plan);
    let uid = set.metadata.uid.as_deref().unwrap_or("");
    let terminating = rest.iter().filter(|pod| {
        pods::is_going(pod)
            && !pods::is_finished(pod)
            && ownership::is_controlled_by(&pod.metadata, uid)
            && ownership::selects(selector, &pod.metadata)
    });
    let terminating = i32::try_from(terminating.count()).unwrap_or(i32::MAX);

    let counts = replicas::count(&members, &template, min_ready_secs, view.now);
    if set.metadata.deletion_timestamp.is_none() {
        let mut related = members.clone();
        related.extend(view.siblings);
        replicas::manage(set, &template, want, &members, &related, view.now, &mut plan);
    }
    let failure = replicas::failure(view.failure.as_ref(), counts.replicas, want);
    let mut wanted = set.clone();
    wanted.status = Some(status(set, counts, terminating, failure, view.now));
    plan.status_if_changed(set, wanted);
    if let Some(wait) = counts.next_available {
        plan.wake_in(wait.unsigned_abs());
    }
    plan
}

fn is_failure(condition: &ReplicaSetCondition) -> bool {
    condition.type_.as_deref() == Some("ReplicaFailure")
}

fn status(
    set: &ReplicaSet,
    counts: Counts,
    terminating: i32,
    failure: Option<(String, String)>,
    now: Timestamp,
) -> ReplicaSetStatus {
    let nonzero = |count: i32| Some(count).filter(|count| *count != 0);
    let old = set.status.clone().unwrap_or_default();
    let mut conditions = old.conditions.unwrap_or_default();
    let failed = conditions.iter().any(is_failure);
    match failure {
        Some((reason, message)) if !failed => conditions.push(ReplicaSetCondition {
            type_: Some("ReplicaFailure".to_owned()),
            status: Some("True".to_owned()),
            reason: Some(reason),
            message: Some(message),
            last_transition_time: Some(Time(now)),
        }),
        Some(_) => {}
        None => conditions.retain(|condition| !is_failure(condition)),
    }
    ReplicaSetStatus {
        replicas: counts.replicas,
        fully_labeled_replicas: nonzero(counts.fully_labeled),
        ready_replicas: nonzero(counts.ready),
        available_replicas: nonzero(counts.available),
        terminating_replicas: Some(terminating),
        observed_generation: set.metadata.generation,
        conditions: Some(conditions).filter(|conditions| !conditions.is_empty()),
    }
}

impl Controller for ReplicaSets {
    fn name(&self) -> &'static str {
        "replicaset"
    }

    fn component(&self) -> &'static str {
        "replicaset-controller"
    }

    fn watches(&self) -> Vec<Watch> {
        vec![
            Watch::itself::<ReplicaSet>(),
            Watch::of(|sources, pod: &Pod| {
                if ownership::controller_of(&pod.metadata).is_some() {
                    return ownership::controller_key::<ReplicaSet>(&pod.metadata);
                }
                // Nobody's Pod: whoever finds it may adopt it.
                let sets = sources
                    .replica_sets
                    .in_namespace(pod.metadata.namespace.as_deref().unwrap_or(""));
                let finds = |set: &&Arc<ReplicaSet>| {
                    let selector = ownership::parse(&set.spec.selector);
                    ownership::selects(selector.as_ref(), &pod.metadata)
                };
                sets.iter().filter(finds).map(|set| Key::of(&**set)).collect()
            }),
        ]
    }

    fn plan(&self, look: &Look<'_>, key: &Key) -> Plan {
        View::of(look, key).map(reconcile).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests;
