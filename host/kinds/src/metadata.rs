//! What holds for the metadata of every object: its form on create, and what an update must not touch.
//!
//! See <https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/object-meta/>.

use std::borrow::Cow;
use std::collections::BTreeMap;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::{
    ManagedFieldsEntry, ObjectMeta, OwnerReference,
};
use meta::field::FieldError;
use meta::{Attributes, GroupVersion, names};

use crate::check::{At, Errors};
use crate::info::KindInfo;
use crate::internal;
use crate::names::{NameRule, PrefixRule, path_segment_content};
use crate::wire::OrEmpty;

const METADATA: At<'static> = At::root("metadata");
const ANNOTATIONS_BYTES_MAX: usize = 256 * 1024;
const FIELD_MANAGER_BYTES_MAX: usize = 128;
const SUBRESOURCE_BYTES_MAX: usize = 256;

/// What is wrong with the metadata of a new object.
#[must_use]
pub fn validate(info: &KindInfo, metadata: &ObjectMeta) -> Vec<FieldError> {
    let mut errors = Errors::new();
    if info.prefix_rule == PrefixRule::Never {
        path_prefix(&mut errors, metadata);
    } else {
        prefix(&mut errors, info, metadata);
    }
    let name = metadata.name.as_deref().unwrap_or_default();
    let at = METADATA.field("name");
    if name.is_empty() {
        errors.required(&at, "name or generateName is required");
    } else {
        errors.invalid_each(&at, name, info.name_rule.check(name));
    }
    namespace(&mut errors, info.namespaced, metadata);
    errors.not_negative(&METADATA.field("generation"), metadata.generation.unwrap_or_default());
    shared(&mut errors, metadata);
    errors.into_list()
}

fn prefix(errors: &mut Errors, info: &KindInfo, metadata: &ObjectMeta) {
    let prefix = metadata.generate_name.or_empty();
    if !prefix.is_empty() {
        let at = METADATA.field("generateName");
        errors.invalid_each(&at, prefix, info.name_rule.check_prefix(prefix));
    }
}

fn path_prefix(errors: &mut Errors, metadata: &ObjectMeta) {
    let prefix = metadata.generate_name.or_empty();
    errors.invalid_each(&METADATA.field("generateName"), prefix, path_segment_content(prefix));
}

/// What is wrong with the beginning of a name that was made when the object was, of kinds that look at it again.
pub(crate) fn prefix_again(info: &KindInfo, metadata: &ObjectMeta) -> Vec<FieldError> {
    let mut errors = Errors::new();
    if info.prefix_rule == PrefixRule::Always {
        prefix(&mut errors, info, metadata);
    }
    errors.into_list()
}

/// Keeps what a client may change otherwise, for kinds where whoever writes the status has no say in it.
pub(crate) fn keep_for_status(new: &mut ObjectMeta, old: &ObjectMeta) {
    new.labels.clone_from(&old.labels);
    new.annotations.clone_from(&old.annotations);
    new.finalizers.clone_from(&old.finalizers);
    new.owner_references.clone_from(&old.owner_references);
}

/// What is wrong with metadata that replaces `old`.
#[must_use]
pub fn validate_update(info: &KindInfo, new: &ObjectMeta, old: &ObjectMeta) -> Vec<FieldError> {
    let mut errors = Errors::new();
    path_prefix(&mut errors, new);
    let name = new.name.as_deref().unwrap_or_default();
    if name.is_empty() {
        errors.required(&METADATA.field("name"), "name or generateName is required");
    } else {
        errors.invalid_each(&METADATA.field("name"), name, NameRule::PathSegment.check(name));
    }
    namespace(&mut errors, info.namespaced, new);
    if old.deletion_timestamp.is_some() {
        no_new_finalizers(&mut errors, new, old);
    }
    if new.resource_version.as_deref().unwrap_or_default().is_empty() {
        let at = METADATA.field("resourceVersion");
        errors.invalid(&at, "", "must be specified for an update");
    }
    let generation = new.generation.unwrap_or_default();
    errors.not_negative(&METADATA.field("generation"), generation);
    if generation < old.generation.unwrap_or_default() {
        errors.invalid(&METADATA.field("generation"), generation, "must not be decremented");
    }
    errors.immutable(&METADATA.field("name"), &new.name, &old.name);
    errors.immutable(&METADATA.field("namespace"), &new.namespace, &old.namespace);
    errors.immutable(&METADATA.field("uid"), &new.uid, &old.uid);
    errors.immutable(
        &METADATA.field("creationTimestamp"),
        &new.creation_timestamp,
        &old.creation_timestamp,
    );
    errors.immutable(
        &METADATA.field("deletionTimestamp"),
        &new.deletion_timestamp,
        &old.deletion_timestamp,
    );
    errors.immutable(
        &METADATA.field("deletionGracePeriodSeconds"),
        &new.deletion_grace_period_seconds,
        &old.deletion_grace_period_seconds,
    );
    shared(&mut errors, new);
    errors.into_list()
}

