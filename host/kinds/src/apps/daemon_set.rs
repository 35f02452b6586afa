//! `DaemonSet`: a Pod on every node, or on those that are chosen.
//!
//! How often the template has changed is counted in an annotation, which only the server writes.
//! See <https://kubernetes.io/docs/concepts/workloads/controllers/daemonset/>.

use jiff::Timestamp;
use k8s_openapi::api::apps::v1::{
    DaemonSet, DaemonSetSpec, DaemonSetStatus, DaemonSetUpdateStrategy, RollingUpdateDaemonSet,
};
use k8s_openapi::api::core::v1::PodSpec;
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;
use meta::Tree;
use meta::field::FieldError;

use super::replicas;
use crate::check::{At, Errors, json};
use crate::columns::{self, Column};
use crate::wire::{OrEmpty, default_text};
use crate::{
    Generation, Kind, KindInfo, PrefixRule, int_or_percent, internal, label_selector, pod_template,
};

impl Kind for DaemonSet {
    const INFO: KindInfo = KindInfo {
        singular: "daemonset",
        short_names: &["ds"],
        categories: &["all"],
        type_name: "io.k8s.api.apps.v1.DaemonSet",
        status: true,
        generation: Generation::Spec,
        of_other_versions: &[TEMPLATE_GENERATION],
        columns: &[
            columns::NAME,
            Column::of::<DaemonSetStatus>("Desired", "desiredNumberScheduled").integer(),
            Column::of::<DaemonSetStatus>("Current", "currentNumberScheduled").integer(),
            Column::of::<DaemonSetStatus>("Ready", "numberReady").integer(),
            Column::of::<DaemonSetStatus>("Up-to-date", "updatedNumberScheduled").integer(),
            Column::of::<DaemonSetStatus>("Available", "numberAvailable").integer(),
            Column::of::<PodSpec>("Node Selector", "nodeSelector"),
            columns::AGE,
            columns::CONTAINERS,
            columns::IMAGES,
            Column::of::<DaemonSetSpec>("Selector", "selector").wide(),
        ],
        prefix_rule: PrefixRule::OnCreate,
        ..KindInfo::namespaced::<Self>()
    };

    const BEFORE_TYPING: Option<fn(&mut Tree)> = Some(|tree| {
        label_selector::mark_empty(tree, "/spec/selector");
    });

    fn set_defaults(&mut self) {
        let spec = &mut self.spec;
        pod_template::set_defaults(&mut spec.template);
        let strategy = spec.update_strategy.get_or_insert_default();
        default_text(&mut strategy.type_, "RollingUpdate");
        let is_rolling = strategy.type_.or_empty() == "RollingUpdate";
        if is_rolling {
            strategy.rolling_update.get_or_insert_default();
        }
        if let Some(rolling) = &mut strategy.rolling_update {
            let unavailable = IntOrString::Int(i32::from(is_rolling));
            rolling.max_unavailable.get_or_insert(unavailable);
            rolling.max_surge.get_or_insert(IntOrString::Int(0));
        }
        spec.revision_history_limit.get_or_insert(10);
        let generation = template_generation(self);
        set_template_generation(self, generation);
    }

    fn on_create(&mut self) {
        pod_template::drop_disabled(&mut self.spec.template);
        let generation = template_generation(self).max(1);
        set_template_generation(self, generation);
    }

    fn on_update(&mut self, old: &Self) {
        pod_template::drop_disabled(&mut self.spec.template);
        let is_changed = self.spec.template != old.spec.template;
        set_template_generation(self, template_generation(old) + i64::from(is_changed));
    }

    fn validate(&self) -> Vec<FieldError> {
        let mut errors = Errors::new();
        validate_spec(&mut errors, &self.spec);
        errors.into_list()
    }

    fn validate_update(&self, old: &Self) -> Vec<FieldError> {
        let mut errors = Errors::new();
        replicas::fixed_selector(&mut errors, &SPEC, &self.spec.selector, &old.spec.selector);
        validate_spec(&mut errors, &self.spec);
        errors.into_list()
    }

    fn validate_status(&self, old: &Self) -> Vec<FieldError> {
        let mut errors = Errors::new();
        validate_status(&mut errors, self, old);
        errors.into_list()
    }

    fn warnings(&self, old: Option<&Self>) -> Vec<String> {
        let mut warnings = Vec::new();
        if old.is_none_or(|old| old.spec.template != self.spec.template) {
            pod_template::warn(&mut warnings, &SPEC.field("template"), &self.spec.template);
        }
        warnings
    }

    fn row(&self, now: Timestamp) -> Vec<Tree> {
        let spec = &self.spec;
        let status = self.status.clone().unwrap_or_default();
        let (names, images) = pod_template::container_cells(Some(&spec.template));
        let node_selector =
            spec.template.spec.as_ref().and_then(|spec| spec.node_selector.as_ref());
        vec![
            columns::name(&self.metadata),
            Tree::from(status.desired_number_scheduled),
            Tree::from(status.current_number_scheduled),
            Tree::from(status.number_ready),
            Tree::from(status.updated_number_scheduled.unwrap_or_default()),
            Tree::from(status.number_available.unwrap_or_default()),
            Tree::from(columns::labels(node_selector.into_iter().flatten())),
            columns::age(&self.metadata, now),
            Tree::from(names),
            Tree::from(images),
            Tree::from(columns::selector(Some(&spec.selector))),
        ]
    }
}

