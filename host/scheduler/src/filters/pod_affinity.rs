//! Pods that must be near others, or apart from them; and Pods that others keep away.

use super::{Reasons, unless};
use crate::{decide::Look, node::Node};

pub(super) fn filter(look: &Look<'_>, node: &Node) -> Reasons {
    let places = &look.places;
    let near = look.pod.near.iter().zip(&places.near).all(|(term, matching)| {
        let Some(here) = node.labels.get(&term.topology_key) else { return false };
        // The first of a group that wants to be near itself would otherwise never start.
        matching.contains(here) || (places.alone && term.means(look.pod))
    });
    if !near {
        return unless(false, "node(s) didn't match pod affinity rules");
    }
    let apart = look.pod.apart.iter().zip(&places.apart).all(|(term, matching)| {
        node.labels.get(&term.topology_key).is_none_or(|here| !matching.contains(here))
    });
    if !apart {
        return unless(false, "node(s) didn't match pod anti-affinity rules");
    }
    let welcome = places.repelled.iter().all(|(key, value)| node.labels.get(key) != Some(value));
    unless(welcome, "node(s) didn't satisfy existing pods anti-affinity rules")
}