/// What is wrong with finalizers of a built-in kind, beyond their form: those of Kubernetes are few, all others carry a domain.
pub(crate) fn known_finalizers(info: &KindInfo, metadata: &ObjectMeta) -> Vec<FieldError> {
    if info.plain_finalizers {
        return Vec::new();
    }
    let mut errors = Errors::new();
    let all = METADATA.field("finalizers");
    for (index, name) in metadata.finalizers.iter().flatten().enumerate() {
        let is_known = matches!(name.as_str(), "kubernetes" | "orphan" | "foregroundDeletion");
        if !is_known && !name.contains('/') {
            let detail = "name is neither a standard finalizer name nor is it fully qualified";
            errors.invalid(&all.index(index), name, detail);
        }
    }
    errors.into_list()
}

/// The metadata of a template names no object, so that only labels and annotations make sense.
pub(crate) fn validate_template(errors: &mut Errors, at: &At<'_>, meta: &ObjectMeta) {
    annotations(errors, &at.field("annotations"), meta.annotations.as_ref());
    labels(errors, &at.field("labels"), meta.labels.as_ref());
    let refused = [
        ("name", !meta.name.is_unset()),
        ("generateName", !meta.generate_name.is_unset()),
        ("namespace", !meta.namespace.is_unset()),
        ("selfLink", !meta.self_link.is_unset()),
        ("uID", !meta.uid.is_unset()),
        ("resourceVersion", !meta.resource_version.is_unset()),
        ("generation", meta.generation.unwrap_or_default() != 0),
        ("creationTimestamp", meta.creation_timestamp.is_some()),
        ("deletionTimestamp", meta.deletion_timestamp.is_some()),
        ("deletionGracePeriodSeconds", meta.deletion_grace_period_seconds.is_some()),
        ("ownerReferences", !meta.owner_references.is_unset()),
        ("finalizers", !meta.finalizers.is_unset()),
        ("managedFields", !meta.managed_fields.is_unset()),
    ];
    for (name, _) in refused.into_iter().filter(|(_, is_set)| *is_set) {
        errors.forbidden(&at.field(name), "cannot be set");
    }
}

/// Undoes what an update of the status changed in the metadata.
pub(crate) fn keep_all(new: &mut ObjectMeta, old: &ObjectMeta) {
    *new = ObjectMeta {
        managed_fields: new.managed_fields.take(),
        resource_version: new.resource_version.take(),
        ..old.clone()
    };
}

