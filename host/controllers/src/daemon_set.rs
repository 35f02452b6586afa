//! Keeps one Pod on every node that a `DaemonSet` is for, and rolls a new template out node by node.
//!
//! Reads `DaemonSets`, nodes, their Pods and revisions; writes Pods, revisions and the status. Pods are
//! pinned to their node by affinity and bound by the scheduler. Daemons tolerate what makes nodes
//! unfit for others. See <https://kubernetes.io/docs/concepts/workloads/controllers/daemonset/>.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use k8s_openapi::api::apps::v1::{ControllerRevision, DaemonSet, DaemonSetStatus};
use k8s_openapi::api::core::v1::{Node, Pod, PodSpec, PodTemplateSpec, Toleration};

use crate::deployment::bounds::scaled;
use crate::deployment::hash::template_hash;
use crate::pods::Availability;
use crate::replicas::{BURST, delete_pod, told};
use crate::revisions::{self, History, Wanted};
use crate::{
    Action, Controller, Event, Key, Look, Plan, Sourced, Watch, ownership, placement, pods,
};

const HASH: &str = "controller-revision-hash";
const GENERATION: &str = "pod-template-generation";
const GENERATION_NOTE: &str = "deprecated.daemonset.template.generation";
/// A daemon that failed is replaced not before this time after it was made.
const RETRY: SignedDuration = SignedDuration::from_secs(10);
/// What daemons tolerate without asking: key and effect.
const TOLERATED: [(&str, &str); 6] = [
    ("node.kubernetes.io/not-ready", "NoExecute"),
    ("node.kubernetes.io/unreachable", "NoExecute"),
    ("node.kubernetes.io/disk-pressure", "NoSchedule"),
    ("node.kubernetes.io/memory-pressure", "NoSchedule"),
    ("node.kubernetes.io/pid-pressure", "NoSchedule"),
    ("node.kubernetes.io/unschedulable", "NoSchedule"),
];

/// The controller.
#[derive(Clone, Copy, Debug)]
pub(crate) struct DaemonSets;

/// Everything one decision looks at.
#[derive(Debug)]
struct View {
    set: Arc<DaemonSet>,
    nodes: Vec<Arc<Node>>,
    candidates: Vec<Arc<Pod>>,
    revisions: Vec<Arc<ControllerRevision>>,
    now: Timestamp,
}

impl View {
    fn of(look: &Look<'_>, key: &Key) -> Option<Self> {
        let set = look.sources.daemon_sets.get(&key.namespace, &key.name)?;
        let uid = set.metadata.uid.as_deref().unwrap_or("");
        let selector = &set.spec.selector;
        let candidates = ownership::candidates(&look.sources.pods, &key.namespace, uid, selector);
        let mut nodes = look.sources.nodes.all();
        nodes.sort_by(|a, b| a.metadata.name.cmp(&b.metadata.name));
        let revisions = look.sources.controller_revisions.owned_by(uid);
        Some(Self { nodes, candidates, revisions, now: look.now, set })
    }
}

/// One node that matters to the set.
#[derive(Debug)]
struct Place<'a> {
    name: &'a str,
    should_run: bool,
    may_stay: bool,
    /// Those that are bound first, then the oldest.
    pods: Vec<&'a Arc<Pod>>,
}

