//! The status of a Deployment: counts of what its `ReplicaSets` report, and its conditions.
//!
//! `Available` tells whether enough Pods serve. `Progressing` tells the story of the rollout: its
//! update time moves with every progress, its transition time only with its status, and it turns
//! `False` when nothing has moved for the deadline. Replacing a condition moves it to the end of the
//! list, which clients see.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use k8s_openapi::api::apps::v1::{Deployment, DeploymentCondition, DeploymentStatus};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;

use super::bounds;
use super::sets::{Draft, Sets};
use crate::Plan;

const AVAILABLE: &str = "Available";
const PROGRESSING: &str = "Progressing";
const REPLICA_FAILURE: &str = "ReplicaFailure";
const COMPLETE: &str = "NewReplicaSetAvailable";
const TIMED_OUT: &str = "ProgressDeadlineExceeded";
const PAUSED: &str = "DeploymentPaused";

/// Whether all Pods are of the newest template and serve.
pub(super) fn is_complete(deployment: &Deployment) -> bool {
    deployment.status.as_ref().is_some_and(|status| complete(deployment, status))
}

fn complete(deployment: &Deployment, status: &DeploymentStatus) -> bool {
    let want = bounds::replicas(deployment);
    status.updated_replicas.unwrap_or(0) == want
        && status.replicas.unwrap_or(0) == want
        && status.available_replicas.unwrap_or(0) == want
        && status.observed_generation.unwrap_or(0) >= deployment.metadata.generation.unwrap_or(0)
}

/// Counts and availability, without judging progress.
pub(super) fn plain(sets: &mut Sets<'_>) {
    let status = counted(sets);
    sets.deployment.status = Some(status);
}

/// Counts, availability and progress.
pub(super) fn rollout(sets: &mut Sets<'_>, plan: &mut Plan) {
    let before = sets.deployment.status.clone().unwrap_or_default();
    let mut status = counted(sets);
    let deadline = bounds::deadline_secs(&sets.deployment);
    if deadline.is_none() {
        remove(&mut status, PROGRESSING);
    }
    let current = get(&before, PROGRESSING).cloned();
    let was_complete = status.replicas.unwrap_or(0) == status.updated_replicas.unwrap_or(0)
        && current.as_ref().is_some_and(|c| reason(c) == COMPLETE);
    if let Some(deadline) = deadline.filter(|_| !was_complete) {
        progress(sets, &before, &mut status, current.as_ref(), deadline);
    }
    match failure(sets) {
        Some(condition) => set(&mut status, condition),
        None => remove(&mut status, REPLICA_FAILURE),
    }
    if let Some(deadline) = deadline {
        wake_for_deadline(&sets.deployment, &status, deadline, sets.now, plan);
    }
    sets.deployment.status = Some(status);
}

fn progress(
    sets: &Sets<'_>,
    before: &DeploymentStatus,
    status: &mut DeploymentStatus,
    current: Option<&DeploymentCondition>,
    deadline: i32,
) {
    let subject = match sets.newest() {
        Some(newest) => format!("ReplicaSet \"{}\"", newest.name()),
        None => {
            format!("Deployment \"{}\"", sets.deployment.metadata.name.as_deref().unwrap_or(""))
        }
    };
    let of = |status, reason, text: &str| {
        condition(PROGRESSING, status, reason, format!("{subject} {text}"), sets.now)
    };
    if complete(&sets.deployment, status) {
        set(status, of("True", COMPLETE, "has successfully progressed."));
    } else if has_progressed(before, status) {
        let mut progressing = of("True", "ReplicaSetUpdated", "is progressing.");
        if let Some(current) = current {
            if current.status.as_deref() == Some("True") {
                progressing.last_transition_time.clone_from(&current.last_transition_time);
            }
            remove(status, PROGRESSING);
        }
        set(status, progressing);
    } else if has_timed_out(status, deadline, sets.now) {
        set(status, of("False", TIMED_OUT, "has timed out progressing."));
    }
}

