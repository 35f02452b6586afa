//! Claims, volumes and classes of attributes in use are not removed: each new one gets a finalizer that its controller takes away when nothing uses it.
//!
//! See <https://kubernetes.io/docs/concepts/storage/persistent-volumes/#storage-object-in-use-protection>.

use kinds::Object;
use meta::StatusError;

use super::{Attempted, Plugin};

const PROTECTED: [(&str, &str, &str); 3] = [
    ("", "persistentvolumeclaims", "kubernetes.io/pvc-protection"),
    ("", "persistentvolumes", "kubernetes.io/pv-protection"),
    ("storage.k8s.io", "volumeattributesclasses", "kubernetes.io/vac-protection"),
];

pub(super) struct StorageProtection;

impl Plugin for StorageProtection {
    fn mutate(
        &self,
        attempted: &Attempted<'_>,
        object: &mut dyn Object,
    ) -> Result<(), StatusError> {
        let protected = PROTECTED
            .iter()
            .find(|(group, plural, _)| attempted.is(group, plural) && attempted.creates());
        if let Some((.., finalizer)) = protected {
            let finalizers = object.metadata_mut().finalizers.get_or_insert_default();
            if !finalizers.iter().any(|own| own == finalizer) {
                finalizers.push((*finalizer).to_owned());
            }
        }
        Ok(())
    }
}