fn reconcile(view: View) -> Plan {
    let mut plan = Plan::default();
    let set = &*view.set;
    let Some(selector) = ownership::parse(&set.spec.selector) else { return plan };
    let members = ownership::claim(set, Some(&selector), view.candidates, &mut plan);
    let collisions = set.status.as_ref().and_then(|status| status.collision_count);
    let uid = set.metadata.uid.as_deref().unwrap_or("");
    let history = History::new(view.revisions, uid);
    let is_going = set.metadata.deletion_timestamp.is_some();
    let hash = template_hash(&set.spec.template, collisions);
    if !is_going {
        let labels = set.spec.template.metadata.as_ref().and_then(|m| m.labels.clone());
        let wanted = Wanted {
            data: revisions::data(&set.spec.template),
            hash: hash.clone(),
            label: HASH,
            labels: labels.unwrap_or_default(),
        };
        history.sync(set, wanted, &mut plan);
    }
    let template = daemon_template(set, &hash);
    let places = places(&view.nodes, &members, &template);
    if !is_going {
        manage(set, &template, &places, view.now, &mut plan);
        roll_out(set, &hash, &places, view.now, &mut plan);
        let live = |revision: &ControllerRevision| {
            let label = revision.metadata.labels.as_ref().and_then(|labels| labels.get(HASH));
            label.is_none_or(|label| *label == hash || members.iter().any(|p| hash_of(p) == label))
        };
        history.forget(set.spec.revision_history_limit.unwrap_or(10), live, &mut plan);
    }
    let (status, next) = status(set, &hash, &places, view.now);
    let mut wanted = set.clone();
    wanted.status = Some(status);
    plan.status_if_changed(set, wanted);
    if let Some(wait) = next {
        plan.wake_in(wait.unsigned_abs());
    }
    plan
}

/// The template with what every daemon has.
fn daemon_template(set: &DaemonSet, hash: &str) -> PodTemplateSpec {
    let mut template = set.spec.template.clone();
    let labels = template.metadata.get_or_insert_default().labels.get_or_insert_default();
    labels.insert(HASH.to_owned(), hash.to_owned());
    let notes = set.metadata.annotations.as_ref();
    if let Some(generation) = notes.and_then(|notes| notes.get(GENERATION_NOTE)) {
        labels.insert(GENERATION.to_owned(), generation.clone());
    }
    let spec = template.spec.get_or_insert_default();
    let host_network = spec.host_network == Some(true);
    let tolerations = spec.tolerations.get_or_insert_default();
    let network = ("node.kubernetes.io/network-unavailable", "NoSchedule");
    for (key, effect) in TOLERATED.into_iter().chain(host_network.then_some(network)) {
        let toleration = Toleration {
            key: Some(key.to_owned()),
            operator: Some("Exists".to_owned()),
            effect: Some(effect.to_owned()),
            ..Toleration::default()
        };
        if !tolerations.contains(&toleration) {
            tolerations.push(toleration);
        }
    }
    template
}

fn places<'a>(
    nodes: &'a [Arc<Node>],
    members: &'a [Arc<Pod>],
    template: &PodTemplateSpec,
) -> Vec<Place<'a>> {
    let none = PodSpec::default();
    let spec = template.spec.as_ref().unwrap_or(&none);
    let tolerations = spec.tolerations.as_deref().unwrap_or_default();
    let mut on: BTreeMap<&str, Vec<&Arc<Pod>>> = BTreeMap::new();
    for pod in members {
        if let Some(node) = pod.spec.as_ref().and_then(placement::pinned_to) {
            on.entry(node).or_default().push(pod);
        }
    }
    let place = |node: &'a Arc<Node>| {
        let name = node.metadata.name.as_deref().unwrap_or("");
        let chosen = placement::chooses(spec, node);
        let tolerates = |effects: &[&str]| placement::tolerates(tolerations, node, effects);
        let mut pods = on.get(name).cloned().unwrap_or_default();
        pods.sort_by_key(|pod| {
            let born = pod.metadata.creation_timestamp.clone().map(|time| time.0);
            (pods::node_name(pod).is_empty(), born, pod.metadata.name.clone())
        });
        Place {
            name,
            should_run: chosen && tolerates(&["NoSchedule", "NoExecute"]),
            may_stay: chosen && tolerates(&["NoExecute"]),
            pods,
        }
    };
    nodes.iter().map(place).collect()
}

