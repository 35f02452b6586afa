//! Scores: among the nodes that are fit, which is better? Each is 0 to 100 and counts by its weight.

mod balanced;
mod image;
mod least_allocated;
mod node_affinity;
mod pod_affinity;
mod spread;
mod taints;

use crate::{decide::Look, node::Node};

/// The best score.
pub(crate) const BEST: i64 = 100;

/// Raw scores of all fit nodes, made comparable by the score itself.
pub(crate) type Score = fn(&Look<'_>, &[&Node]) -> Vec<i64>;

/// All scores with their weights, as kube-scheduler's default profile has them.
pub(crate) const ALL: &[(Score, i64)] = &[
    (taints::score, 3),
    (node_affinity::score, 2),
    (least_allocated::score, 1),
    (spread::score, 2),
    (pod_affinity::score, 2),
    (balanced::score, 1),
    (image::score, 1),
];

/// Stretches raw values over 0 to 100; `more_is_better` or the other way round. Equal values are all the best or all nothing.
fn stretched(raw: &[i64], more_is_better: bool) -> Vec<i64> {
    let most = raw.iter().copied().max().unwrap_or(0);
    let scaled = raw.iter().map(|&value| if most == 0 { 0 } else { value * BEST / most });
    scaled.map(|value| if more_is_better { value } else { BEST - value }).collect()
}
