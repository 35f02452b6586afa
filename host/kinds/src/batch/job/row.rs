//! How `kubectl get jobs` shows a Job.

use jiff::Timestamp;
use k8s_openapi::api::batch::v1::{Job, JobSpec, JobStatus};
use meta::Tree;

use crate::columns;
use crate::pod_template;

pub(super) fn cells(job: &Job, now: Timestamp) -> Vec<Tree> {
    let spec = job.spec.clone().unwrap_or_default();
    let status = job.status.clone().unwrap_or_default();
    let (names, images) = pod_template::container_cells(Some(&spec.template));
    vec![
        columns::name(&job.metadata),
        Tree::from(state(job)),
        Tree::from(completions(&spec, &status)),
        Tree::from(duration(&status, now)),
        columns::age(&job.metadata, now),
        Tree::from(names),
        Tree::from(images),
        Tree::from(columns::selector(spec.selector.as_ref())),
    ]
}

fn state(job: &Job) -> &'static str {
    let has = |type_: &&'static str| {
        let mut conditions = super::conditions(job).iter();
        let first = conditions.find(|condition| condition.type_ == *type_);
        first.is_some_and(|condition| condition.status == "True")
    };
    if let Some(end) = ["Complete", "Failed"].into_iter().find(has) {
        return end;
    }
    if job.metadata.deletion_timestamp.is_some() {
        return "Terminating";
    }
    let others = ["Suspended", "FailureTarget", "SuccessCriteriaMet"];
    others.into_iter().find(has).unwrap_or("Running")
}

fn completions(spec: &JobSpec, status: &JobStatus) -> String {
    let succeeded = status.succeeded.unwrap_or_default();
    match (spec.completions, spec.parallelism.unwrap_or_default()) {
        (Some(completions), _) => format!("{succeeded}/{completions}"),
        (None, parallelism) if parallelism > 1 => format!("{succeeded}/1 of {parallelism}"),
        (None, _) => format!("{succeeded}/1"),
    }
}

fn duration(status: &JobStatus, now: Timestamp) -> String {
    let Some(start) = &status.start_time else { return String::new() };
    let end = status.completion_time.as_ref().map_or(now, |end| end.0);
    columns::human_duration(end.as_second().saturating_sub(start.0.as_second()))
}
