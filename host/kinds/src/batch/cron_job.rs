//! `CronJob`: Jobs that are made whenever a schedule is due.
//!
//! See <https://kubernetes.io/docs/concepts/workloads/controllers/cron-jobs/>.

use jiff::Timestamp;
use k8s_openapi::api::batch::v1::{CronJob, CronJobSpec, CronJobStatus, JobSpec};
use meta::Tree;
use meta::field::FieldError;

use super::job::spec;
use super::schedule;
use crate::check::{At, Errors};
use crate::columns::{self, Column, NONE, UNSET};
use crate::wire::{OrEmpty, default_text};
use crate::{Generation, Kind, KindInfo, PrefixRule, internal, pod_template};

/// The names of its Jobs are eleven characters longer and have to be labels.
const NAME_BYTES_MAX: usize = 63 - 11;

impl Kind for CronJob {
    const INFO: KindInfo = KindInfo {
        singular: "cronjob",
        short_names: &["cj"],
        categories: &["all"],
        type_name: "io.k8s.api.batch.v1.CronJob",
        status: true,
        generation: Generation::Spec,
        columns: &[
            columns::NAME,
            Column::of::<CronJobSpec>("Schedule", "schedule"),
            Column::of::<CronJobSpec>("Timezone", "timeZone"),
            Column::of::<CronJobSpec>("Suspend", "suspend").boolean(),
            Column::of::<CronJobStatus>("Active", "active").integer(),
            Column::of::<CronJobStatus>("Last Schedule", "lastScheduleTime"),
            columns::AGE,
            columns::CONTAINERS,
            columns::IMAGES,
            Column::of::<JobSpec>("Selector", "selector").wide(),
        ],
        prefix_rule: PrefixRule::OnCreate,
        ..KindInfo::namespaced::<Self>()
    };

    fn set_defaults(&mut self) {
        let spec = &mut self.spec;
        default_text(&mut spec.concurrency_policy, "Allow");
        spec.suspend.get_or_insert(false);
        spec.successful_jobs_history_limit.get_or_insert(3);
        spec.failed_jobs_history_limit.get_or_insert(1);
        spec::set_shared_defaults(spec.job_template.spec.get_or_insert_default());
    }

    fn on_create(&mut self) {
        if let Some(spec) = &mut self.spec.job_template.spec {
            spec::drop_disabled(spec);
        }
    }

    fn on_update(&mut self, _old: &Self) {
        self.on_create();
    }

    fn validate(&self) -> Vec<FieldError> {
        let mut errors = Errors::new();
        validate_spec(&mut errors, &self.spec, None);
        let name = self.metadata.name.or_empty();
        if name.len() > NAME_BYTES_MAX {
            let at = At::root("metadata");
            errors.invalid(&at.field("name"), name, "must be no more than 52 characters");
        }
        errors.into_list()
    }

    fn validate_update(&self, old: &Self) -> Vec<FieldError> {
        let mut errors = Errors::new();
        validate_spec(&mut errors, &self.spec, Some(&old.spec));
        errors.into_list()
    }

    fn warnings(&self, old: Option<&Self>) -> Vec<String> {
        let mut warnings = Vec::new();
        if old.is_none() {
            pod_template::warn_of_name(&mut warnings, &self.metadata);
        }
        if let Some(spec) = &self.spec.job_template.spec
            && old.is_none_or(|old| old.spec != self.spec)
        {
            spec::warn(&mut warnings, &SPEC.field("jobTemplate").field("spec"), spec);
        }
        if old.is_some() && has_zone(&self.spec) {
            warnings.push(
                "cannot use TZ or CRON_TZ in spec.spec.schedule, use timeZone instead, see \
                 https://kubernetes.io/docs/concepts/workloads/controllers/cron-jobs/ for more \
                 details"
                    .to_owned(),
            );
        }
        warnings
    }

    fn row(&self, now: Timestamp) -> Vec<Tree> {
        let spec = &self.spec;
        let status = self.status.clone().unwrap_or_default();
        let job = spec.job_template.spec.clone().unwrap_or_default();
        let (names, images) = pod_template::container_cells(Some(&job.template));
        let suspend = match spec.suspend {
            None => UNSET,
            Some(true) => "True",
            Some(false) => "False",
        };
        let last = status.last_schedule_time.as_ref();
        let last = last.map_or_else(|| NONE.to_owned(), |last| columns::since(Some(last), now));
        vec![
            columns::name(&self.metadata),
            Tree::from(spec.schedule.as_str()),
            Tree::from(spec.time_zone.as_deref().unwrap_or(NONE)),
            Tree::from(suspend),
            Tree::from(status.active.or_empty().len()),
            Tree::from(last),
            columns::age(&self.metadata, now),
            Tree::from(names),
            Tree::from(images),
            Tree::from(columns::selector(job.selector.as_ref())),
        ]
    }
}

