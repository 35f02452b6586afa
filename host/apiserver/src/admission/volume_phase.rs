//! A volume tells since when it is in its phase, unless whoever changes the phase tells it.
//!
//! See <https://kubernetes.io/docs/concepts/storage/persistent-volumes/#phase>.

use k8s_openapi::api::core::v1::PersistentVolume;
use kinds::Object;
use meta::{StatusError, Time};

use super::{Attempted, Plugin};
use crate::verbs::whole_seconds;

pub(super) struct VolumePhase;

impl Plugin for VolumePhase {
    fn mutate(
        &self,
        attempted: &Attempted<'_>,
        object: &mut dyn Object,
    ) -> Result<(), StatusError> {
        let old = attempted.old.and_then(|old| old.as_any().downcast_ref::<PersistentVolume>());
        let new = object.as_any_mut().downcast_mut::<PersistentVolume>();
        let (Some(new), Some(old)) = (new, old.filter(|_| attempted.subresource == "status"))
        else {
            return Ok(());
        };
        let new = new.status.get_or_insert_default();
        let old = old.status.clone().unwrap_or_default();
        let told = new.last_phase_transition_time.is_some();
        if new.phase == old.phase && !told {
            new.last_phase_transition_time = old.last_phase_transition_time;
        } else if new.phase != old.phase
            && (!told || new.last_phase_transition_time == old.last_phase_transition_time)
        {
            new.last_phase_transition_time = Some(Time(whole_seconds(attempted.state.clock.now())));
        }
        Ok(())
    }
}
