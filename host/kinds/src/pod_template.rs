//! Templates from which workloads make Pods: defaults, rules and advice that all workloads share.
//!
//! See <https://kubernetes.io/docs/concepts/workloads/pods/#pod-templates>.

use k8s_openapi::api::core::v1::PodTemplateSpec;

use crate::check::{At, Errors};
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
    let metadata = template.metadata.clone().unwrap_or_default();
    metadata::labels(errors, &at.field("labels"), metadata.labels.as_ref());
    let annotations_at = at.field("annotations");
    metadata::annotations(errors, &annotations_at, metadata.annotations.as_ref());
    let Some(spec) = &template.spec else { return };
    let annotations = metadata.annotations.or_empty();
    validate::annotations::validate(errors, &annotations_at, annotations, spec);
    let spec_at = at.field("spec");
    validate::spec(errors, &spec_at, spec, None);
    validate::annotations::agree_with_fields(errors, &spec_at, &metadata, spec);
    if !spec.ephemeral_containers.is_unset() {
        let detail = "ephemeral containers not allowed in pod template";
        errors.forbidden(&spec_at.field("ephemeralContainers"), detail);
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