const SPEC: At<'static> = At::root("spec");
const TEMPLATE_GENERATION: &str = "deprecated.daemonset.template.generation";

/// How often the template has changed, counted from 1. A set that is not stored yet may say nothing.
fn template_generation(set: &DaemonSet) -> i64 {
    let annotation = set.metadata.annotations.or_empty().get(TEMPLATE_GENERATION);
    annotation.and_then(|text| text.parse().ok()).unwrap_or_default()
}

fn set_template_generation(set: &mut DaemonSet, generation: i64) {
    let annotations = set.metadata.annotations.get_or_insert_default();
    annotations.insert(TEMPLATE_GENERATION.to_owned(), generation.to_string());
}

fn validate_spec(errors: &mut Errors, spec: &DaemonSetSpec) {
    let selector = &spec.selector;
    let selector_at = SPEC.field("selector");
    label_selector::validate(errors, &selector_at, Some(selector));
    let template_at = SPEC.field("template");
    if let Ok(parsed) = label_selector::parse(selector) {
        pod_template::is_selected(errors, &template_at, &spec.template, &parsed);
    }
    if label_selector::is_empty(selector) && !label_selector::is_missing(selector) {
        let shown = internal::value("@LabelSelector", selector);
        errors.invalid(&selector_at, shown, "empty selector is invalid for daemonset");
    }
    pod_template::validate(errors, &template_at, &spec.template);
    pod_template::runs_for_ever(errors, &template_at, &spec.template, "DaemonSet");
    let ready_secs = spec.min_ready_seconds.unwrap_or_default();
    errors.not_negative(&SPEC.field("minReadySeconds"), i64::from(ready_secs));
    if let Some(strategy) = &spec.update_strategy {
        validate_strategy(errors, &SPEC.field("updateStrategy"), strategy);
    }
    let limit = spec.revision_history_limit.unwrap_or_default();
    errors.not_negative(&SPEC.field("revisionHistoryLimit"), i64::from(limit));
}

fn validate_strategy(errors: &mut Errors, at: &At<'_>, strategy: &DaemonSetUpdateStrategy) {
    match (strategy.type_.or_empty(), &strategy.rolling_update) {
        ("OnDelete", _) => {}
        ("RollingUpdate", None) => errors.required(&at.field("rollingUpdate"), ""),
        ("RollingUpdate", Some(rolling)) => {
            validate_rolling(errors, &at.field("rollingUpdate"), rolling);
        }
        _ => {
            let shown = internal::value("@DaemonSetUpdateStrategy", strategy);
            errors.not_supported(at, shown, &["RollingUpdate", "OnDelete"]);
        }
    }
}

fn validate_rolling(errors: &mut Errors, at: &At<'_>, rolling: &RollingUpdateDaemonSet) {
    let none = IntOrString::Int(0);
    let unavailable = rolling.max_unavailable.as_ref().unwrap_or(&none);
    let surge = rolling.max_surge.as_ref().unwrap_or(&none);
    let (unavailable_at, surge_at) = (at.field("maxUnavailable"), at.field("maxSurge"));
    let both = [(&unavailable_at, unavailable), (&surge_at, surge)];
    for (at, value) in both {
        int_or_percent::validate(errors, at, value);
    }
    for (at, value) in both {
        int_or_percent::at_most_all(errors, at, value);
    }
    match (int_or_percent::is_zero(unavailable), int_or_percent::is_zero(surge)) {
        (false, false) => {
            let detail = "may not be set when maxUnavailable is non-zero";
            errors.invalid(&surge_at, json(surge), detail);
        }
        (true, true) => errors.required(&unavailable_at, "cannot be 0 when maxSurge is 0"),
        _ => {}
    }
}

fn validate_status(errors: &mut Errors, new: &DaemonSet, old: &DaemonSet) {
    let at = At::root("status");
    let status = new.status.clone().unwrap_or_default();
    for (name, value) in [
        ("currentNumberScheduled", status.current_number_scheduled),
        ("numberMisscheduled", status.number_misscheduled),
        ("desiredNumberScheduled", status.desired_number_scheduled),
        ("numberReady", status.number_ready),
    ] {
        errors.not_negative(&at.field(name), i64::from(value));
    }
    let generation = status.observed_generation.unwrap_or_default();
    errors.not_negative(&at.field("observedGeneration"), generation);
    for (name, value) in [
        ("updatedNumberScheduled", status.updated_number_scheduled),
        ("numberAvailable", status.number_available),
        ("numberUnavailable", status.number_unavailable),
        ("collisionCount", status.collision_count),
    ] {
        errors.not_negative(&at.field(name), i64::from(value.unwrap_or_default()));
    }
    let before = old.status.as_ref().and_then(|status| status.collision_count);
    replicas::collisions_grow(errors, &at, status.collision_count, before);
}
