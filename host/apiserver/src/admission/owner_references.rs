//! The same owner is named once: later entries that say the same are dropped, with a warning.

use kinds::Object;
use meta::StatusError;

use super::{Attempted, Plugin};

pub(super) struct OwnerReferences;

impl Plugin for OwnerReferences {
    fn mutate(
        &self,
        attempted: &Attempted<'_>,
        object: &mut dyn Object,
    ) -> Result<(), StatusError> {
        let Some(references) = object.metadata_mut().owner_references.as_mut() else {
            return Ok(());
        };
        let mut duplicates = Vec::new();
        let mut kept = Vec::with_capacity(references.len());
        for reference in references.drain(..) {
            if kept.contains(&reference) {
                duplicates.push(reference.uid);
            } else {
                kept.push(reference);
            }
        }
        *references = kept;
        if !duplicates.is_empty() {
            attempted.warnings.add(format!(
                ".metadata.ownerReferences contains duplicate entries; API server dedups owner references in 1.20+, and may reject such \
                 requests as early as 1.24; please fix your requests; duplicate UID(s) observed: {}",
                duplicates.join(", ")
            ));
        }
        Ok(())
    }
}
