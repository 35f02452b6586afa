//! `PersistentVolumeClaim`: a request for storage, and the volume that it got.
//!
//! See <https://kubernetes.io/docs/concepts/storage/persistent-volumes/#persistentvolumeclaims>.

mod change;
mod data_source;
mod status;

use jiff::Timestamp;
use k8s_openapi::api::core::v1::{
    PersistentVolumeClaim, PersistentVolumeClaimSpec, PersistentVolumeClaimStatus,
};
use meta::Tree;
use meta::field::FieldError;

use super::volume_claim;
use crate::check::{At, Errors};
use crate::columns::{self, Column, UNSET};
use crate::wire::{OrEmpty, default_text};
use crate::{DeleteAnswer, Kind, KindInfo, resources};

impl Kind for PersistentVolumeClaim {
    const INFO: KindInfo = KindInfo {
        singular: "persistentvolumeclaim",
        short_names: &["pvc"],
        type_name: "io.k8s.api.core.v1.PersistentVolumeClaim",
        status: true,
        delete_answer: DeleteAnswer::Object,
        columns: &[
            columns::NAME,
            Column::of::<PersistentVolumeClaimStatus>("Status", "phase"),
            Column::of::<PersistentVolumeClaimSpec>("Volume", "volumeName"),
            Column::of::<PersistentVolumeClaimStatus>("Capacity", "capacity"),
            Column::of::<PersistentVolumeClaimStatus>("Access Modes", "accessModes"),
            Column::text("StorageClass", "StorageClass of the pvc"),
            Column::text("VolumeAttributesClass", "VolumeAttributesClass of the pvc"),
            columns::AGE,
            Column::of::<PersistentVolumeClaimSpec>("VolumeMode", "volumeMode").wide(),
        ],
        ..KindInfo::namespaced::<Self>()
    };

    fn set_defaults(&mut self) {
        volume_claim::set_defaults(self.spec.get_or_insert_default());
        let status = self.status.get_or_insert_default();
        default_text(&mut status.phase, "Pending");
        for list in [&mut status.capacity, &mut status.allocated_resources].into_iter().flatten() {
            resources::round_up(list);
        }
    }

    fn on_create(&mut self) {
        data_source::prepare(self.spec.get_or_insert_default(), None);
    }

    fn on_update(&mut self, old: &Self) {
        data_source::prepare(self.spec.get_or_insert_default(), old.spec.as_ref());
    }

    fn on_status_update(&mut self, old: &Self) {
        status::prepare(self, old);
    }

    fn validate(&self) -> Vec<FieldError> {
        let mut errors = Errors::new();
        // Defaulting has made a spec where there was none.
        if let Some(spec) = &self.spec {
            volume_claim::validate(&mut errors, &SPEC, spec, None);
        }
        errors.into_list()
    }

    fn validate_update(&self, old: &Self) -> Vec<FieldError> {
        let mut errors = Errors::new();
        change::validate(&mut errors, self, old);
        errors.into_list()
    }

    fn validate_status(&self, _old: &Self) -> Vec<FieldError> {
        let mut errors = Errors::new();
        if let Some(status) = &self.status {
            status::validate(&mut errors, status);
        }
        errors.into_list()
    }

    fn warnings(&self, _old: Option<&Self>) -> Vec<String> {
        let mut warnings = Vec::new();
        volume_claim::warn_of_old_class(&mut warnings, &self.metadata);
        if let Some(spec) = &self.spec {
            volume_claim::warn(&mut warnings, &SPEC, spec);
        }
        warnings
    }

    fn row(&self, now: Timestamp) -> Vec<Tree> {
        let spec = self.spec.clone().unwrap_or_default();
        let status = self.status.clone().unwrap_or_default();
        let is_deleted = self.metadata.deletion_timestamp.is_some();
        let phase = if is_deleted { "Terminating" } else { status.phase.or_empty() };
        let (mut capacity, mut modes) = (String::new(), String::new());
        if !spec.volume_name.is_unset() {
            capacity = resources::storage(status.capacity.as_ref()).to_string();
            modes = volume_claim::short_modes(status.access_modes.or_empty());
        }
        let or_unset = |text: &Option<String>| text.clone().unwrap_or_else(|| UNSET.to_owned());
        vec![
            columns::name(&self.metadata),
            Tree::from(phase),
            Tree::from(spec.volume_name.or_empty()),
            Tree::from(capacity),
            Tree::from(modes),
            Tree::from(volume_claim::class(self).unwrap_or_default()),
            Tree::from(or_unset(&spec.volume_attributes_class_name)),
            columns::age(&self.metadata, now),
            Tree::from(or_unset(&spec.volume_mode)),
        ]
    }
}

const SPEC: At<'static> = At::root("spec");
