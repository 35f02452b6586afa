//! Where the first content of a volume comes from. Two fields tell it: the old one names a claim or a snapshot, the new one anything.
//!
//! See <https://kubernetes.io/docs/concepts/storage/persistent-volumes/#volume-populators-and-data-sources>.

use k8s_openapi::api::core::v1::{
    PersistentVolumeClaimSpec, TypedLocalObjectReference, TypedObjectReference,
};

use crate::wire::OrEmpty;

/// Makes both fields tell the same, and drops what nobody would act on.
pub(super) fn prepare(
    spec: &mut PersistentVolumeClaimSpec,
    old: Option<&PersistentVolumeClaimSpec>,
) {
    let had_reference = old.is_some_and(|old| old.data_source_ref.is_some());
    let had_source = had_reference || old.is_some_and(|old| old.data_source.is_some());
    // Sources in other namespaces are not acted on by default.
    if !had_reference && spec.data_source_ref.as_ref().is_some_and(is_elsewhere) {
        spec.data_source_ref = None;
    }
    // Clients that know the old field only never expected anything else to work.
    if !had_source && spec.data_source_ref.is_none() {
        spec.data_source = spec.data_source.take().filter(is_claim_or_snapshot);
    }
    match (&spec.data_source, &spec.data_source_ref) {
        (Some(source), None) => {
            let TypedLocalObjectReference { api_group, kind, name } = source.clone();
            let reference = TypedObjectReference { api_group, kind, name, namespace: None };
            spec.data_source_ref = Some(reference);
        }
        (None, Some(reference)) if !is_elsewhere(reference) => {
            let TypedObjectReference { api_group, kind, name, .. } = reference.clone();
            spec.data_source = Some(TypedLocalObjectReference { api_group, kind, name });
        }
        _ => {}
    }
}

fn is_elsewhere(reference: &TypedObjectReference) -> bool {
    !reference.namespace.is_unset()
}

fn is_claim_or_snapshot(source: &TypedLocalObjectReference) -> bool {
    matches!(
        (source.api_group.or_empty(), source.kind.as_str()),
        ("", "PersistentVolumeClaim") | ("snapshot.storage.k8s.io", "VolumeSnapshot")
    )
}
