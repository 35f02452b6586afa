//! `StorageClass`: how volumes of one quality are made.
//!
//! See <https://kubernetes.io/docs/concepts/storage/storage-classes/>.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use k8s_openapi::api::core::v1::{TopologySelectorLabelRequirement, TopologySelectorTerm};
use k8s_openapi::api::storage::v1::StorageClass;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use meta::Tree;
use meta::field::{BadValue, FieldError};

use super::parameters;
use crate::check::{At, Errors, IMMUTABLE};
use crate::columns::{self, Column};
use crate::core::pod::warnings::scheduling::old_node_label;
use crate::label_selector::label_name;
use crate::wire::OrEmpty;
use crate::{DeleteAnswer, Kind, KindInfo};

impl Kind for StorageClass {
    const INFO: KindInfo = KindInfo {
        singular: "storageclass",
        short_names: &["sc"],
        type_name: "io.k8s.api.storage.v1.StorageClass",
        delete_answer: DeleteAnswer::Object,
        is_default: Some(is_default),
        columns: &[
            columns::NAME,
            Column::of::<Self>("Provisioner", "provisioner"),
            Column::of::<Self>("ReclaimPolicy", "reclaimPolicy"),
            Column::of::<Self>("VolumeBindingMode", "volumeBindingMode"),
            Column::of::<Self>("AllowVolumeExpansion", "allowVolumeExpansion"),
            columns::AGE,
        ],
        ..KindInfo::cluster::<Self>()
    };

    fn set_defaults(&mut self) {
        self.reclaim_policy.get_or_insert_with(|| "Delete".to_owned());
        self.volume_binding_mode.get_or_insert_with(|| "Immediate".to_owned());
    }

    fn validate(&self) -> Vec<FieldError> {
        let mut errors = Errors::new();
        validate_class(&mut errors, self);
        errors.into_list()
    }

    fn validate_update(&self, old: &Self) -> Vec<FieldError> {
        let mut errors = Errors::new();
        validate_class(&mut errors, self);
        for (field, is_changed) in [
            ("parameters", self.parameters.or_empty() != old.parameters.or_empty()),
            ("provisioner", self.provisioner != old.provisioner),
            ("reclaimPolicy", self.reclaim_policy != old.reclaim_policy),
            ("volumeBindingMode", self.volume_binding_mode != old.volume_binding_mode),
        ] {
            if is_changed {
                errors.invalid(&At::root(field), BadValue::null(), IMMUTABLE);
            }
        }
        errors.into_list()
    }

    fn warnings(&self, _old: Option<&Self>) -> Vec<String> {
        let mut warnings = Vec::new();
        let all = At::root("allowedTopologies");
        for (index, term) in self.allowed_topologies.or_empty().iter().enumerate() {
            let term_at = all.index(index);
            let expressions_at = term_at.field("matchLabelExpressions");
            for (index, expression) in term.match_label_expressions.or_empty().iter().enumerate() {
                if let Some(advice) = old_node_label(&expression.key) {
                    let at = expressions_at.index(index);
                    warnings.push(format!("{}: {advice}", at.field("key")));
                }
            }
        }
        warnings
    }

    fn row(&self, now: Timestamp) -> Vec<Tree> {
        vec![
            columns::name(&self.metadata),
            Tree::from(self.provisioner.as_str()),
            Tree::from(self.reclaim_policy.or_empty()),
            Tree::from(self.volume_binding_mode.or_empty()),
            Tree::from(self.allow_volume_expansion.unwrap_or_default()),
            columns::age(&self.metadata, now),
        ]
    }
}

/// Whether claims that name no class get this one.
#[must_use]
pub fn is_default(metadata: &ObjectMeta) -> bool {
    const ANNOTATIONS: [&str; 2] = [
        "storageclass.kubernetes.io/is-default-class",
        "storageclass.beta.kubernetes.io/is-default-class",
    ];
    let annotations = metadata.annotations.or_empty();
    ANNOTATIONS.iter().any(|name| annotations.get(*name).is_some_and(|value| value == "true"))
}

fn validate_class(errors: &mut Errors, class: &StorageClass) {
    parameters::driver(errors, &At::root("provisioner"), &class.provisioner);
    parameters::validate(errors, &At::root("parameters"), class.parameters.or_empty());
    let policy = class.reclaim_policy.or_empty();
    if !policy.is_empty() {
        errors.one_of(&At::root("reclaimPolicy"), policy, &["Delete", "Retain"]);
    }
    let mode = class.volume_binding_mode.or_empty();
    errors.one_of(&At::root("volumeBindingMode"), mode, &["Immediate", "WaitForFirstConsumer"]);
    topologies(errors, class.allowed_topologies.or_empty());
}

type Values<'a> = BTreeMap<&'a str, BTreeSet<&'a str>>;

fn topologies(errors: &mut Errors, terms: &[TopologySelectorTerm]) {
    let all = At::root("allowedTopologies");
    let mut seen: Vec<Values<'_>> = Vec::new();
    for (index, term) in terms.iter().enumerate() {
        let at = all.index(index);
        let at = at.field("matchLabelExpressions");
        let values = expressions(errors, &at, term.match_label_expressions.or_empty());
        // An empty term counts as the repetition of any other.
        if values.is_empty() || seen.contains(&values) {
            errors.duplicate(&at, "");
        }
        seen.push(values);
    }
}

fn expressions<'a>(
    errors: &mut Errors,
    all: &At<'_>,
    expressions: &'a [TopologySelectorLabelRequirement],
) -> Values<'a> {
    let mut by_key = Values::new();
    for (index, expression) in expressions.iter().enumerate() {
        let at = all.index(index);
        let values_at = at.field("values");
        if expression.values.is_empty() {
            errors.required(&values_at, "");
        }
        let mut values = BTreeSet::new();
        for (index, value) in expression.values.iter().enumerate() {
            if !values.insert(value.as_str()) {
                errors.duplicate(&values_at.index(index), value);
            }
        }
        let key_at = at.field("key");
        label_name(errors, &key_at, &expression.key);
        if by_key.insert(expression.key.as_str(), values).is_some() {
            errors.duplicate(&key_at, &expression.key);
        }
    }
    by_key
}