/// A pause stops the clock of the deadline; going on starts it anew.
pub(super) fn pause(sets: &mut Sets<'_>) {
    if bounds::deadline_secs(&sets.deployment).is_none() {
        return;
    }
    let (paused, now) = (bounds::is_paused(&sets.deployment), sets.now);
    let known = sets.deployment.status.as_ref().and_then(|status| get(status, PROGRESSING));
    let is_known_paused = known.is_some_and(|known| reason(known) == PAUSED);
    if known.is_some_and(|known| reason(known) == TIMED_OUT) || paused == is_known_paused {
        return;
    }
    let (why, text) = if paused {
        (PAUSED, "Deployment is paused")
    } else {
        ("DeploymentResumed", "Deployment is resumed")
    };
    let condition = condition(PROGRESSING, "Unknown", why, text.to_owned(), now);
    set(sets.status_mut(), condition);
}

/// The newest `ReplicaSet` was there before anybody cared for progress.
pub(super) fn found(sets: &mut Sets<'_>) {
    let status = sets.deployment.status.as_ref();
    let is_known = status.is_some_and(|status| get(status, PROGRESSING).is_some());
    if bounds::deadline_secs(&sets.deployment).is_none() || is_known {
        return;
    }
    let Some(newest) = sets.newest() else { return };
    let text = format!("Found new replica set \"{}\"", newest.name());
    let found = condition(PROGRESSING, "True", "FoundNewReplicaSet", text, sets.now);
    set(sets.status_mut(), found);
}

/// A new `ReplicaSet` begins a rollout.
pub(super) fn created(sets: &mut Sets<'_>, name: &str) {
    if bounds::deadline_secs(&sets.deployment).is_none() {
        return;
    }
    let text = format!("Created new replica set \"{name}\"");
    let created = condition(PROGRESSING, "True", "NewReplicaSetCreated", text, sets.now);
    set(sets.status_mut(), created);
}

/// The server refused the new `ReplicaSet`.
pub(super) fn create_failed(sets: &mut Sets<'_>, name: &str, message: &str) {
    if bounds::deadline_secs(&sets.deployment).is_none() {
        return;
    }
    let text = format!("Failed to create new replica set \"{name}\": {message}");
    let failed = condition(PROGRESSING, "False", "ReplicaSetCreateError", text, sets.now);
    set(sets.status_mut(), failed);
}

fn counted(sets: &Sets<'_>) -> DeploymentStatus {
    let nonzero = |count: i32| Some(count).filter(|count| *count != 0);
    let sum = |of: fn(&Draft) -> i32| sets.all.iter().map(of).sum::<i32>();
    let available = sum(Draft::available);
    let asked = sum(Draft::replicas_seen);
    let want = bounds::replicas(&sets.deployment);
    let before = sets.deployment.status.clone().unwrap_or_default();
    let mut status = DeploymentStatus {
        observed_generation: sets.deployment.metadata.generation,
        replicas: nonzero(sum(|draft| draft.status().replicas)),
        updated_replicas: nonzero(sets.newest().map_or(0, |newest| newest.status().replicas)),
        ready_replicas: nonzero(sum(|draft| draft.status().ready_replicas.unwrap_or(0))),
        available_replicas: nonzero(available),
        unavailable_replicas: nonzero((asked - available).max(0)),
        terminating_replicas: terminating(sets),
        collision_count: before.collision_count,
        conditions: before.conditions,
    };
    let enough = available >= want - bounds::max_unavailable(&sets.deployment);
    let (is, why, text) = if enough {
        ("True", "MinimumReplicasAvailable", "Deployment has minimum availability.")
    } else {
        ("False", "MinimumReplicasUnavailable", "Deployment does not have minimum availability.")
    };
    set(&mut status, condition(AVAILABLE, is, why, text.to_owned(), sets.now));
    status
}

/// Known only if every `ReplicaSet` that was ever looked at reports it.
fn terminating(sets: &Sets<'_>) -> Option<i32> {
    let mut sum = 0;
    for draft in &sets.all {
        match draft.status().terminating_replicas {
            Some(count) => sum += count,
            None if draft.status().observed_generation.unwrap_or(0) == 0 => {}
            None => return None,
        }
    }
    Some(sum)
}

