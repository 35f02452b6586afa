//! A claim grows only if it is bound and its class can make volumes larger.
//!
//! See <https://kubernetes.io/docs/concepts/storage/persistent-volumes/#expanding-persistent-volumes-claims>.

use k8s_openapi::api::core::v1::PersistentVolumeClaim;
use k8s_openapi::api::storage::v1::StorageClass;
use kinds::core::volume_claim;
use kinds::{Object, resources};
use meta::quantity::Quantity;
use meta::{Key, StatusError};

use super::default_storage_class::classes;
use super::{Attempted, Plugin};

pub(super) struct ClaimResize;

impl Plugin for ClaimResize {
    fn validate(
        &self,
        attempted: &Attempted<'_>,
        new: Option<&dyn Object>,
    ) -> Result<(), StatusError> {
        let (Some(new), Some(old)) = (new.and_then(claim), attempted.old.and_then(claim)) else {
            return Ok(());
        };
        if !attempted.subresource.is_empty() || size(new) <= size(old) {
            return Ok(());
        }
        let phase = old.status.as_ref().and_then(|status| status.phase.as_deref());
        if phase != Some("Bound") {
            return Err(attempted.forbid("Only bound persistent volume claims can be expanded"));
        }
        if may_grow(attempted, new, old) {
            return Ok(());
        }
        Err(attempted.forbid(
            "only dynamically provisioned pvc can be resized and the storageclass that provisions the pvc must support resize",
        ))
    }
}

fn claim(object: &dyn Object) -> Option<&PersistentVolumeClaim> {
    object.as_any().downcast_ref()
}

fn size(claim: &PersistentVolumeClaim) -> Quantity {
    let resources = claim.spec.as_ref().and_then(|spec| spec.resources.as_ref());
    resources::storage(resources.and_then(|resources| resources.requests.as_ref()))
}

fn may_grow(
    attempted: &Attempted<'_>,
    new: &PersistentVolumeClaim,
    old: &PersistentVolumeClaim,
) -> bool {
    let named = volume_claim::class(new).filter(|name| !name.is_empty());
    let Some(name) = named.filter(|name| volume_claim::class(old) == Some(*name)) else {
        return false;
    };
    let entry = attempted.snapshot.get(Key::new(&classes(), "", name).as_str());
    let class = entry.and_then(|entry| serde_json::from_slice::<StorageClass>(&entry.body).ok());
    class.is_some_and(|class| class.allow_volume_expansion == Some(true))
}
