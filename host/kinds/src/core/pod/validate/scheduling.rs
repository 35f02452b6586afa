//! Where a Pod may run: tolerations, affinity and gates.
//!
//! See <https://kubernetes.io/docs/concepts/scheduling-eviction/assign-pod-node/>.

use std::collections::BTreeSet;

use k8s_openapi::api::core::v1::{
    Affinity, NodeAffinity, NodeSelector, NodeSelectorRequirement, NodeSelectorTerm,
    PodAffinityTerm, PodReadinessGate, PodSchedulingGate, Toleration, WeightedPodAffinityTerm,
};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::LabelSelector;
use meta::names;

use crate::check::{At, Errors};
use crate::label_selector::{self, label_name};
use crate::wire::OrEmpty;

/// What is wrong with tolerations.
pub(crate) fn tolerations(errors: &mut Errors, all: &At<'_>, tolerations: &[Toleration]) {
    for (index, toleration) in tolerations.iter().enumerate() {
        validate_toleration(errors, &all.index(index), toleration);
    }
}

fn validate_toleration(errors: &mut Errors, at: &At<'_>, toleration: &Toleration) {
    let (key, value) = (toleration.key.or_empty(), toleration.value.or_empty());
    let (operator, effect) = (toleration.operator.or_empty(), toleration.effect.or_empty());
    let operator_at = at.field("operator");
    if !key.is_empty() {
        label_name(errors, &at.field("key"), key);
    } else if operator != "Exists" {
        let detail = "operator must be Exists when `key` is empty, which means \"match all values \
                      and all keys\"";
        errors.invalid(&operator_at, operator, detail);
    }
    if toleration.toleration_seconds.is_some() && effect != "NoExecute" {
        let detail = "effect must be 'NoExecute' when `tolerationSeconds` is set";
        errors.invalid(&at.field("effect"), effect, detail);
    }
    match operator {
        "Equal" | "" => {
            let messages = names::is_label_value(value);
            if !messages.is_empty() {
                errors.invalid(&operator_at, value, messages.join(";"));
            }
        }
        "Exists" => {
            if !value.is_empty() {
                let detail = "value must be empty when `operator` is 'Exists'";
                errors.invalid(&operator_at, value, detail);
            }
        }
        "Lt" | "Gt" => {
            errors.not_supported(&operator_at, operator, &["Equal", "Exists", "Lt", "Gt"]);
        }
        other => errors.not_supported(&operator_at, other, &["Equal", "Exists"]),
    }
    if !effect.is_empty() {
        errors.one_of(&at.field("effect"), effect, TAINT_EFFECTS);
    }
}

pub(crate) const TAINT_EFFECTS: &[&str] = &["NoSchedule", "PreferNoSchedule", "NoExecute"];

/// What is wrong with affinity to nodes and to other Pods.
pub(super) fn affinity(errors: &mut Errors, at: &At<'_>, affinity: Option<&Affinity>) {
    let Some(affinity) = affinity else { return };
    if let Some(node) = &affinity.node_affinity {
        node_affinity(errors, &at.field("nodeAffinity"), node);
    }
    if let Some(pod) = &affinity.pod_affinity {
        pod_terms(
            errors,
            &at.field("podAffinity"),
            pod.required_during_scheduling_ignored_during_execution.or_empty(),
            pod.preferred_during_scheduling_ignored_during_execution.or_empty(),
        );
    }
    if let Some(pod) = &affinity.pod_anti_affinity {
        pod_terms(
            errors,
            &at.field("podAntiAffinity"),
            pod.required_during_scheduling_ignored_during_execution.or_empty(),
            pod.preferred_during_scheduling_ignored_during_execution.or_empty(),
        );
    }
}

pub(crate) const REQUIRED: &str = "requiredDuringSchedulingIgnoredDuringExecution";
pub(crate) const PREFERRED: &str = "preferredDuringSchedulingIgnoredDuringExecution";

