//! Topology spread constraints that must hold: no place has more than `maxSkew` Pods above the emptiest one.

use super::{Reasons, unless};
use crate::{decide::Look, node::Node};

pub(super) fn filter(look: &Look<'_>, node: &Node) -> Reasons {
    let required =
        look.pod.spread.iter().zip(&look.places.spread).filter(|(spread, _)| spread.required);
    for (spread, counts) in required {
        let Some(here) = node.labels.get(&spread.topology_key) else {
            return unless(
                false,
                "node(s) didn't match pod topology spread constraints (missing required label)",
            );
        };
        let places = i64::try_from(counts.len()).unwrap_or(i64::MAX);
        let emptiest = if places < spread.min_domains {
            0
        } else {
            counts.values().copied().min().unwrap_or(0)
        };
        let own = i64::from(spread.counts(&look.pod.namespace, look.pod));
        let count = counts.get(here).copied().unwrap_or(0);
        if count + own - emptiest > spread.max_skew {
            return unless(false, "node(s) didn't match pod topology spread constraints");
        }
    }
    Reasons::new()
}
