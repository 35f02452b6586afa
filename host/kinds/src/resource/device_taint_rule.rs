//! `DeviceTaintRule`: a taint that an administrator puts on devices, whoever their driver is.
//!
//! See <https://kubernetes.io/docs/concepts/scheduling-eviction/dynamic-resource-allocation/#device-taints-and-tolerations>.

use jiff::Timestamp;
use k8s_openapi::api::resource::v1::{DeviceTaint, DeviceTaintRule};
use meta::Tree;
use meta::field::FieldError;

use super::{names, slice};
use crate::check::{At, Errors};
use crate::columns::{self, Column};
use crate::wire::OrEmpty;
use crate::{Generation, Kind, KindInfo, conditions};

impl Kind for DeviceTaintRule {
    const INFO: KindInfo = KindInfo {
        singular: "devicetaintrule",
        type_name: "io.k8s.api.resource.v1.DeviceTaintRule",
        status: true,
        status_keeps_metadata: true,
        generation: Generation::Spec,
        unconditional_update: false,
        columns: &[
            columns::NAME,
            Column::of::<DeviceTaint>("Key", "key"),
            Column::of::<DeviceTaint>("Value", "value"),
            Column::of::<DeviceTaint>("Effect", "effect"),
            Column::of::<DeviceTaint>("TimeAdded", "timeAdded"),
            columns::AGE,
        ],
        without_table: &["status"],
        ..KindInfo::cluster::<Self>()
    };

    const BEFORE_TYPING: Option<fn(&mut Tree)> = Some(|tree| {
        conditions::mark_missing_times(tree.pointer_mut("/status/conditions"));
    });

    fn validate(&self) -> Vec<FieldError> {
        let mut errors = Errors::new();
        let at = At::root("spec");
        let selector_at = at.field("deviceSelector");
        let selector = self.spec.device_selector.clone().unwrap_or_default();
        if let Some(driver) = &selector.driver {
            names::driver(&mut errors, &selector_at.field("driver"), driver);
        }
        if let Some(pool) = &selector.pool {
            names::pool(&mut errors, &selector_at.field("pool"), pool);
        }
        if let Some(device) = &selector.device {
            names::label(&mut errors, &selector_at.field("device"), device);
        }
        slice::validate_taint(&mut errors, &at.field("taint"), &self.spec.taint);
        errors.into_list()
    }

    fn validate_update(&self, _old: &Self) -> Vec<FieldError> {
        Kind::validate(self)
    }

    fn validate_status(&self, _old: &Self) -> Vec<FieldError> {
        let mut errors = Errors::new();
        let status = At::root("status");
        let at = status.field("conditions");
        let conditions = self.status.as_ref().map(|status| status.conditions.or_empty());
        let conditions = conditions.unwrap_or_default();
        conditions::validate(&mut errors, &at, conditions);
        if conditions.len() > CONDITIONS_MAX {
            errors.too_many(&at, conditions.len(), CONDITIONS_MAX);
        }
        errors.into_list()
    }

    fn row(&self, now: Timestamp) -> Vec<Tree> {
        let taint = &self.spec.taint;
        let added = taint.time_added.as_ref();
        vec![
            columns::name(&self.metadata),
            Tree::from(taint.key.as_str()),
            Tree::from(taint.value.or_empty()),
            Tree::from(taint.effect.as_str()),
            Tree::from(added.map(|time| columns::since(Some(time), now)).unwrap_or_default()),
            columns::age(&self.metadata, now),
        ]
    }
}

const CONDITIONS_MAX: usize = 8;
