//! Runs Pods until enough of them succeeded, or too many failed.
//!
//! Reads Jobs and their Pods; makes, releases and deletes Pods, and writes the status. A Pod that
//! ended is counted once, whatever happens in between: first its uid goes to
//! `uncountedTerminatedPods`, then its finalizer goes, and then the number goes up. The end of a Job
//! is announced by a condition before its last Pods are gone, and sealed by another after.
//! See <https://kubernetes.io/docs/concepts/workloads/controllers/job/>.

mod backoff;
mod count;
mod indexes;
mod orphans;
mod verdict;

use std::collections::BTreeSet;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use k8s_openapi::api::batch::v1::{Job, JobCondition, JobSpec, JobStatus, UncountedTerminatedPods};
use k8s_openapi::api::core::v1::{EnvVar, EnvVarSource, ObjectFieldSelector, Pod};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;

use crate::replicas::{BURST, delete_pod, told};
use crate::{Action, Controller, Event, Key, Look, Plan, Sourced, Watch, ownership, pods};
use count::{
    FAILURES, FINALIZER, failures, has_failed, is_tracked, succeeded, untrack, waits_for_failure,
};
use orphans::is_orphan;
use verdict::Verdict;

/// What `spec.managedBy` says of Jobs that are this controller's.
const OWN_NAME: &str = "kubernetes.io/job-controller";

/// The controller.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Jobs;

/// Everything one decision looks at.
#[derive(Debug)]
struct View {
    job: Arc<Job>,
    candidates: Vec<Arc<Pod>>,
    now: Timestamp,
}

impl View {
    fn of(look: &Look<'_>, key: &Key) -> Option<Self> {
        let job = look.sources.jobs.get(&key.namespace, &key.name)?;
        let selector = job.spec.as_ref()?.selector.clone()?;
        let uid = job.metadata.uid.as_deref().unwrap_or("");
        let candidates = ownership::candidates(&look.sources.pods, &key.namespace, uid, &selector);
        Some(Self { candidates, now: look.now, job })
    }
}

/// What is seen of a Job's Pods, with those that are not in the numbers yet.
#[derive(Debug)]
struct Tally<'a> {
    active: i32,
    succeeded: i32,
    failed: i32,
    restarts: i32,
    completed_indexes: BTreeSet<i32>,
    failed_indexes: BTreeSet<i32>,
    newly_failed: Vec<&'a Arc<Pod>>,
    started: Option<Timestamp>,
    now: Timestamp,
}

fn reconcile(view: View) -> Plan {
    let mut plan = Plan::default();
    let job = &*view.job;
    let Some(spec) = &job.spec else { return plan };
    if spec.managed_by.as_deref().is_some_and(|manager| manager != OWN_NAME) {
        // Somebody else looks after it, Pods and status alike.
        return plan;
    }
    let selector = spec.selector.as_ref().and_then(ownership::parse);
    let members = ownership::claim(job, selector.as_ref(), view.candidates, &mut plan);
    if finished_at(job).is_some() {
        // It is history: its Pods may go when they like.
        members.iter().filter(|pod| is_tracked(pod)).for_each(|pod| plan.act(untrack(pod)));
        return plan;
    }
    if job.metadata.deletion_timestamp.is_some() {
        // Nobody asks for the numbers any more, and nobody is there to let go of the Pods later.
        let ended = |pod: &Pod| pods::is_finished(pod) || has_failed(spec, pod);
        let living = members.iter().filter(|pod| is_tracked(pod) && !ended(pod));
        living.for_each(|pod| plan.act(untrack(pod)));
    }
    let mut status = job.status.clone().unwrap_or_default();
    let ended = count::count(job, spec, &members, &mut status, &mut plan);
    if job.metadata.deletion_timestamp.is_none() {
        suspend_or_resume(job, spec, &mut status, view.now, &mut plan);
        let tally = tally(spec, &members, &status, &ended, view.now);
        act(job, spec, &members, &tally, &mut status, &mut plan);
    }
    let active = members.iter().filter(|pod| pods::is_active(pod));
    let ready = active.clone().filter(|pod| pods::is_ready(pod)).count();
    let terminating =
        members.iter().filter(|pod| pods::is_going(pod) && !pods::is_finished(pod)).count();
    let number = |count: usize| i32::try_from(count).unwrap_or(i32::MAX);
    status.active = Some(number(active.count())).filter(|count| *count != 0);
    status.ready = Some(number(ready));
    status.terminating = Some(number(terminating));
    let mut wanted = job.clone();
    wanted.status = Some(status);
    plan.status_if_changed(job, wanted);
    plan
}