fn node_affinity(errors: &mut Errors, at: &At<'_>, affinity: &NodeAffinity) {
    if let Some(selector) = &affinity.required_during_scheduling_ignored_during_execution {
        node_selector(errors, &at.field(REQUIRED), selector);
    }
    let preferred = affinity.preferred_during_scheduling_ignored_during_execution.or_empty();
    let preferred_at = at.field(PREFERRED);
    for (index, term) in preferred.iter().enumerate() {
        let at = preferred_at.index(index);
        weight(errors, &at, term.weight);
        node_selector_term(errors, &at.field("preference"), &term.preference, false);
    }
}

fn weight(errors: &mut Errors, at: &At<'_>, weight: i32) {
    if !(1..=100).contains(&weight) {
        errors.invalid(&at.field("weight"), weight, "must be in the range 1-100");
    }
}

/// What is wrong with terms that select nodes.
pub(crate) fn node_selector(errors: &mut Errors, at: &At<'_>, selector: &NodeSelector) {
    let terms_at = at.field("nodeSelectorTerms");
    if selector.node_selector_terms.is_empty() {
        errors.required(&terms_at, "must have at least one node selector term");
        return;
    }
    for (index, term) in selector.node_selector_terms.iter().enumerate() {
        node_selector_term(errors, &terms_at.index(index), term, true);
    }
}

fn node_selector_term(
    errors: &mut Errors,
    at: &At<'_>,
    term: &NodeSelectorTerm,
    values_are_labels: bool,
) {
    let expressions_at = at.field("matchExpressions");
    for (index, requirement) in term.match_expressions.or_empty().iter().enumerate() {
        let at = expressions_at.index(index);
        node_requirement(errors, &at, requirement, values_are_labels);
    }
    let fields_at = at.field("matchFields");
    for (index, requirement) in term.match_fields.or_empty().iter().enumerate() {
        node_field_requirement(errors, &fields_at.index(index), requirement);
    }
}

fn node_requirement(
    errors: &mut Errors,
    at: &At<'_>,
    requirement: &NodeSelectorRequirement,
    values_are_labels: bool,
) {
    let values = requirement.values.or_empty();
    let values_at = at.field("values");
    match requirement.operator.as_str() {
        "In" | "NotIn" => {
            if values.is_empty() {
                let detail = "must be specified when `operator` is 'In' or 'NotIn'";
                errors.required(&values_at, detail);
            }
        }
        "Exists" | "DoesNotExist" => {
            if !values.is_empty() {
                let detail = "may not be specified when `operator` is 'Exists' or 'DoesNotExist'";
                errors.forbidden(&values_at, detail);
            }
        }
        "Gt" | "Lt" => {
            if values.len() != 1 {
                let detail = "must be specified single value when `operator` is 'Lt' or 'Gt'";
                errors.required(&values_at, detail);
            }
        }
        other => errors.invalid(&at.field("operator"), other, "not a valid selector operator"),
    }
    label_name(errors, &at.field("key"), &requirement.key);
    if values_are_labels {
        for (index, value) in values.iter().enumerate() {
            errors.invalid_each(&values_at.index(index), value, names::is_label_value(value));
        }
    }
}

fn node_field_requirement(errors: &mut Errors, at: &At<'_>, requirement: &NodeSelectorRequirement) {
    let values = requirement.values.or_empty();
    let values_at = at.field("values");
    match requirement.operator.as_str() {
        "In" | "NotIn" => {
            if values.len() != 1 {
                let detail = "must be only one value when `operator` is 'In' or 'NotIn' for node \
                              field selector";
                errors.required(&values_at, detail);
            }
        }
        other => errors.invalid(&at.field("operator"), other, "not a valid selector operator"),
    }
    if requirement.key == "metadata.name" {
        for (index, value) in values.iter().enumerate() {
            let messages = names::is_dns1123_subdomain(value);
            errors.invalid_each(&values_at.index(index), value, messages);
        }
    } else {
        let detail = "not a valid field selector key";
        errors.invalid(&at.field("key"), &requirement.key, detail);
    }
}

