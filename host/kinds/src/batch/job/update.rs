//! What may change in a Job: how fast it goes and when it is given up, and, while it waits, where its Pods run.
//!
//! See <https://kubernetes.io/docs/concepts/workloads/controllers/job/#mutable-scheduling-directives>.

use k8s_openapi::api::batch::v1::{Job, JobSpec};
use k8s_openapi::api::core::v1::{Affinity, Container, PodSpec, PodTemplateSpec};
use meta::field::{BadValue, FieldError};
use serde::Serialize;

use super::{SPEC, create, has, spec};
use crate::check::{Errors, IMMUTABLE};
use crate::internal;
use crate::wire::OrEmpty;

/// What is wrong with a Job that replaces `old`.
pub(super) fn validate(new: &Job, old: &Job) -> Vec<FieldError> {
    let mut errors = Errors::new();
    if let (Some(new), Some(old_spec)) = (&new.spec, &old.spec) {
        spec::validate_selecting(&mut errors, &SPEC, new);
        completions(&mut errors, new, old_spec);
        let selectors = (new.selector.as_ref(), old_spec.selector.as_ref());
        fixed(&mut errors, "selector", "@LabelSelector", selectors);
        template(&mut errors, &new.template, old);
        let modes = (new.completion_mode.as_ref(), old_spec.completion_mode.as_ref());
        fixed(&mut errors, "completionMode", "s", modes);
        let policies = (new.pod_failure_policy.as_ref(), old_spec.pod_failure_policy.as_ref());
        fixed(&mut errors, "podFailurePolicy", "@PodFailurePolicy", policies);
        let limits = (new.backoff_limit_per_index, old_spec.backoff_limit_per_index);
        fixed(&mut errors, "backoffLimitPerIndex", "i", limits);
        let managers = (new.managed_by.as_ref(), old_spec.managed_by.as_ref());
        fixed(&mut errors, "managedBy", "s", managers);
        let policies = (new.success_policy.as_ref(), old_spec.success_policy.as_ref());
        fixed(&mut errors, "successPolicy", "@SuccessPolicy", policies);
    }
    create::name_fits_indexes(&mut errors, new);
    errors.into_list()
}

/// Refuses a difference between the new and the old value of a field, which are of an internal type.
fn fixed<T: PartialEq + Serialize>(
    errors: &mut Errors,
    name: &str,
    type_: &str,
    (new, old): (Option<T>, Option<T>),
) {
    if new != old {
        let shown = new.map_or_else(BadValue::null, |new| internal::value(type_, &new));
        errors.invalid(&SPEC.field(name), shown, IMMUTABLE);
    }
}

/// An indexed Job may get more or fewer indexes, if as many Pods run at once.
fn completions(errors: &mut Errors, new: &JobSpec, old: &JobSpec) {
    let at = SPEC.field("completions");
    if new.completions == old.completions {
        return;
    }
    if !spec::is_indexed(new) {
        errors.invalid(&at, new.completions, IMMUTABLE);
    } else if new.completions.is_some() && new.completions != new.parallelism {
        let detail = "can only be modified in tandem with spec.parallelism";
        errors.invalid(&at, new.completions, detail);
    }
}

/// The template is fixed, but for what only matters until the first Pod runs.
fn template(errors: &mut Errors, new: &PodTemplateSpec, old: &Job) {
    let Some(old_spec) = &old.spec else { return };
    let at = SPEC.field("template");
    if !waits(old) {
        if *new != old_spec.template {
            errors.invalid(&at, internal::value("@PodTemplateSpec", new), IMMUTABLE);
        }
        return;
    }
    let mut allowed = old_spec.template.spec.clone().unwrap_or_default();
    let new = new.spec.clone().unwrap_or_default();
    take_directives(&mut allowed, &new);
    take_resources(&mut allowed.containers, &new.containers);
    let init = allowed.init_containers.as_deref_mut().unwrap_or_default();
    take_resources(init, new.init_containers.or_empty());
    if new != allowed {
        errors.invalid(&at.field("spec"), internal::value("@PodSpec", &new), IMMUTABLE);
    }
}

/// Whether no Pod of the Job runs and none may start.
fn waits(job: &Job) -> bool {
    let status = job.status.clone().unwrap_or_default();
    job.spec.as_ref().is_some_and(|spec| spec.suspend == Some(true))
        && (status.start_time.is_none() || has(job, "Suspended", "True"))
        && status.active.unwrap_or_default() == 0
}

/// Takes over where the Pods may run.
fn take_directives(allowed: &mut PodSpec, new: &PodSpec) {
    let node_affinity = new.affinity.as_ref().and_then(|affinity| affinity.node_affinity.clone());
    let affinity = allowed.affinity.take();
    let affinity = Affinity { node_affinity, ..affinity.unwrap_or_default() };
    let is_unset = new.affinity.is_none() && affinity == Affinity::default();
    allowed.affinity = (!is_unset).then_some(affinity);
    allowed.node_selector.clone_from(&new.node_selector);
    allowed.tolerations.clone_from(&new.tolerations);
    allowed.scheduling_gates.clone_from(&new.scheduling_gates);
}

/// Takes over what the same containers ask for.
fn take_resources(allowed: &mut [Container], new: &[Container]) {
    if allowed.len() != new.len() {
        return;
    }
    for (allowed, new) in allowed.iter_mut().zip(new) {
        if allowed.name == new.name {
            allowed.resources.clone_from(&new.resources);
        }
    }
}
