//! Templates from which workloads make Pods: defaults, rules and advice that all workloads share.
//!
//! See <https://kubernetes.io/docs/concepts/workloads/pods/#pod-templates>.

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::PodTemplateSpec;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use meta::names;
use meta::selector::label::Selector;

use crate::check::{At, Errors, json};
use crate::core::pod::{defaults, disabled, validate, warnings};
use crate::metadata;
use crate::wire::OrEmpty;

pub(crate) fn set_defaults(template: &mut PodTemplateSpec) {
    defaults::set_spec(template.spec.get_or_insert_default());
}

/// Drops fields that nobody would act on.
pub(crate) fn drop_disabled(template: &mut PodTemplateSpec) {
    if let Some(spec) = &mut template.spec {
        disabled::drop(spec);
    }
}

/// What is wrong with a template.
pub(crate) fn validate(errors: &mut Errors, at: &At<'_>, template: &PodTemplateSpec) {
    validate_metadata(errors, at, template);
    let Some(spec) = &template.spec else { return };
    let spec_at = at.field("spec");
    validate::spec(errors, &spec_at, spec, None);
    let metadata = template.metadata.clone().unwrap_or_default();
    validate::annotations::agree_with_fields(errors, &spec_at, &metadata, spec);
    if !spec.ephemeral_containers.is_unset() {
        let detail = "ephemeral containers not allowed in pod template";
        errors.forbidden(&spec_at.field("ephemeralContainers"), detail);
    }
}

/// What is wrong with the labels and annotations of a template.
pub(crate) fn validate_metadata(errors: &mut Errors, at: &At<'_>, template: &PodTemplateSpec) {
    let metadata = template.metadata.clone().unwrap_or_default();
    metadata::labels(errors, &at.field("labels"), metadata.labels.as_ref());
    let annotations_at = at.field("annotations");
    metadata::annotations(errors, &annotations_at, metadata.annotations.as_ref());
    if let Some(spec) = &template.spec {
        let annotations = metadata.annotations.or_empty();
        validate::annotations::validate(errors, &annotations_at, annotations, spec);
    }
}

/// A workload makes Pods that it selects.
pub(crate) fn is_selected(
    errors: &mut Errors,
    at: &At<'_>,
    template: &PodTemplateSpec,
    selector: &Selector,
) {
    let labels = template.metadata.as_ref().and_then(|metadata| metadata.labels.as_ref());
    if !selector.matches_labels(labels.unwrap_or(&BTreeMap::new())) {
        let detail = "`selector` does not match template `labels`";
        errors.invalid(&at.field("metadata").field("labels"), json(&labels), detail);
    }
}

/// Pods that a workload of the kind keeps at a number never end by themselves.
pub(crate) fn runs_for_ever(
    errors: &mut Errors,
    at: &At<'_>,
    template: &PodTemplateSpec,
    kind: &str,
) {
    let Some(spec) = &template.spec else { return };
    let at = at.field("spec");
    let policy = spec.restart_policy.or_empty();
    if policy != "Always" {
        errors.not_supported(&at.field("restartPolicy"), policy, &["Always"]);
    }
    if spec.active_deadline_seconds.is_some() {
        let detail = format!("activeDeadlineSeconds in {kind} is not Supported");
        errors.forbidden(&at.field("activeDeadlineSeconds"), detail);
    }
}

/// Advice about the name of a workload, which becomes part of host names.
pub(crate) fn warn_of_name(list: &mut Vec<String>, metadata: &ObjectMeta) {
    let messages = names::is_dns1123_label(metadata.name.or_empty());
    if !messages.is_empty() {
        list.push(format!(
            "metadata.name: this is used in Pod names and hostnames, which can result in \
             surprising behavior; a DNS label is recommended: [{}]",
            messages.join(" ")
        ));
    }
}

/// Advice about a template, where `at` is the path of the template.
pub(crate) fn warn(list: &mut Vec<String>, at: &At<'_>, template: &PodTemplateSpec) {
    if let Some(spec) = &template.spec {
        let metadata = template.metadata.clone().unwrap_or_default();
        warnings::template(list, at, &metadata, spec);
    }
}

/// Names and images of the containers, for the wide columns of workloads.
pub(crate) fn container_cells(template: Option<&PodTemplateSpec>) -> (String, String) {
    let spec = template.and_then(|template| template.spec.as_ref());
    let containers = spec.map(|spec| spec.containers.as_slice()).unwrap_or_default();
    let names: Vec<&str> = containers.iter().map(|container| container.name.as_str()).collect();
    let images: Vec<&str> = containers.iter().map(|container| container.image.or_empty()).collect();
    (names.join(","), images.join(","))
}
