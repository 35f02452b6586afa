//! What may change in a Pod once it exists: nearly nothing.
//!
//! See <https://kubernetes.io/docs/concepts/workloads/pods/#pod-update-and-replacement>.

use std::collections::BTreeSet;

use k8s_openapi::api::core::v1::{
    Affinity, Container, NodeAffinity, NodeSelectorTerm, Pod, PodSchedulingGate, PodSpec,
    Toleration,
};
use meta::field::FieldError;

use super::validate::annotations::{self, MIRROR};
use super::validate::scheduling::{self, REQUIRED};
use super::{SPEC, disabled, validate_whole};
use crate::check::{At, Errors};
use crate::internal;
use crate::wire::OrEmpty;

/// Carries over what nobody may change, and drops what nobody acts on.
pub(super) fn prepare(new: &mut Pod, old: &Pod) {
    new.status.clone_from(&old.status);
    let (Some(spec), Some(old)) = (&mut new.spec, &old.spec) else {
        return;
    };
    if spec.resources.is_none() {
        spec.resources.clone_from(&old.resources);
    }
    disabled::drop(spec);
}

/// What is wrong with a Pod that replaces `old`.
pub(super) fn validate(new: &Pod, old: &Pod) -> Vec<FieldError> {
    let mut errors = Errors::new();
    validate_whole(&mut errors, new);
    annotations_update(&mut errors, new, old);
    if let (Some(new), Some(old)) = (&new.spec, &old.spec) {
        validate_spec(&mut errors, new, old);
    }
    errors.into_list()
}

pub(super) fn annotations_update(errors: &mut Errors, new: &Pod, old: &Pod) {
    let metadata = At::root("metadata");
    let at = metadata.field("annotations");
    let (new_ones, old_ones) =
        (new.metadata.annotations.or_empty(), old.metadata.annotations.or_empty());
    annotations::validate_update(errors, &at, new_ones, old_ones);
    if let Some(spec) = &new.spec {
        annotations::validate(errors, &at, new_ones, spec);
    }
}

const UPDATABLE: &str = "pod updates may not change fields other than \
    `spec.containers[*].image`,`spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,\
    `spec.tolerations` (only additions to existing tolerations),\
    `spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)";

fn validate_spec(errors: &mut Errors, new: &PodSpec, old: &PodSpec) {
    for (field, new, old) in [
        ("containers", new.containers.as_slice(), old.containers.as_slice()),
        ("initContainers", new.init_containers.or_empty(), old.init_containers.or_empty()),
    ] {
        if !images(errors, &SPEC.field(field), new, old) {
            return;
        }
    }
    if !active_deadline(errors, new.active_deadline_seconds, old.active_deadline_seconds) {
        return;
    }
    let (new_tolerations, old_tolerations) =
        (new.tolerations.or_empty(), old.tolerations.or_empty());
    tolerations_added(errors, &SPEC.field("tolerations"), new_tolerations, old_tolerations);
    let gates = (new.scheduling_gates.or_empty(), old.scheduling_gates.or_empty());
    gates_removed(errors, &SPEC.field("schedulingGates"), gates.0, gates.1);
    if new == old {
        return;
    }
    let mut rest = with_updatable_fields_of(new, old);
    if !old.scheduling_gates.is_unset() {
        narrowed(errors, &mut rest, old);
    }
    if rest != *old {
        let diff = internal::diff("PodSpec", old, &rest);
        errors.forbidden(&SPEC, format!("{UPDATABLE}\n{diff}"));
    }
}

/// Images may change, containers may not come or go. Returns whether it makes sense to go on.
fn images(errors: &mut Errors, at: &At<'_>, new: &[Container], old: &[Container]) -> bool {
    if new.len() != old.len() {
        errors.forbidden(at, "pod updates may not add or remove containers");
        return false;
    }
    for (index, container) in new.iter().enumerate() {
        let at = at.index(index);
        let image = container.image.or_empty();
        if image.is_empty() {
            errors.required(&at.field("image"), "");
        }
        super::validate::image_is_trimmed(errors, &at, image);
    }
    true
}

