//! A claim that names no class of storage gets the default one, if there is any.
//!
//! See <https://kubernetes.io/docs/concepts/storage/storage-classes/#default-storageclass>.

use k8s_openapi::api::core::v1::PersistentVolumeClaim;
use k8s_openapi::api::storage::v1::StorageClass;
use kinds::Object;
use kinds::core::volume_claim;
use meta::{GroupResource, Key, StatusError};

use super::{Attempted, Plugin};

pub(super) struct DefaultStorageClass;

impl Plugin for DefaultStorageClass {
    fn mutate(
        &self,
        attempted: &Attempted<'_>,
        object: &mut dyn Object,
    ) -> Result<(), StatusError> {
        let Some(claim) = object.as_any_mut().downcast_mut::<PersistentVolumeClaim>() else {
            return Ok(());
        };
        if attempted.creates() && volume_claim::class(claim).is_none() {
            claim.spec.get_or_insert_default().storage_class_name = default_class(attempted);
        }
        Ok(())
    }
}

pub(super) fn classes() -> GroupResource {
    GroupResource::new("storage.k8s.io", "storageclasses")
}

fn default_class(attempted: &Attempted<'_>) -> Option<String> {
    let prefix = Key::prefix(&classes(), Some(""));
    let entries = attempted.snapshot.range(&prefix, None);
    let classes =
        entries.filter_map(|entry| serde_json::from_slice::<StorageClass>(&entry.body).ok());
    <StorageClass as kinds::Kind>::INFO.default_among(classes.map(|class| class.metadata))
}