fn tally<'a>(
    spec: &JobSpec,
    members: &'a [Arc<Pod>],
    status: &JobStatus,
    ended: &[&'a Arc<Pod>],
    now: Timestamp,
) -> Tally<'a> {
    let uncounted = status.uncounted_terminated_pods.as_ref();
    let failed = uncounted.and_then(|uncounted| uncounted.failed.as_ref()).map_or(0, Vec::len);
    let active: Vec<&Arc<Pod>> = members.iter().filter(|pod| pods::is_active(pod)).collect();
    let of_phase =
        |phase: &'static str| members.iter().filter(move |pod| pods::phase(pod) == phase);
    let mut completed = indexes::parse(status.completed_indexes.as_deref().unwrap_or(""));
    let mut failed_indexes = indexes::parse(status.failed_indexes.as_deref().unwrap_or(""));
    let is_indexed = spec.completion_mode.as_deref() == Some("Indexed");
    if is_indexed {
        completed.extend(of_phase("Succeeded").filter_map(|pod| indexes::of(pod)));
        let limit = spec.backoff_limit_per_index;
        let failed = members.iter().filter(|pod| has_failed(spec, pod));
        failed_indexes.extend(failed.filter_map(|pod| {
            let index = indexes::of(pod)?;
            let gone = limit
                .is_some_and(|limit| failures(pod) >= limit && !verdict::is_ignored(spec, pod));
            (gone || verdict::fails_index(spec, pod)).then_some(index)
        }));
        failed_indexes.retain(|index| !completed.contains(index));
    }
    let succeeded = if is_indexed {
        i32::try_from(completed.len()).unwrap_or(i32::MAX)
    } else {
        succeeded(status)
    };
    Tally {
        active: i32::try_from(active.len()).unwrap_or(i32::MAX),
        succeeded,
        failed: status.failed.unwrap_or(0) + i32::try_from(failed).unwrap_or(i32::MAX),
        restarts: active.iter().map(|pod| pods::restarts(pod).0).sum(),
        completed_indexes: completed,
        failed_indexes,
        newly_failed: ended.iter().copied().filter(|pod| pods::phase(pod) == "Failed").collect(),
        started: status.start_time.as_ref().map(|time| time.0),
        now,
    }
}

fn act(
    job: &Job,
    spec: &JobSpec,
    members: &[Arc<Pod>],
    tally: &Tally<'_>,
    status: &mut JobStatus,
    plan: &mut Plan,
) {
    if spec.completion_mode.as_deref() == Some("Indexed") {
        let text = indexes::format(&tally.completed_indexes);
        status.completed_indexes = Some(text).filter(|text| !text.is_empty());
        if spec.backoff_limit_per_index.is_some() {
            status.failed_indexes = Some(indexes::format(&tally.failed_indexes));
        }
    }
    let known = announced(status);
    if let Some(ending) = known.or_else(|| verdict::of(spec, tally)) {
        end(job, spec, members, ending, tally.now, status, plan);
        return;
    }
    let active: Vec<&Arc<Pod>> = members.iter().filter(|pod| pods::is_active(pod)).collect();
    if spec.suspend == Some(true) {
        forget(job, active.into_iter().take(BURST), plan);
        return;
    }
    if let (Some(deadline), Some(started)) = (spec.active_deadline_seconds, tally.started) {
        let due = started + SignedDuration::from_secs(deadline);
        plan.wake_in(due.duration_since(tally.now).max(SignedDuration::ZERO).unsigned_abs());
    }
    keep_running(job, spec, members, &active, tally, plan);
}

