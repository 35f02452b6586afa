//! `CSIStorageCapacity`: how much room a class of storage has in a part of the cluster.
//!
//! See <https://kubernetes.io/docs/concepts/storage/storage-capacity/>.

use jiff::Timestamp;
use k8s_openapi::api::storage::v1::CSIStorageCapacity;
use meta::field::FieldError;
use meta::{Tree, names};

use crate::check::{At, Errors, IMMUTABLE, NEGATIVE, json};
use crate::columns;
use crate::core::pod::warnings::scheduling::old_node_label;
use crate::wire::OrEmpty;
use crate::{Kind, KindInfo, label_selector, resources};

impl Kind for CSIStorageCapacity {
    const INFO: KindInfo = KindInfo {
        singular: "csistoragecapacity",
        type_name: "io.k8s.api.storage.v1.CSIStorageCapacity",
        unconditional_update: false,
        columns: columns::NAME_AND_CREATED_AT,
        ..KindInfo::namespaced::<Self>()
    };

    fn validate(&self) -> Vec<FieldError> {
        let mut errors = Errors::new();
        validate_capacity(&mut errors, self);
        errors.into_list()
    }

    fn validate_update(&self, old: &Self) -> Vec<FieldError> {
        let mut errors = Errors::new();
        validate_capacity(&mut errors, self);
        errors.immutable(&At::root(TOPOLOGY), &self.node_topology, &old.node_topology);
        if self.storage_class_name != old.storage_class_name {
            errors.invalid(&At::root(CLASS), json(&self.storage_class_name), IMMUTABLE);
        }
        errors.into_list()
    }

    fn warnings(&self, _old: Option<&Self>) -> Vec<String> {
        let mut warnings = Vec::new();
        let Some(selector) = &self.node_topology else {
            return warnings;
        };
        let at = At::root(TOPOLOGY);
        let expressions_at = at.field("matchExpressions");
        for (index, requirement) in selector.match_expressions.or_empty().iter().enumerate() {
            if let Some(advice) = old_node_label(&requirement.key) {
                let at = expressions_at.index(index);
                warnings.push(format!("{}: {} is {advice}", at.field("key"), requirement.key));
            }
        }
        let labels_at = at.field("matchLabels");
        for label in selector.match_labels.or_empty().keys() {
            if let Some(advice) = old_node_label(label) {
                warnings.push(format!("{}: {advice}", labels_at.field(label)));
            }
        }
        warnings
    }

    fn row(&self, _now: Timestamp) -> Vec<Tree> {
        columns::name_and_created_at(&self.metadata)
    }
}

const TOPOLOGY: &str = "nodeTopology";
const CLASS: &str = "storageClassName";

fn validate_capacity(errors: &mut Errors, capacity: &CSIStorageCapacity) {
    label_selector::validate(errors, &At::root(TOPOLOGY), capacity.node_topology.as_ref());
    let class = &capacity.storage_class_name;
    errors.invalid_each(&At::root(CLASS), class, names::is_dns1123_subdomain(class));
    if let Some(amount) = capacity.capacity.as_ref().map(resources::parse)
        && amount.is_negative()
    {
        errors.invalid(&At::root("capacity"), amount.to_string(), NEGATIVE);
    }
}
