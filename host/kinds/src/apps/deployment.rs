//! `Deployment`: Pods kept at a number and rolled from one version to the next.
//!
//! See <https://kubernetes.io/docs/concepts/workloads/controllers/deployment/>.

use jiff::Timestamp;
use k8s_openapi::api::apps::v1::{
    Deployment, DeploymentSpec, DeploymentStatus, DeploymentStrategy, RollingUpdateDeployment,
};
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;
use meta::Tree;
use meta::field::FieldError;

use super::replicas::{self, Replicas};
use crate::check::{At, Errors, json};
use crate::columns::{self, Column};
use crate::wire::{OrEmpty, default_text};
use crate::{
    Generation, Kind, KindInfo, PrefixRule, ScalePaths, int_or_percent, label_selector,
    pod_template,
};

impl Kind for Deployment {
    const INFO: KindInfo = KindInfo {
        singular: "deployment",
        short_names: &["deploy"],
        categories: &["all"],
        type_name: "io.k8s.api.apps.v1.Deployment",
        status: true,
        unowned: &[("status", &["spec", "metadata.labels"])],
        scale: Some(ScalePaths::WORKLOAD),
        generation: Generation::SpecAndAnnotations,
        columns: &[
            columns::NAME,
            Column::text("Ready", "Number of the pod with ready state"),
            Column::of::<DeploymentStatus>("Up-to-date", "updatedReplicas"),
            Column::of::<DeploymentStatus>("Available", "availableReplicas"),
            columns::AGE,
            columns::CONTAINERS,
            columns::IMAGES,
            Column::of::<DeploymentSpec>("Selector", "selector").wide(),
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
        spec.replicas.get_or_insert(1);
        spec.revision_history_limit.get_or_insert(10);
        spec.progress_deadline_seconds.get_or_insert(600);
        let strategy = spec.strategy.get_or_insert_default();
        default_text(&mut strategy.type_, "RollingUpdate");
        if strategy.type_.or_empty() == "RollingUpdate" {
            let quarter = || IntOrString::String("25%".to_owned());
            let rolling = strategy.rolling_update.get_or_insert_default();
            rolling.max_unavailable.get_or_insert_with(quarter);
            rolling.max_surge.get_or_insert_with(quarter);
        }
    }

    fn on_create(&mut self) {
        pod_template::drop_disabled(&mut self.spec.template);
    }

    fn on_update(&mut self, _old: &Self) {
        self.on_create();
    }

    fn on_status_update(&mut self, old: &Self) {
        self.metadata.labels.clone_from(&old.metadata.labels);
    }

    fn validate(&self) -> Vec<FieldError> {
        let mut errors = Errors::new();
        validate_spec(&mut errors, self);
        errors.into_list()
    }

    fn validate_update(&self, old: &Self) -> Vec<FieldError> {
        let mut errors = Errors::new();
        validate_spec(&mut errors, self);
        replicas::fixed_selector(&mut errors, &SPEC, &self.spec.selector, &old.spec.selector);
        errors.into_list()
    }

    fn validate_status(&self, old: &Self) -> Vec<FieldError> {
        let mut errors = Errors::new();
        validate_status(&mut errors, self, old);
        errors.into_list()
    }

    fn warnings(&self, old: Option<&Self>) -> Vec<String> {
        let mut warnings = Vec::new();
        let is_changed = old.is_none_or(|old| {
            old.spec != self.spec || old.metadata.annotations != self.metadata.annotations
        });
        if old.is_none() {
            pod_template::warn_of_name(&mut warnings, &self.metadata);
        }
        if is_changed {
            pod_template::warn(&mut warnings, &SPEC.field("template"), &self.spec.template);
        }
        warnings
    }

    fn row(&self, now: Timestamp) -> Vec<Tree> {
        let spec = &self.spec;
        let status = self.status.clone().unwrap_or_default();
        let wanted = spec.replicas.unwrap_or_default();
        let (names, images) = pod_template::container_cells(Some(&spec.template));
        vec![
            columns::name(&self.metadata),
            Tree::from(format!("{}/{wanted}", status.ready_replicas.unwrap_or_default())),
            Tree::from(status.updated_replicas.unwrap_or_default()),
            Tree::from(status.available_replicas.unwrap_or_default()),
            columns::age(&self.metadata, now),
            Tree::from(names),
            Tree::from(images),
            Tree::from(columns::selector(Some(&spec.selector))),
        ]
    }
}

const SPEC: At<'static> = At::root("spec");

fn validate_spec(errors: &mut Errors, deployment: &Deployment) {
    let spec = &deployment.spec;
    errors.not_negative(&SPEC.field("replicas"), i64::from(spec.replicas.unwrap_or_default()));
    replicas::selector(errors, &SPEC, &spec.selector);
    replicas::template(errors, &SPEC, &spec.selector, &spec.template);
    if let Some(strategy) = &spec.strategy {
        validate_strategy(errors, &SPEC.field("strategy"), strategy);
    }
    let ready_secs = spec.min_ready_seconds.unwrap_or_default();
    errors.not_negative(&SPEC.field("minReadySeconds"), i64::from(ready_secs));
    if let Some(limit) = spec.revision_history_limit {
        errors.not_negative(&SPEC.field("revisionHistoryLimit"), i64::from(limit));
    }
    if let Some(secs) = spec.progress_deadline_seconds {
        let at = SPEC.field("progressDeadlineSeconds");
        errors.not_negative(&at, i64::from(secs));
        if secs <= ready_secs {
            errors.invalid(&at, secs, "must be greater than minReadySeconds");
        }
    }
}

fn validate_strategy(errors: &mut Errors, at: &At<'_>, strategy: &DeploymentStrategy) {
    let rolling_at = at.field("rollingUpdate");
    match (strategy.type_.or_empty(), &strategy.rolling_update) {
        ("Recreate", Some(_)) => {
            let detail = "may not be specified when strategy `type` is 'Recreate'";
            errors.forbidden(&rolling_at, detail);
        }
        ("Recreate", None) => {}
        ("RollingUpdate", None) => {
            errors.required(&rolling_at, "this should be defaulted and never be nil");
        }
        ("RollingUpdate", Some(rolling)) => validate_rolling(errors, &rolling_at, rolling),
        (other, rolling) => {
            let shown = match rolling {
                None => format!("{{\"Type\":{},\"RollingUpdate\":null}}", json(&other)),
                Some(rolling) => format!(
                    "{{\"Type\":{},\"RollingUpdate\":{{\"MaxUnavailable\":{},\"MaxSurge\":{}}}}}",
                    json(&other),
                    json(rolling.max_unavailable.as_ref().unwrap_or(&IntOrString::Int(0))),
                    json(rolling.max_surge.as_ref().unwrap_or(&IntOrString::Int(0)))
                ),
            };
            let shown = meta::field::BadValue::Json(shown);
            errors.not_supported(at, shown, &["Recreate", "RollingUpdate"]);
        }
    }
}

fn validate_rolling(errors: &mut Errors, at: &At<'_>, rolling: &RollingUpdateDeployment) {
    let none = IntOrString::Int(0);
    let unavailable = rolling.max_unavailable.as_ref().unwrap_or(&none);
    let surge = rolling.max_surge.as_ref().unwrap_or(&none);
    let unavailable_at = at.field("maxUnavailable");
    int_or_percent::validate(errors, &unavailable_at, unavailable);
    int_or_percent::validate(errors, &at.field("maxSurge"), surge);
    if int_or_percent::is_zero(unavailable) && int_or_percent::is_zero(surge) {
        let detail = "may not be 0 when `maxSurge` is 0";
        errors.invalid(&unavailable_at, json(unavailable), detail);
    }
    int_or_percent::at_most_all(errors, &unavailable_at, unavailable);
}

fn validate_status(errors: &mut Errors, new: &Deployment, old: &Deployment) {
    let at = At::root("status");
    let status = new.status.clone().unwrap_or_default();
    let generation = status.observed_generation.unwrap_or_default();
    errors.not_negative(&at.field("observedGeneration"), generation);
    for (name, value) in [
        ("replicas", status.replicas),
        ("updatedReplicas", status.updated_replicas),
        ("readyReplicas", status.ready_replicas),
        ("availableReplicas", status.available_replicas),
        ("unavailableReplicas", status.unavailable_replicas),
        ("terminatingReplicas", status.terminating_replicas),
        ("collisionCount", status.collision_count),
    ] {
        errors.not_negative(&at.field(name), i64::from(value.unwrap_or_default()));
    }
    Replicas {
        all: status.replicas.unwrap_or_default(),
        some: ("updatedReplicas", status.updated_replicas.unwrap_or_default()),
        ready: status.ready_replicas.unwrap_or_default(),
        available: status.available_replicas.unwrap_or_default(),
    }
    .validate(errors, &at);
    let before = old.status.as_ref().and_then(|status| status.collision_count);
    replicas::collisions_grow(errors, &at, status.collision_count, before);
}