/// Deletes Pods that nobody needs any more, so that they count neither as failed nor as succeeded.
fn forget<'a>(job: &Job, pods: impl Iterator<Item = &'a Arc<Pod>>, plan: &mut Plan) {
    let pods: Vec<_> = pods.collect();
    pods.iter().filter(|pod| is_tracked(pod)).for_each(|pod| plan.act(untrack(pod)));
    pods.iter().for_each(|pod| plan.act(delete_pod(pod, job)));
}

/// Makes Pods up to the parallelism, or removes those beyond it.
fn keep_running(
    job: &Job,
    spec: &JobSpec,
    members: &[Arc<Pod>],
    active: &[&Arc<Pod>],
    tally: &Tally<'_>,
    plan: &mut Plan,
) {
    let parallelism = spec.parallelism.unwrap_or(1);
    let left = match spec.completions {
        Some(count) => (count - tally.succeeded).max(0).min(parallelism),
        // Once one has succeeded, those that run are left alone and none follow.
        None if tally.succeeded > 0 => tally.active,
        None => parallelism,
    };
    let going = members.iter().filter(|pod| pods::is_going(pod) && !pods::is_finished(pod)).count();
    let waits = waits_for_failure(spec);
    let occupied = tally.active + if waits { i32::try_from(going).unwrap_or(0) } else { 0 };
    if tally.active > left {
        let excess = usize::try_from(tally.active - left).unwrap_or(0).min(BURST);
        let mut ranked = active.to_vec();
        ranked.sort_by(|a, b| pods::deletion_order(a, b, &|_| 0, tally.now));
        forget(job, ranked.into_iter().take(excess), plan);
        return;
    }
    let missing = usize::try_from(left - occupied).unwrap_or(0).min(BURST);
    if missing == 0 {
        return;
    }
    if spec.completion_mode.as_deref() == Some("Indexed") {
        let count = spec.completions.unwrap_or(0);
        let taken: BTreeSet<i32> = members
            .iter()
            .filter(|pod| pods::is_active(pod) || (waits && pods::is_going(pod)))
            .filter_map(|pod| indexes::of(pod))
            .collect();
        let is_free = |index: &i32| {
            !taken.contains(index)
                && !tally.completed_indexes.contains(index)
                && !tally.failed_indexes.contains(index)
        };
        for index in (0..count).filter(is_free).take(missing) {
            let own = members.iter().filter(|pod| indexes::of(pod) == Some(index));
            if let Some(wait) = backoff::left(spec, own.clone(), tally.now) {
                plan.wake_in(wait.unsigned_abs());
                continue;
            }
            let failed = own.filter(|pod| has_failed(spec, pod)).map(|pod| failures(pod) + 1);
            plan.act(create(job, spec, Some((index, failed.max().unwrap_or(0)))));
        }
    } else if let Some(wait) = backoff::left(spec, members.iter(), tally.now) {
        plan.wake_in(wait.unsigned_abs());
    } else {
        (0..missing).for_each(|_| plan.act(create(job, spec, None)));
    }
}

