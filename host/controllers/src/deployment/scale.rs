//! A change of `spec.replicas` while several `ReplicaSets` have Pods is shared out in proportion to
//! their sizes, so that a half-done or paused rollout keeps its balance.

use std::cmp::Reverse;

use super::bounds;
use super::sets::{Draft, Sets};

/// Whether a `ReplicaSet` was last sized for another number of replicas.
pub(super) fn is_scaling(sets: &Sets<'_>) -> bool {
    let want = bounds::replicas(&sets.deployment);
    let active = sets.all.iter().filter(|draft| draft.replicas() > 0);
    active.filter_map(Draft::desired_note).any(|desired| desired != want)
}

pub(super) fn scale(sets: &mut Sets<'_>) {
    let want = bounds::replicas(&sets.deployment);
    let mut active: Vec<usize> =
        (0..sets.all.len()).filter(|i| sets.all[*i].replicas() > 0).collect();
    let only = match active[..] {
        [] => sets.newest_index().or_else(|| sets.all.len().checked_sub(1)),
        [only] => Some(only),
        _ => None,
    };
    if active.len() <= 1 {
        if let Some(only) = only {
            sets.scale(only, want, false);
        }
        return;
    }
    if is_saturated(sets, want) {
        for index in sets.active_old() {
            sets.scale(index, 0, false);
        }
        return;
    }
    if bounds::is_recreate(&sets.deployment) {
        return;
    }
    let max = if want > 0 { want + bounds::max_surge(&sets.deployment) } else { 0 };
    let to_add = max - sets.total();
    // Largest first; among equals the newer one grows and the older one shrinks first.
    if to_add >= 0 {
        active.sort_by_key(|i| (Reverse(sets.all[*i].replicas()), Reverse(*i)));
    } else {
        active.sort_by_key(|i| (Reverse(sets.all[*i].replicas()), *i));
    }
    let mut added = 0;
    let mut sizes: Vec<i32> = Vec::with_capacity(active.len());
    for &index in &active {
        let share = proportion(sets, &sets.all[index], to_add - added, to_add);
        added += share;
        sizes.push(sets.all[index].replicas() + share);
    }
    if to_add != 0
        && let Some(largest) = sizes.first_mut()
    {
        *largest = (*largest + to_add - added).max(0);
    }
    for (&index, &size) in active.iter().zip(&sizes) {
        sets.scale(index, size, true);
    }
}

/// The newest `ReplicaSet` has all Pods, and they serve.
fn is_saturated(sets: &Sets<'_>, want: i32) -> bool {
    sets.newest().is_some_and(|newest| {
        newest.replicas() == want
            && newest.desired_note() == Some(want)
            && newest.available() == want
    })
}

/// The share of one `ReplicaSet` in `to_add`, of which `left` is not yet given away.
fn proportion(sets: &Sets<'_>, draft: &Draft, left: i32, to_add: i32) -> i32 {
    let size = draft.replicas();
    if size == 0 || left == 0 {
        return 0;
    }
    let share = fraction(sets, draft, size);
    if to_add > 0 { share.min(left) } else { share.max(left) }
}

fn fraction(sets: &Sets<'_>, draft: &Draft, size: i32) -> i32 {
    let want = bounds::replicas(&sets.deployment);
    if want == 0 {
        return -size;
    }
    let max = want + bounds::max_surge(&sets.deployment);
    let seen = sets.deployment.status.as_ref().and_then(|status| status.replicas).unwrap_or(0);
    let max_before = draft.max_note().filter(|max| *max != 0).unwrap_or(seen);
    if max_before == 0 {
        return 0;
    }
    let exact = f64::from(size) * f64::from(max) / f64::from(max_before);
    #[expect(clippy::cast_possible_truncation, reason = "a number of Pods, rounded")]
    let rounded = exact.round() as i32;
    rounded - size
}
