//! `PodTemplate`: a template of Pods as an object of its own.
//!
//! See <https://kubernetes.io/docs/reference/kubernetes-api/workload-resources/pod-template-v1/>.

use jiff::Timestamp;
use k8s_openapi::api::core::v1::PodTemplate;
use meta::Tree;
use meta::field::FieldError;

use crate::check::{At, Errors};
use crate::columns::{self, Column};
use crate::{DeleteAnswer, Generation, Kind, KindInfo, PrefixRule, pod_template};

impl Kind for PodTemplate {
    const INFO: KindInfo = KindInfo {
        singular: "podtemplate",
        type_name: "io.k8s.api.core.v1.PodTemplate",
        generation: Generation::Spec,
        delete_answer: DeleteAnswer::Object,
        columns: &[
            columns::NAME,
            Column { priority: 0, ..columns::CONTAINERS },
            Column { priority: 0, ..columns::IMAGES },
            Column::text("Pod Labels", "The labels for the pod template."),
        ],
        prefix_rule: PrefixRule::OnCreate,
        ..KindInfo::namespaced::<Self>()
    };

    fn set_defaults(&mut self) {
        pod_template::set_defaults(self.template.get_or_insert_default());
    }

    fn on_create(&mut self) {
        if let Some(template) = &mut self.template {
            pod_template::drop_disabled(template);
        }
    }

    fn on_update(&mut self, _old: &Self) {
        self.on_create();
    }

    fn validate(&self) -> Vec<FieldError> {
        let mut errors = Errors::new();
        if let Some(template) = &self.template {
            pod_template::validate(&mut errors, &TEMPLATE, template);
        }
        errors.into_list()
    }

    fn validate_update(&self, _old: &Self) -> Vec<FieldError> {
        self.validate()
    }

    fn warnings(&self, old: Option<&Self>) -> Vec<String> {
        let mut warnings = Vec::new();
        if let Some(template) = &self.template
            && old.is_none_or(|old| old.template != self.template)
        {
            pod_template::warn(&mut warnings, &TEMPLATE, template);
        }
        warnings
    }

    fn row(&self, _now: Timestamp) -> Vec<Tree> {
        let template = self.template.as_ref();
        let (names, images) = pod_template::container_cells(template);
        let labels = template.and_then(|template| template.metadata.as_ref()?.labels.as_ref());
        vec![
            columns::name(&self.metadata),
            Tree::from(names),
            Tree::from(images),
            Tree::from(columns::labels(labels.into_iter().flatten())),
        ]
    }
}

const TEMPLATE: At<'static> = At::root("template");
