//! Counts how many Pods of a `PodDisruptionBudget` may be evicted now.
//!
//! Reads budgets, the Pods they select and the sets that own these; writes the status of budgets, by
//! which the API server judges evictions.
//! See <https://kubernetes.io/docs/concepts/workloads/pods/disruptions/>.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::core::v1::Pod;
use k8s_openapi::api::policy::v1::{PodDisruptionBudget, PodDisruptionBudgetStatus};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, OwnerReference, Time};
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;
use meta::GroupVersion;
use meta::selector::label::Selector;

use crate::deployment::bounds::scaled;
use crate::{Controller, Event, Key, Look, Plan, Sources, Watch, ownership, pods};

/// How long an eviction that was allowed may take until its Pod is seen to go.
const EVICTION: SignedDuration = SignedDuration::from_secs(120);

/// An owner that was not seen is looked for again after this time.
const RETRY: Duration = Duration::from_secs(5);

/// The controller.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Disruption;

/// Everything one decision looks at.
#[derive(Debug)]
struct View {
    budget: Arc<PodDisruptionBudget>,
    pods: Vec<Arc<Pod>>,
    /// How many Pods the owners of these ask for.
    scale: Result<i32, Unknown>,
    now: Timestamp,
}

impl View {
    fn of(look: &Look<'_>, key: &Key) -> Option<Self> {
        let budget = look.sources.pod_disruption_budgets.get(&key.namespace, &key.name)?;
        let selector = selector(&budget);
        let mut pods = look.sources.pods.in_namespace(&key.namespace);
        pods.retain(|pod| {
            let labels = pod.metadata.labels.clone().unwrap_or_default();
            selector.as_ref().is_some_and(|selector| selector.matches_labels(&labels))
        });
        pods.sort_by(|a, b| a.metadata.name.cmp(&b.metadata.name));
        let scale = scale(look.sources, &pods);
        Some(Self { budget, pods, scale, now: look.now })
    }
}

/// Why nobody can tell how many Pods are asked for.
#[derive(Clone, Debug)]
struct Unknown {
    why: String,
    /// The owner was not seen, which may be only because its watch is behind that of Pods.
    may_pass: bool,
}

/// An empty selector selects every Pod of the namespace; a missing one none.
fn selector(budget: &PodDisruptionBudget) -> Option<Selector> {
    Selector::from(budget.spec.as_ref()?.selector.as_ref()?).ok()
}

/// The sum of what the controllers of some Pods ask for, each counted once; a Pod that nobody
/// controls counts for nothing.
fn scale(sources: &Sources, pods: &[Arc<Pod>]) -> Result<i32, Unknown> {
    let mut asked: BTreeMap<String, i32> = BTreeMap::new();
    for pod in pods {
        let Some(owner) = ownership::controller_of(&pod.metadata) else { continue };
        let namespace = pod.metadata.namespace.as_deref().unwrap_or("");
        let found = match owner.kind.as_str() {
            "ReplicaSet" => sources.replica_sets.get(namespace, &owner.name).map(|set| {
                let above = ownership::controller_key::<Deployment>(&set.metadata);
                let above =
                    above.first().and_then(|key| sources.deployments.get(namespace, &key.name));
                match above {
                    Some(above) => (above.metadata.uid.clone(), above.spec.replicas),
                    None => (set.metadata.uid.clone(), set.spec.replicas),
                }
            }),
            "StatefulSet" => {
                let set = sources.stateful_sets.get(namespace, &owner.name);
                set.map(|set| (set.metadata.uid.clone(), set.spec.replicas))
            }
            "ReplicationController" => {
                let set = sources.replication_controllers.get(namespace, &owner.name);
                set.map(|set| {
                    let replicas = set.spec.as_ref().and_then(|spec| spec.replicas);
                    (set.metadata.uid.clone(), replicas)
                })
            }
            _ => return Err(without_scale(owner, pod)),
        };
        let Some((uid, replicas)) = found else { return Err(without_owner(pod)) };
        asked.insert(uid.unwrap_or_default(), replicas.unwrap_or(1));
    }
    Ok(asked.values().sum())
}

/// Why an owner of another kind says nothing: most kinds have no number of Pods to ask for.
fn without_scale(owner: &OwnerReference, pod: &Pod) -> Unknown {
    let version = GroupVersion::parse(&owner.api_version).unwrap_or_default();
    match kinds::find_kind(&version.with_kind(owner.kind.clone())) {
        Some(kind) => {
            let resource = kind.info().group_resource();
            let why = format!("{resource} does not implement the scale subresource");
            Unknown { why, may_pass: false }
        }
        None => Unknown { may_pass: false, ..without_owner(pod) },
    }
}

fn without_owner(pod: &Pod) -> Unknown {
    let name = pod.metadata.name.as_deref().unwrap_or("");
    Unknown { why: format!("found no controllers for pod {name:?}"), may_pass: true }
}

