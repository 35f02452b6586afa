//! Nodes that the Pod would like are better, by the weights of the wishes that they fulfil.

use super::stretched;
use crate::{affinity, decide::Look, node::Node};

pub(super) fn score(look: &Look<'_>, nodes: &[&Node]) -> Vec<i64> {
    if look.pod.preferred_nodes.is_empty() {
        return vec![0; nodes.len()];
    }
    let liked = |node: &&Node| {
        let wishes = look.pod.preferred_nodes.iter();
        wishes
            .filter(|it| affinity::term_matches(&it.preference, node))
            .map(|it| i64::from(it.weight))
            .sum()
    };
    stretched(&nodes.iter().map(liked).collect::<Vec<_>>(), true)
}
