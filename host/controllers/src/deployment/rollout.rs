//! The steps of a rollout: grow the newest `ReplicaSet`, shrink the old ones, within the bounds.

use std::sync::Arc;

use k8s_openapi::api::apps::v1::ReplicaSet;
use k8s_openapi::api::core::v1::Pod;

use super::sets::{Draft, Sets};
use super::{bounds, status};
use crate::{Plan, ownership, pods};

pub(super) fn roll(
    sets: &mut Sets<'_>,
    namesake: Option<&ReplicaSet>,
    pods: &[Arc<Pod>],
    plan: &mut Plan,
) {
    if bounds::is_recreate(&sets.deployment) {
        recreate(sets, namesake, pods, plan);
    } else {
        rolling(sets, namesake, plan);
    }
}

/// All old Pods end before the first new one starts.
fn recreate(
    sets: &mut Sets<'_>,
    namesake: Option<&ReplicaSet>,
    pods: &[Arc<Pod>],
    plan: &mut Plan,
) {
    sets.sync_revision();
    let mut scaled = false;
    for index in sets.active_old() {
        scaled |= sets.scale(index, 0, false);
    }
    if scaled || old_pods_run(sets, pods) {
        return;
    }
    if sets.newest().is_none() {
        sets.create_newest(namesake);
    }
    if let Some(newest) = sets.newest_index() {
        let want = bounds::replicas(&sets.deployment);
        sets.scale(newest, want, false);
    }
    if status::is_complete(&sets.deployment) {
        sets.forget_history(plan);
    }
}

fn old_pods_run(sets: &Sets<'_>, pods: &[Arc<Pod>]) -> bool {
    let newest = sets.newest().and_then(|newest| newest.set.metadata.uid.as_deref());
    sets.old().any(|old| old.status().replicas > 0)
        || pods.iter().any(|pod| {
            let ours = newest.is_some_and(|uid| ownership::is_controlled_by(&pod.metadata, uid));
            !ours && !pods::is_finished(pod)
        })
}

fn rolling(sets: &mut Sets<'_>, namesake: Option<&ReplicaSet>, plan: &mut Plan) {
    if sets.newest().is_none() {
        sets.create_newest(namesake);
    } else {
        sets.sync_revision();
    }
    let Some(newest) = sets.newest_index() else { return };
    if grow(sets, newest) || shrink(sets, newest) {
        return;
    }
    if status::is_complete(&sets.deployment) {
        sets.forget_history(plan);
    }
}

/// Brings the newest `ReplicaSet` nearer to what is wanted.
fn grow(sets: &mut Sets<'_>, newest: usize) -> bool {
    let want = bounds::replicas(&sets.deployment);
    let have = sets.all[newest].replicas();
    if have >= want {
        return sets.scale(newest, want, false);
    }
    let room = want + bounds::max_surge(&sets.deployment) - sets.total();
    sets.scale(newest, have + room.clamp(0, want - have), false)
}

/// Takes Pods from the old `ReplicaSets`: those that do not serve first, then as many as the new ones
/// already replace.
fn shrink(sets: &mut Sets<'_>, newest: usize) -> bool {
    let old = sets.active_old();
    if old.is_empty() {
        return false;
    }
    let least = bounds::replicas(&sets.deployment) - bounds::max_unavailable(&sets.deployment);
    let unavailable = sets.all[newest].replicas() - sets.all[newest].available();
    let may_go = sets.total() - least - unavailable;
    if may_go <= 0 {
        return false;
    }
    let mut gone = 0;
    for &index in &old {
        let (replicas, available) = (sets.all[index].replicas(), sets.all[index].available());
        let idle = (replicas - available).clamp(0, may_go - gone);
        if idle > 0 {
            sets.scale(index, replicas - idle, false);
            gone += idle;
        }
    }
    let available: i32 = sets.all.iter().map(Draft::available).sum();
    let mut spare = (available - least).max(0);
    for &index in &old {
        let replicas = sets.all[index].replicas();
        let step = replicas.min(spare);
        if step > 0 {
            sets.scale(index, replicas - step, false);
            spare -= step;
            gone += step;
        }
    }
    gone > 0
}