fn pod_terms(
    errors: &mut Errors,
    at: &At<'_>,
    required: &[PodAffinityTerm],
    preferred: &[WeightedPodAffinityTerm],
) {
    let required_at = at.field(REQUIRED);
    for (index, term) in required.iter().enumerate() {
        pod_term(errors, &required_at.index(index), term);
    }
    let preferred_at = at.field(PREFERRED);
    for (index, term) in preferred.iter().enumerate() {
        let at = preferred_at.index(index);
        weight(errors, &at, term.weight);
        pod_term(errors, &at.field("podAffinityTerm"), &term.pod_affinity_term);
    }
}

fn pod_term(errors: &mut Errors, at: &At<'_>, term: &PodAffinityTerm) {
    label_selector::validate(errors, &at.field("labelSelector"), term.label_selector.as_ref());
    let namespaces = term.namespace_selector.as_ref();
    label_selector::validate(errors, &at.field("namespaceSelector"), namespaces);
    for namespace in term.namespaces.or_empty() {
        let messages = names::is_dns1123_label(namespace);
        errors.invalid_each(&at.field("namespace"), namespace, messages);
    }
    let keys = (term.match_label_keys.or_empty(), term.mismatch_label_keys.or_empty());
    match_label_keys(errors, at, keys, term.label_selector.as_ref());
    let key_at = at.field("topologyKey");
    if term.topology_key.is_empty() {
        errors.required(&key_at, "can not be empty");
    }
    label_name(errors, &key_at, &term.topology_key);
}

/// Keys whose values come from the Pod itself. They must not be in the selector that they extend.
pub(super) fn match_label_keys(
    errors: &mut Errors,
    at: &At<'_>,
    (matching, mismatching): (&[String], &[String]),
    selector: Option<&LabelSelector>,
) {
    for (field, keys) in [("matchLabelKeys", matching), ("mismatchLabelKeys", mismatching)] {
        let keys_at = at.field(field);
        if keys.is_empty() {
            continue;
        }
        if selector.is_none() {
            errors.forbidden(&keys_at, "must not be specified when labelSelector is not set");
            continue;
        }
        for (index, key) in keys.iter().enumerate() {
            label_name(errors, &keys_at.index(index), key);
        }
    }
    // The server itself adds one expression for each key, so that only a second one is the user's.
    if let Some(selector) = selector {
        let mut seen: BTreeSet<&str> =
            selector.match_labels.or_empty().keys().map(String::as_str).collect();
        for requirement in selector.match_expressions.or_empty() {
            let key = requirement.key.as_str();
            let position = matching.iter().rposition(|matching| matching == key);
            if let Some(index) = position.filter(|_| seen.contains(key)) {
                let detail = "exists in both matchLabelKeys and labelSelector";
                errors.invalid(&at.index(index), key, detail);
            }
            seen.insert(key);
        }
    }
    let keys_at = at.field("matchLabelKeys");
    for (index, key) in matching.iter().enumerate() {
        if mismatching.contains(key) {
            let detail = "exists in both matchLabelKeys and mismatchLabelKeys";
            errors.invalid(&keys_at.index(index), key, detail);
        }
    }
}

pub(super) fn readiness_gates(errors: &mut Errors, all: &At<'_>, gates: &[PodReadinessGate]) {
    for (index, gate) in gates.iter().enumerate() {
        let at = all.index(index);
        let messages = names::is_qualified_name(&gate.condition_type);
        errors.invalid_each(&at.field("conditionType"), &gate.condition_type, messages);
    }
}

pub(super) fn scheduling_gates(errors: &mut Errors, all: &At<'_>, gates: &[PodSchedulingGate]) {
    let mut seen = BTreeSet::new();
    for (index, gate) in gates.iter().enumerate() {
        let at = all.index(index);
        errors.invalid_each(&at, &gate.name, names::is_qualified_name(&gate.name));
        if !seen.insert(&gate.name) {
            errors.duplicate(&at, &gate.name);
        }
    }
}
