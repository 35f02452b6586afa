//! Keeps Pods with names and storage of their own: `web-0`, `web-1`, and so on.
//!
//! Reads `StatefulSets`, their Pods, claims and revisions; writes all of these and the status. Pods
//! begin in order and end in the reverse one, each waiting for its neighbour, unless the set asks for
//! all at once. A new template goes from the highest number down to the partition; below that, Pods
//! are made of the revision before.
//! See <https://kubernetes.io/docs/concepts/workloads/controllers/statefulset/>.

mod claims;
mod member;
mod steps;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::Timestamp;
use k8s_openapi::api::apps::v1::{ControllerRevision, StatefulSet, StatefulSetStatus};
use k8s_openapi::api::core::v1::{PersistentVolumeClaim, Pod};

use crate::pods::Availability;
use crate::replicas::BURST;
use crate::revisions::{self, History, Wanted};
use crate::{Controller, Key, Look, Plan, Watch, ownership, pods};
use claims::Claims;
use member::{ordinal, pod_name, range, revision_of};
use steps::Steps;

const HASH: &str = "controller.kubernetes.io/hash";

/// The controller.
#[derive(Clone, Copy, Debug)]
pub(crate) struct StatefulSets;

/// Everything one decision looks at.
#[derive(Debug)]
struct View {
    set: Arc<StatefulSet>,
    candidates: Vec<Arc<Pod>>,
    revisions: Vec<Arc<ControllerRevision>>,
    /// Names of this set that some Pod has, member or not.
    taken: BTreeSet<String>,
    /// Those of this namespace, if the set makes any.
    claims: Claims,
    now: Timestamp,
}

impl View {
    fn of(look: &Look<'_>, key: &Key) -> Option<Self> {
        let sources = look.sources;
        let set = sources.stateful_sets.get(&key.namespace, &key.name)?;
        let uid = set.metadata.uid.as_deref().unwrap_or("");
        let selector = &set.spec.selector;
        let candidates = ownership::candidates(&sources.pods, &key.namespace, uid, selector);
        let claims = if set.spec.volume_claim_templates.is_some() {
            let all = sources.persistent_volume_claims.in_namespace(&key.namespace).into_iter();
            all.map(|claim| (claim.metadata.name.clone().unwrap_or_default(), claim)).collect()
        } else {
            BTreeMap::new()
        };
        let revisions = sources.controller_revisions.owned_by(uid);
        let (start, end) = range(&set);
        let names = (start..end).take(BURST).map(|number| pod_name(&set, number));
        let taken = names.filter(|name| sources.pods.get(&key.namespace, name).is_some());
        Some(Self { candidates, revisions, taken: taken.collect(), claims, now: look.now, set })
    }
}

fn reconcile(view: View) -> Plan {
    let mut plan = Plan::default();
    let set = &*view.set;
    let Some(selector) = ownership::parse(&set.spec.selector) else { return plan };
    let mut mine = view.candidates;
    // A Pod of a foreign name is no member, whatever its labels say.
    mine.retain(|pod| ordinal(set, pod).is_some());
    let members = ownership::claim(set, Some(&selector), mine, &mut plan);
    let uid = set.metadata.uid.as_deref().unwrap_or("");
    let old = set.status.clone().unwrap_or_default();
    let history = History::new(view.revisions, uid);
    let data = revisions::data(&set.spec.template);
    let update = if set.metadata.deletion_timestamp.is_none() {
        let labels = set.spec.template.metadata.as_ref().and_then(|m| m.labels.clone());
        let labels = labels.unwrap_or_default();
        let hash = revisions::hash(&data, old.collision_count.unwrap_or(0));
        history.sync(set, Wanted { data, hash, label: HASH, labels }, &mut plan)
    } else {
        old.update_revision.clone().unwrap_or_default()
    };
    let known = old.current_revision.filter(|name| history.find(name).is_some());
    let current = known.unwrap_or_else(|| update.clone());
    let mut wanted = set.clone();
    wanted.status = Some(status(set, &members, [&current, &update], view.now, &mut plan));
    if set.metadata.deletion_timestamp.is_none() {
        let before = history.find(&current).and_then(revisions::template);
        let steps = Steps {
            set,
            update: &update,
            current: &current,
            template_before: before.as_ref().unwrap_or(&set.spec.template),
            claims: &view.claims,
            taken: &view.taken,
            now: view.now,
        };
        steps.take(&members, &mut plan);
        let live = |revision: &ControllerRevision| {
            let name = revision.metadata.name.as_deref().unwrap_or("");
            name == update || name == current || members.iter().any(|p| revision_of(p) == name)
        };
        history.forget(set.spec.revision_history_limit.unwrap_or(10), live, &mut plan);
    }
    plan.status_if_changed(set, wanted);
    plan
}

