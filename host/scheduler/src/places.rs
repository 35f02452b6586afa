//! What the other Pods mean for one Pod, gathered once per decision: in which places they are that it seeks, avoids or counts.
//!
//! A place is a value of a topology label, such as the name of a zone.

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    affinity,
    filters::tolerates,
    node::Node,
    pending::Pending,
    snapshot::Snapshot,
    terms::{PodTerm, Spread},
};

/// Places by the Pod's own rules, in their order, and by those of others.
#[derive(Debug, Default)]
pub(crate) struct Places {
    pub(crate) near: Vec<BTreeSet<String>>,
    pub(crate) apart: Vec<BTreeSet<String>>,
    /// No Pod anywhere is one that the affinity terms seek.
    pub(crate) alone: bool,
    /// Labels of places from which Pods there keep this one away.
    pub(crate) repelled: BTreeSet<(String, String)>,
    /// Pods counted in each place, by constraint.
    pub(crate) spread: Vec<BTreeMap<String, i64>>,
    /// Pods of preferred terms in each place: weight times number, by label.
    pub(crate) wishes: BTreeMap<(String, String), i64>,
}

impl Places {
    pub(crate) fn of(pod: &Pending, snapshot: &Snapshot) -> Self {
        let mut places = Self { repelled: repelled(pod, snapshot), ..Self::default() };
        if !pod.looks_at_pods() {
            return places;
        }
        let around = |term: &PodTerm| {
            let nodes =
                snapshot.nodes().filter(|node| node.pods.values().any(|other| term.means(other)));
            nodes
                .filter_map(|node| node.labels.get(&term.topology_key).cloned())
                .collect::<BTreeSet<_>>()
        };
        places.near = pod.near.iter().map(around).collect();
        places.apart = pod.apart.iter().map(around).collect();
        places.alone = places.near.iter().all(BTreeSet::is_empty);
        places.spread = pod.spread.iter().map(|spread| counted(pod, spread, snapshot)).collect();
        for (wishes, sign) in [(&pod.preferred_near, 1), (&pod.preferred_apart, -1)] {
            for wish in wishes {
                for node in snapshot.nodes() {
                    let Some(here) = node.labels.get(&wish.term.topology_key) else { continue };
                    let others = node.pods.values().filter(|other| wish.term.means(other)).count();
                    let others = i64::try_from(others).unwrap_or(i64::MAX);
                    let place = (wish.term.topology_key.clone(), here.clone());
                    *places.wishes.entry(place).or_default() += sign * wish.weight * others;
                }
            }
        }
        places
    }
}

fn repelled(pod: &Pending, snapshot: &Snapshot) -> BTreeSet<(String, String)> {
    let mut found = BTreeSet::new();
    if !snapshot.any_repels() {
        return found;
    }
    for node in snapshot.nodes().filter(|node| node.repelling > 0) {
        for term in node.pods.values().flat_map(|other| &other.apart).filter(|term| term.means(pod))
        {
            if let Some(here) = node.labels.get(&term.topology_key) {
                found.insert((term.topology_key.clone(), here.clone()));
            }
        }
    }
    found
}

fn counted(pod: &Pending, spread: &Spread, snapshot: &Snapshot) -> BTreeMap<String, i64> {
    let mut counts = BTreeMap::new();
    for node in snapshot.nodes().filter(|node| is_place(pod, spread, node)) {
        let Some(here) = node.labels.get(&spread.topology_key) else { continue };
        let others =
            node.pods.values().filter(|other| spread.counts(&pod.namespace, other)).count();
        *counts.entry(here.clone()).or_default() += i64::try_from(others).unwrap_or(i64::MAX);
    }
    counts
}

/// Whether a node counts as a place for a constraint.
fn is_place(pod: &Pending, spread: &Spread, node: &Node) -> bool {
    (!spread.honor_affinity || affinity::wants(pod, node))
        && (!spread.honor_taints
            || node.taints.iter().all(|taint| tolerates(&pod.tolerations, taint)))
}
