//! `Job`: work that Pods do until it is done.
//!
//! See <https://kubernetes.io/docs/concepts/workloads/controllers/job/>.

mod create;
mod policies;
mod row;
pub(super) mod spec;
mod status;
mod update;

use jiff::Timestamp;
use k8s_openapi::api::batch::v1::{Job, JobCondition, JobSpec, JobStatus};
use meta::Tree;
use meta::field::FieldError;

use crate::check::At;
use crate::columns::{self, Column};
use crate::wire::{OrEmpty, default_absent};
use crate::{Generation, Kind, KindInfo, PrefixRule, Propagation, pod_template};

impl Kind for Job {
    const INFO: KindInfo = KindInfo {
        singular: "job",
        categories: &["all"],
        type_name: "io.k8s.api.batch.v1.Job",
        status: true,
        generation: Generation::Spec,
        default_propagation: Propagation::Orphan,
        selectable: &["status.successful"],
        columns: &[
            columns::NAME,
            Column::text("Status", "Status of the job."),
            Column::of::<JobStatus>("Completions", "succeeded"),
            Column::text("Duration", "Time required to complete the job."),
            columns::AGE,
            columns::CONTAINERS,
            columns::IMAGES,
            Column::of::<JobSpec>("Selector", "selector").wide(),
        ],
        prefix_rule: PrefixRule::OnCreate,
        ..KindInfo::namespaced::<Self>()
    };

    fn set_defaults(&mut self) {
        let spec = self.spec.get_or_insert_default();
        spec::set_shared_defaults(spec);
        if spec.parallelism.is_none() {
            spec.completions.get_or_insert(1);
        }
        spec.parallelism.get_or_insert(1);
        let retries = if spec.backoff_limit_per_index.is_some() { i32::MAX } else { 6 };
        spec.backoff_limit.get_or_insert(retries);
        default_absent(&mut spec.completion_mode, "NonIndexed");
        spec.suspend.get_or_insert(false);
        let when = if spec.pod_failure_policy.is_some() { "Failed" } else { "TerminatingOrFailed" };
        spec.pod_replacement_policy.get_or_insert_with(|| when.to_owned());
        spec.manual_selector.get_or_insert(false);
        create::default_labels(self);
    }

    fn on_create(&mut self) {
        create::select_own_pods(self);
        drop_disabled(self);
    }

    fn on_update(&mut self, _old: &Self) {
        drop_disabled(self);
    }

    fn validate(&self) -> Vec<FieldError> {
        create::validate(self)
    }

    fn validate_update(&self, old: &Self) -> Vec<FieldError> {
        update::validate(self, old)
    }

    fn validate_status(&self, old: &Self) -> Vec<FieldError> {
        status::validate(self, old)
    }

    fn warnings(&self, old: Option<&Self>) -> Vec<String> {
        let mut warnings = Vec::new();
        if old.is_none() {
            pod_template::warn_of_name(&mut warnings, &self.metadata);
        }
        if let Some(spec) = &self.spec
            && old.is_none_or(|old| old.spec != self.spec)
        {
            spec::warn(&mut warnings, &SPEC, spec);
        }
        warnings
    }

    fn fields(&self) -> Vec<(&'static str, String)> {
        let succeeded = self.status.as_ref().and_then(|status| status.succeeded);
        vec![("status.successful", succeeded.unwrap_or_default().to_string())]
    }

    fn row(&self, now: Timestamp) -> Vec<Tree> {
        row::cells(self, now)
    }
}

const SPEC: At<'static> = At::root("spec");

fn drop_disabled(job: &mut Job) {
    if let Some(spec) = &mut job.spec {
        spec::drop_disabled(spec);
    }
}

fn conditions(job: &Job) -> &[JobCondition] {
    job.status.as_ref().map(|status| status.conditions.or_empty()).unwrap_or_default()
}

fn has(job: &Job, type_: &str, status: &str) -> bool {
    conditions(job).iter().any(|condition| condition.type_ == type_ && condition.status == status)
}
