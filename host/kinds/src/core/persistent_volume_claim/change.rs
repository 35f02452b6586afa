//! What of a claim may change: its size and attributes once it is bound, and little else.

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::{
    PersistentVolumeClaim, PersistentVolumeClaimSpec, VolumeResourceRequirements,
};

use super::SPEC;
use crate::check::{At, Errors, IMMUTABLE};
use crate::core::volume_claim::{self, OLD_CLASS, old_class};
use crate::wire::OrEmpty;
use crate::{internal, resources};

/// What is wrong with a claim that replaces `old`.
pub(super) fn validate(
    errors: &mut Errors,
    claim: &PersistentVolumeClaim,
    before: &PersistentVolumeClaim,
) {
    let new = claim.spec.clone().unwrap_or_default();
    let old = before.spec.clone().unwrap_or_default();
    volume_claim::validate(errors, &SPEC, &new, Some(&old));
    if !moves_class_to_field(claim, before, &new, &old) {
        let value = old_class(&claim.metadata);
        if value.unwrap_or_default() != old_class(&before.metadata).unwrap_or_default() {
            let at = At::root("metadata");
            let at = at.field("annotations");
            errors.invalid(&at.field(OLD_CLASS), value.unwrap_or_default(), IMMUTABLE);
        }
    }
    fixed(errors, claim, before, (&new, &old));
    smaller(errors, before, (&new, &old));
    errors.immutable(&At::root("volumeMode"), &new.volume_mode, &old.volume_mode);
    attributes_class(errors, before, (&new, &old));
}

/// Whether the class that an annotation named is now named by the field.
fn moves_class_to_field(
    claim: &PersistentVolumeClaim,
    before: &PersistentVolumeClaim,
    new: &PersistentVolumeClaimSpec,
    old: &PersistentVolumeClaimSpec,
) -> bool {
    old_class(&before.metadata).is_some_and(|class| {
        old.storage_class_name.is_none()
            && new.storage_class_name.as_deref() == Some(class)
            && old_class(&claim.metadata).is_none_or(|still| still == class)
    })
}

fn fixed(
    errors: &mut Errors,
    claim: &PersistentVolumeClaim,
    before: &PersistentVolumeClaim,
    (new, old): (&PersistentVolumeClaimSpec, &PersistentVolumeClaimSpec),
) {
    let (mut new, mut old) = (new.clone(), old.clone());
    // A claim gets its volume once.
    if old.volume_name.is_unset() {
        old.volume_name.clone_from(&new.volume_name);
    }
    // A class that was never named can be named later.
    let annotated = old_class(&before.metadata);
    if old.storage_class_name.is_none()
        && annotated.is_none_or(|class| new.storage_class_name.as_deref() == Some(class))
    {
        new.storage_class_name = None;
    }
    if claim.status.as_ref().is_some_and(|status| status.phase.or_empty() == "Bound") {
        let before = requests(&old).get("storage").cloned();
        let resources = new.resources.as_mut().and_then(|resources| resources.requests.as_mut());
        if let (Some(requests), Some(before)) = (resources, before) {
            requests.insert("storage".to_owned(), before);
        }
        new.volume_attributes_class_name.clone_from(&old.volume_attributes_class_name);
    }
    if !is_same(&new, &old) {
        let detail = format!(
            "spec is immutable after creation except resources.requests and \
             volumeAttributesClassName for bound claims\n{}",
            internal::diff("PersistentVolumeClaimSpec", &old, &new)
        );
        errors.forbidden(&SPEC, detail);
    }
}

type Amounts = BTreeMap<String, k8s_openapi::apimachinery::pkg::api::resource::Quantity>;

fn requests(spec: &PersistentVolumeClaimSpec) -> &Amounts {
    match &spec.resources {
        Some(resources) => resources.requests.or_empty(),
        None => const { &Amounts::new() },
    }
}

/// Whether two claims ask for the same, however the amounts are written.
fn is_same(a: &PersistentVolumeClaimSpec, b: &PersistentVolumeClaimSpec) -> bool {
    let without_amounts = |spec: &PersistentVolumeClaimSpec| PersistentVolumeClaimSpec {
        resources: None,
        ..spec.clone()
    };
    let amounts = |spec: &PersistentVolumeClaimSpec| spec.resources.clone().unwrap_or_default();
    let VolumeResourceRequirements { limits, requests } = amounts(a);
    let other = amounts(b);
    without_amounts(a) == without_amounts(b)
        && resources::same(limits.as_ref(), other.limits.as_ref())
        && resources::same(requests.as_ref(), other.requests.as_ref())
}

/// A volume is not made smaller; but whoever asked for too much can ask for less as long as the volume has not grown.
fn smaller(
    errors: &mut Errors,
    before: &PersistentVolumeClaim,
    (new, old): (&PersistentVolumeClaimSpec, &PersistentVolumeClaimSpec),
) {
    let size = |spec| resources::storage(Some(requests(spec)));
    let given = before.status.as_ref().and_then(|status| status.capacity.as_ref());
    if size(new) < size(old) && size(new) <= resources::storage(given) {
        let at = SPEC.field("resources");
        let at = at.field("requests");
        errors.forbidden(&at.field("storage"), "field can not be less than status.capacity");
    }
}

/// Attributes that a volume has can be exchanged for others only.
fn attributes_class(
    errors: &mut Errors,
    before: &PersistentVolumeClaim,
    (new, old): (&PersistentVolumeClaimSpec, &PersistentVolumeClaimSpec),
) {
    let class = &new.volume_attributes_class_name;
    let current = before
        .status
        .as_ref()
        .and_then(|status| status.current_volume_attributes_class_name.as_ref());
    if class == &old.volume_attributes_class_name || current.is_none() {
        return;
    }
    let what = match class.as_deref() {
        None => "nil",
        Some("") => "empty string",
        Some(_) => return,
    };
    let detail = format!(
        "update to {what} is forbidden when status.currentVolumeAttributesClassName is not nil"
    );
    errors.forbidden(&SPEC.field("volumeAttributesClassName"), detail);
}
