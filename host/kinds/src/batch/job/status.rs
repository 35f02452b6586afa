//! What is wrong with a status that a controller reports, whichever controller it is.
//!
//! Rules about the course of a Job look only at what has changed, so that a status which was bad before does not stop everything else.
//! See <https://kubernetes.io/docs/concepts/workloads/controllers/job/#delegation-of-managing-a-job-object-to-external-controller>.

use std::collections::BTreeSet;

use k8s_openapi::api::batch::v1::{Job, JobSpec, JobStatus, UncountedTerminatedPods};
use meta::field::{BadValue, FieldError};

use super::has;
use super::spec::is_indexed;
use crate::batch::indexes;
use crate::check::{At, Errors, IMMUTABLE, json};
use crate::internal;
use crate::wire::OrEmpty;

const STATUS: At<'static> = At::root("status");

/// One state of a Job.
struct Seen<'a> {
    job: &'a Job,
    spec: JobSpec,
    status: JobStatus,
}

impl<'a> Seen<'a> {
    fn of(job: &'a Job) -> Self {
        let spec = job.spec.clone().unwrap_or_default();
        Self { job, spec, status: job.status.clone().unwrap_or_default() }
    }

    fn is(&self, condition: &str) -> bool {
        has(self.job, condition, "True")
    }

    fn is_finished(&self) -> bool {
        self.is("Complete") || self.is("Failed")
    }
}

/// What is wrong with a status that replaces that of `old`.
pub(super) fn validate(new: &Job, old: &Job) -> Vec<FieldError> {
    let mut errors = Errors::new();
    let (new, old) = (Seen::of(new), Seen::of(old));
    counts(&mut errors, &new.status);
    ends(&mut errors, &new, &old);
    finished(&mut errors, &new, &old);
    index_sets(&mut errors, &new, &old);
    after_indexes(&mut errors, &new, &old);
    course(&mut errors, &new, &old);
    errors.into_list()
}

fn refuse(errors: &mut Errors, detail: &str) {
    errors.invalid(&STATUS.field("conditions"), BadValue::Omitted, detail);
}

fn counts(errors: &mut Errors, status: &JobStatus) {
    for (name, value) in [
        ("active", status.active),
        ("succeeded", status.succeeded),
        ("failed", status.failed),
        ("ready", status.ready),
        ("terminating", status.terminating),
    ] {
        errors.not_negative(&STATUS.field(name), i64::from(value.unwrap_or_default()));
    }
    let Some(uncounted) = &status.uncounted_terminated_pods else { return };
    let uncounted_at = STATUS.field("uncountedTerminatedPods");
    let mut seen = BTreeSet::new();
    for (name, uids) in [("succeeded", &uncounted.succeeded), ("failed", &uncounted.failed)] {
        let list_at = uncounted_at.field(name);
        for (index, uid) in uids.or_empty().iter().enumerate() {
            let at = list_at.index(index);
            if uid.is_empty() {
                errors.invalid(&at, uid, "must not be empty");
            } else if !seen.insert(uid) {
                errors.duplicate(&at, uid);
            }
        }
    }
}

/// How a Job ends: the decision comes first, then the end, and never two of them.
fn ends(errors: &mut Errors, new: &Seen<'_>, old: &Seen<'_>) {
    let changed = |condition| new.is(condition) != old.is(condition);
    let complete = new.is("Complete");
    if complete && new.is("Failed") && (changed("Complete") || changed("Failed")) {
        refuse(errors, "cannot set Complete=True and Failed=true conditions");
    }
    if complete && new.is("FailureTarget") && (changed("Complete") || changed("FailureTarget")) {
        refuse(errors, "cannot set Complete=True and FailureTarget=true conditions");
    }
    completion_time(errors, new, old);
    let failed_indexes_changed = new.status.failed_indexes != old.status.failed_indexes;
    if new.is("Failed") && !new.is("FailureTarget") && (changed("Failed") || failed_indexes_changed)
    {
        let detail = "cannot set Failed=True condition without the FailureTarget=true condition";
        refuse(errors, detail);
    }
    if complete
        && !new.is("SuccessCriteriaMet")
        && (changed("Complete") || changed("SuccessCriteriaMet"))
    {
        let detail =
            "cannot set Complete=True condition without the SuccessCriteriaMet=true condition";
        refuse(errors, detail);
    }
}

