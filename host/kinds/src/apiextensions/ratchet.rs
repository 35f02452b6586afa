//! What an update may keep although a new definition may not have it.
//!
//! See <https://kubernetes.io/docs/tasks/extend-kubernetes/custom-resources/custom-resource-definitions/>.

use std::collections::BTreeSet;

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;

use super::{conversion, defaults, list_types, open_api, version, walk};
use crate::check::{At, Errors};
use crate::wire::OrEmpty;

/// Which rules hold.
#[derive(Debug)]
pub(super) struct Options {
    pub(super) requires_known_reviews: bool,
    /// The names of a kind that is served are not changed.
    pub(super) requires_same_names: bool,
    pub(super) requires_schemas: bool,
    pub(super) requires_known_types: bool,
    pub(super) requires_pruned_defaults: bool,
    pub(super) requires_atomic_items: bool,
    pub(super) requires_sound_keys: bool,
    pub(super) allows_bad_bundle: bool,
    /// Versions whose schema did not change, of which rules may be as costly as they were.
    pub(super) unchanged: BTreeSet<String>,
    /// Versions whose selectable fields did not change, and were too many before.
    pub(super) too_many_selectable: BTreeSet<String>,
}

impl Options {
    /// All rules hold for a new definition.
    pub(super) const fn strict() -> Self {
        Self {
            requires_known_reviews: true,
            requires_same_names: false,
            requires_schemas: true,
            requires_known_types: true,
            requires_pruned_defaults: true,
            requires_atomic_items: true,
            requires_sound_keys: true,
            allows_bad_bundle: true,
            unchanged: BTreeSet::new(),
            too_many_selectable: BTreeSet::new(),
        }
    }

    /// What was so before may stay so.
    pub(super) fn of_update(
        new: &CustomResourceDefinition,
        old: &CustomResourceDefinition,
    ) -> Self {
        let spec = &old.spec;
        let has = |found: fn(&_) -> bool| walk::any_of(spec, &mut |schema| found(schema));
        let established = is_established(old);
        Self {
            requires_known_reviews: conversion::knows_a_review(spec.conversion.as_ref()),
            requires_same_names: established,
            requires_schemas: walk::schemas(spec).count() == spec.versions.len(),
            requires_known_types: !has(open_api::has_unknown_type),
            requires_pruned_defaults: walk::schemas(spec).all(defaults::are_pruned),
            requires_atomic_items: !has(list_types::has_divisible_items),
            requires_sound_keys: !has(|schema| {
                let mut errors = Errors::new();
                list_types::sound_keys(&mut errors, &At::root(""), schema);
                !errors.is_empty()
            }),
            allows_bad_bundle: !established || conversion::has_bad_bundle(spec.conversion.as_ref()),
            unchanged: same(new, old, |new, old| new.schema == old.schema),
            too_many_selectable: same(new, old, |new, old| {
                old.selectable_fields.or_empty().len() > version::SELECTABLE_MAX
                    && new.selectable_fields == old.selectable_fields
            }),
        }
    }
}

type Version =
    k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinitionVersion;

/// The names of versions that are like those of the same name.
fn same(
    new: &CustomResourceDefinition,
    old: &CustomResourceDefinition,
    is_same: impl Fn(&Version, &Version) -> bool,
) -> BTreeSet<String> {
    let of_old = |name: &str| old.spec.versions.iter().find(|version| version.name == name);
    let kept = new
        .spec
        .versions
        .iter()
        .filter(|version| of_old(&version.name).is_some_and(|old| is_same(version, old)));
    kept.map(|version| version.name.clone()).collect()
}

fn is_established(definition: &CustomResourceDefinition) -> bool {
    let status = definition.status.as_ref();
    let conditions = status.map(|status| status.conditions.or_empty()).unwrap_or_default();
    let found = conditions.iter().find(|condition| condition.type_ == "Established");
    found.is_some_and(|condition| condition.status == "True")
}
