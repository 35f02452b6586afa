//! Keeps Pods with names and storage of their own: `web-0`, `web-1`, and so on.
//!
//! Reads `StatefulSets`, their Pods, claims and revisions; writes all of these and the status. Pods
//! begin in order and end in the reverse one, each waiting for its neighbour, unless the set asks for
//! all at once. A new template goes from the highest number down to the partition.
//! See <https://kubernetes.io/docs/concepts/workloads/controllers/statefulset/>.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::Timestamp;
use k8s_openapi::api::apps::v1::{ControllerRevision, StatefulSet, StatefulSetStatus};
use k8s_openapi::api::core::v1::{
    PersistentVolumeClaim, PersistentVolumeClaimVolumeSource, Pod, PodTemplateSpec, Volume,
};

use crate::deployment::bounds::scaled;
use crate::pods::Availability;
use crate::replicas::BURST;
use crate::revisions::{self, History, Wanted};
use crate::{
    Action, Announce, Controller, Key, Look, Plan, Sourced, Target, Watch, ownership, pods,
};

const HASH: &str = "controller.kubernetes.io/hash";
const REVISION: &str = "controller-revision-hash";
const POD_NAME: &str = "statefulset.kubernetes.io/pod-name";
const POD_INDEX: &str = "apps.kubernetes.io/pod-index";

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
    /// Claims of this namespace, by name.
    claims: BTreeMap<String, Arc<PersistentVolumeClaim>>,
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

/// What the steps share.
struct Work<'a> {
    set: &'a StatefulSet,
    /// Name of the revision of the present template.
    update: String,
    /// Name of the revision that Pods below the partition are of.
    current: String,
    claims: &'a BTreeMap<String, Arc<PersistentVolumeClaim>>,
    taken: &'a BTreeSet<String>,
    now: Timestamp,
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
        let labels = set.spec.selector.match_labels.clone().unwrap_or_default();
        let hash = revisions::hash(&data, old.collision_count.unwrap_or(0));
        history.sync(set, Wanted { data, hash, label: HASH, labels }, &mut plan)
    } else {
        old.update_revision.clone().unwrap_or_default()
    };
    let known = old.current_revision.clone().filter(|name| history.has(name));
    let current = known.unwrap_or_else(|| update.clone());
    let work =
        Work { set, update, current, claims: &view.claims, taken: &view.taken, now: view.now };

    let (start, end) = range(set);
    let mut replicas: BTreeMap<i32, Arc<Pod>> = BTreeMap::new();
    let mut condemned: BTreeMap<i32, Arc<Pod>> = BTreeMap::new();
    for pod in &members {
        let Some(number) = ordinal(set, pod) else { continue };
        let into = if (start..end).contains(&number) { &mut replicas } else { &mut condemned };
        into.insert(number, pod.clone());
    }
    if set.metadata.deletion_timestamp.is_none() {
        work.steps(&replicas, &condemned, &mut plan);
        let live = |revision: &ControllerRevision| {
            let name = revision.metadata.name.as_deref().unwrap_or("");
            name == work.update
                || name == work.current
                || members.iter().any(|p| revision_of(p) == name)
        };
        history.forget(set.spec.revision_history_limit.unwrap_or(10), live, &mut plan);
    }
    let mut wanted = set.clone();
    wanted.status = Some(work.status(&members, &old, &mut plan));
    plan.status_if_changed(set, wanted);
    plan
}

