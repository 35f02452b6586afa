//! Advice about where a Pod may run: old labels of nodes, values that no node can have, and selectors that select nothing.

use k8s_openapi::api::core::v1::{
    NodeSelectorTerm, PodAffinityTerm, PodSpec, WeightedPodAffinityTerm,
};
use meta::names;

use crate::check::At;
use crate::core::pod::validate::scheduling::{PREFERRED, REQUIRED};
use crate::wire::OrEmpty;

/// The present name of a label that nodes used to have under another one.
pub(crate) fn present_node_label(label: &str) -> Option<&'static str> {
    match label {
        "beta.kubernetes.io/arch" => Some("kubernetes.io/arch"),
        "beta.kubernetes.io/os" => Some("kubernetes.io/os"),
        "failure-domain.beta.kubernetes.io/region" => Some("topology.kubernetes.io/region"),
        "failure-domain.beta.kubernetes.io/zone" => Some("topology.kubernetes.io/zone"),
        "beta.kubernetes.io/instance-type" => Some("node.kubernetes.io/instance-type"),
        _ => None,
    }
}

/// What became of labels that nodes used to have.
pub(crate) fn old_node_label(label: &str) -> Option<String> {
    if let Some(new) = present_node_label(label) {
        let since = if new.starts_with("kubernetes.io/") { "v1.14" } else { "v1.17" };
        return Some(format!("deprecated since {since}; use \"{new}\" instead"));
    }
    let advice = match label {
        "app.kubernetes.io/created-by" => "deprecated since v1.9",
        "scheduler.alpha.kubernetes.io/preferAvoidPods" => {
            "deprecated since v1.22; use Taints and Tolerations instead"
        }
        "node-role.kubernetes.io/master" => "use \"node-role.kubernetes.io/control-plane\" instead",
        _ => return None,
    };
    Some(advice.to_owned())
}

/// Labels and values that select nodes.
pub(super) fn nodes(warnings: &mut Vec<String>, at: &At<'_>, spec: &PodSpec) {
    let selector_at = at.field("nodeSelector");
    for label in spec.node_selector.or_empty().keys() {
        if let Some(advice) = old_node_label(label) {
            warnings.push(format!("{}: {advice}", selector_at.key(label)));
        }
    }
    let affinity = spec.affinity.as_ref().and_then(|affinity| affinity.node_affinity.as_ref());
    let Some(affinity) = affinity else { return };
    let affinity_at = at.field("affinity");
    let node_at = affinity_at.field("nodeAffinity");
    let required_at = node_at.field(REQUIRED);
    let terms_at = required_at.field("nodeSelectorTerms");
    let required = affinity.required_during_scheduling_ignored_during_execution.as_ref();
    let terms = required.map(|selector| selector.node_selector_terms.as_slice());
    for (index, term) in terms.unwrap_or_default().iter().enumerate() {
        node_term(warnings, &terms_at.index(index), term, false);
    }
    let preferred_at = node_at.field(PREFERRED);
    let preferred = affinity.preferred_during_scheduling_ignored_during_execution.or_empty();
    for (index, term) in preferred.iter().enumerate() {
        let at = preferred_at.index(index);
        node_term(warnings, &at.field("preference"), &term.preference, true);
    }
}

/// Labels in a term that selects nodes, and values that no label can have.
pub(crate) fn node_term(
    warnings: &mut Vec<String>,
    at: &At<'_>,
    term: &NodeSelectorTerm,
    values_are_free: bool,
) {
    let all = at.field("matchExpressions");
    for (index, requirement) in term.match_expressions.or_empty().iter().enumerate() {
        let at = all.index(index);
        if let Some(advice) = old_node_label(&requirement.key) {
            warnings.push(format!("{}: {} is {advice}", at.field("key"), requirement.key));
        }
        if !values_are_free {
            continue;
        }
        let values_at = at.field("values");
        for (index, value) in requirement.values.or_empty().iter().enumerate() {
            for message in names::is_label_value(value) {
                let at = values_at.index(index);
                warnings.push(format!("{at}: {value} is invalid, {message}"));
            }
        }
    }
}

/// Keys and selectors of spreading.
pub(super) fn topology(warnings: &mut Vec<String>, at: &At<'_>, spec: &PodSpec) {
    let all = at.field("topologySpreadConstraints");
    for (index, constraint) in spec.topology_spread_constraints.or_empty().iter().enumerate() {
        let at = all.index(index);
        if let Some(advice) = old_node_label(&constraint.topology_key) {
            let key = &constraint.topology_key;
            warnings.push(format!("{}: {key} is {advice}", at.field("topologyKey")));
        }
        if constraint.label_selector.is_none() {
            null_selector(warnings, &at.field("labelSelector"));
        }
    }
}

fn null_selector(warnings: &mut Vec<String>, at: &At<'_>) {
    warnings.push(format!("{at}: a null labelSelector results in matching no pod"));
}

/// Selectors of other Pods.
pub(super) fn affinity(warnings: &mut Vec<String>, at: &At<'_>, spec: &PodSpec) {
    let Some(affinity) = &spec.affinity else {
        return;
    };
    let affinity_at = at.field("affinity");
    if let Some(pods) = &affinity.pod_affinity {
        let at = affinity_at.field("podAffinity");
        let required = pods.required_during_scheduling_ignored_during_execution.or_empty();
        let preferred = pods.preferred_during_scheduling_ignored_during_execution.or_empty();
        affinity_terms(warnings, &at, required, preferred);
    }
    if let Some(pods) = &affinity.pod_anti_affinity {
        let at = affinity_at.field("podAntiAffinity");
        let required = pods.required_during_scheduling_ignored_during_execution.or_empty();
        let preferred = pods.preferred_during_scheduling_ignored_during_execution.or_empty();
        affinity_terms(warnings, &at, required, preferred);
    }
}

fn affinity_terms(
    warnings: &mut Vec<String>,
    at: &At<'_>,
    required: &[PodAffinityTerm],
    preferred: &[WeightedPodAffinityTerm],
) {
    let required_at = at.field(REQUIRED);
    for (index, term) in required.iter().enumerate() {
        if term.label_selector.is_none() {
            null_selector(warnings, &required_at.index(index).field("labelSelector"));
        }
    }
    let preferred_at = at.field(PREFERRED);
    for (index, term) in preferred.iter().enumerate() {
        if term.pod_affinity_term.label_selector.is_none() {
            let at = preferred_at.index(index);
            let term_at = at.field("podAffinityTerm");
            null_selector(warnings, &term_at.field("labelSelector"));
        }
    }
}