/// A deadline may come, or come nearer. Returns whether it makes sense to go on.
fn active_deadline(errors: &mut Errors, new: Option<i64>, old: Option<i64>) -> bool {
    let at = SPEC.field("activeDeadlineSeconds");
    match (new, old) {
        (Some(new), _) if !(0..=i64::from(i32::MAX)).contains(&new) => {
            let detail = format!("must be between 0 and {}, inclusive", i32::MAX);
            errors.invalid(&at, new, detail);
            return false;
        }
        (Some(new), Some(old)) if old < new => {
            errors.invalid(&at, new, "must be less than or equal to previous value");
            return false;
        }
        (None, Some(_)) => {
            let detail = "must not update from a positive integer to nil value";
            errors.invalid(&at, None::<i64>, detail);
        }
        (_, None) | (Some(_), Some(_)) => {}
    }
    true
}

fn tolerations_added(errors: &mut Errors, at: &At<'_>, new: &[Toleration], old: &[Toleration]) {
    for toleration in old {
        let is_kept = new.iter().any(|kept| {
            let with_seconds =
                Toleration { toleration_seconds: kept.toleration_seconds, ..toleration.clone() };
            with_seconds == *kept
        });
        if !is_kept {
            let detail = "existing toleration can not be modified except its tolerationSeconds";
            errors.forbidden(at, detail);
        }
    }
    scheduling::tolerations(errors, at, new);
}

fn gates_removed(
    errors: &mut Errors,
    all: &At<'_>,
    new: &[PodSchedulingGate],
    old: &[PodSchedulingGate],
) {
    let known: BTreeSet<&str> = old.iter().map(|gate| gate.name.as_str()).collect();
    for (index, gate) in new.iter().enumerate() {
        if !known.contains(gate.name.as_str()) {
            let at = all.index(index);
            let detail =
                format!("only deletion is allowed, but found new scheduling gate '{}'", gate.name);
            errors.forbidden(&at.field("name"), detail);
        }
    }
}

/// The new spec with the old values of everything that may change: what still differs may not.
fn with_updatable_fields_of(new: &PodSpec, old: &PodSpec) -> PodSpec {
    let mut rest = new.clone();
    for (new, old) in rest.containers.iter_mut().zip(&old.containers) {
        new.image.clone_from(&old.image);
    }
    let old_init = old.init_containers.or_empty();
    for (new, old) in rest.init_containers.iter_mut().flatten().zip(old_init) {
        new.image.clone_from(&old.image);
    }
    rest.active_deadline_seconds = old.active_deadline_seconds;
    rest.scheduling_gates.clone_from(&old.scheduling_gates);
    rest.tolerations.clone_from(&old.tolerations);
    if old.termination_grace_period_seconds.is_some_and(|secs| secs < 0)
        && rest.termination_grace_period_seconds == Some(1)
    {
        rest.termination_grace_period_seconds = old.termination_grace_period_seconds;
    }
    rest
}

/// While a Pod waits behind gates, the choice of nodes may become smaller. What was judged here is given its old value.
fn narrowed(errors: &mut Errors, rest: &mut PodSpec, old: &PodSpec) {
    if rest.node_selector != old.node_selector {
        let at = SPEC.field("nodeSelector");
        node_selector_grew(errors, &at, rest, old);
        rest.node_selector.clone_from(&old.node_selector);
    }
    let of =
        |affinity: Option<&Affinity>| affinity.and_then(|affinity| affinity.node_affinity.clone());
    let (new_affinity, old_affinity) = (of(rest.affinity.as_ref()), of(old.affinity.as_ref()));
    if new_affinity == old_affinity {
        return;
    }
    let affinity_at = SPEC.field("affinity");
    let at = affinity_at.field("nodeAffinity");
    affinity_grew(errors, &at, new_affinity.as_ref(), old_affinity.as_ref());
    let affinity = rest.affinity.get_or_insert_default();
    affinity.node_affinity = old_affinity;
    if old.affinity.is_none() && *affinity == Affinity::default() {
        rest.affinity = None;
    }
}

fn node_selector_grew(errors: &mut Errors, at: &At<'_>, new: &PodSpec, old: &PodSpec) {
    for (key, value) in old.node_selector.or_empty() {
        if new.node_selector.or_empty().get(key) != Some(value) {
            let detail =
                "only additions to spec.nodeSelector are allowed (no mutations or deletions)";
            errors.invalid(at, internal::value("{s", &new.node_selector), detail);
        }
    }
}