fn create(job: &Job, spec: &JobSpec, index: Option<(i32, i32)>) -> Action {
    let mut pod = pods::from_template(&spec.template, job);
    pod.metadata.finalizers.get_or_insert_default().push(FINALIZER.to_owned());
    if let Some((index, failures)) = index {
        let name = job.metadata.name.as_deref().unwrap_or("");
        pod.metadata.generate_name = Some(format!("{name}-{index}-"));
        let notes = pod.metadata.annotations.get_or_insert_default();
        notes.insert(indexes::INDEX.to_owned(), index.to_string());
        if spec.backoff_limit_per_index.is_some() {
            notes.insert(FAILURES.to_owned(), failures.to_string());
        }
        let labels = pod.metadata.labels.get_or_insert_default();
        labels.insert(indexes::INDEX.to_owned(), index.to_string());
        let template = pod.spec.get_or_insert_default();
        template.hostname = Some(format!("{name}-{index}"));
        let init = template.init_containers.iter_mut().flatten();
        for container in template.containers.iter_mut().chain(init) {
            let env = container.env.get_or_insert_default();
            if !env.iter().any(|variable| variable.name == "JOB_COMPLETION_INDEX") {
                env.push(index_variable());
            }
        }
    }
    Action::Create { object: pod.into_any(), announce: Some(told(job)) }
}

fn index_variable() -> EnvVar {
    EnvVar {
        name: "JOB_COMPLETION_INDEX".to_owned(),
        value_from: Some(EnvVarSource {
            field_ref: Some(ObjectFieldSelector {
                api_version: None,
                field_path: format!("metadata.labels['{}']", indexes::INDEX),
            }),
            ..EnvVarSource::default()
        }),
        ..EnvVar::default()
    }
}

/// The end that was announced and is not sealed yet.
fn announced(status: &JobStatus) -> Option<Verdict> {
    let mut conditions = status.conditions.iter().flatten();
    let is_end = |c: &&JobCondition| {
        c.status == "True" && matches!(c.type_.as_str(), "FailureTarget" | "SuccessCriteriaMet")
    };
    let found = conditions.find(is_end)?;
    Some(Verdict {
        is_success: found.type_ == "SuccessCriteriaMet",
        reason: found.reason.clone().unwrap_or_default(),
        message: found.message.clone().unwrap_or_default(),
    })
}

/// Announces the end, removes who still runs, and seals it once all is counted.
fn end(
    job: &Job,
    spec: &JobSpec,
    members: &[Arc<Pod>],
    ending: Verdict,
    now: Timestamp,
    status: &mut JobStatus,
    plan: &mut Plan,
) {
    let (first, last) = if ending.is_success {
        ("SuccessCriteriaMet", "Complete")
    } else {
        ("FailureTarget", "Failed")
    };
    set(status, first, "True", &ending.reason, &ending.message, now);
    let active: Vec<&Arc<Pod>> = members.iter().filter(|pod| pods::is_active(pod)).collect();
    let active = active.into_iter().take(BURST);
    if ending.is_success {
        // They are not needed any more, which is no failure of theirs.
        forget(job, active, plan);
    } else {
        active.for_each(|pod| plan.act(delete_pod(pod, job)));
    }
    if waits_for_failure(spec) {
        // They will not fail any more, and count as failed where the Job is.
        let stuck = members.iter().filter(|pod| pods::is_going(pod) && is_tracked(pod));
        for pod in stuck.filter(|pod| !pods::is_finished(pod)) {
            let uncounted = status.uncounted_terminated_pods.get_or_insert_default();
            let failed = uncounted.failed.get_or_insert_default();
            let uid = pod.metadata.uid.clone().unwrap_or_default();
            if ending.is_success || failed.contains(&uid) {
                plan.act(untrack(pod));
            } else {
                failed.push(uid);
            }
            uncounted.failed = uncounted.failed.take().filter(|failed| !failed.is_empty());
        }
    }
    let running = members.iter().any(|pod| !pods::is_finished(pod));
    let uncounted = status.uncounted_terminated_pods.clone().unwrap_or_default();
    let counted = uncounted == UncountedTerminatedPods::default()
        && !members.iter().any(|pod| pods::is_finished(pod) && is_tracked(pod));
    if running || !counted {
        return;
    }
    set(status, last, "True", &ending.reason, &ending.message, now);
    if ending.is_success {
        status.completion_time = Some(Time(now));
        plan.event(Event::normal(job, "Completed", "Job completed".to_owned()));
    } else {
        plan.act(Action::Event(Event {
            regarding: crate::reference(job),
            level: crate::Level::Warning,
            reason: reason_word(&ending.reason),
            message: ending.message,
        }));
    }
}

