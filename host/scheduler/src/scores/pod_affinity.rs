//! Places near Pods that the Pod likes, and away from those it dislikes, are better.

use super::BEST;
use crate::{decide::Look, node::Node};

pub(super) fn score(look: &Look<'_>, nodes: &[&Node]) -> Vec<i64> {
    let wishes = &look.places.wishes;
    if wishes.is_empty() {
        return vec![0; nodes.len()];
    }
    let raw: Vec<i64> = nodes
        .iter()
        .map(|node| {
            wishes
                .iter()
                .filter(|((key, value), _)| node.labels.get(key) == Some(value))
                .map(|(_, sum)| sum)
                .sum()
        })
        .collect();
    let (least, most) = (
        raw.iter().copied().min().unwrap_or_default(),
        raw.iter().copied().max().unwrap_or_default(),
    );
    // Sums may be negative, so the worst place is the zero of the scale.
    raw.iter()
        .map(|value| if most == least { 0 } else { (value - least) * BEST / (most - least) })
        .collect()
}
