//! `CSINode`: the storage drivers of a node.
//!
//! See <https://kubernetes.io/docs/reference/kubernetes-api/storage/csi-node-v1/>.

use std::collections::BTreeSet;

use jiff::Timestamp;
use k8s_openapi::api::storage::v1::{CSINode, CSINodeDriver};
use meta::field::FieldError;
use meta::{Tree, names};

use crate::check::{At, Errors, IMMUTABLE};
use crate::columns::{self, Column};
use crate::core::pod::validate::volume::csi_driver_name;
use crate::wire::OrEmpty;
use crate::{DeleteAnswer, Kind, KindInfo, internal, metadata};

impl Kind for CSINode {
    const INFO: KindInfo = KindInfo {
        singular: "csinode",
        type_name: "io.k8s.api.storage.v1.CSINode",
        status: true,
        unowned: &[("status", &["metadata", "spec"])],
        unconditional_update: false,
        delete_answer: DeleteAnswer::Object,
        columns: &[
            columns::NAME,
            Column::text(
                "Drivers",
                "Drivers indicates the number of CSI drivers registered on the node",
            )
            .integer(),
            columns::AGE,
        ],
        ..KindInfo::cluster::<Self>()
    };

    /// The health of storage is not reported by default, and nothing else is in the status.
    fn on_status_update(&mut self, old: &Self) {
        metadata::keep_for_status(&mut self.metadata, &old.metadata);
        self.status.clone_from(&old.status);
    }

    fn validate(&self) -> Vec<FieldError> {
        let mut errors = Errors::new();
        drivers(&mut errors, &self.spec.drivers);
        errors.into_list()
    }

    fn validate_update(&self, old: &Self) -> Vec<FieldError> {
        let mut errors = Errors::new();
        drivers(&mut errors, &self.spec.drivers);
        for before in &old.spec.drivers {
            for driver in self.spec.drivers.iter().filter(|driver| driver.name == before.name) {
                unchanged(&mut errors, driver, before);
            }
        }
        errors.into_list()
    }

    fn row(&self, now: Timestamp) -> Vec<Tree> {
        vec![
            columns::name(&self.metadata),
            Tree::from(self.spec.drivers.len()),
            columns::age(&self.metadata, now),
        ]
    }
}

const SPEC: At<'static> = At::root("spec");

fn drivers(errors: &mut Errors, drivers: &[CSINodeDriver]) {
    const ID_CHARACTERS_MAX: usize = 256;
    let all = SPEC.field("drivers");
    let mut seen = BTreeSet::new();
    for (index, driver) in drivers.iter().enumerate() {
        let at = all.index(index);
        let name_at = at.field("name");
        csi_driver_name(errors, &name_at, &driver.name);
        let id_at = at.field("nodeID");
        if driver.node_id.is_empty() {
            errors.required(&id_at, "");
        }
        if driver.node_id.len() > ID_CHARACTERS_MAX {
            let detail = format!("must be {ID_CHARACTERS_MAX} characters or less");
            errors.invalid(&id_at, &driver.node_id, detail);
        }
        if let Some(count) = driver.allocatable.as_ref().and_then(|allocatable| allocatable.count) {
            let at = at.field("allocatable");
            errors.not_negative(&at.field("count"), i64::from(count));
        }
        if !seen.insert(&driver.name) {
            errors.duplicate(&name_at, &driver.name);
        }
        topology_keys(errors, &at, driver.topology_keys.or_empty());
    }
}

fn topology_keys(errors: &mut Errors, at: &At<'_>, keys: &[String]) {
    let mut seen = BTreeSet::new();
    for key in keys {
        if key.is_empty() {
            errors.required(at, "");
        }
        if !seen.insert(key) {
            errors.duplicate(at, key);
        }
        errors.invalid_each(at, key, names::is_qualified_name(key));
    }
}

/// A driver that is there keeps what identifies it; only how many volumes it can attach moves.
fn unchanged(errors: &mut Errors, new: &CSINodeDriver, old: &CSINodeDriver) {
    let identity = |driver: &CSINodeDriver| CSINodeDriver { allocatable: None, ..driver.clone() };
    let new = identity(new);
    if new != identity(old) {
        errors.invalid(&SPEC.field("drivers"), internal::value("@CSINodeDriver", &new), IMMUTABLE);
    }
}
