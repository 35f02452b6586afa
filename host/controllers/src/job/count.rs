//! How the Pods of a Job come into its numbers: each once, whatever happens in between.

use std::sync::Arc;

use k8s_openapi::api::batch::v1::{Job, JobSpec, JobStatus, UncountedTerminatedPods};
use k8s_openapi::api::core::v1::Pod;
use serde_json::json;

use super::{announced, indexes, verdict};
use crate::{Action, Change, Plan, Target, pods};

pub(super) const FINALIZER: &str = "batch.kubernetes.io/job-tracking";
pub(super) const FAILURES: &str = "batch.kubernetes.io/job-index-failure-count";

/// Moves ended Pods towards the numbers, a step at a time. Returns those that are not counted yet.
pub(super) fn count<'a>(
    job: &Job,
    spec: &JobSpec,
    members: &'a [Arc<Pod>],
    status: &mut JobStatus,
    plan: &mut Plan,
) -> Vec<&'a Arc<Pod>> {
    // No Pod follows where the end is announced, or the Job is being deleted.
    let goes_on = announced(status).is_none() && job.metadata.deletion_timestamp.is_none();
    let uncounted = status.uncounted_terminated_pods.take().unwrap_or_default();
    let tracked = |uid: &String| {
        members.iter().any(|pod| pod.metadata.uid.as_ref() == Some(uid) && is_tracked(pod))
    };
    let sort = |uids: Option<Vec<String>>| {
        let (waiting, done): (Vec<_>, Vec<_>) = uids.into_iter().flatten().partition(tracked);
        (waiting, i32::try_from(done.len()).unwrap_or(i32::MAX))
    };
    let (mut succeeded, more) = sort(uncounted.succeeded);
    status.succeeded = Some(status.succeeded.unwrap_or(0) + more).filter(|count| *count != 0);
    let (mut failed, more) = sort(uncounted.failed);
    status.failed = Some(status.failed.unwrap_or(0) + more).filter(|count| *count != 0);
    let mut ended = Vec::new();
    let is_over = |pod: &&Arc<Pod>| pods::phase(pod) == "Succeeded" || has_failed(spec, pod);
    for pod in members.iter().filter(|pod| is_tracked(pod)).filter(is_over) {
        let uid = pod.metadata.uid.clone().unwrap_or_default();
        ended.push(pod);
        if goes_on && waits_for_successor(spec, pod, members) {
            continue;
        }
        if succeeded.contains(&uid) || failed.contains(&uid) {
            plan.act(untrack(pod));
        } else if pods::phase(pod) == "Succeeded" {
            succeeded.push(uid);
        } else if verdict::is_ignored(spec, pod) {
            plan.act(untrack(pod));
        } else {
            failed.push(uid);
        }
    }
    status.uncounted_terminated_pods = Some(UncountedTerminatedPods {
        succeeded: Some(succeeded).filter(|uids| !uids.is_empty()),
        failed: Some(failed).filter(|uids| !uids.is_empty()),
    });
    ended
}

/// Whether a Pod counts as failed: one that is being deleted does even if it never comes to an end, unless the Job waits for that, or has let
/// go of it before.
pub(super) fn has_failed(spec: &JobSpec, pod: &Pod) -> bool {
    match pods::phase(pod) {
        "Failed" => true,
        "Succeeded" => false,
        _ => pods::is_going(pod) && is_tracked(pod) && !waits_for_failure(spec),
    }
}

/// Whether a failed Pod stays until the next one of its index is there, which learns from it how often the index has failed.
fn waits_for_successor(spec: &JobSpec, pod: &Pod, members: &[Arc<Pod>]) -> bool {
    let (Some(limit), Some(index)) = (spec.backoff_limit_per_index, indexes::of(pod)) else {
        return false;
    };
    let is_last = pods::phase(pod) == "Succeeded"
        || verdict::fails_index(spec, pod)
        || failures(pod) >= limit && !verdict::is_ignored(spec, pod);
    let follows = |other: &Arc<Pod>| {
        indexes::of(other) == Some(index)
            && (pods::is_active(other) || failures(other) > failures(pod))
    };
    !is_last && !members.iter().any(follows)
}

/// Whether a Pod that is being deleted counts only once it has really failed.
pub(super) fn waits_for_failure(spec: &JobSpec) -> bool {
    spec.pod_replacement_policy.as_deref() == Some("Failed")
}

/// How often the Pods of this index had failed before this one.
pub(super) fn failures(pod: &Pod) -> i32 {
    let notes = pod.metadata.annotations.as_ref();
    notes.and_then(|notes| notes.get(FAILURES)?.parse().ok()).unwrap_or(0)
}

/// How many Pods have succeeded, counted or not.
pub(super) fn succeeded(status: &JobStatus) -> i32 {
    let uncounted = status.uncounted_terminated_pods.as_ref();
    let more = uncounted.and_then(|uncounted| uncounted.succeeded.as_ref()).map_or(0, Vec::len);
    status.succeeded.unwrap_or(0) + i32::try_from(more).unwrap_or(i32::MAX)
}

pub(super) fn is_tracked(pod: &Pod) -> bool {
    pod.metadata.finalizers.iter().flatten().any(|finalizer| finalizer == FINALIZER)
}

pub(super) fn untrack(pod: &Pod) -> Action {
    let finalizers = pod.metadata.finalizers.iter().flatten();
    let left: Vec<&String> = finalizers.filter(|finalizer| *finalizer != FINALIZER).collect();
    Action::Patch {
        target: Target::of(pod),
        subresource: "",
        patch: Change::Merge(json!({"metadata": {
            "uid": pod.metadata.uid,
            "resourceVersion": pod.metadata.resource_version,
            "finalizers": left,
        }})),
        announce: None,
    }
}
