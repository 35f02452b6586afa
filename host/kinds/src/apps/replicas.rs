//! Rules of workloads that keep identical Pods at a number.

use k8s_openapi::api::core::v1::PodTemplateSpec;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{LabelSelector, ObjectMeta};
use meta::field::BadValue;
use meta::names;
use meta::selector::label::Selector;

use crate::check::{At, Errors, IMMUTABLE, json};
use crate::wire::OrEmpty;
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
    let Ok(parsed) = Selector::from(selector) else {
        let detail = "invalid label selector";
        errors.invalid(
            &spec_at.field("selector"),
            internal::value("@LabelSelector", selector),
            detail,
        );
        return;
    };
    let at = spec_at.field("template");
    let metadata = template.metadata.as_ref();
    let labels = metadata.and_then(|metadata| metadata.labels.clone());
    let selects = !label_selector::is_missing(selector) && parsed.matches_labels(labels.or_empty());
    if !selects {
        let metadata_at = at.field("metadata");
        let detail = "`selector` does not match template `labels`";
        errors.invalid(&metadata_at.field("labels"), json(&labels), detail);
    }
    pod_template::validate(errors, &at, template);
    let spec_at = at.field("spec");
    let Some(spec) = &template.spec else { return };
    let policy = spec.restart_policy.or_empty();
    if policy != "Always" {
        errors.not_supported(&spec_at.field("restartPolicy"), policy, &["Always"]);
    }
    if spec.active_deadline_seconds.is_some() {
        let detail = "activeDeadlineSeconds in ReplicaSet is not Supported";
        errors.forbidden(&spec_at.field("activeDeadlineSeconds"), detail);
    }
}

/// Advice about the name of a workload, which becomes part of host names.
pub(super) fn warn(warnings: &mut Vec<String>, metadata: &ObjectMeta, is_new: bool) {
    let messages = names::is_dns1123_label(metadata.name.or_empty());
    if is_new && !messages.is_empty() {
        warnings.push(format!(
            "metadata.name: this is used in Pod names and hostnames, which can result in \
             surprising behavior; a DNS label is recommended: [{}]",
            messages.join(" ")
        ));
    }
}

/// Counts of Pods in a status.
pub(super) struct Replicas {
    pub(super) all: i32,
    /// A count that only this kind has, with its field.
    pub(super) some: (&'static str, i32),
    pub(super) ready: i32,
    pub(super) available: i32,
}

impl Replicas {
    /// A part is not more than the whole.
    pub(super) fn validate(&self, errors: &mut Errors, at: &At<'_>) {
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