/// What selectors look at: labels, the name, and the fields that the kind adds.
#[must_use]
pub fn attributes(
    info: &KindInfo,
    metadata: &ObjectMeta,
    fields: Vec<(&'static str, String)>,
) -> Attributes {
    let name = metadata.name.clone().unwrap_or_default();
    let namespace = metadata.namespace.clone().unwrap_or_default();
    let common = std::iter::once(("metadata.name", name))
        .chain(info.namespaced.then_some(("metadata.namespace", namespace)));
    let all = common.chain(fields).map(|(name, value)| (Cow::Borrowed(name), value));
    Attributes::new(metadata.labels.as_ref(), all)
}

/// What is wrong with labels.
pub fn labels(errors: &mut Errors, at: &At<'_>, labels: Option<&BTreeMap<String, String>>) {
    for (key, value) in labels.into_iter().flatten() {
        errors.invalid_each(at, key, names::is_qualified_name(key));
        errors.invalid_each(at, value, names::is_label_value(value));
    }
}

/// What is wrong with annotations.
pub fn annotations(
    errors: &mut Errors,
    at: &At<'_>,
    annotations: Option<&BTreeMap<String, String>>,
) {
    let mut bytes = 0;
    for (key, value) in annotations.into_iter().flatten() {
        let lower = key.to_ascii_lowercase();
        errors.invalid_each(at, key, names::is_qualified_name(&lower));
        bytes += key.len() + value.len();
    }
    if bytes > ANNOTATIONS_BYTES_MAX {
        errors.too_long(at, ANNOTATIONS_BYTES_MAX);
    }
}

fn namespace(errors: &mut Errors, namespaced: bool, metadata: &ObjectMeta) {
    let namespace = metadata.namespace.as_deref().unwrap_or_default();
    let at = METADATA.field("namespace");
    if !namespaced {
        if !namespace.is_empty() {
            errors.forbidden(&at, "not allowed on this type");
        }
    } else if namespace.is_empty() {
        errors.required(&at, "");
    } else {
        errors.invalid_each(&at, namespace, names::is_dns1123_label(namespace));
    }
}

fn shared(errors: &mut Errors, metadata: &ObjectMeta) {
    labels(errors, &METADATA.field("labels"), metadata.labels.as_ref());
    annotations(errors, &METADATA.field("annotations"), metadata.annotations.as_ref());
    owner_references(errors, metadata.owner_references.as_deref().unwrap_or_default());
    finalizers(errors, metadata.finalizers.as_deref().unwrap_or_default());
    managed_fields(errors, metadata.managed_fields.as_deref().unwrap_or_default());
}

fn owner_references(errors: &mut Errors, references: &[OwnerReference]) {
    let all = METADATA.field("ownerReferences");
    let mut controller: Option<String> = None;
    for (index, reference) in references.iter().enumerate() {
        let at = all.index(index);
        let version = GroupVersion::parse(&reference.api_version);
        if reference.api_version.is_empty() {
            errors.required(&at.field("apiVersion"), "must not be empty");
        } else if version.as_ref().is_none_or(|version| version.version.is_empty()) {
            let detail = "must be <group>/<version> or <version>";
            errors.invalid(&at.field("apiVersion"), &reference.api_version, detail);
        }
        for (name, value) in
            [("kind", &reference.kind), ("name", &reference.name), ("uid", &reference.uid)]
        {
            if value.is_empty() {
                errors.required(&at.field(name), "must not be empty");
            }
        }
        if reference.api_version == "v1" && reference.kind == "Event" {
            let detail = "/v1, Kind=Event is disallowed from being an owner";
            errors.invalid(&at, internal::value("@OwnerReference", reference), detail);
        }
        if reference.controller == Some(true) {
            let name = format!("{}/{}", reference.kind, reference.name);
            match &controller {
                Some(first) => errors.invalid(
                    &all,
                    internal::value("[@OwnerReference", &references),
                    format!(
                        "Only one reference can have Controller set to true. Found \"true\" in \
                         references for {first} and {name}"
                    ),
                ),
                None => controller = Some(name),
            }
        }
    }
}

fn finalizers(errors: &mut Errors, finalizers: &[String]) {
    let at = METADATA.field("finalizers");
    for name in finalizers {
        errors.invalid_each(&at, name, names::is_qualified_name(name));
    }
    let has = |name: &str| finalizers.iter().any(|finalizer| finalizer == name);
    if has("orphan") && has("foregroundDeletion") {
        let detail = "finalizer orphan and foregroundDeletion cannot be both set";
        errors.invalid(&at, finalizers, detail);
    }
}

fn no_new_finalizers(errors: &mut Errors, new: &ObjectMeta, old: &ObjectMeta) {
    let known = old.finalizers.as_deref().unwrap_or_default();
    let mut added: Vec<&String> =
        new.finalizers.iter().flatten().filter(|finalizer| !known.contains(finalizer)).collect();
    if added.is_empty() {
        return;
    }
    added.sort();
    let added: Vec<String> = added.into_iter().map(|name| meta::quote(name)).collect();
    let detail = format!(
        "no new finalizers can be added if the object is being deleted, found new finalizers \
         []string{{{}}}",
        added.join(", ")
    );
    errors.forbidden(&METADATA.field("finalizers"), detail);
}

fn managed_fields(errors: &mut Errors, entries: &[ManagedFieldsEntry]) {
    let all = METADATA.field("managedFields");
    for (index, entry) in entries.iter().enumerate() {
        let at = all.index(index);
        match entry.operation.as_deref().unwrap_or_default() {
            "" => errors.required(&at.field("operation"), "must not be empty"),
            operation => errors.one_of(&at.field("operation"), operation, &["Apply", "Update"]),
        }
        let fields_type = entry.fields_type.as_deref().unwrap_or_default();
        if !matches!(fields_type, "" | "FieldsV1") {
            errors.invalid(&at.field("fieldsType"), fields_type, "must be `FieldsV1`");
        }
        let manager = entry.manager.as_deref().unwrap_or_default();
        if manager.len() > FIELD_MANAGER_BYTES_MAX {
            errors.too_long(&at.field("manager"), FIELD_MANAGER_BYTES_MAX);
        }
        if entry.subresource.as_deref().unwrap_or_default().len() > SUBRESOURCE_BYTES_MAX {
            errors.too_long(&at.field("subresource"), SUBRESOURCE_BYTES_MAX);
        }
    }
}
