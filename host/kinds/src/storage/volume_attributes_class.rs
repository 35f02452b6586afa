//! `VolumeAttributesClass`: qualities of a volume that can be changed while it is in use.
//!
//! See <https://kubernetes.io/docs/concepts/storage/volume-attributes-classes/>.

use jiff::Timestamp;
use k8s_openapi::api::storage::v1::VolumeAttributesClass;
use meta::Tree;
use meta::field::FieldError;

use super::parameters;
use crate::check::{At, Errors};
use crate::columns::{self, Column};
use crate::wire::OrEmpty;
use crate::{DeleteAnswer, Kind, KindInfo};

impl Kind for VolumeAttributesClass {
    const INFO: KindInfo = KindInfo {
        singular: "volumeattributesclass",
        short_names: &["vac"],
        type_name: "io.k8s.api.storage.v1.VolumeAttributesClass",
        delete_answer: DeleteAnswer::Object,
        columns: &[columns::NAME, Column::of::<Self>("DriverName", "driverName"), columns::AGE],
        ..KindInfo::cluster::<Self>()
    };

    fn validate(&self) -> Vec<FieldError> {
        let mut errors = Errors::new();
        validate_class(&mut errors, self);
        errors.into_list()
    }

    fn validate_update(&self, old: &Self) -> Vec<FieldError> {
        let mut errors = Errors::new();
        for (field, is_changed) in [
            ("driverName", self.driver_name != old.driver_name),
            ("parameters", self.parameters.or_empty() != old.parameters.or_empty()),
        ] {
            if is_changed {
                let detail = format!("updates to {field} are forbidden.");
                errors.forbidden(&At::root(field), detail);
            }
        }
        validate_class(&mut errors, self);
        errors.into_list()
    }

    fn row(&self, now: Timestamp) -> Vec<Tree> {
        vec![
            columns::name(&self.metadata),
            Tree::from(self.driver_name.as_str()),
            columns::age(&self.metadata, now),
        ]
    }
}

fn validate_class(errors: &mut Errors, class: &VolumeAttributesClass) {
    parameters::driver(errors, &At::root("driverName"), &class.driver_name);
    let at = At::root("parameters");
    parameters::validate(errors, &at, class.parameters.or_empty());
    if class.parameters.is_unset() {
        errors.required(&at, "must contain at least one key/value pair");
    }
}
