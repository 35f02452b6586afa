//! `ResourceClaim`: devices that somebody wants, and which ones were given.
//!
//! See <https://kubernetes.io/docs/concepts/scheduling-eviction/dynamic-resource-allocation/#resourceclaims-templates>.

use jiff::Timestamp;
use k8s_openapi::api::resource::v1::ResourceClaim;
use meta::Tree;
use meta::field::{BadValue, FieldError};

use super::{claim, status};
use crate::check::{At, Errors, IMMUTABLE};
use crate::columns::{self, Column};
use crate::wire::OrEmpty;
use crate::{DeleteAnswer, Kind, KindInfo, conditions};

impl Kind for ResourceClaim {
    const INFO: KindInfo = KindInfo {
        singular: "resourceclaim",
        type_name: "io.k8s.api.resource.v1.ResourceClaim",
        status: true,
        status_keeps_metadata: true,
        delete_answer: DeleteAnswer::Object,
        columns: &[
            columns::NAME,
            Column::text(
                "State",
                "A summary of the current state (allocated, pending, reserved, etc.).",
            ),
            columns::AGE,
        ],
        without_table: &["status"],
        ..KindInfo::namespaced::<Self>()
    };

    const BEFORE_TYPING: Option<fn(&mut Tree)> = Some(|tree| {
        let devices = tree.pointer_mut("/status/devices").and_then(Tree::as_array_mut);
        for device in devices.into_iter().flatten() {
            conditions::mark_missing_times(device.get_mut("conditions"));
        }
    });

    fn set_defaults(&mut self) {
        if let Some(spec) = &mut self.spec {
            claim::set_defaults(spec);
        }
        if let Some(status) = &mut self.status {
            status::set_defaults(status);
        }
    }

    fn on_create(&mut self) {
        if let Some(spec) = &mut self.spec {
            claim::drop_disabled(spec);
        }
    }

    fn on_update(&mut self, _old: &Self) {
        self.on_create();
    }

    fn on_status_update(&mut self, old: &Self) {
        if let Some(new) = &mut self.status {
            status::drop_disabled(new);
            status::forget_freed_devices(new, old.status.as_ref());
        }
    }

    fn validate(&self) -> Vec<FieldError> {
        let mut errors = Errors::new();
        claim::validate(&mut errors, &At::root("spec"), &self.spec.clone().unwrap_or_default());
        errors.into_list()
    }

    fn validate_update(&self, old: &Self) -> Vec<FieldError> {
        let mut errors = Errors::new();
        if self.spec != old.spec {
            errors.invalid(&At::root("spec"), BadValue::null(), IMMUTABLE);
        }
        errors.into_list()
    }

    fn validate_status(&self, old: &Self) -> Vec<FieldError> {
        let mut errors = Errors::new();
        status::validate(&mut errors, self, old);
        errors.into_list()
    }

    fn row(&self, now: Timestamp) -> Vec<Tree> {
        let is_deleted = self.metadata.deletion_timestamp.is_some();
        let status = self.status.clone().unwrap_or_default();
        let is_allocated = status.allocation.is_some();
        let states = [
            ("deleted", is_deleted),
            ("pending", !is_deleted && !is_allocated),
            ("allocated", is_allocated),
            ("reserved", is_allocated && !status.reserved_for.is_unset()),
        ];
        let states = states.into_iter().filter(|(_, holds)| *holds).map(|(state, _)| state);
        vec![
            columns::name(&self.metadata),
            Tree::from(states.collect::<Vec<_>>().join(",")),
            columns::age(&self.metadata, now),
        ]
    }
}
