//! `ReplicaSet`: identical Pods kept at a number.
//!
//! See <https://kubernetes.io/docs/concepts/workloads/controllers/replicaset/>.

use jiff::Timestamp;
use k8s_openapi::api::apps::v1::{ReplicaSet, ReplicaSetSpec, ReplicaSetStatus};
use meta::Tree;
use meta::field::FieldError;

use super::replicas::{self, Replicas};
use crate::check::{At, Errors};
use crate::columns::{self, Column};
use crate::{Generation, Kind, KindInfo, PrefixRule, ScalePaths, label_selector, pod_template};

impl Kind for ReplicaSet {
    const INFO: KindInfo = KindInfo {
        singular: "replicaset",
        short_names: &["rs"],
        categories: &["all"],
        type_name: "io.k8s.api.apps.v1.ReplicaSet",
        status: true,
        scale: Some(ScalePaths::WORKLOAD),
        generation: Generation::Spec,
        columns: &[
            columns::NAME,
            Column::of::<ReplicaSetSpec>("Desired", "replicas").integer(),
            Column::of::<ReplicaSetStatus>("Current", "replicas").integer(),
            Column::of::<ReplicaSetStatus>("Ready", "readyReplicas").integer(),
            columns::AGE,
            columns::CONTAINERS,
            columns::IMAGES,
            Column::of::<ReplicaSetSpec>("Selector", "selector").wide(),
        ],
        prefix_rule: PrefixRule::OnCreate,
        ..KindInfo::namespaced::<Self>()
    };

    const BEFORE_TYPING: Option<fn(&mut Tree)> = Some(|tree| {
        label_selector::mark_empty(tree, "/spec/selector");
    });

    fn set_defaults(&mut self) {
        let spec = &mut self.spec;
        spec.replicas.get_or_insert(1);
        pod_template::set_defaults(spec.template.get_or_insert_default());
    }

    fn on_create(&mut self) {
        if let Some(template) = &mut self.spec.template {
            pod_template::drop_disabled(template);
        }
    }

    fn on_update(&mut self, _old: &Self) {
        self.on_create();
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

    fn validate_status(&self, _old: &Self) -> Vec<FieldError> {
        let mut errors = Errors::new();
        validate_status(&mut errors, &self.status.clone().unwrap_or_default());
        errors.into_list()
    }

    fn warnings(&self, old: Option<&Self>) -> Vec<String> {
        let mut warnings = Vec::new();
        if old.is_none() {
            pod_template::warn_of_name(&mut warnings, &self.metadata);
        }
        if let Some(template) = &self.spec.template
            && old.is_none_or(|old| old.spec != self.spec)
        {
            pod_template::warn(&mut warnings, &SPEC.field("template"), template);
        }
        warnings
    }

    fn row(&self, now: Timestamp) -> Vec<Tree> {
        let spec = &self.spec;
        let status = self.status.clone().unwrap_or_default();
        let (names, images) = pod_template::container_cells(spec.template.as_ref());
        vec![
            columns::name(&self.metadata),
            Tree::from(spec.replicas.unwrap_or_default()),
            Tree::from(status.replicas),
            Tree::from(status.ready_replicas.unwrap_or_default()),
            columns::age(&self.metadata, now),
            Tree::from(names),
            Tree::from(images),
            Tree::from(columns::selector(Some(&spec.selector))),
        ]
    }
}

const SPEC: At<'static> = At::root("spec");

fn validate_spec(errors: &mut Errors, set: &ReplicaSet) {
    let spec = &set.spec;
    for (name, value) in [("replicas", spec.replicas), ("minReadySeconds", spec.min_ready_seconds)]
    {
        errors.not_negative(&SPEC.field(name), i64::from(value.unwrap_or_default()));
    }
    replicas::selector(errors, &SPEC, &spec.selector);
    if let Some(template) = &spec.template {
        replicas::template(errors, &SPEC, &spec.selector, template);
    }
}

fn validate_status(errors: &mut Errors, status: &ReplicaSetStatus) {
    let at = At::root("status");
    let labelled = status.fully_labeled_replicas.unwrap_or_default();
    let ready = status.ready_replicas.unwrap_or_default();
    let available = status.available_replicas.unwrap_or_default();
    for (name, value) in [
        ("replicas", i64::from(status.replicas)),
        ("fullyLabeledReplicas", i64::from(labelled)),
        ("readyReplicas", i64::from(ready)),
        ("availableReplicas", i64::from(available)),
        ("observedGeneration", status.observed_generation.unwrap_or_default()),
        ("terminatingReplicas", i64::from(status.terminating_replicas.unwrap_or_default())),
    ] {
        errors.not_negative(&at.field(name), value);
    }
    let some = ("fullyLabeledReplicas", labelled);
    Replicas { all: status.replicas, some, ready, available }.validate(errors, &at);
}
