//! Keeping a number of like Pods: what `ReplicaSet` and `ReplicationController` have in common.
//!
//! One plan creates or deletes at most [`BURST`] Pods; the rest follows when these are seen. The
//! shell starts a run of creates slowly, so that a quota refuses a few and not hundreds.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use k8s_openapi::api::core::v1::{Pod, PodTemplateSpec};

use crate::pods::{self, Availability};
use crate::{Action, Announce, Failure, Plan, Sourced, Target, Verb};

/// Creates or deletes in one plan.
pub(crate) const BURST: usize = 500;

/// What is seen of the members.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    pub(crate) replicas: i32,
    pub(crate) fully_labeled: i32,
    pub(crate) ready: i32,
    pub(crate) available: i32,
    /// When the next ready Pod becomes available.
    pub(crate) next_available: Option<SignedDuration>,
}

pub(crate) fn count(
    members: &[Arc<Pod>],
    template: &PodTemplateSpec,
    min_ready_secs: i32,
    now: Timestamp,
) -> Counts {
    let empty = BTreeMap::new();
    let asked = template.metadata.as_ref().and_then(|m| m.labels.as_ref()).unwrap_or(&empty);
    let mut counts = Counts::default();
    for pod in members {
        counts.replicas += 1;
        let labels = pod.metadata.labels.as_ref().unwrap_or(&empty);
        if asked.iter().all(|(key, value)| labels.get(key) == Some(value)) {
            counts.fully_labeled += 1;
        }
        match pods::availability(pod, min_ready_secs, now) {
            Availability::Unready => {}
            Availability::In(wait) => {
                counts.ready += 1;
                counts.next_available = Some(counts.next_available.map_or(wait, |w| w.min(wait)));
            }
            Availability::Available => {
                counts.ready += 1;
                counts.available += 1;
            }
        }
    }
    counts
}

/// Creates what is missing and deletes what is too much. `related` are the Pods of the whole
/// application: of two Pods, the one in the larger crowd goes.
pub(crate) fn manage<O: Sourced>(
    owner: &O,
    template: &PodTemplateSpec,
    want: i32,
    members: &[Arc<Pod>],
    related: &[Arc<Pod>],
    now: Timestamp,
    plan: &mut Plan,
) {
    let want = usize::try_from(want).unwrap_or(0);
    for _ in members.len()..want.min(members.len().saturating_add(BURST)) {
        plan.act(create_pod(template, owner));
    }
    let excess = members.len().saturating_sub(want).min(BURST);
    if excess == 0 {
        return;
    }
    let mut crowds: BTreeMap<&str, usize> = BTreeMap::new();
    for pod in related.iter().filter(|pod| pods::is_active(pod)) {
        *crowds.entry(pods::node_name(pod)).or_default() += 1;
    }
    let crowd = |pod: &Pod| crowds.get(pods::node_name(pod)).copied().unwrap_or(0);
    let mut ranked: Vec<&Arc<Pod>> = members.iter().collect();
    ranked.sort_by(|a, b| pods::deletion_order(a, b, &crowd, now));
    for pod in ranked.into_iter().take(excess) {
        plan.act(delete_pod(pod, owner));
    }
}

pub(crate) fn create_pod<O: Sourced>(template: &PodTemplateSpec, owner: &O) -> Action {
    let object = pods::from_template(template, owner).into_any();
    Action::Create { object, announce: Some(told(owner)) }
}

/// The Events of a create.
pub(crate) fn told<O: Sourced>(owner: &O) -> Announce {
    let success = ("SuccessfulCreate", "Created pod: {}");
    Announce::both(owner, success, ("FailedCreate", "Error creating: {}"))
}

pub(crate) fn delete_pod<O: Sourced>(pod: &Pod, owner: &O) -> Action {
    let success = ("SuccessfulDelete", "Deleted pod: {}");
    Action::Delete {
        target: Target::of(pod),
        propagation: None,
        grace_secs: None,
        announce: Some(Announce::both(owner, success, ("FailedDelete", "Error deleting: {}"))),
    }
}

/// Reason and message of the condition `ReplicaFailure`, if the last plan went wrong.
pub(crate) fn failure(last: Option<&Failure>, have: i32, want: i32) -> Option<(String, String)> {
    let last = last.filter(|last| last.verb != Verb::Change && last.resource.resource == "pods")?;
    let reason = match have.cmp(&want) {
        std::cmp::Ordering::Less => "FailedCreate",
        std::cmp::Ordering::Equal => "",
        std::cmp::Ordering::Greater => "FailedDelete",
    };
    Some((reason.to_owned(), last.message.clone()))
}
