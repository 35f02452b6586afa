//! Rolls a Deployment's template out through `ReplicaSets`, one for each template it ever had.
//!
//! Reads Deployments, the `ReplicaSets` they own or could adopt and, for `Recreate`, their Pods;
//! writes `ReplicaSets` and the Deployment's status. The newest `ReplicaSet` is the one whose template
//! equals the Deployment's; the others are history for `kubectl rollout undo` and are scaled down
//! within `maxSurge` and `maxUnavailable`. Everything is computed from what is seen: the plan has
//! the same steps whether a rollout begins, goes on or is taken back.
//! See <https://kubernetes.io/docs/concepts/workloads/controllers/deployment/>.

pub(crate) mod bounds;
pub(crate) mod hash;
mod rollout;
mod scale;
mod sets;
mod status;

use std::sync::Arc;

use jiff::Timestamp;
use k8s_openapi::api::apps::v1::{Deployment, ReplicaSet};
use k8s_openapi::api::core::v1::Pod;

use crate::{Controller, Failure, Key, Look, Plan, Watch, ownership, pods};
use sets::Sets;

/// The controller.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Deployments;

/// Everything one decision looks at.
#[derive(Debug)]
struct View {
    deployment: Arc<Deployment>,
    /// `ReplicaSets` that it owns or might adopt.
    candidates: Vec<Arc<ReplicaSet>>,
    /// The `ReplicaSet` that has the name the next one would get, whoever owns it.
    namesake: Option<Arc<ReplicaSet>>,
    /// The Pods of all templates; asked for `Recreate` only.
    pods: Vec<Arc<Pod>>,
    now: Timestamp,
    failure: Option<Failure>,
}

impl View {
    fn of(look: &Look<'_>, key: &Key) -> Option<Self> {
        let sources = look.sources;
        let deployment = sources.deployments.get(&key.namespace, &key.name)?;
        let spec = &deployment.spec;
        let uid = deployment.metadata.uid.as_deref().unwrap_or("");
        let candidates =
            ownership::candidates(&sources.replica_sets, &key.namespace, uid, &spec.selector);
        let name = sets::next_name(&deployment);
        let namesake = sources.replica_sets.get(&key.namespace, &name);
        let pods = if bounds::is_recreate(&deployment) {
            let owned = candidates.iter().filter_map(|set| set.metadata.uid.as_deref());
            owned.flat_map(|uid| sources.pods.owned_by(uid)).collect()
        } else {
            Vec::new()
        };
        let failure = look.failure.cloned();
        Some(Self { deployment, candidates, namesake, pods, now: look.now, failure })
    }
}

fn reconcile(view: View) -> Plan {
    let mut plan = Plan::default();
    let selector = ownership::parse(&view.deployment.spec.selector);
    let Some(selector) = selector else { return plan };
    let seen = view.deployment.clone();
    let members = ownership::claim(&*seen, Some(&selector), view.candidates, &mut plan);
    let mut sets = Sets::new(&seen, members, view.now);

    if seen.metadata.deletion_timestamp.is_some() {
        sets.sync_revision();
        status::plain(&mut sets);
        sets.finish(plan)
    } else {
        status::pause(&mut sets);
        if bounds::is_paused(&seen) || scale::is_scaling(&sets) {
            sets.sync_revision();
            scale::scale(&mut sets);
            if bounds::is_paused(&seen) {
                sets.forget_history(&mut plan);
            }
            status::plain(&mut sets);
        } else {
            sets.note_failure(view.failure.as_ref());
            rollout::roll(&mut sets, view.namesake.as_deref(), &view.pods, &mut plan);
            if !sets.has_failed() {
                status::rollout(&mut sets, &mut plan);
            }
        }
        sets.finish(plan)
    }
}

impl Controller for Deployments {
    fn name(&self) -> &'static str {
        "deployment"
    }

    fn component(&self) -> &'static str {
        "deployment-controller"
    }

    fn watches(&self) -> Vec<Watch> {
        vec![
            Watch::itself::<Deployment>(),
            Watch::of(|sources, set: &ReplicaSet| {
                if ownership::controller_of(&set.metadata).is_some() {
                    return ownership::controller_key::<Deployment>(&set.metadata);
                }
                let namespace = set.metadata.namespace.as_deref().unwrap_or("");
                let deployments = sources.deployments.in_namespace(namespace);
                let finds = |deployment: &&Arc<Deployment>| {
                    let selector = ownership::parse(&deployment.spec.selector);
                    ownership::selects(selector.as_ref(), &set.metadata)
                };
                deployments.iter().filter(finds).map(|d| Key::of(&**d)).collect()
            }),
            Watch::of(|sources, pod: &Pod| {
                // Only the end of a Pod matters, and only to those who wait for it.
                if pods::is_active(pod) {
                    return Vec::new();
                }
                let namespace = pod.metadata.namespace.as_deref().unwrap_or("");
                let owners = ownership::controller_key::<ReplicaSet>(&pod.metadata);
                let sets =
                    owners.iter().filter_map(|k| sources.replica_sets.get(namespace, &k.name));
                let keys = sets.flat_map(|s| ownership::controller_key::<Deployment>(&s.metadata));
                let waits = |key: &Key| {
                    let deployment = sources.deployments.get(namespace, &key.name);
                    deployment.is_some_and(|deployment| bounds::is_recreate(&deployment))
                };
                keys.filter(waits).collect()
            }),
        ]
    }

    fn plan(&self, look: &Look<'_>, key: &Key) -> Plan {
        View::of(look, key).map(reconcile).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests;
