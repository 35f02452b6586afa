//! Places with fewer Pods of the same kind are better: by the Pod's own soft constraints, or, where it has none, by the node, so that
//! the Pods of one controller do not crowd.

use super::{BEST, stretched};
use crate::{decide::Look, node::Node};

pub(super) fn score(look: &Look<'_>, nodes: &[&Node]) -> Vec<i64> {
    let soft =
        || look.pod.spread.iter().zip(&look.places.spread).filter(|(spread, _)| !spread.required);
    if soft().next().is_none() {
        return by_owner(look, nodes);
    }
    let crowd = |node: &&Node| {
        soft()
            .map(|(spread, counts)| {
                let here = node.labels.get(&spread.topology_key);
                here.and_then(|here| counts.get(here)).copied().unwrap_or_default()
            })
            .sum()
    };
    stretched(&nodes.iter().map(crowd).collect::<Vec<_>>(), false)
}

fn by_owner(look: &Look<'_>, nodes: &[&Node]) -> Vec<i64> {
    let Some(owner) = &look.pod.owner else { return vec![BEST; nodes.len()] };
    let siblings = |node: &&Node| {
        let count = node.pods.values().filter(|other| other.owner.as_ref() == Some(owner)).count();
        i64::try_from(count).unwrap_or(i64::MAX)
    };
    stretched(&nodes.iter().map(siblings).collect::<Vec<_>>(), false)
}