const SPEC: At<'static> = At::root("spec");

fn has_zone(spec: &CronJobSpec) -> bool {
    spec.schedule.contains("TZ")
}

fn validate_spec(errors: &mut Errors, spec: &CronJobSpec, old: Option<&CronJobSpec>) {
    let schedule_at = SPEC.field("schedule");
    if !spec.schedule.is_empty() {
        validate_schedule(errors, &schedule_at, spec, old);
    }
    let deadline = spec.starting_deadline_seconds.unwrap_or_default();
    errors.not_negative(&SPEC.field("startingDeadlineSeconds"), deadline);
    if let Some(zone) = &spec.time_zone
        && old.is_none_or(|old| old.time_zone != spec.time_zone)
    {
        validate_zone(errors, &SPEC.field("timeZone"), zone);
    }
    errors.one_of(
        &SPEC.field("concurrencyPolicy"),
        spec.concurrency_policy.or_empty(),
        &["Allow", "Forbid", "Replace"],
    );
    if let Some(job) = &spec.job_template.spec {
        let template_at = SPEC.field("jobTemplate");
        validate_job(errors, &template_at.field("spec"), job);
    }
    for (name, limit) in [
        ("successfulJobsHistoryLimit", spec.successful_jobs_history_limit),
        ("failedJobsHistoryLimit", spec.failed_jobs_history_limit),
    ] {
        errors.not_negative(&SPEC.field(name), i64::from(limit.unwrap_or_default()));
    }
    if spec.schedule.is_empty() {
        errors.required(&schedule_at, "");
    }
}

/// Jobs of a schedule select their Pods by themselves.
fn validate_job(errors: &mut Errors, at: &At<'_>, job: &JobSpec) {
    spec::validate(errors, at, job);
    if let Some(selector) = &job.selector {
        let shown = internal::value("@LabelSelector", selector);
        errors.invalid(&at.field("selector"), shown, "`selector` will be auto-generated");
    }
    if job.manual_selector == Some(true) {
        errors.not_supported(&at.field("manualSelector"), true, &["nil", "false"]);
    }
}

fn validate_schedule(
    errors: &mut Errors,
    at: &At<'_>,
    spec: &CronJobSpec,
    old: Option<&CronJobSpec>,
) {
    let text = spec.schedule.as_str();
    if let Err(error) = schedule::check(text) {
        errors.invalid(at, text, error);
    }
    if !has_zone(spec) {
        return;
    }
    // A schedule that carried its zone before may go on doing so.
    if !old.is_some_and(has_zone) {
        let detail = "cannot use TZ or CRON_TZ in schedule, use timeZone field instead";
        errors.invalid(at, text, detail);
    } else if spec.time_zone.is_some() {
        let detail = "cannot use both timeZone field and TZ or CRON_TZ in schedule";
        errors.invalid(at, text, detail);
    }
}

fn validate_zone(errors: &mut Errors, at: &At<'_>, zone: &str) {
    if zone.is_empty() {
        errors.invalid(at, zone, "timeZone must be nil or non-empty string");
        return;
    }
    if !zone.split('/').all(is_zone_part) {
        errors.invalid(at, zone, format!("unknown time zone {zone}"));
        return;
    }
    if zone.eq_ignore_ascii_case("Local") {
        let detail =
            "timeZone must be an explicit time zone as defined in https://www.iana.org/time-zones";
        errors.invalid(at, zone, detail);
    }
    if let Err(error) = schedule::check_zone(zone) {
        errors.invalid(at, zone, error);
    }
}

/// A step of the name of a zone is a name of a file. See <https://data.iana.org/time-zones/theory.html#naming>.
fn is_zone_part(part: &str) -> bool {
    const BYTES_MAX: usize = 14;
    let is_allowed = |c: char| c.is_ascii_alphanumeric() || ".-_+".contains(c);
    !matches!(part, "" | "." | "..")
        && !part.starts_with('-')
        && part.len() <= BYTES_MAX
        && part.chars().all(is_allowed)
}
