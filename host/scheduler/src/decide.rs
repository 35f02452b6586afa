//! The decision: filter, score, take the best; or say why nothing fits.

use std::{borrow::Cow, collections::BTreeMap, sync::Arc};

use crate::{filters, node::Node, pending::Pending, places::Places, scores, snapshot::Snapshot};

/// Below this number every fit node is looked for; above, a share of them is enough
/// (<https://kubernetes.io/docs/concepts/scheduling-eviction/scheduler-perf-tuning/>).
const ENOUGH: usize = 100;
const LEAST_PERCENT: usize = 5;

/// What becomes of a Pod.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decision {
    /// It goes to this node.
    Bind(Arc<str>),
    /// It goes nowhere; the text is that of the condition and the Event.
    Unschedulable(String),
}

/// What filters and scores may look at.
#[derive(Debug)]
pub(crate) struct Look<'a> {
    pub(crate) pod: &'a Pending,
    pub(crate) places: Places,
}

/// Chooses a node. The caller puts the Pod there with [`Snapshot::place`].
pub fn schedule(snapshot: &mut Snapshot, pod: &Pending) -> Decision {
    if snapshot.is_empty() {
        return Decision::Unschedulable("no nodes available to schedule pods".to_owned());
    }
    let look = Look { pod, places: Places::of(pod, snapshot) };
    let wanted = enough(snapshot.len());
    let mut fit: Vec<&Node> = Vec::new();
    let mut refusals: BTreeMap<Cow<'static, str>, usize> = BTreeMap::new();
    let mut looked_at = 0;
    for node in snapshot.rotated() {
        if fit.len() == wanted {
            break;
        }
        looked_at += 1;
        let reasons = filters::ALL
            .iter()
            .map(|filter| filter(&look, node))
            .find(|reasons| !reasons.is_empty());
        match reasons {
            None => fit.push(node),
            Some(reasons) => {
                for reason in reasons {
                    *refusals.entry(reason).or_default() += 1;
                }
            }
        }
    }
    let decision = match best(&look, &fit) {
        Some(name) => Decision::Bind(name),
        None => Decision::Unschedulable(explain(snapshot.len(), &refusals)),
    };
    snapshot.advance(looked_at);
    decision
}

/// How many fit nodes are enough to choose from.
fn enough(nodes: usize) -> usize {
    if nodes < ENOUGH {
        return nodes;
    }
    let percent = 50_usize.saturating_sub(nodes / 125).max(LEAST_PERCENT);
    (nodes * percent / 100).max(ENOUGH)
}

/// The node with the highest sum of weighted scores; of equals, the first by name.
fn best(look: &Look<'_>, fit: &[&Node]) -> Option<Arc<str>> {
    if let [only] = fit {
        return Some(only.name.clone());
    }
    let mut totals = vec![0; fit.len()];
    for (score, weight) in scores::ALL {
        for (total, value) in totals.iter_mut().zip(score(look, fit)) {
            *total += value * weight;
        }
    }
    let ranked = fit.iter().zip(totals);
    ranked
        .max_by(|(a, x), (b, y)| x.cmp(y).then_with(|| b.name.cmp(&a.name)))
        .map(|(node, _)| node.name.clone())
}

/// `0/3 nodes are available: 1 Insufficient cpu, 2 node(s) had untolerated taint(s).`
fn explain(nodes: usize, refusals: &BTreeMap<Cow<'static, str>, usize>) -> String {
    let mut counted: Vec<String> =
        refusals.iter().map(|(reason, count)| format!("{count} {reason}")).collect();
    counted.sort();
    format!("0/{nodes} nodes are available: {}.", counted.join(", "))
}
