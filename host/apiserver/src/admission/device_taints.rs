//! A taint of a device tells since when it is there: tolerations of it may end after some time.
//!
//! See <https://kubernetes.io/docs/concepts/scheduling-eviction/dynamic-resource-allocation/#device-taints-and-tolerations>.

use k8s_openapi::api::resource::v1::{DeviceTaintRule, ResourceSlice};
use kinds::Object;
use meta::{StatusError, Time};

use super::{Attempted, Plugin};
use crate::verbs::whole_seconds;

pub(super) struct DeviceTaints;

impl Plugin for DeviceTaints {
    fn mutate(
        &self,
        attempted: &Attempted<'_>,
        object: &mut dyn Object,
    ) -> Result<(), StatusError> {
        if !attempted.subresource.is_empty() {
            return Ok(());
        }
        let now = Time(whole_seconds(attempted.state.clock.now()));
        if let Some(slice) = object.as_any_mut().downcast_mut::<ResourceSlice>() {
            let devices = slice.spec.devices.iter_mut().flatten();
            for taint in devices.flat_map(|device| device.taints.iter_mut().flatten()) {
                taint.time_added.get_or_insert_with(|| now.clone());
            }
        } else if let Some(rule) = object.as_any_mut().downcast_mut::<DeviceTaintRule>() {
            let old = attempted.old.and_then(|old| old.as_any().downcast_ref::<DeviceTaintRule>());
            let taint = &mut rule.spec.taint;
            // Another effect is another taint, unless the client says since when it is there.
            let is_renewed = old.is_some_and(|old| {
                let before = &old.spec.taint;
                before.effect != taint.effect && before.time_added == taint.time_added
            });
            if is_renewed || taint.time_added.is_none() {
                taint.time_added = Some(now);
            }
        }
        Ok(())
    }
}