/// Reasons of Events are words of ours; those of conditions may be anybody's.
fn reason_word(reason: &str) -> &'static str {
    const WORDS: [&str; 5] = [
        "BackoffLimitExceeded",
        "DeadlineExceeded",
        "PodFailurePolicy",
        "FailedIndexes",
        "MaxFailedIndexesExceeded",
    ];
    WORDS.into_iter().find(|word| *word == reason).unwrap_or("Failed")
}

fn suspend_or_resume(
    job: &Job,
    spec: &JobSpec,
    status: &mut JobStatus,
    now: Timestamp,
    plan: &mut Plan,
) {
    const SUSPENDED: &str = "Suspended";
    let known = status.conditions.iter().flatten().find(|c| c.type_ == SUSPENDED);
    let was = known.map(|condition| condition.status == "True");
    if spec.suspend == Some(true) {
        // Who has enough needs no more Pods, and is done once the others are gone.
        let ends = succeeded(status) >= spec.completions.unwrap_or(1);
        if was != Some(true) && announced(status).is_none() && !ends {
            set(status, SUSPENDED, "True", "JobSuspended", "Job suspended", now);
            status.start_time = None;
            plan.event(Event::normal(job, "Suspended", "Job suspended".to_owned()));
        }
        return;
    }
    if was == Some(true) {
        set(status, SUSPENDED, "False", "JobResumed", "Job resumed", now);
        status.start_time = Some(Time(now));
        plan.event(Event::normal(job, "Resumed", "Job resumed".to_owned()));
    }
    if status.start_time.is_none() {
        status.start_time = Some(Time(now));
    }
}

fn set(status: &mut JobStatus, type_: &str, is: &str, reason: &str, message: &str, now: Timestamp) {
    let conditions = status.conditions.get_or_insert_default();
    let wanted = JobCondition {
        type_: type_.to_owned(),
        status: is.to_owned(),
        reason: Some(reason.to_owned()),
        message: Some(message.to_owned()),
        last_probe_time: Some(Time(now)),
        last_transition_time: Some(Time(now)),
    };
    match conditions.iter_mut().find(|condition| condition.type_ == type_) {
        Some(known) if known.status == is => {}
        Some(known) => *known = wanted,
        None => conditions.push(wanted),
    }
}

/// When a Job ended, if it did.
pub(crate) fn finished_at(job: &Job) -> Option<Timestamp> {
    let mut conditions = job.status.as_ref()?.conditions.iter().flatten();
    let ended = conditions
        .find(|c| c.status == "True" && matches!(c.type_.as_str(), "Complete" | "Failed"))?;
    ended.last_transition_time.as_ref().map(|time| time.0)
}

impl Controller for Jobs {
    fn name(&self) -> &'static str {
        "job"
    }

    fn component(&self) -> &'static str {
        "job-controller"
    }

    fn watches(&self) -> Vec<Watch> {
        vec![
            Watch::when(|_, before: Option<&Job>, after: Option<&Job>| {
                let gone =
                    before.filter(|_| after.is_none()).map(|job| orphans::key(&job.metadata));
                before.or(after).map(Key::of).into_iter().chain(gone).collect()
            }),
            Watch::of(|sources, pod: &Pod| {
                if is_orphan(sources, pod) {
                    return vec![orphans::key(&pod.metadata)];
                }
                ownership::controller_key::<Job>(&pod.metadata)
            }),
        ]
    }

    fn plan(&self, look: &Look<'_>, key: &Key) -> Plan {
        if key.name.is_empty() {
            return orphans::let_go(look.sources, &key.namespace);
        }
        View::of(look, key).map(reconcile).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests;