/// What the newest `ReplicaSet` cannot do counts before what an old one cannot.
fn failure(sets: &Sets<'_>) -> Option<DeploymentCondition> {
    let ordered = sets.newest().into_iter().chain(sets.all.iter());
    let mut failures = ordered.flat_map(|draft| draft.status().conditions.iter().flatten());
    let failed = failures.find(|condition| condition.type_.as_deref() == Some(REPLICA_FAILURE))?;
    Some(DeploymentCondition {
        type_: failed.type_.clone(),
        status: failed.status.clone(),
        reason: failed.reason.clone(),
        message: failed.message.clone(),
        last_update_time: failed.last_transition_time.clone(),
        last_transition_time: failed.last_transition_time.clone(),
    })
}

fn has_progressed(before: &DeploymentStatus, after: &DeploymentStatus) -> bool {
    let old = |s: &DeploymentStatus| s.replicas.unwrap_or(0) - s.updated_replicas.unwrap_or(0);
    after.updated_replicas > before.updated_replicas
        || old(after) < old(before)
        || after.ready_replicas > before.ready_replicas
        || after.available_replicas > before.available_replicas
}

fn has_timed_out(status: &DeploymentStatus, deadline: i32, now: Timestamp) -> bool {
    let Some(condition) = get(status, PROGRESSING) else { return false };
    match reason(condition) {
        COMPLETE => false,
        TIMED_OUT => true,
        _ => condition
            .last_update_time
            .as_ref()
            .is_some_and(|moved| moved.0 + SignedDuration::from_secs(i64::from(deadline)) < now),
    }
}

fn wake_for_deadline(
    deployment: &Deployment,
    status: &DeploymentStatus,
    deadline: i32,
    now: Timestamp,
    plan: &mut Plan,
) {
    let Some(condition) = get(status, PROGRESSING) else { return };
    if complete(deployment, status) || matches!(reason(condition), TIMED_OUT | COMPLETE) {
        return;
    }
    let Some(moved) = &condition.last_update_time else { return };
    let due = moved.0 + SignedDuration::from_secs(i64::from(deadline));
    // A second more, since times of conditions have no finer grain.
    let left = due.duration_since(now).max(SignedDuration::ZERO).unsigned_abs();
    plan.wake_in(left + Duration::from_secs(1));
}

fn condition(
    type_: &str,
    status: &str,
    reason: &str,
    message: String,
    now: Timestamp,
) -> DeploymentCondition {
    DeploymentCondition {
        type_: Some(type_.to_owned()),
        status: Some(status.to_owned()),
        reason: Some(reason.to_owned()),
        message: Some(message),
        last_update_time: Some(Time(now)),
        last_transition_time: Some(Time(now)),
    }
}

fn get<'a>(status: &'a DeploymentStatus, type_: &str) -> Option<&'a DeploymentCondition> {
    status.conditions.iter().flatten().find(|condition| condition.type_.as_deref() == Some(type_))
}

fn reason(condition: &DeploymentCondition) -> &str {
    condition.reason.as_deref().unwrap_or("")
}

fn set(status: &mut DeploymentStatus, mut condition: DeploymentCondition) {
    let type_ = condition.type_.clone().unwrap_or_default();
    if let Some(known) = get(status, &type_) {
        if known.status == condition.status && known.reason == condition.reason {
            return;
        }
        if known.status == condition.status {
            condition.last_transition_time.clone_from(&known.last_transition_time);
        }
    }
    remove(status, &type_);
    status.conditions.get_or_insert_default().push(condition);
}

fn remove(status: &mut DeploymentStatus, type_: &str) {
    if let Some(conditions) = &mut status.conditions {
        conditions.retain(|condition| condition.type_.as_deref() != Some(type_));
        if conditions.is_empty() {
            status.conditions = None;
        }
    }
}
