//! Tells each node for how long it may reuse what it read of Secrets and `ConfigMaps`: the longer, the more nodes there are.
//!
//! Reads all Nodes and writes one annotation of each. The bounds between sizes overlap, so that a cluster that gains and loses a node at a
//! bound does not rewrite all nodes each time. It is what `ttl-controller` of
//! <https://kubernetes.io/docs/reference/command-line-tools-reference/kube-controller-manager/> does.

use std::sync::Arc;

use k8s_openapi::api::core::v1::Node;
use serde_json::json;

use crate::{Action, Change, Controller, Key, Look, Plan, Target, Watch};

const ANNOTATION: &str = "node.alpha.kubernetes.io/ttl";

/// A range of cluster sizes, and the seconds that fit it.
struct Tier {
    min_nodes: usize,
    max_nodes: usize,
    secs: u32,
}

const TIERS: [Tier; 5] = [
    Tier { min_nodes: 0, max_nodes: 100, secs: 0 },
    Tier { min_nodes: 90, max_nodes: 500, secs: 15 },
    Tier { min_nodes: 450, max_nodes: 1000, secs: 30 },
    Tier { min_nodes: 900, max_nodes: 2000, secs: 60 },
    Tier { min_nodes: 1800, max_nodes: usize::MAX, secs: 300 },
];

/// The controller.
#[derive(Clone, Copy, Debug)]
pub(crate) struct NodeTtl;

/// Everything one decision looks at.
#[derive(Debug)]
struct View {
    node: Arc<Node>,
    nodes: usize,
}

fn reconcile(view: &View) -> Plan {
    let mut plan = Plan::default();
    let metadata = &view.node.metadata;
    if metadata.deletion_timestamp.is_some() {
        return plan;
    }
    let annotations = metadata.annotations.as_ref();
    let known = annotations.and_then(|annotations| annotations.get(ANNOTATION));
    let fits = |tier: &&Tier| (tier.min_nodes..=tier.max_nodes).contains(&view.nodes);
    let is_kept = TIERS.iter().filter(fits).any(|tier| known == Some(&tier.secs.to_string()));
    if let Some(tier) = TIERS.iter().find(fits).filter(|_| !is_kept) {
        let annotations = json!({ ANNOTATION: tier.secs.to_string() });
        plan.act(Action::Patch {
            target: Target::of(&*view.node),
            subresource: "",
            patch: Change::Strategic(json!({ "metadata": { "annotations": annotations } })),
            announce: None,
        });
    }
    plan
}

/// Whether a cluster that gains or loses a node has left a range by that.
fn is_at_a_bound(nodes: usize) -> bool {
    TIERS
        .iter()
        .any(|tier| nodes.checked_sub(1) == Some(tier.max_nodes) || nodes + 1 == tier.min_nodes)
}

impl Controller for NodeTtl {
    fn name(&self) -> &'static str {
        "ttl"
    }

    fn component(&self) -> &'static str {
        "ttl-controller"
    }

    fn watches(&self) -> Vec<Watch> {
        vec![Watch::when(|sources, before: Option<&Node>, after: Option<&Node>| {
            let own = after.map(Key::of);
            let is_news = before.is_some() != after.is_some();
            let nodes = if is_news { sources.nodes.all() } else { Vec::new() };
            let others = if is_at_a_bound(nodes.len()) { nodes } else { Vec::new() };
            own.into_iter().chain(others.iter().map(|node| Key::of(&**node))).collect()
        })]
    }

    fn plan(&self, look: &Look<'_>, key: &Key) -> Plan {
        let Some(node) = look.sources.nodes.get("", &key.name) else { return Plan::default() };
        reconcile(&View { node, nodes: look.sources.nodes.all().len() })
    }
}

#[cfg(test)]
mod tests;