fn reconcile(view: &View) -> Plan {
    let mut plan = Plan::default();
    let budget = &*view.budget;
    let Some(spec) = &budget.spec else { return plan };
    if view.pods.is_empty()
        && budget.status.as_ref().is_none_or(|s| s.observed_generation.is_none())
    {
        plan.event(Event::normal(budget, "NoPods", "No matching pods found".to_owned()));
    }
    let count = i32::try_from(view.pods.len()).unwrap_or(i32::MAX);
    let counts = match (&spec.max_unavailable, &spec.min_available) {
        (Some(most), _) => view
            .scale
            .clone()
            .map(|expected| (expected, (expected - scaled(Some(most), expected, true)).max(0))),
        (None, Some(IntOrString::Int(least))) => Ok((count, *least)),
        (None, least) => {
            view.scale.clone().map(|expected| (expected, scaled(least.as_ref(), expected, true)))
        }
    };
    let (expected, desired) = match counts {
        Ok(counts) => counts,
        Err(unknown) => {
            refuse_all(budget, &unknown.why, view.now, &mut plan);
            if unknown.may_pass {
                plan.wake_in(RETRY);
            }
            return plan;
        }
    };
    let old = budget.status.clone().unwrap_or_default();
    let disrupted = disrupted(view, &old, &mut plan);
    let healthy = view.pods.iter().filter(|pod| {
        let name = pod.metadata.name.as_deref().unwrap_or("");
        !pods::is_going(pod) && !disrupted.contains_key(name) && pods::is_ready(pod)
    });
    let healthy = i32::try_from(healthy.count()).unwrap_or(i32::MAX);
    let allowed = if expected <= 0 { 0 } else { (healthy - desired).max(0) };
    let verdict = if allowed > 0 {
        ("True", "SufficientPods", "")
    } else {
        ("False", "InsufficientPods", "")
    };
    let mut wanted = budget.clone();
    wanted.status = Some(PodDisruptionBudgetStatus {
        conditions: Some(told(&old, verdict, budget.metadata.generation, view.now)),
        current_healthy: Some(healthy),
        desired_healthy: Some(desired),
        expected_pods: Some(expected),
        disruptions_allowed: Some(allowed),
        disrupted_pods: Some(disrupted).filter(|disrupted| !disrupted.is_empty()),
        observed_generation: budget.metadata.generation,
    });
    plan.status_if_changed(budget, wanted);
    plan
}

/// Where nobody can tell how many Pods there shall be, none of them may be evicted.
fn refuse_all(budget: &PodDisruptionBudget, why: &str, now: Timestamp, plan: &mut Plan) {
    let mut wanted = budget.clone();
    let status = wanted.status.get_or_insert_default();
    status.disruptions_allowed = Some(0);
    let verdict = ("False", "SyncFailed", why);
    let conditions = told(status, verdict, status.observed_generation, now);
    status.conditions = Some(conditions);
    if wanted != *budget {
        let text = format!("Failed to calculate the number of expected pods: {why}");
        plan.event(Event::warning(budget, "CalculateExpectedPodCountFailed", text));
    }
    plan.status_if_changed(budget, wanted);
}

/// The Pods whose eviction was allowed and that are not seen to go yet.
fn disrupted(
    view: &View,
    old: &PodDisruptionBudgetStatus,
    plan: &mut Plan,
) -> BTreeMap<String, Time> {
    let mut left = BTreeMap::new();
    for (name, since) in old.disrupted_pods.iter().flatten() {
        let is_here = |pod: &&Arc<Pod>| pod.metadata.name.as_ref() == Some(name);
        let waits = view.pods.iter().find(is_here).is_some_and(|pod| !pods::is_going(pod));
        let due = since.0 + EVICTION;
        if waits && due > view.now {
            left.insert(name.clone(), since.clone());
            plan.wake_in(due.duration_since(view.now).unsigned_abs());
        }
    }
    left
}

/// The conditions with what is to be told of evictions: status, reason and message.
fn told(
    old: &PodDisruptionBudgetStatus,
    (status, reason, message): (&str, &str, &str),
    observed_generation: Option<i64>,
    now: Timestamp,
) -> Vec<Condition> {
    const TYPE: &str = "DisruptionAllowed";
    let mut conditions = old.conditions.clone().unwrap_or_default();
    let since = conditions
        .iter()
        .find(|condition| condition.type_ == TYPE && condition.status == status)
        .map_or(Time(now), |condition| condition.last_transition_time.clone());
    let told = Condition {
        type_: TYPE.to_owned(),
        status: status.to_owned(),
        reason: reason.to_owned(),
        message: message.to_owned(),
        observed_generation,
        last_transition_time: since,
    };
    match conditions.iter_mut().find(|condition| condition.type_ == TYPE) {
        Some(known) => *known = told,
        None => conditions.push(told),
    }
    conditions
}

impl Controller for Disruption {
    fn name(&self) -> &'static str {
        "disruption"
    }

    fn component(&self) -> &'static str {
        "controllermanager"
    }

    fn watches(&self) -> Vec<Watch> {
        vec![
            Watch::itself::<PodDisruptionBudget>(),
            Watch::of(|sources, pod: &Pod| {
                let namespace = pod.metadata.namespace.as_deref().unwrap_or("");
                let labels = pod.metadata.labels.clone().unwrap_or_default();
                let budgets = sources.pod_disruption_budgets.in_namespace(namespace);
                let found = budgets.iter().filter(|budget| {
                    selector(budget).is_some_and(|selector| selector.matches_labels(&labels))
                });
                found.map(|budget| Key::of(&**budget)).collect()
            }),
        ]
    }

    fn plan(&self, look: &Look<'_>, key: &Key) -> Plan {
        View::of(look, key).map(|view| reconcile(&view)).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests;