/// What is seen of the Pods. `revisions` are the current one and that of the present template.
fn status(
    set: &StatefulSet,
    members: &[Arc<Pod>],
    [current, update]: [&str; 2],
    now: Timestamp,
    plan: &mut Plan,
) -> StatefulSetStatus {
    let old = set.status.clone().unwrap_or_default();
    let nonzero = |count: i32| Some(count).filter(|count| *count != 0);
    let (mut ready, mut available, mut of_current, mut of_update) = (0, 0, 0, 0);
    for pod in members {
        let state = pods::availability(pod, set.spec.min_ready_seconds.unwrap_or(0), now);
        if let Availability::In(wait) = state {
            plan.wake_in(wait.unsigned_abs());
        }
        if pods::phase(pod) == "Running" && state != Availability::Unready {
            ready += 1;
            available += i32::from(state == Availability::Available);
        }
        if !pods::is_going(pod) {
            of_current += i32::from(revision_of(pod) == current);
            of_update += i32::from(revision_of(pod) == update);
        }
    }
    let replicas = i32::try_from(members.len()).unwrap_or(i32::MAX);
    let asked = set.spec.replicas.unwrap_or(1);
    let is_done = [of_update, ready, replicas].iter().all(|count| *count == asked);
    let revision = if is_done { update } else { current };
    StatefulSetStatus {
        replicas,
        ready_replicas: nonzero(ready),
        available_replicas: Some(available),
        current_replicas: nonzero(if is_done { of_update } else { of_current }),
        updated_replicas: nonzero(of_update),
        current_revision: Some(revision.to_owned()),
        update_revision: Some(update.to_owned()),
        collision_count: Some(old.collision_count.unwrap_or(0)),
        observed_generation: set.metadata.generation,
        conditions: old.conditions,
    }
}

impl Controller for StatefulSets {
    fn name(&self) -> &'static str {
        "statefulset"
    }

    fn component(&self) -> &'static str {
        "statefulset-controller"
    }

    fn watches(&self) -> Vec<Watch> {
        vec![
            Watch::itself::<StatefulSet>(),
            Watch::of(|sources, pod: &Pod| {
                if ownership::controller_of(&pod.metadata).is_some() {
                    return ownership::controller_key::<StatefulSet>(&pod.metadata);
                }
                let namespace = pod.metadata.namespace.as_deref().unwrap_or("");
                let parent = pod.metadata.name.as_deref().and_then(|name| name.rsplit_once('-'));
                if let Some(set) =
                    parent.and_then(|(parent, _)| sources.stateful_sets.get(namespace, parent))
                {
                    return vec![Key::of(&*set)];
                }
                let sets = sources.stateful_sets.in_namespace(namespace);
                let finds = |set: &&Arc<StatefulSet>| {
                    let selector = ownership::parse(&set.spec.selector);
                    ownership::selects(selector.as_ref(), &pod.metadata)
                };
                sets.iter().filter(finds).map(|set| Key::of(&**set)).collect()
            }),
            Watch::controller::<ControllerRevision, StatefulSet>(),
            Watch::of(|sources, claim: &PersistentVolumeClaim| {
                let namespace = claim.metadata.namespace.as_deref().unwrap_or("");
                let name = claim.metadata.name.as_deref().unwrap_or("");
                let sets = sources.stateful_sets.in_namespace(namespace);
                let made = sets.iter().filter(|set| claims::may_be_of(set, name));
                made.map(|set| Key::of(&**set)).collect()
            }),
        ]
    }

    fn plan(&self, look: &Look<'_>, key: &Key) -> Plan {
        View::of(look, key).map(reconcile).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests;