/// Makes what is missing and removes what is too much, node by node.
fn manage(
    set: &DaemonSet,
    template: &PodTemplateSpec,
    places: &[Place<'_>],
    now: Timestamp,
    plan: &mut Plan,
) {
    let (mut creates, mut deletes) = (Vec::new(), Vec::new());
    for place in places {
        let (mut ended, mut running) = (Vec::new(), Vec::new());
        for pod in place.pods.iter().filter(|pod| !pods::is_going(pod)) {
            if pods::is_finished(pod) { ended.push(*pod) } else { running.push(*pod) }
        }
        for pod in &ended {
            let born = pod.metadata.creation_timestamp.as_ref().map_or(now, |time| time.0);
            let age = now.duration_since(born);
            if age < RETRY {
                plan.wake_in((RETRY - age).unsigned_abs());
                continue;
            }
            plan.event(ended_event(set, pod, place.name));
            deletes.push(delete_pod(pod, set));
        }
        if !place.may_stay {
            deletes.extend(running.iter().map(|pod| delete_pod(pod, set)));
        } else if place.should_run && place.pods.is_empty() {
            creates.push(create(set, template, place.name));
        } else if running.len() > 1 && max_surge(set, places) == 0 {
            deletes.extend(running.iter().skip(1).map(|pod| delete_pod(pod, set)));
        }
    }
    deletes.into_iter().take(BURST).for_each(|action| plan.act(action));
    creates.into_iter().take(BURST).for_each(|action| plan.act(action));
}

fn ended_event(set: &DaemonSet, pod: &Pod, node: &str) -> Event {
    let (namespace, name) = (pod.metadata.namespace.as_deref(), pod.metadata.name.as_deref());
    let (namespace, name) = (namespace.unwrap_or(""), name.unwrap_or(""));
    if pods::phase(pod) == "Failed" {
        let text = format!(
            "Found failed daemon pod {namespace}/{name} on node {node}, will try to kill it"
        );
        Event::warning(set, "FailedDaemonPod", text)
    } else {
        let text = format!(
            "Found succeeded daemon pod {namespace}/{name} on node {node}, will try to delete it"
        );
        Event::normal(set, "SucceededDaemonPod", text)
    }
}

fn create(set: &DaemonSet, template: &PodTemplateSpec, node: &str) -> Action {
    let mut pod = pods::from_template(template, set);
    placement::pin(pod.spec.get_or_insert_default(), node);
    Action::Create { object: pod.into_any(), announce: Some(told(set)) }
}

/// Replaces Pods of older templates, at most so many at a time.
fn roll_out(set: &DaemonSet, hash: &str, places: &[Place<'_>], now: Timestamp, plan: &mut Plan) {
    let strategy = set.spec.update_strategy.as_ref();
    if strategy.and_then(|strategy| strategy.type_.as_deref()) == Some("OnDelete") {
        return;
    }
    let min_ready = set.spec.min_ready_seconds.unwrap_or(0);
    let is_available =
        |pod: &&Arc<Pod>| pods::availability(pod, min_ready, now) == Availability::Available;
    let running = |place: &&Place<'_>| place.should_run;
    let desired = i32::try_from(places.iter().filter(running).count()).unwrap_or(i32::MAX);
    let surge = max_surge(set, places);
    let rolling = strategy.and_then(|strategy| strategy.rolling_update.as_ref());
    let asked = rolling.and_then(|rolling| rolling.max_unavailable.as_ref());
    let limit = if surge > 0 { 0 } else { scaled(asked, desired, true).max(1) };
    let template = daemon_template(set, hash);
    let (mut unavailable, mut surging) = (0, 0);
    let mut replaceable: Vec<&Arc<Pod>> = Vec::new();
    let mut doubled: Vec<&str> = Vec::new();
    for place in places.iter().filter(running) {
        let active: Vec<&Arc<Pod>> =
            place.pods.iter().copied().filter(|pod| pods::is_active(pod)).collect();
        let new = active.iter().copied().find(|pod| hash_of(pod) == hash);
        let old = active.iter().copied().find(|pod| hash_of(pod) != hash);
        match (old, new) {
            // An old Pod that does not serve costs nothing.
            (Some(old), None) if !is_available(&old) => plan.act(delete_pod(old, set)),
            (Some(old), None) if surge == 0 => replaceable.push(old),
            (Some(_), None) => doubled.push(place.name),
            (Some(old), Some(new)) => {
                surging += 1;
                if is_available(&new) {
                    plan.act(delete_pod(old, set));
                }
            }
            (None, _) => {}
        }
        if !active.iter().any(&is_available) {
            unavailable += 1;
        }
    }
    let room = usize::try_from(limit - unavailable).unwrap_or(0);
    replaceable.into_iter().take(room).for_each(|pod| plan.act(delete_pod(pod, set)));
    let room = usize::try_from(surge - surging).unwrap_or(0);
    doubled.into_iter().take(room).for_each(|node| plan.act(create(set, &template, node)));
}

fn max_surge(set: &DaemonSet, places: &[Place<'_>]) -> i32 {
    let strategy = set.spec.update_strategy.as_ref();
    let rolling = strategy.and_then(|strategy| strategy.rolling_update.as_ref());
    let desired = places.iter().filter(|place| place.should_run).count();
    let desired = i32::try_from(desired).unwrap_or(i32::MAX);
    scaled(rolling.and_then(|rolling| rolling.max_surge.as_ref()), desired, true)
}

fn hash_of(pod: &Pod) -> &str {
    let labels = pod.metadata.labels.as_ref();
    labels.and_then(|labels| labels.get(HASH)).map_or("", String::as_str)
}

fn status(
    set: &DaemonSet,
    hash: &str,
    places: &[Place<'_>],
    now: Timestamp,
) -> (DaemonSetStatus, Option<SignedDuration>) {
    let nonzero = |count: i32| Some(count).filter(|count| *count != 0);
    let old = set.status.clone().unwrap_or_default();
    let mut status = DaemonSetStatus {
        observed_generation: set.metadata.generation,
        collision_count: old.collision_count,
        conditions: old.conditions,
        ..DaemonSetStatus::default()
    };
    let (mut available, mut updated, mut next) = (0, 0, None::<SignedDuration>);
    for place in places {
        if !place.should_run {
            status.number_misscheduled += i32::from(!place.pods.is_empty());
            continue;
        }
        status.desired_number_scheduled += 1;
        // Of two, the old one counts until it is gone.
        let Some(pod) = place.pods.first() else { continue };
        status.current_number_scheduled += 1;
        match pods::availability(pod, set.spec.min_ready_seconds.unwrap_or(0), now) {
            Availability::Unready => {}
            Availability::In(wait) => {
                status.number_ready += 1;
                next = Some(next.map_or(wait, |known| known.min(wait)));
            }
            Availability::Available => {
                status.number_ready += 1;
                available += 1;
            }
        }
        updated += i32::from(hash_of(pod) == hash);
    }
    status.number_available = nonzero(available);
    status.number_unavailable = nonzero(status.desired_number_scheduled - available);
    status.updated_number_scheduled = nonzero(updated);
    (status, next)
}

impl Controller for DaemonSets {
    fn name(&self) -> &'static str {
        "daemonset"
    }

    fn component(&self) -> &'static str {
        "daemonset-controller"
    }

    fn watches(&self) -> Vec<Watch> {
        vec![
            Watch::itself::<DaemonSet>(),
            Watch::of(|sources, pod: &Pod| {
                if ownership::controller_of(&pod.metadata).is_some() {
                    return ownership::controller_key::<DaemonSet>(&pod.metadata);
                }
                let namespace = pod.metadata.namespace.as_deref().unwrap_or("");
                let sets = sources.daemon_sets.in_namespace(namespace);
                let finds = |set: &&Arc<DaemonSet>| {
                    let selector = ownership::parse(&set.spec.selector);
                    ownership::selects(selector.as_ref(), &pod.metadata)
                };
                sets.iter().filter(finds).map(|set| Key::of(&**set)).collect()
            }),
            Watch::controller::<ControllerRevision, DaemonSet>(),
            // A node matters by its labels and taints; heartbeats do not.
            Watch::when(|sources, before: Option<&Node>, after: Option<&Node>| {
                let facts = |node: Option<&Node>| {
                    node.map(|node| {
                        let taints = node.spec.as_ref().and_then(|spec| spec.taints.clone());
                        (node.metadata.labels.clone(), taints)
                    })
                };
                if facts(before) == facts(after) {
                    return Vec::new();
                }
                sources.daemon_sets.all().iter().map(|set| Key::of(&**set)).collect()
            }),
        ]
    }

    fn plan(&self, look: &Look<'_>, key: &Key) -> Plan {
        View::of(look, key).map(reconcile).unwrap_or_default()
    }
}
