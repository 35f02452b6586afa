//! Rules of workloads that keep identical Pods at a number.

use k8s_openapi::api::core::v1::PodTemplateSpec;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::LabelSelector;
use meta::field::BadValue;

use crate::check::{At, Errors, IMMUTABLE};
use crate::{internal, label_selector, pod_template};

/// The selector of a workload selects something.
pub(super) fn selector(errors: &mut Errors, spec_at: &At<'_>, selector: &LabelSelector) {
    let at = spec_at.field("selector");
    label_selector::validate(errors, &at, Some(selector));
    if label_selector::is_missing(selector) {
        errors.required(&at, "");
    } else if label_selector::is_empty(selector) {
        let shown = BadValue::Json("{}".to_owned());
        errors.invalid(&at, shown, "empty selector is invalid for deployment");
    }
}

/// The selector of a workload never changes.
pub(super) fn fixed_selector(
    errors: &mut Errors,
    spec_at: &At<'_>,
    new: &LabelSelector,
    old: &LabelSelector,
) {
    if new != old {
        let shown = if label_selector::is_missing(new) {
            BadValue::null()
        } else {
            internal::value("@LabelSelector", new)
        };
        errors.invalid(&spec_at.field("selector"), shown, IMMUTABLE);
    }
}

/// A template makes Pods that its workload selects, and that run for ever.
pub(super) fn template(
    errors: &mut Errors,
    spec_at: &At<'_>,
    selector: &LabelSelector,
    template: &PodTemplateSpec,
) {
    let Ok(parsed) = label_selector::parse(selector) else {
        let detail = "invalid label selector";
        errors.invalid(
            &spec_at.field("selector"),
            internal::value("@LabelSelector", selector),
            detail,
        );
        return;
    };
    let at = spec_at.field("template");
    pod_template::is_selected(errors, &at, template, &parsed);
    pod_template::validate(errors, &at, template);
    pod_template::runs_for_ever(errors, &at, template, "ReplicaSet");
}

/// The count of names that were taken only grows.
pub(super) fn collisions_grow(
    errors: &mut Errors,
    status_at: &At<'_>,
    new: Option<i32>,
    old: Option<i32>,
) {
    if old.is_some_and(|old| new.is_none_or(|new| new < old)) {
        let at = status_at.field("collisionCount");
        errors.invalid(&at, new.unwrap_or_default(), "cannot be decremented");
    }
}

/// Counts of Pods in a status.
pub(crate) struct Replicas {
    pub(crate) all: i32,
    /// A count that only this kind has, with its field.
    pub(crate) some: (&'static str, i32),
    pub(crate) ready: i32,
    pub(crate) available: i32,
}

impl Replicas {
    /// A part is not more than the whole.
    pub(crate) fn validate(&self, errors: &mut Errors, at: &At<'_>) {
        let parts =
            [self.some, ("readyReplicas", self.ready), ("availableReplicas", self.available)];
        for (name, part) in parts.into_iter().filter(|(_, part)| *part > self.all) {
            errors.invalid(&at.field(name), part, "cannot be greater than status.replicas");
        }
        if self.available > self.ready {
            let at = at.field("availableReplicas");
            errors.invalid(&at, self.available, "cannot be greater than readyReplicas");
        }
    }
}