fn completion_time(errors: &mut Errors, new: &Seen<'_>, old: &Seen<'_>) {
    let at = STATUS.field("completionTime");
    let (status, before) = (&new.status, &old.status);
    let complete = new.is("Complete");
    let time_changed = status.completion_time != before.completion_time;
    if complete != old.is("Complete") || time_changed {
        match &status.completion_time {
            Some(time) if !complete => {
                let detail = "cannot set completionTime when there is no Complete=True condition";
                errors.invalid(&at, json(time), detail);
            }
            None if complete => {
                errors.required(&at, "completionTime is required for Complete jobs");
            }
            _ => {}
        }
    }
    if (time_changed || status.start_time != before.start_time)
        && let (Some(start), Some(end)) = (&status.start_time, &status.completion_time)
        && end < start
    {
        errors.invalid(&at, json(end), "must be equal to or after `startTime`");
    }
}

/// Nothing of a finished Job runs any more.
fn finished(errors: &mut Errors, new: &Seen<'_>, old: &Seen<'_>) {
    if !new.is_finished() {
        return;
    }
    let just_finished = !old.is_finished();
    let (status, before) = (&new.status, &old.status);
    let active = status.active.unwrap_or_default();
    if active > 0 && (just_finished || status.active != before.active) {
        errors.invalid(&STATUS.field("active"), active, "active>0 is invalid for finished job");
    }
    let never_started = new.spec.suspend == Some(true) && new.spec.completions == Some(0);
    if status.start_time.is_none()
        && (just_finished || before.start_time.is_some())
        && !never_started
    {
        let detail = "startTime is required for finished job";
        errors.required(&STATUS.field("startTime"), detail);
    }
    let is_empty = |pods: &UncountedTerminatedPods| {
        pods.failed.or_empty().is_empty() && pods.succeeded.or_empty().is_empty()
    };
    if let Some(uncounted) = &status.uncounted_terminated_pods
        && !is_empty(uncounted)
        && (just_finished || status.uncounted_terminated_pods != before.uncounted_terminated_pods)
    {
        let shown = internal::value("@UncountedTerminatedPods", uncounted);
        let at = STATUS.field("uncountedTerminatedPods");
        errors.invalid(&at, shown, "must be empty for finished job");
    }
}

fn index_sets(errors: &mut Errors, new: &Seen<'_>, old: &Seen<'_>) {
    let (completed_at, failed_at) =
        (STATUS.field("completedIndexes"), STATUS.field("failedIndexes"));
    let (status, before) = (&new.status, &old.status);
    let completed = status.completed_indexes.or_empty();
    let failed = status.failed_indexes.as_deref();
    let completed_changed = completed != before.completed_indexes.or_empty();
    let failed_changed = status.failed_indexes != before.failed_indexes;
    let completions = new.spec.completions;
    let is_per_index = new.spec.backoff_limit_per_index.is_some();
    if completed_changed
        && let Some(Err(error)) = completions.map(|count| indexes::count(completed, count))
    {
        let detail = format!("error parsing completedIndexes: {error}");
        errors.invalid(&completed_at, completed, detail);
    }
    if let (true, true, Some(count), Some(failed)) =
        (failed_changed, is_per_index, completions, failed)
        && let Err(error) = indexes::count(failed, count)
    {
        errors.invalid(&failed_at, failed, format!("error parsing failedIndexes: {error}"));
    }
    if completed_changed && !completed.is_empty() && !is_indexed(&new.spec) {
        let detail = "cannot set non-empty completedIndexes when non-indexed completion mode";
        errors.invalid(&completed_at, completed, detail);
    }
    let Some(failed) = failed else { return };
    if failed_changed && !is_per_index {
        let detail = "cannot set non-null failedIndexes when backoffLimitPerIndex is null";
        errors.invalid(&failed_at, failed, detail);
    }
    if (failed_changed || completed_changed)
        && let Some(Err(error)) =
            completions.map(|count| indexes::disjoint(completed, failed, count))
    {
        errors.invalid(&failed_at, failed, error);
    }
}

