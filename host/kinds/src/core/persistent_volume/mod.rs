//! `PersistentVolume`: a piece of storage in the cluster, made by hand or by a driver.
//!
//! See <https://kubernetes.io/docs/concepts/storage/persistent-volumes/>.

mod change;
mod source;
pub(crate) mod spec;
mod warnings;

use jiff::Timestamp;
use k8s_openapi::api::core::v1::{PersistentVolume, PersistentVolumeSpec, PersistentVolumeStatus};
use meta::Tree;
use meta::field::FieldError;

use self::spec::Place;
use super::volume_claim;
use crate::check::{At, Errors};
use crate::columns::{self, Column, UNSET};
use crate::wire::{OrEmpty, default_text};
use crate::{DeleteAnswer, Kind, KindInfo, resources};

impl Kind for PersistentVolume {
    const INFO: KindInfo = KindInfo {
        singular: "persistentvolume",
        short_names: &["pv"],
        type_name: "io.k8s.api.core.v1.PersistentVolume",
        status: true,
        delete_answer: DeleteAnswer::Object,
        columns: &[
            columns::NAME,
            Column::of::<PersistentVolumeSpec>("Capacity", "capacity"),
            Column::of::<PersistentVolumeSpec>("Access Modes", "accessModes"),
            Column::of::<PersistentVolumeSpec>("Reclaim Policy", "persistentVolumeReclaimPolicy"),
            Column::of::<PersistentVolumeStatus>("Status", "phase"),
            Column::of::<PersistentVolumeSpec>("Claim", "claimRef"),
            Column::text("StorageClass", "StorageClass of the pv"),
            Column::text("VolumeAttributesClass", "VolumeAttributesClass of the pv"),
            Column::of::<PersistentVolumeStatus>("Reason", "reason"),
            columns::AGE,
            Column::of::<PersistentVolumeSpec>("VolumeMode", "volumeMode").wide(),
        ],
        ..KindInfo::cluster::<Self>()
    };

    fn set_defaults(&mut self) {
        default_text(&mut self.status.get_or_insert_default().phase, "Pending");
        let spec = self.spec.get_or_insert_default();
        default_text(&mut spec.persistent_volume_reclaim_policy, "Retain");
        spec.volume_mode.get_or_insert_with(|| "Filesystem".to_owned());
        spec::set_source_defaults(spec);
    }

    fn on_create(&mut self) {
        let created = self.metadata.creation_timestamp.clone();
        self.status.get_or_insert_default().last_phase_transition_time = created;
    }

    fn validate(&self) -> Vec<FieldError> {
        let mut errors = Errors::new();
        validate_volume(&mut errors, self);
        errors.into_list()
    }

    fn validate_update(&self, old: &Self) -> Vec<FieldError> {
        let mut errors = Errors::new();
        validate_volume(&mut errors, self);
        let (new, old) =
            (self.spec.clone().unwrap_or_default(), old.spec.clone().unwrap_or_default());
        change::validate(&mut errors, &new, &old);
        errors.into_list()
    }

    fn warnings(&self, _old: Option<&Self>) -> Vec<String> {
        self.spec.as_ref().map(|spec| warnings::gather(self, spec)).unwrap_or_default()
    }

    fn row(&self, now: Timestamp) -> Vec<Tree> {
        let spec = self.spec.clone().unwrap_or_default();
        let status = self.status.clone().unwrap_or_default();
        let is_deleted = self.metadata.deletion_timestamp.is_some();
        let phase = if is_deleted { "Terminating" } else { status.phase.or_empty() };
        let claim = spec
            .claim_ref
            .as_ref()
            .map(|claim| format!("{}/{}", claim.namespace.or_empty(), claim.name.or_empty()));
        let class = volume_claim::old_class(&self.metadata)
            .unwrap_or_else(|| spec.storage_class_name.or_empty());
        let or_unset = |text: &Option<String>| text.clone().unwrap_or_else(|| UNSET.to_owned());
        vec![
            columns::name(&self.metadata),
            Tree::from(resources::storage(spec.capacity.as_ref()).to_string()),
            Tree::from(volume_claim::short_modes(spec.access_modes.or_empty())),
            Tree::from(spec.persistent_volume_reclaim_policy.or_empty()),
            Tree::from(phase),
            Tree::from(claim.unwrap_or_default()),
            Tree::from(class),
            Tree::from(or_unset(&spec.volume_attributes_class_name)),
            Tree::from(status.reason.or_empty()),
            columns::age(&self.metadata, now),
            Tree::from(or_unset(&spec.volume_mode)),
        ]
    }
}

const SPEC: At<'static> = At::root("spec");

const MOUNT_OPTIONS: &str = "volume.beta.kubernetes.io/mount-options";

fn validate_volume(errors: &mut Errors, volume: &PersistentVolume) {
    // Defaulting has made a spec where there was none.
    let Some(spec) = &volume.spec else { return };
    spec::validate(errors, &SPEC, spec, Place::Volume(volume.metadata.name.or_empty()));
    let has_options = volume.metadata.annotations.or_empty().contains_key(MOUNT_OPTIONS);
    if has_options && !source::takes_mount_options(spec) {
        let at = At::root("metadata");
        let at = at.field("annotations");
        let detail = "may not specify mount options for this volume type";
        errors.forbidden(&at.field(MOUNT_OPTIONS), detail);
    }
}
