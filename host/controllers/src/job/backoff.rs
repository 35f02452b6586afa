//! How long a failed Pod's successor waits: longer after each failure in a row.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use k8s_openapi::api::batch::v1::JobSpec;
use k8s_openapi::api::core::v1::Pod;

use super::count::has_failed;
use crate::pods;

const FIRST: SignedDuration = SignedDuration::from_secs(10);
const MOST: SignedDuration = SignedDuration::from_secs(600);

/// What is left of the wait after the latest failure; none if there is nothing to wait for.
pub(super) fn left<'a>(
    spec: &JobSpec,
    all: impl Iterator<Item = &'a Arc<Pod>>,
    now: Timestamp,
) -> Option<SignedDuration> {
    let mut ends: Vec<(Timestamp, bool)> = all
        .map(|pod| (pod, has_failed(spec, pod)))
        .filter(|(pod, failed)| *failed || pods::is_finished(pod))
        .map(|(pod, failed)| (finished_at(pod).unwrap_or(now), failed))
        .collect();
    ends.sort_unstable();
    let (last, _) = ends.last().copied()?;
    let in_row = ends.iter().rev().take_while(|(_, failed)| *failed).count();
    let factor = 1_i32.checked_shl(u32::try_from(in_row.checked_sub(1)?).ok()?).unwrap_or(i32::MAX);
    let wait = FIRST.checked_mul(factor).unwrap_or(MOST).min(MOST);
    let left = last + wait - now;
    let left = SignedDuration::try_from(left).ok()?;
    (left > SignedDuration::ZERO).then_some(left)
}

/// When the last container ended, or the best guess where nobody says.
fn finished_at(pod: &Pod) -> Option<Timestamp> {
    let status = pod.status.as_ref();
    let containers = status.and_then(|status| status.container_statuses.as_ref());
    let ended = containers.into_iter().flatten().filter_map(|container| {
        let ended = container.state.as_ref()?.terminated.as_ref()?;
        ended.finished_at.as_ref().map(|time| time.0)
    });
    let unready = pods::condition(pod, "Ready").filter(|ready| ready.status == "False");
    let unready = unready.and_then(|ready| ready.last_transition_time.as_ref().map(|time| time.0));
    let deleted = pod.metadata.deletion_timestamp.as_ref().map(|time| {
        let grace = pod.metadata.deletion_grace_period_seconds.unwrap_or(0);
        time.0 - SignedDuration::from_secs(grace)
    });
    let created = pod.metadata.creation_timestamp.as_ref().map(|time| time.0);
    ended.max().or(unready).or(deleted).or(created)
}