impl Work<'_> {
    fn steps(
        &self,
        replicas: &BTreeMap<i32, Arc<Pod>>,
        condemned: &BTreeMap<i32, Arc<Pod>>,
        plan: &mut Plan,
    ) {
        let in_order = self.set.spec.pod_management_policy.as_deref() != Some("Parallel");
        let (start, end) = range(self.set);
        let mut made = 0;
        for number in start..end {
            match replicas.get(&number) {
                // Who is no member has the name: wait until it is free.
                None if self.taken.contains(&pod_name(self.set, number)) => made += 1,
                None => {
                    self.create(number, plan);
                    made += 1;
                }
                Some(pod) if pods::is_finished(pod) => {
                    // It ran to its end: it is made anew once it is gone.
                    if !pods::is_going(pod) {
                        plan.act(self.delete(pod));
                    }
                    made += 1;
                }
                Some(pod) if in_order && !self.is_available(pod) => return,
                Some(_) => {}
            }
            if (in_order && made > 0) || made >= BURST {
                return;
            }
        }
        let mut gone = 0;
        for pod in condemned.values().rev() {
            if in_order && pods::is_going(pod) {
                return;
            }
            if !pods::is_going(pod) {
                plan.act(self.delete(pod));
                gone += 1;
            }
            if (in_order && gone > 0) || gone >= BURST {
                return;
            }
        }
        if made == 0 {
            self.roll_out(replicas, plan);
        }
    }

    /// From the highest number down, as many at a time as may be unavailable.
    fn roll_out(&self, replicas: &BTreeMap<i32, Arc<Pod>>, plan: &mut Plan) {
        let strategy = self.set.spec.update_strategy.as_ref();
        if strategy.and_then(|strategy| strategy.type_.as_deref()) == Some("OnDelete") {
            return;
        }
        let rolling = strategy.and_then(|strategy| strategy.rolling_update.as_ref());
        let partition = rolling.and_then(|rolling| rolling.partition).unwrap_or(0);
        let most = rolling.and_then(|rolling| rolling.max_unavailable.as_ref());
        let want = self.set.spec.replicas.unwrap_or(1);
        let most = scaled(most, want, true).max(1);
        let is_out = |pod: &&Arc<Pod>| !self.is_available(pod);
        let mut out = i32::try_from(replicas.values().filter(is_out).count()).unwrap_or(i32::MAX);
        let (start, _) = range(self.set);
        for (number, pod) in replicas.iter().rev() {
            if *number < start + partition || out >= most && self.is_available(pod) {
                return;
            }
            if revision_of(pod) != self.update && !pods::is_going(pod) {
                if self.is_available(pod) {
                    out += 1;
                }
                plan.act(self.delete(pod));
            } else if !self.is_available(pod) && out >= most {
                return;
            }
        }
    }

    fn create(&self, number: i32, plan: &mut Plan) {
        let set = self.set;
        for template in set.spec.volume_claim_templates.iter().flatten() {
            let name = claim_name(set, template, number);
            if !self.claims.contains_key(&name) {
                plan.act(self.create_claim(template, name, number));
            }
        }
        plan.act(Action::Create {
            object: self.pod(number).into_any(),
            announce: Some(self.told("create", &pod_name(set, number))),
        });
    }

    fn pod(&self, number: i32) -> Pod {
        let set = self.set;
        let name = pod_name(set, number);
        let template: &PodTemplateSpec = &set.spec.template;
        let mut pod = pods::from_template(template, set);
        pod.metadata.name = Some(name.clone());
        let labels = pod.metadata.labels.get_or_insert_default();
        labels.insert(POD_NAME.to_owned(), name.clone());
        labels.insert(POD_INDEX.to_owned(), number.to_string());
        labels.insert(REVISION.to_owned(), self.update.clone());
        let spec = pod.spec.get_or_insert_default();
        spec.hostname = Some(name);
        spec.subdomain = set.spec.service_name.clone().filter(|service| !service.is_empty());
        let volumes = spec.volumes.get_or_insert_default();
        let mut own = Vec::new();
        for template in set.spec.volume_claim_templates.iter().flatten() {
            let volume = template.metadata.name.clone().unwrap_or_default();
            volumes.retain(|known| known.name != volume);
            own.push(Volume {
                name: volume,
                persistent_volume_claim: Some(PersistentVolumeClaimVolumeSource {
                    claim_name: claim_name(set, template, number),
                    read_only: None,
                }),
                ..Volume::default()
            });
        }
        own.append(volumes);
        spec.volumes = Some(own).filter(|volumes| !volumes.is_empty());
        pod
    }

    fn create_claim(&self, template: &PersistentVolumeClaim, name: String, number: i32) -> Action {
        let mut claim = template.clone();
        let pod = pod_name(self.set, number);
        let message = format!(
            "create Claim {name} Pod {pod} in StatefulSet {} success",
            self.set.metadata.name.as_deref().unwrap_or("")
        );
        claim.metadata.name = Some(name);
        claim.metadata.namespace.clone_from(&self.set.metadata.namespace);
        let labels = claim.metadata.labels.get_or_insert_default();
        labels.extend(self.set.spec.selector.match_labels.clone().unwrap_or_default());
        claim.status = None;
        Action::Create {
            object: claim.into_any(),
            announce: Some(Announce::success(self.set, "SuccessfulCreate", message)),
        }
    }

    fn delete(&self, pod: &Pod) -> Action {
        let name = pod.metadata.name.as_deref().unwrap_or("");
        Action::Delete {
            target: Target::of(pod),
            propagation: None,
            grace_secs: None,
            announce: Some(self.told("delete", name)),
        }
    }

    fn told(&self, verb: &str, pod: &str) -> Announce {
        let set = self.set.metadata.name.as_deref().unwrap_or("");
        let (success, failure) = match verb {
            "create" => ("SuccessfulCreate", "FailedCreate"),
            _ => ("SuccessfulDelete", "FailedDelete"),
        };
        let good = format!("{verb} Pod {pod} in StatefulSet {set} successful");
        let bad = format!("{verb} Pod {pod} in StatefulSet {set} failed error: {{}}");
        Announce::both(self.set, (success, &good), (failure, &bad))
    }

    fn is_available(&self, pod: &Pod) -> bool {
        let min_ready = self.set.spec.min_ready_seconds.unwrap_or(0);
        !pods::is_going(pod)
            && pods::availability(pod, min_ready, self.now) == Availability::Available
    }

    fn status(
        &self,
        members: &[Arc<Pod>],
        old: &StatefulSetStatus,
        plan: &mut Plan,
    ) -> StatefulSetStatus {
        let nonzero = |count: i32| Some(count).filter(|count| *count != 0);
        let (mut ready, mut available, mut current, mut updated) = (0, 0, 0, 0);
        for pod in members {
            let min_ready = self.set.spec.min_ready_seconds.unwrap_or(0);
            match pods::availability(pod, min_ready, self.now) {
                Availability::Unready => {}
                Availability::In(wait) => {
                    ready += 1;
                    plan.wake_in(wait.unsigned_abs());
                }
                Availability::Available => {
                    ready += 1;
                    available += 1;
                }
            }
            if !pods::is_going(pod) {
                current += i32::from(revision_of(pod) == self.current);
                updated += i32::from(revision_of(pod) == self.update);
            }
        }
        let replicas = i32::try_from(members.len()).unwrap_or(i32::MAX);
        let is_done = updated == replicas && ready == replicas;
        let revision = if is_done { &self.update } else { &self.current };
        StatefulSetStatus {
            replicas,
            ready_replicas: nonzero(ready),
            available_replicas: Some(available),
            current_replicas: nonzero(if is_done { updated } else { current }),
            updated_replicas: nonzero(updated),
            current_revision: Some(revision.clone()),
            update_revision: Some(self.update.clone()),
            collision_count: Some(old.collision_count.unwrap_or(0)),
            observed_generation: self.set.metadata.generation,
            conditions: old.conditions.clone(),
        }
    }
}

