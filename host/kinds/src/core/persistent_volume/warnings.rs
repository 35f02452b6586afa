//! Advice about volumes that are described in an old way, or by drivers that are gone.

use k8s_openapi::api::core::v1::{PersistentVolume, PersistentVolumeSpec};

use super::{MOUNT_OPTIONS, SPEC};
use crate::check::At;
use crate::core::pod::warnings::scheduling::node_term;
use crate::core::volume_claim;
use crate::wire::OrEmpty;

pub(super) fn gather(volume: &PersistentVolume, spec: &PersistentVolumeSpec) -> Vec<String> {
    let mut warnings = Vec::new();
    volume_claim::warn_of_old_class(&mut warnings, &volume.metadata);
    if volume.metadata.annotations.or_empty().contains_key(MOUNT_OPTIONS) {
        let at = At::root("metadata");
        let at = at.field("annotations");
        let advice = "deprecated since v1.31; use \"mountOptions\" attribute instead";
        warnings.push(format!("{}: {advice}", at.key(MOUNT_OPTIONS)));
    }
    if spec.persistent_volume_reclaim_policy.or_empty() == "Recycle" {
        warnings.push(format!(
            "{}: The Recycle reclaim policy is deprecated. Instead, the recommended approach is \
             to use dynamic provisioning.",
            SPEC.field("persistentVolumeReclaimPolicy")
        ));
    }
    if let Some(required) = spec.node_affinity.as_ref().and_then(|a| a.required.as_ref()) {
        let at = SPEC.field("nodeAffinity");
        let at = at.field("required");
        let terms_at = at.field("nodeSelectorTerms");
        for (index, term) in required.node_selector_terms.iter().enumerate() {
            node_term(&mut warnings, &terms_at.index(index), term, false);
        }
    }
    for (field, is_used, deprecated, gone) in [
        ("cephfs", spec.cephfs.is_some(), "v1.28", "v1.31+"),
        ("photonPersistentDisk", spec.photon_persistent_disk.is_some(), "v1.11", "v1.16+"),
        ("scaleIO", spec.scale_io.is_some(), "v1.16", "v1.22+"),
        ("storageOS", spec.storageos.is_some(), "v1.22", "v1.25+"),
        ("glusterfs", spec.glusterfs.is_some(), "v1.25", "v1.26+"),
        ("rbd", spec.rbd.is_some(), "v1.28", "v1.31+"),
    ] {
        if is_used {
            let at = SPEC.field(field);
            warnings.push(format!("{at}: deprecated in {deprecated}, non-functional in {gone}"));
        }
    }
    warnings
}
