//! The first state of a Pod, and what holds for a new one.
//!
//! See <https://kubernetes.io/docs/concepts/workloads/pods/pod-lifecycle/>.

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::{Pod, PodAffinityTerm, PodCondition, PodSpec, PodStatus};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{LabelSelector, LabelSelectorRequirement};
use meta::field::FieldError;

use super::validate::annotations::{self, APP_ARMOR_PREFIX};
use super::{SPEC, disabled, qos, resize, validate, validate_whole};
use crate::check::{At, Errors};
use crate::wire::OrEmpty;

/// Puts a new Pod into its first state.
pub(super) fn prepare(pod: &mut Pod) {
    let labels = pod.metadata.labels.clone().unwrap_or_default();
    let annotations = pod.metadata.annotations.clone().unwrap_or_default();
    let created = pod.metadata.creation_timestamp.clone();
    let spec = pod.spec.get_or_insert_default();
    disabled::drop(spec);
    let mut status = PodStatus { phase: Some("Pending".to_owned()), ..PodStatus::default() };
    if !spec.scheduling_gates.is_unset() {
        status.conditions = Some(vec![PodCondition {
            type_: "PodScheduled".to_owned(),
            status: "False".to_owned(),
            reason: Some("SchedulingGated".to_owned()),
            message: Some("Scheduling is blocked due to non-empty scheduling gates".to_owned()),
            last_transition_time: created,
            ..PodCondition::default()
        }]);
    }
    select_by_own_labels(spec, &labels);
    app_armor_fields(spec, &annotations);
    resize::set_pod_resources(spec);
    status.qos_class = Some(qos::class(spec).to_owned());
    pod.status = Some(status);
}

/// Terms may say "like me": the values come from the labels of the Pod itself.
fn select_by_own_labels(spec: &mut PodSpec, labels: &BTreeMap<String, String>) {
    let affinity = spec.affinity.as_mut();
    let (mut required, mut preferred) = (Vec::new(), Vec::new());
    if let Some(affinity) = affinity {
        if let Some(pods) = &mut affinity.pod_affinity {
            required.push(&mut pods.required_during_scheduling_ignored_during_execution);
            preferred.push(&mut pods.preferred_during_scheduling_ignored_during_execution);
        }
        if let Some(pods) = &mut affinity.pod_anti_affinity {
            required.push(&mut pods.required_during_scheduling_ignored_during_execution);
            preferred.push(&mut pods.preferred_during_scheduling_ignored_during_execution);
        }
    }
    for term in required.into_iter().flatten().flatten() {
        extend_term(term, labels);
    }
    for weighted in preferred.into_iter().flatten().flatten() {
        extend_term(&mut weighted.pod_affinity_term, labels);
    }
    for constraint in spec.topology_spread_constraints.iter_mut().flatten() {
        if let Some(selector) = &mut constraint.label_selector {
            extend(selector, constraint.match_label_keys.or_empty(), "In", labels);
        }
    }
}

fn extend_term(term: &mut PodAffinityTerm, labels: &BTreeMap<String, String>) {
    if let Some(selector) = &mut term.label_selector {
        extend(selector, term.match_label_keys.or_empty(), "In", labels);
        extend(selector, term.mismatch_label_keys.or_empty(), "NotIn", labels);
    }
}

fn extend(
    selector: &mut LabelSelector,
    keys: &[String],
    operator: &str,
    labels: &BTreeMap<String, String>,
) {
    for (key, value) in keys.iter().filter_map(|key| labels.get_key_value(key)) {
        selector.match_expressions.get_or_insert_default().push(LabelSelectorRequirement {
            key: key.clone(),
            operator: operator.to_owned(),
            values: Some(vec![value.clone()]),
        });
    }
}

/// Profiles used to be annotations. Whoever still writes those gets the field as well.
fn app_armor_fields(spec: &mut PodSpec, annotations: &BTreeMap<String, String>) {
    if spec.os.as_ref().is_some_and(|os| os.name == "windows") {
        return;
    }
    let of_pod =
        spec.security_context.as_ref().and_then(|security| security.app_armor_profile.clone());
    let init = spec.init_containers.iter_mut().flatten();
    for container in spec.containers.iter_mut().chain(init) {
        let Some(annotation) = annotations.get(&format!("{APP_ARMOR_PREFIX}{}", container.name))
        else {
            continue;
        };
        let security = container.security_context.as_ref();
        if security.is_some_and(|security| security.app_armor_profile.is_some()) {
            continue;
        }
        let profile = annotations::app_armor_profile(annotation).filter(|profile| {
            let mut errors = Errors::new();
            validate::app_armor(&mut errors, &At::root(""), Some(profile));
            errors.is_empty() && Some(profile) != of_pod.as_ref()
        });
        if profile.is_some() {
            container.security_context.get_or_insert_default().app_armor_profile = profile;
        }
    }
}

/// What is wrong with a new Pod.
pub(super) fn validate(pod: &Pod) -> Vec<FieldError> {
    let mut errors = Errors::new();
    validate_whole(&mut errors, pod);
    if let Some(spec) = &pod.spec {
        if !spec.ephemeral_containers.is_unset() {
            errors.forbidden(&SPEC.field("ephemeralContainers"), "cannot be set on create");
        }
        if !spec.node_name.is_unset() && !spec.scheduling_gates.is_unset() {
            let detail = "cannot be set until all schedulingGates have been cleared";
            errors.forbidden(&SPEC.field("nodeName"), detail);
        }
        annotations::agree_with_fields(&mut errors, &SPEC, &pod.metadata, spec);
    }
    errors.into_list()
}
