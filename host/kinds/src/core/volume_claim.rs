//! What a claim for a volume asks for: in claims themselves, in templates of them, and in ephemeral volumes.
//!
//! See <https://kubernetes.io/docs/concepts/storage/persistent-volumes/#persistentvolumeclaims>.

use k8s_openapi::api::core::v1::{
    PersistentVolumeClaim, PersistentVolumeClaimSpec, PersistentVolumeClaimTemplate,
    TypedLocalObjectReference, TypedObjectReference,
};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use meta::field::BadValue;
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
    validate(errors, &at.field("spec"), &template.spec, None);
}

const ACCESS_MODES: &[&str] =
    &["ReadOnlyMany", "ReadWriteMany", "ReadWriteOnce", "ReadWriteOncePod"];

/// What is wrong with what a claim asks for, if it replaces `old` where there is an old one.
pub(crate) fn validate(
    errors: &mut Errors,
    at: &At<'_>,
    spec: &PersistentVolumeClaimSpec,
    old: Option<&PersistentVolumeClaimSpec>,
) {
    let modes = spec.access_modes.or_empty();
    let modes_at = at.field("accessModes");
    if modes.is_empty() {
        errors.required(&modes_at, "at least 1 access mode is required");
    }
    label_selector::validate(errors, &at.field("selector"), spec.selector.as_ref());
    access_modes(errors, &modes_at, modes);
    validate_storage(errors, at, spec);
    class_name(errors, &at.field("storageClassName"), spec.storage_class_name.or_empty());
    if let Some(mode) = &spec.volume_mode {
        errors.one_of(&at.field("volumeMode"), mode, &["Block", "Filesystem"]);
    }
    validate_sources(errors, at, spec, old.is_some_and(names_group));
    let attributes = spec.volume_attributes_class_name.or_empty();
    class_name(errors, &at.field("volumeAttributesClassName"), attributes);
}

/// What is wrong with the ways in which a volume may be mounted.
pub(crate) fn access_modes(errors: &mut Errors, at: &At<'_>, modes: &[String]) {
    for mode in modes {
        errors.one_of(at, mode, ACCESS_MODES);
    }
    let is_exclusive = |mode: &String| mode == "ReadWriteOncePod";
    if modes.iter().any(is_exclusive)
        && modes.iter().any(|mode| !is_exclusive(mode) && ACCESS_MODES.contains(&mode.as_str()))
    {
        errors.forbidden(at, "may not use ReadWriteOncePod with other access modes");
    }
}

/// Access modes as tables show them.
pub(crate) fn short_modes(modes: &[String]) -> String {
    const SHORT: [(&str, &str); 4] = [
        ("ReadWriteOnce", "RWO"),
        ("ReadOnlyMany", "ROX"),
        ("ReadWriteMany", "RWX"),
        ("ReadWriteOncePod", "RWOP"),
    ];
    let has = |mode: &str| modes.iter().any(|own| own == mode);
    let shown = SHORT.iter().filter(|(mode, _)| has(mode)).map(|(_, short)| *short);
    shown.collect::<Vec<_>>().join(",")
}

/// Where the class was named before it had a field.
pub(crate) const OLD_CLASS: &str = "volume.beta.kubernetes.io/storage-class";

/// The class that the annotation of old names, which goes before that of the field.
pub(crate) fn old_class(metadata: &ObjectMeta) -> Option<&str> {
    metadata.annotations.or_empty().get(OLD_CLASS).map(String::as_str)
}

/// The class of storage that a claim asks for.
#[must_use]
pub fn class(claim: &PersistentVolumeClaim) -> Option<&str> {
    let named = claim.spec.as_ref().and_then(|spec| spec.storage_class_name.as_deref());
    old_class(&claim.metadata).or(named)
}

pub(crate) fn warn_of_old_class(warnings: &mut Vec<String>, metadata: &ObjectMeta) {
    if old_class(metadata).is_some() {
        let at = At::root("metadata");
        let at = at.field("annotations");
        let advice = "deprecated since v1.8; use \"storageClassName\" attribute instead";
        warnings.push(format!("{}: {advice}", at.key(OLD_CLASS)));
    }
}

fn names_group(spec: &PersistentVolumeClaimSpec) -> bool {
    spec.data_source.as_ref().is_some_and(|source| source.api_group.is_some())
        || spec.data_source_ref.as_ref().is_some_and(|source| source.api_group.is_some())
}

pub(crate) fn class_name(errors: &mut Errors, at: &At<'_>, name: &str) {
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

/// Where the content comes from. A group that an older server accepted can still be carried along.
fn validate_sources(
    errors: &mut Errors,
    at: &At<'_>,
    spec: &PersistentVolumeClaimSpec,
    group_is_free: bool,
) {
    let group = |errors: &mut Errors, at: &At<'_>, group: &Option<String>| {
        let group = group.or_empty();
        if !group.is_empty() && !group_is_free {
            let messages = names::is_dns1123_subdomain(group);
            errors.invalid_each(&at.field("apiGroup"), group, messages);
        }
    };
    if let Some(source) = &spec.data_source {
        let TypedLocalObjectReference { api_group, kind, name } = source;
        let at = at.field("dataSource");
        reference(errors, &at, api_group.or_empty(), kind, name);
        group(errors, &at, api_group);
    }
    let Some(source) = &spec.data_source_ref else {
        return;
    };
    let TypedObjectReference { api_group, kind, name, namespace } = source;
    let source_at = at.field("dataSourceRef");
    reference(errors, &source_at, api_group.or_empty(), kind, name);
    group(errors, &source_at, api_group);
    let namespace = namespace.or_empty();
    if !namespace.is_empty() {
        let messages = names::is_dns1123_label(namespace);
        errors.invalid_each(&source_at.field("namespace"), namespace, messages);
    }
    let Some(old) = &spec.data_source else { return };
    // Kubernetes means to show the path of the other field here, and shows nothing of it.
    let shown = BadValue::Json("{}".to_owned());
    if !namespace.is_empty() {
        let detail = "may not be specified when dataSourceRef.namespace is specified";
        errors.invalid(at, shown, detail);
    } else if (&old.api_group, &old.kind, &old.name) != (api_group, kind, name) {
        errors.invalid(at, shown, "must match dataSourceRef");
    }
}

fn reference(errors: &mut Errors, at: &At<'_>, group: &str, kind: &str, name: &str) {
    if name.is_empty() {
        errors.required(&at.field("name"), "");
    }
    if kind.is_empty() {
        errors.required(&at.field("kind"), "");
    }
    if group.is_empty() && kind != "PersistentVolumeClaim" {
        let detail = "must be 'PersistentVolumeClaim' when referencing the default apiGroup";
        errors.invalid(at, kind, detail);
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