fn affinity_grew(
    errors: &mut Errors,
    at: &At<'_>,
    new: Option<&NodeAffinity>,
    old: Option<&NodeAffinity>,
) {
    let terms = |affinity: Option<&NodeAffinity>| -> Option<Vec<NodeSelectorTerm>> {
        let selector = affinity?.required_during_scheduling_ignored_during_execution.as_ref()?;
        Some(selector.node_selector_terms.clone())
    };
    let Some(old) = terms(old) else { return };
    let given = terms(new);
    let new = given.as_deref().unwrap_or_default();
    let required_at = at.field(REQUIRED);
    let terms_at = required_at.field("nodeSelectorTerms");
    if !old.is_empty() && old.len() != new.len() {
        let detail = "no additions/deletions to non-empty NodeSelectorTerms list are allowed";
        errors.invalid(&terms_at, internal::value("[@NodeSelectorTerm", &given), detail);
        return;
    }
    for (index, (new, old)) in new.iter().zip(&old).enumerate() {
        if !term_grew(new, old) {
            let detail = "only additions are allowed (no mutations or deletions)";
            let value = internal::value("@NodeSelectorTerm", new);
            errors.invalid(&terms_at.index(index), value, detail);
        }
    }
}

fn term_grew(new: &NodeSelectorTerm, old: &NodeSelectorTerm) -> bool {
    let new = (new.match_expressions.or_empty(), new.match_fields.or_empty());
    let old = (old.match_expressions.or_empty(), old.match_fields.or_empty());
    if old.0.is_empty() && old.1.is_empty() {
        // An empty term selects nothing, and anything more would select something.
        return new.0.is_empty() && new.1.is_empty();
    }
    new.0.starts_with(old.0) && new.1.starts_with(old.1)
}

/// Through `/ephemeralcontainers` only those containers change.
pub(super) fn keep_all_but_ephemeral_containers(new: &mut Pod, old: &Pod) {
    let added = new.spec.take().and_then(|spec| spec.ephemeral_containers);
    new.status.clone_from(&old.status);
    keep_metadata(new, old);
    new.spec.clone_from(&old.spec);
    if let Some(spec) = &mut new.spec {
        spec.ephemeral_containers = added;
        disabled::drop(spec);
    }
}

/// Subresources do not write metadata, except for what tracks the write itself.
pub(super) fn keep_metadata(new: &mut Pod, old: &Pod) {
    let written = std::mem::take(&mut new.metadata);
    new.metadata = old.metadata.clone();
    new.metadata.resource_version = written.resource_version;
    new.metadata.managed_fields = written.managed_fields;
    new.metadata.uid = written.uid;
}

/// What is wrong with a Pod that replaces `old` through `/ephemeralcontainers`.
pub(super) fn validate_ephemeral_containers(new: &Pod, old: &Pod) -> Vec<FieldError> {
    let mut errors = Errors::new();
    if old.metadata.annotations.or_empty().contains_key(MIRROR) {
        errors.forbidden(&At::root(""), "static pods do not support ephemeral containers");
        return errors.into_list();
    }
    validate_whole(&mut errors, new);
    annotations_update(&mut errors, new, old);
    let containers = |pod: &Pod| {
        let spec = pod.spec.as_ref();
        spec.and_then(|spec| spec.ephemeral_containers.clone()).unwrap_or_default()
    };
    let (new, at) = (containers(new), SPEC.field("ephemeralContainers"));
    for old in containers(old) {
        let name = meta::quote(&old.name);
        match new.iter().rfind(|container| container.name == old.name) {
            None => {
                let detail = format!("existing ephemeral containers {name} may not be removed\n");
                errors.forbidden(&at, detail);
            }
            Some(new) if *new != old => {
                let diff = internal::diff("EphemeralContainer", &old, new);
                let detail =
                    format!("existing ephemeral containers {name} may not be changed\n{diff}");
                errors.forbidden(&at, detail);
            }
            Some(_) => {}
        }
    }
    errors.into_list()
}
