//! What a claim for a volume asks for: in claims themselves, in templates of them, and in ephemeral volumes.
//!
//! See <https://kubernetes.io/docs/concepts/storage/persistent-volumes/#persistentvolumeclaims>.

use k8s_openapi::api::core::v1::{
    PersistentVolumeClaimSpec, PersistentVolumeClaimTemplate, TypedLocalObjectReference,
    TypedObjectReference,
};
use meta::names;
use meta::quantity::Quantity;

use crate::check::{At, Errors};
use crate::wire::OrEmpty;
use crate::{label_selector, metadata, resources};

pub(crate) fn set_defaults(spec: &mut PersistentVolumeClaimSpec) {
    spec.volume_mode.get_or_insert_with(|| "Filesystem".to_owned());
    let lists = spec.resources.iter_mut();
    for list in lists.flat_map(|r| [&mut r.limits, &mut r.requests]).flatten() {
        resources::round_up(list);
    }
}

/// What is wrong with the template of a claim.
pub(crate) fn validate_template(
    errors: &mut Errors,
    at: &At<'_>,
    template: &PersistentVolumeClaimTemplate,
) {
    if let Some(metadata) = &template.metadata {
        metadata::validate_template(errors, &at.field("metadata"), metadata);
    }
    validate(errors, &at.field("spec"), &template.spec);
}

const ACCESS_MODES: &[&str] =
    &["ReadOnlyMany", "ReadWriteMany", "ReadWriteOnce", "ReadWriteOncePod"];

/// What is wrong with what a claim asks for.
pub(crate) fn validate(errors: &mut Errors, at: &At<'_>, spec: &PersistentVolumeClaimSpec) {
    let modes = spec.access_modes.or_empty();
    let modes_at = at.field("accessModes");
    if modes.is_empty() {
        errors.required(&modes_at, "at least 1 access mode is required");
    }
    label_selector::validate(errors, &at.field("selector"), spec.selector.as_ref());
    for mode in modes {
        errors.one_of(&modes_at, mode, ACCESS_MODES);
    }
    let is_exclusive = |mode: &String| mode == "ReadWriteOncePod";
    if modes.iter().any(is_exclusive)
        && modes.iter().any(|mode| !is_exclusive(mode) && ACCESS_MODES.contains(&mode.as_str()))
    {
        let detail = "may not use ReadWriteOncePod with other access modes";
        errors.forbidden(&modes_at, detail);
    }
    validate_storage(errors, at, spec);
    class_name(errors, &at.field("storageClassName"), spec.storage_class_name.or_empty());
    if let Some(mode) = &spec.volume_mode {
        errors.one_of(&at.field("volumeMode"), mode, &["Block", "Filesystem"]);
    }
    validate_sources(errors, at, spec);
    let attributes = spec.volume_attributes_class_name.or_empty();
    class_name(errors, &at.field("volumeAttributesClassName"), attributes);
}

fn class_name(errors: &mut Errors, at: &At<'_>, name: &str) {
    if !name.is_empty() {
        errors.invalid_each(at, name, names::is_dns1123_subdomain(name));
    }
}

fn validate_storage(errors: &mut Errors, at: &At<'_>, spec: &PersistentVolumeClaimSpec) {
    let resources_at = at.field("resources");
    let at = resources_at.key("storage");
    let requests = spec.resources.as_ref().and_then(|r| r.requests.as_ref());
    match requests.and_then(|requests| requests.get("storage")).map(resources::parse) {
        None => errors.required(&at, ""),
        Some(storage) if storage <= Quantity::default() => {
            errors.invalid(&at, storage.to_string(), "must be greater than zero");
        }
        Some(_) => {}
    }
}

fn validate_sources(errors: &mut Errors, at: &At<'_>, spec: &PersistentVolumeClaimSpec) {
    if let Some(source) = &spec.data_source {
        let TypedLocalObjectReference { api_group, kind, name } = source;
        reference(errors, &at.field("dataSource"), api_group.or_empty(), kind, name);
    }
    let Some(source) = &spec.data_source_ref else {
        return;
    };
    let TypedObjectReference { api_group, kind, name, namespace } = source;
    let source_at = at.field("dataSourceRef");
    reference(errors, &source_at, api_group.or_empty(), kind, name);
    let namespace = namespace.or_empty();
    if !namespace.is_empty() {
        let messages = names::is_dns1123_label(namespace);
        errors.invalid_each(&source_at.field("namespace"), namespace, messages);
    }
    let Some(old) = &spec.data_source else { return };
    let old_at = at.field("dataSource").to_string();
    if !namespace.is_empty() {
        let detail = "may not be specified when dataSourceRef.namespace is specified";
        errors.invalid(at, old_at, detail);
    } else if (&old.api_group, &old.kind, &old.name) != (api_group, kind, name) {
        errors.invalid(at, old_at, "must match dataSourceRef");
    }
}

fn reference(errors: &mut Errors, at: &At<'_>, group: &str, kind: &str, name: &str) {
    if name.is_empty() {
        errors.required(&at.field("name"), "");
    }
    if kind.is_empty() {
        errors.required(&at.field("kind"), "");
    }
    if group.is_empty() {
        if kind != "PersistentVolumeClaim" {
            let detail = "must be 'PersistentVolumeClaim' when referencing the default apiGroup";
            errors.invalid(at, kind, detail);
        }
    } else {
        let messages = names::is_dns1123_subdomain(group);
        errors.invalid_each(&at.field("apiGroup"), group, messages);
    }
}

/// Advice about what a claim asks for.
pub(crate) fn warn(warnings: &mut Vec<String>, at: &At<'_>, spec: &PersistentVolumeClaimSpec) {
    let Some(requirements) = &spec.resources else {
        return;
    };
    let resources_at = at.field("resources");
    for (name, list) in [("requests", &requirements.requests), ("limits", &requirements.limits)] {
        let list_at = resources_at.field(name);
        if let Some(storage) = list.as_ref().and_then(|list| list.get("storage")) {
            resources::warn_fraction(warnings, &list_at.key("storage"), storage);
        }
    }
}
