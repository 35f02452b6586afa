//! `ConfigMap`: configuration as key-value pairs.
//!
//! See <https://kubernetes.io/docs/concepts/configuration/configmap/>.

use jiff::Timestamp;
use k8s_openapi::api::core::v1::ConfigMap;
use meta::field::FieldError;
use meta::{Tree, names};

use crate::check::{At, Errors};
use crate::columns::{self, Column};
use crate::wire::OrEmpty;
use crate::{Kind, KindInfo};

impl Kind for ConfigMap {
    const INFO: KindInfo = KindInfo {
        singular: "configmap",
        short_names: &["cm"],
        type_name: "io.k8s.api.core.v1.ConfigMap",
        columns: &[columns::NAME, Column::of::<Self>("Data", "data"), columns::AGE],
        ..KindInfo::namespaced::<Self>()
    };

    fn validate(&self) -> Vec<FieldError> {
        let mut errors = Errors::new();
        validate_data(&mut errors, self);
        errors.into_list()
    }

    fn validate_update(&self, old: &Self) -> Vec<FieldError> {
        let mut errors = Errors::new();
        if old.immutable == Some(true) {
            for (name, is_same) in [
                ("immutable", self.immutable == Some(true)),
                ("data", self.data.or_empty() == old.data.or_empty()),
                ("binaryData", self.binary_data.or_empty() == old.binary_data.or_empty()),
            ] {
                if !is_same {
                    errors.forbidden(&At::root(name), FROZEN);
                }
            }
        }
        validate_data(&mut errors, self);
        errors.into_list()
    }

    fn row(&self, now: Timestamp) -> Vec<Tree> {
        let keys = self.data.or_empty().len() + self.binary_data.or_empty().len();
        vec![columns::name(&self.metadata), Tree::from(keys), columns::age(&self.metadata, now)]
    }
}

/// Bound on the values of one object together, so that one of them cannot fill the store.
pub(super) const BYTES_MAX: usize = 1024 * 1024;
pub(super) const FROZEN: &str = "field is immutable when `immutable` is set";

fn validate_data(errors: &mut Errors, map: &ConfigMap) {
    let (data_at, binary_at) = (At::root("data"), At::root("binaryData"));
    let mut bytes = 0;
    for (key, value) in map.data.or_empty() {
        let at = data_at.key(key);
        errors.invalid_each(&at, key, names::is_config_map_key(key));
        if map.binary_data.or_empty().contains_key(key) {
            errors.invalid(&at, key, "duplicate of key present in binaryData");
        }
        bytes += value.len();
    }
    for (key, value) in map.binary_data.or_empty() {
        errors.invalid_each(&binary_at.key(key), key, names::is_config_map_key(key));
        bytes += value.0.len();
    }
    if bytes > BYTES_MAX {
        errors.too_long(&At::root(""), BYTES_MAX);
    }
}
