//! What of a volume never changes: the storage behind it, and where it can be reached from.

use k8s_openapi::api::core::v1::{NodeSelectorTerm, PersistentVolumeSpec, VolumeNodeAffinity};

use super::SPEC;
use crate::check::{At, Errors, IMMUTABLE};
use crate::core::pod::warnings::scheduling::present_node_label;
use crate::internal;

/// What is wrong with a description that replaces `old`.
pub(super) fn validate(
    errors: &mut Errors,
    new: &PersistentVolumeSpec,
    old: &PersistentVolumeSpec,
) {
    source(errors, new, old);
    errors.immutable(&At::root("volumeMode"), &new.volume_mode, &old.volume_mode);
    if let Some(old) = &old.node_affinity
        && !is_same_place(new.node_affinity.as_ref(), old)
    {
        let shown = internal::value("*@VolumeNodeAffinity", &new.node_affinity);
        let detail = format!("{IMMUTABLE}, except for updating from beta label to GA");
        errors.invalid(&At::root("nodeAffinity"), shown, detail);
    }
    if old.volume_attributes_class_name.is_some() && new.volume_attributes_class_name.is_none() {
        let detail = "update from non-nil value to nil is forbidden";
        errors.forbidden(&SPEC.field("volumeAttributesClassName"), detail);
    }
}

fn source(errors: &mut Errors, new: &PersistentVolumeSpec, old: &PersistentVolumeSpec) {
    let (mut new, old) = (only_source(new), only_source(old));
    // Whoever made the volume may tell later which secret makes it larger.
    if let (Some(new), Some(old)) = (&mut new.csi, &old.csi)
        && old.controller_expand_secret_ref.is_none()
    {
        new.controller_expand_secret_ref = None;
    }
    if new != old {
        let detail = format!(
            "spec.persistentvolumesource is immutable after creation\n{}",
            internal::diff("PersistentVolumeSource", &old, &new)
        );
        errors.forbidden(&SPEC.field("persistentvolumesource"), detail);
    }
}

/// The description without everything that is not the storage itself.
fn only_source(spec: &PersistentVolumeSpec) -> PersistentVolumeSpec {
    PersistentVolumeSpec {
        access_modes: None,
        capacity: None,
        claim_ref: None,
        mount_options: None,
        node_affinity: None,
        persistent_volume_reclaim_policy: None,
        storage_class_name: None,
        volume_attributes_class_name: None,
        volume_mode: None,
        ..spec.clone()
    }
}

/// Whether a volume can be reached from where it could, except that labels of nodes may get their present names.
fn is_same_place(new: Option<&VolumeNodeAffinity>, old: &VolumeNodeAffinity) -> bool {
    let mut old = old.clone();
    let Some(new) = new else { return false };
    let new_terms = new.required.iter().flat_map(|selector| &selector.node_selector_terms);
    let old_terms = old.required.iter_mut().flat_map(|selector| &mut selector.node_selector_terms);
    for (new, old) in new_terms.zip(old_terms) {
        rename(new, old);
    }
    *new == old
}

fn rename(new: &NodeSelectorTerm, old: &mut NodeSelectorTerm) {
    let pairs = [
        (&new.match_expressions, &mut old.match_expressions),
        (&new.match_fields, &mut old.match_fields),
    ];
    for (new, old) in pairs {
        for (new, old) in new.iter().flatten().zip(old.iter_mut().flatten()) {
            if present_node_label(&old.key) == Some(&new.key) {
                old.key.clone_from(&new.key);
            }
        }
    }
}