/// The numbers of the Pods that shall be.
fn range(set: &StatefulSet) -> (i32, i32) {
    let start = set.spec.ordinals.as_ref().and_then(|ordinals| ordinals.start).unwrap_or(0);
    (start, start.saturating_add(set.spec.replicas.unwrap_or(1)))
}

fn pod_name(set: &StatefulSet, number: i32) -> String {
    format!("{}-{number}", set.metadata.name.as_deref().unwrap_or(""))
}

fn ordinal(set: &StatefulSet, pod: &Pod) -> Option<i32> {
    let (parent, number) = pod.metadata.name.as_deref()?.rsplit_once('-')?;
    let number: i32 = number.parse().ok().filter(|number| *number >= 0)?;
    (Some(parent) == set.metadata.name.as_deref()).then_some(number)
}

fn claim_name(set: &StatefulSet, template: &PersistentVolumeClaim, number: i32) -> String {
    let claim = template.metadata.name.as_deref().unwrap_or("");
    format!("{claim}-{}", pod_name(set, number))
}

fn revision_of(pod: &Pod) -> &str {
    let labels = pod.metadata.labels.as_ref();
    labels.and_then(|labels| labels.get(REVISION)).map_or("", String::as_str)
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
            // Claims are read; which of them matter is known by the Pods.
            Watch::of(|_, _: &PersistentVolumeClaim| Vec::new()),
        ]
    }

    fn plan(&self, look: &Look<'_>, key: &Key) -> Plan {
        View::of(look, key).map(reconcile).unwrap_or_default()
    }
}
