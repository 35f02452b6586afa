//! Facts about Pods that several controllers look at, and the Pod that a template describes.

use std::cmp::Ordering;

use jiff::{SignedDuration, Timestamp};
use k8s_openapi::api::core::v1::{Pod, PodCondition, PodTemplateSpec};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;

use crate::{Sourced, ownership};

/// The longest prefix of a generated name.
const GENERATE_NAME_MAX: usize = 58;

/// The phase, empty before anybody set one.
pub(crate) fn phase(pod: &Pod) -> &str {
    pod.status.as_ref().and_then(|status| status.phase.as_deref()).unwrap_or("")
}

/// Whether all its containers have ended for good.
pub(crate) fn is_finished(pod: &Pod) -> bool {
    matches!(phase(pod), "Succeeded" | "Failed")
}

/// Whether it is being deleted.
pub(crate) fn is_going(pod: &Pod) -> bool {
    pod.metadata.deletion_timestamp.is_some()
}

/// Whether it counts as one of the replicas that are asked for.
pub(crate) fn is_active(pod: &Pod) -> bool {
    !is_finished(pod) && !is_going(pod)
}

/// A condition of its status.
pub(crate) fn condition<'a>(pod: &'a Pod, type_: &str) -> Option<&'a PodCondition> {
    let conditions = pod.status.as_ref().and_then(|status| status.conditions.as_ref());
    conditions.into_iter().flatten().find(|condition| condition.type_ == type_)
}

/// Whether it may get traffic.
pub(crate) fn is_ready(pod: &Pod) -> bool {
    condition(pod, "Ready").is_some_and(|ready| ready.status == "True")
}

/// Since when it is ready.
pub(crate) fn ready_since(pod: &Pod) -> Option<Timestamp> {
    let ready = condition(pod, "Ready").filter(|ready| ready.status == "True")?;
    ready.last_transition_time.as_ref().map(|time| time.0)
}

/// How a Pod stands to `minReadySeconds`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Availability {
    /// Not ready.
    Unready,
    /// Ready, and available after this time.
    In(SignedDuration),
    /// Ready for long enough.
    Available,
}

/// Whether a Pod has been ready for `min_ready_secs`.
pub(crate) fn availability(pod: &Pod, min_ready_secs: i32, now: Timestamp) -> Availability {
    if !is_ready(pod) {
        return Availability::Unready;
    }
    if min_ready_secs == 0 {
        return Availability::Available;
    }
    let Some(since) = ready_since(pod) else { return Availability::Unready };
    let left = since + SignedDuration::from_secs(i64::from(min_ready_secs)) - now;
    let left = left.total(jiff::Unit::Second).map_or(0.0, f64::ceil);
    if left <= 0.0 {
        Availability::Available
    } else {
        // Whole seconds: the times of conditions have no finer grain.
        #[expect(clippy::cast_possible_truncation, reason = "a few seconds")]
        Availability::In(SignedDuration::from_secs(left as i64))
    }
}

/// Restarts of the container that restarted most; init containers as a tie breaker.
pub(crate) fn restarts(pod: &Pod) -> (i32, i32) {
    let Some(status) = &pod.status else { return (0, 0) };
    let most = |statuses: &Option<Vec<k8s_openapi::api::core::v1::ContainerStatus>>| {
        statuses.iter().flatten().map(|c| c.restart_count).max().unwrap_or(0)
    };
    (most(&status.container_statuses), most(&status.init_container_statuses))
}

/// The Pod to give up first: unassigned, not started, not ready, cheap, crowded, young. `crowd`
/// tells how many Pods of the same application share a Pod's node. Ages count by their order of
/// magnitude, so that no single old Pod is always spared; then the uid decides.
pub(crate) fn deletion_order(
    a: &Pod,
    b: &Pod,
    crowd: &dyn Fn(&Pod) -> usize,
    now: Timestamp,
) -> Ordering {
    let unassigned = |pod: &Pod| node_name(pod).is_empty();
    let started = |pod: &Pod| match phase(pod) {
        "Pending" | "" => 0,
        "Unknown" => 1,
        _ => 2,
    };
    let both_ready = is_ready(a) && is_ready(b);
    unassigned(b)
        .cmp(&unassigned(a))
        .then_with(|| started(a).cmp(&started(b)))
        .then_with(|| is_ready(a).cmp(&is_ready(b)))
        .then_with(|| deletion_cost(a).cmp(&deletion_cost(b)))
        .then_with(|| crowd(b).cmp(&crowd(a)))
        .then_with(|| {
            if both_ready { younger(ready_since(a), ready_since(b), now) } else { Ordering::Equal }
        })
        .then_with(|| restarts(b).cmp(&restarts(a)))
        .then_with(|| younger(created(a), created(b), now))
        .then_with(|| a.metadata.uid.cmp(&b.metadata.uid))
        .then_with(|| a.metadata.name.cmp(&b.metadata.name))
}

fn younger(a: Option<Timestamp>, b: Option<Timestamp>, now: Timestamp) -> Ordering {
    let magnitude = |time: Option<Timestamp>| {
        // A Pod without a time goes first, as one of the future does.
        let age = time.map_or(0, |time| now.duration_since(time).as_nanos().max(0));
        128 - age.leading_zeros()
    };
    magnitude(a).cmp(&magnitude(b))
}

fn created(pod: &Pod) -> Option<Timestamp> {
    pod.metadata.creation_timestamp.as_ref().map(|time| time.0)
}

fn deletion_cost(pod: &Pod) -> i32 {
    let notes = pod.metadata.annotations.as_ref();
    let cost = notes.and_then(|notes| notes.get("controller.kubernetes.io/pod-deletion-cost"));
    cost.and_then(|cost| cost.parse().ok()).unwrap_or(0)
}

/// The node it runs on, empty before it is bound.
pub(crate) fn node_name(pod: &Pod) -> &str {
    pod.spec.as_ref().and_then(|spec| spec.node_name.as_deref()).unwrap_or("")
}

/// The Pod that a template describes, owned by a set. Its name is left to the server.
pub(crate) fn from_template<O: Sourced>(template: &PodTemplateSpec, owner: &O) -> Pod {
    let described = template.metadata.clone().unwrap_or_default();
    let owner_name = owner.metadata().name.as_deref().unwrap_or("");
    let mut prefix = format!("{owner_name}-");
    if prefix.len() > GENERATE_NAME_MAX {
        prefix.truncate(GENERATE_NAME_MAX);
    }
    Pod {
        metadata: ObjectMeta {
            generate_name: Some(prefix),
            namespace: owner.metadata().namespace.clone(),
            labels: described.labels,
            annotations: described.annotations,
            finalizers: described.finalizers,
            owner_references: Some(vec![ownership::controller_reference(owner)]),
            ..ObjectMeta::default()
        },
        spec: template.spec.clone(),
        status: None,
    }
}
