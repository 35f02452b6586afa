//! Whether a node is one that a Pod's node selector and node affinity ask for.

use k8s_openapi::api::core::v1::{NodeSelectorRequirement, NodeSelectorTerm};

use crate::{
    node::Node,
    pending::Pending,
    terms::{expression_matches, labels_match},
};

/// The selector and the required affinity together.
pub(crate) fn wants(pod: &Pending, node: &Node) -> bool {
    labels_match(&pod.node_selector, &node.labels)
        && pod.required_nodes.as_ref().is_none_or(|selector| {
            selector.node_selector_terms.iter().any(|term| term_matches(term, node))
        })
}

/// One term: all its expressions hold. A term without any matches nothing.
pub(crate) fn term_matches(term: &NodeSelectorTerm, node: &Node) -> bool {
    let by_labels = term.match_expressions.as_deref().unwrap_or_default();
    let by_fields = term.match_fields.as_deref().unwrap_or_default();
    if by_labels.is_empty() && by_fields.is_empty() {
        return false;
    }
    by_labels.iter().all(|it| label_holds(it, node))
        && by_fields.iter().all(|it| field_holds(it, node))
}

fn label_holds(requirement: &NodeSelectorRequirement, node: &Node) -> bool {
    let values = requirement.values.as_deref().unwrap_or_default();
    expression_matches(&requirement.key, &requirement.operator, values, &node.labels)
}

/// The one field that may be asked for is the name.
fn field_holds(requirement: &NodeSelectorRequirement, node: &Node) -> bool {
    let named = requirement.values.iter().flatten().any(|value| **value == *node.name);
    match requirement.operator.as_str() {
        "In" => named,
        "NotIn" => !named,
        _ => false,
    }
}
