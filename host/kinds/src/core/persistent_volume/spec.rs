//! What holds for the description of a volume, in a volume of its own and inside an attachment.

use k8s_openapi::api::core::v1::{PersistentVolumeSpec, VolumeNodeAffinity};
use meta::quantity::Quantity;

use super::source;
use crate::check::{At, Errors, json};
use crate::core::pod::defaults;
use crate::core::pod::validate::scheduling;
use crate::core::volume_claim;
use crate::resources;
use crate::wire::{OrEmpty, default_text};

/// Where the description stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place<'a> {
    /// In a volume of this name.
    Volume(&'a str),
    /// In a `VolumeAttachment`, where it describes a volume that no object stands for.
    Attachment,
}

/// Defaults of the storage itself.
pub(crate) fn set_source_defaults(spec: &mut PersistentVolumeSpec) {
    if let Some(capacity) = &mut spec.capacity {
        resources::round_up(capacity);
    }
    defaults::set_shared_sources(spec.host_path.as_mut(), spec.azure_disk.as_mut());
    if let Some(iscsi) = &mut spec.iscsi {
        default_text(&mut iscsi.iscsi_interface, "default");
    }
    if let Some(rbd) = &mut spec.rbd {
        default_text(&mut rbd.pool, "rbd");
        default_text(&mut rbd.user, "admin");
        default_text(&mut rbd.keyring, "/etc/ceph/keyring");
    }
    if let Some(scale_io) = &mut spec.scale_io {
        default_text(&mut scale_io.storage_mode, "ThinProvisioned");
        default_text(&mut scale_io.fs_type, "xfs");
    }
}

const INLINE: &str = "may not be specified in the context of inline volumes";

/// What is wrong with the description of a volume.
pub(crate) fn validate(
    errors: &mut Errors,
    at: &At<'_>,
    spec: &PersistentVolumeSpec,
    place: Place<'_>,
) {
    let is_inline = place == Place::Attachment;
    if is_inline {
        if spec.claim_ref.is_some() {
            errors.forbidden(&at.field("claimRef"), INLINE);
        }
        if !spec.capacity.is_unset() {
            errors.forbidden(&at.field("capacity"), INLINE);
        }
        if spec.csi.is_none() {
            let detail = "has to be specified in the context of inline volumes";
            errors.required(&at.field("csi"), detail);
        }
    }
    let modes_at = at.field("accessModes");
    if spec.access_modes.is_unset() {
        errors.required(&modes_at, "");
    }
    volume_claim::access_modes(errors, &modes_at, spec.access_modes.or_empty());
    if !is_inline {
        capacity(errors, &at.field("capacity"), spec);
    }
    reclaim_policy(errors, &at.field("persistentVolumeReclaimPolicy"), spec, is_inline);
    if let Some(affinity) = &spec.node_affinity {
        let at = at.field("nodeAffinity");
        if is_inline {
            errors.forbidden(&at, INLINE);
        } else {
            node_affinity(errors, &at, affinity);
        }
    }
    source::validate(errors, at, spec, place);
    policy_of_root(errors, at, spec);
    names(errors, at, spec, is_inline);
}

fn capacity(errors: &mut Errors, at: &At<'_>, spec: &PersistentVolumeSpec) {
    let capacity = spec.capacity.or_empty();
    if capacity.is_empty() {
        errors.required(at, "");
    }
    if !capacity.contains_key("storage") || capacity.len() > 1 {
        errors.not_supported(at, json(&spec.capacity), &["storage"]);
    }
    for (name, quantity) in capacity {
        let (at, quantity) = (at.key(name), resources::parse(quantity));
        resources::check_basic(errors, &at, &quantity);
        if quantity <= Quantity::default() {
            errors.invalid(&at, quantity.to_string(), "must be greater than zero");
        }
    }
}

fn reclaim_policy(errors: &mut Errors, at: &At<'_>, spec: &PersistentVolumeSpec, is_inline: bool) {
    let policy = spec.persistent_volume_reclaim_policy.or_empty();
    if policy.is_empty() {
        return;
    }
    if !is_inline {
        errors.one_of(at, policy, &["Delete", "Recycle", "Retain"]);
    } else if policy != "Retain" {
        errors.forbidden(at, "may only be Retain in the context of inline volumes");
    }
}

fn node_affinity(errors: &mut Errors, at: &At<'_>, affinity: &VolumeNodeAffinity) {
    let at = at.field("required");
    match &affinity.required {
        Some(selector) => scheduling::node_selector(errors, &at, selector),
        None => errors.required(&at, "must specify required node constraints"),
    }
}

/// Whoever recycles a volume empties it; nobody wants that of a whole machine.
fn policy_of_root(errors: &mut Errors, at: &At<'_>, spec: &PersistentVolumeSpec) {
    let is_recycled = spec.persistent_volume_reclaim_policy.or_empty() == "Recycle";
    if is_recycled && spec.host_path.as_ref().is_some_and(|source| is_root(&source.path)) {
        let detail = "may not be 'recycle' for a hostPath mount of '/'";
        errors.forbidden(&at.field("persistentVolumeReclaimPolicy"), detail);
    }
}

/// Whether an absolute path leads back to the root.
fn is_root(path: &str) -> bool {
    let mut depth = 0usize;
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => depth = depth.saturating_sub(1),
            _ => depth += 1,
        }
    }
    path.starts_with('/') && depth == 0
}

fn names(errors: &mut Errors, at: &At<'_>, spec: &PersistentVolumeSpec, is_inline: bool) {
    let (class, class_at) = (spec.storage_class_name.or_empty(), at.field("storageClassName"));
    if !class.is_empty() && is_inline {
        errors.forbidden(&class_at, INLINE);
    } else {
        volume_claim::class_name(errors, &class_at, class);
    }
    if let Some(mode) = &spec.volume_mode {
        let at = at.field("volumeMode");
        if !is_inline {
            errors.one_of(&at, mode, &["Block", "Filesystem"]);
        } else if mode != "Filesystem" {
            let detail = "may not specify volumeMode other than Filesystem in the context of \
                          inline volumes";
            errors.forbidden(&at, detail);
        }
    }
    // Attachments carry the name along without a look at it.
    if let Some(attributes) = spec.volume_attributes_class_name.as_ref().filter(|_| !is_inline) {
        let attributes_at = at.field("volumeAttributesClassName");
        if attributes.is_empty() {
            errors.required(&attributes_at, "an empty string is disallowed");
        } else {
            volume_claim::class_name(errors, &attributes_at, attributes);
        }
        if spec.csi.is_none() {
            let detail = "has to be specified when using volumeAttributesClassName";
            errors.required(&at.field("csi"), detail);
        }
    }
}