fn after_indexes(errors: &mut Errors, new: &Seen<'_>, old: &Seen<'_>) {
    let (status, before) = (&new.status, &old.status);
    let terminating = status.terminating.unwrap_or_default();
    let is_new = new.is_finished() != old.is_finished() || status.terminating != before.terminating;
    if terminating > 0 && new.is_finished() && is_new {
        let detail = "terminating>0 is invalid for finished job";
        errors.invalid(&STATUS.field("terminating"), terminating, detail);
    }
    let active = status.active.unwrap_or_default();
    let changed = status.ready != before.ready || active != before.active.unwrap_or_default();
    if let Some(ready) = status.ready
        && changed
        && ready > active
    {
        errors.invalid(&STATUS.field("ready"), ready, "cannot set more ready pods than active");
    }
    let met = new.is("SuccessCriteriaMet");
    if met && new.is("Failed") {
        refuse(errors, "cannot set SuccessCriteriaMet=True and Failed=true conditions");
    }
    if met && new.is("FailureTarget") {
        refuse(errors, "cannot set SuccessCriteriaMet=True and FailureTarget=true conditions");
    }
    if new.spec.success_policy.is_some() && !met && new.is("Complete") {
        let detail =
            "cannot set Complete=True for Job with SuccessPolicy unless SuccessCriteriaMet=True";
        refuse(errors, detail);
    }
}

/// What was reached once stays.
fn course(errors: &mut Errors, new: &Seen<'_>, old: &Seen<'_>) {
    let (status, before) = (&new.status, &old.status);
    for condition in ["Failed", "Complete", "FailureTarget"] {
        if old.is(condition) && !new.is(condition) {
            refuse(errors, &format!("cannot disable the terminal {condition}=True condition"));
        }
    }
    let failed = status.failed.unwrap_or_default();
    if failed < before.failed.unwrap_or_default() {
        errors.invalid(&STATUS.field("failed"), failed, "cannot decrease the failed counter");
    }
    let succeeded = status.succeeded.unwrap_or_default();
    let may_shrink = is_indexed(&new.spec) && new.spec.completions == new.spec.parallelism;
    if succeeded < before.succeeded.unwrap_or_default() && !may_shrink {
        let detail = "cannot decrease the succeeded counter";
        errors.invalid(&STATUS.field("succeeded"), succeeded, detail);
    }
    if let (Some(time), Some(before)) = (&status.completion_time, &before.completion_time)
        && time != before
    {
        errors.invalid(&STATUS.field("completionTime"), json(time), IMMUTABLE);
    }
    let resumes = old.is("Suspended") && has(new.job, "Suspended", "False");
    if before.start_time.is_some()
        && status.start_time != before.start_time
        && new.spec.suspend != Some(true)
        && !resumes
    {
        let shown = json(&status.start_time);
        let detail = "field is immutable for unsuspended job once set";
        errors.invalid(&STATUS.field("startTime"), shown, detail);
    }
    if old.is("SuccessCriteriaMet") && !new.is("SuccessCriteriaMet") {
        refuse(errors, "cannot disable the SuccessCriteriaMet=True condition");
    }
    if old.is("Complete") && !old.is("SuccessCriteriaMet") && new.is("SuccessCriteriaMet") {
        let detail =
            "cannot set SuccessCriteriaMet=True for Job already has Complete=true conditions";
        refuse(errors, detail);
    }
}
