//! `ReplicationController`: identical Pods kept at a number, as it was done before `ReplicaSet`.
//!
//! See <https://kubernetes.io/docs/concepts/workloads/controllers/replicationcontroller/>.

use jiff::Timestamp;
use k8s_openapi::api::core::v1::{
    ReplicationController, ReplicationControllerSpec, ReplicationControllerStatus,
};
use meta::Tree;
use meta::field::FieldError;
use meta::selector::label::Selector;

use crate::apps::replicas::Replicas;
use crate::check::{At, Errors};
use crate::columns::{self, Column};
use crate::wire::OrEmpty;
use crate::{Generation, Kind, KindInfo, PrefixRule, Propagation, ScalePaths, info, pod_template};

impl Kind for ReplicationController {
    const INFO: KindInfo = KindInfo {
        singular: "replicationcontroller",
        short_names: &["rc"],
        categories: &["all"],
        type_name: "io.k8s.api.core.v1.ReplicationController",
        status: true,
        scale: Some(ScalePaths {
            selector: Some(info::Selector::Map(".spec.selector")),
            ..ScalePaths::WORKLOAD
        }),
        generation: Generation::Spec,
        default_propagation: Propagation::Orphan,
        selectable: &["status.replicas"],
        columns: &[
            columns::NAME,
            Column::of::<ReplicationControllerSpec>("Desired", "replicas").integer(),
            Column::of::<ReplicationControllerStatus>("Current", "replicas").integer(),
            Column::of::<ReplicationControllerStatus>("Ready", "readyReplicas").integer(),
            columns::AGE,
            columns::CONTAINERS,
            columns::IMAGES,
            Column::of::<ReplicationControllerSpec>("Selector", "selector").wide(),
        ],
        prefix_rule: PrefixRule::Never,
        ..KindInfo::namespaced::<Self>()
    };

    fn set_defaults(&mut self) {
        let spec = self.spec.get_or_insert_default();
        spec.replicas.get_or_insert(1);
        let Some(template) = &mut spec.template else { return };
        pod_template::set_defaults(template);
        let labels = template.metadata.as_ref().and_then(|metadata| metadata.labels.as_ref());
        for unset in [&mut spec.selector, &mut self.metadata.labels] {
            if unset.is_unset() && labels.is_some() {
                *unset = labels.cloned();
            }
        }
    }

    fn on_create(&mut self) {
        if let Some(template) = self.spec.as_mut().and_then(|spec| spec.template.as_mut()) {
            pod_template::drop_disabled(template);
        }
    }

    fn on_update(&mut self, _old: &Self) {
        self.on_create();
    }

    fn validate(&self) -> Vec<FieldError> {
        let mut errors = Errors::new();
        if let Some(spec) = &self.spec {
            validate_spec(&mut errors, spec);
        }
        errors.into_list()
    }

    fn validate_update(&self, _old: &Self) -> Vec<FieldError> {
        self.validate()
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
        if let Some(template) = self.spec.as_ref().and_then(|spec| spec.template.as_ref())
            && old.is_none_or(|old| old.spec != self.spec)
        {
            pod_template::warn(&mut warnings, &SPEC.field("template"), template);
        }
        warnings
    }

    fn fields(&self) -> Vec<(&'static str, String)> {
        let replicas = self.status.as_ref().map(|status| status.replicas);
        vec![("status.replicas", replicas.unwrap_or_default().to_string())]
    }

    fn row(&self, now: Timestamp) -> Vec<Tree> {
        let spec = self.spec.clone().unwrap_or_default();
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
            Tree::from(columns::labels(spec.selector.or_empty())),
        ]
    }
}

const SPEC: At<'static> = At::root("spec");

fn validate_spec(errors: &mut Errors, spec: &ReplicationControllerSpec) {
    let selector = spec.selector.or_empty();
    if selector.is_empty() {
        errors.required(&SPEC.field("selector"), "");
    }
    let at = SPEC.field("template");
    if let Some(template) = &spec.template {
        pod_template::is_selected(errors, &at, template, &Selector::from_labels(selector));
        pod_template::validate(errors, &at, template);
        pod_template::runs_for_ever(errors, &at, template, "ReplicationController");
    } else {
        errors.required(&at, "");
    }
    for (name, value) in [("replicas", spec.replicas), ("minReadySeconds", spec.min_ready_seconds)]
    {
        errors.not_negative(&SPEC.field(name), i64::from(value.unwrap_or_default()));
    }
}

fn validate_status(errors: &mut Errors, status: &ReplicationControllerStatus) {
    let at = At::root("status");
    let labelled = status.fully_labeled_replicas.unwrap_or_default();
    let ready = status.ready_replicas.unwrap_or_default();
    let available = status.available_replicas.unwrap_or_default();
    for (name, value) in [
        ("replicas", status.replicas),
        ("fullyLabeledReplicas", labelled),
        ("readyReplicas", ready),
        ("availableReplicas", available),
    ] {
        errors.not_negative(&at.field(name), i64::from(value));
    }
    let generation = status.observed_generation.unwrap_or_default();
    errors.not_negative(&at.field("observedGeneration"), generation);
    let some = ("fullyLabeledReplicas", labelled);
    Replicas { all: status.replicas, some, ready, available }.validate(errors, &at);
}
