//! Makes a Job whenever a schedule is due.
//!
//! Reads `CronJobs` and the Jobs they own; makes and deletes Jobs and writes the status. A Job's name
//! carries the time it was due, so that no time is served twice. Of several missed times the latest
//! counts. See <https://kubernetes.io/docs/concepts/workloads/controllers/cron-jobs/>.

mod schedule;

use std::sync::Arc;
use std::time::Duration;

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp, Zoned};
use k8s_openapi::api::batch::v1::{CronJob, CronJobStatus, Job};
use k8s_openapi::api::core::v1::ObjectReference;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{ObjectMeta, Time};

use crate::job::finished_at;
use crate::{
    Action, Announce, Controller, Event, Key, Look, Plan, Propagation, Sourced, Target, Watch,
    ownership,
};
use schedule::Schedule;

const DUE_NOTE: &str = "batch.kubernetes.io/cronjob-scheduled-timestamp";
/// Missed times that are looked through; more means that the clock or the schedule is wrong.
const MISSED_MAX: usize = 10_000;

/// The controller.
#[derive(Clone, Copy, Debug)]
pub(crate) struct CronJobs;

/// Everything one decision looks at.
#[derive(Debug)]
struct View {
    cron: Arc<CronJob>,
    /// By name.
    jobs: Vec<Arc<Job>>,
    now: Timestamp,
}

impl View {
    fn of(look: &Look<'_>, key: &Key) -> Option<Self> {
        let cron = look.sources.cron_jobs.get(&key.namespace, &key.name)?;
        let uid = cron.metadata.uid.as_deref().unwrap_or("");
        let mut jobs = look.sources.jobs.owned_by(uid);
        jobs.retain(|job| ownership::is_controlled_by(&job.metadata, uid));
        jobs.sort_by(|a, b| a.metadata.name.cmp(&b.metadata.name));
        Some(Self { cron, jobs, now: look.now })
    }
}

fn reconcile(view: &View) -> Plan {
    let mut plan = Plan::default();
    let cron = &*view.cron;
    let mut status = cron.status.clone().unwrap_or_default();
    follow(view, &mut status, &mut plan);
    forget(view, &mut plan);
    if cron.metadata.deletion_timestamp.is_none() && cron.spec.suspend != Some(true) {
        start(view, &mut status, &mut plan);
    }
    let mut wanted = cron.clone();
    wanted.status = Some(status);
    plan.status_if_changed(cron, wanted);
    plan
}

/// Brings the list of running Jobs to what is seen.
fn follow(view: &View, status: &mut CronJobStatus, plan: &mut Plan) {
    let cron = &*view.cron;
    let uid_of = |job: &Job| job.metadata.uid.clone();
    let mut active = status.active.take().unwrap_or_default();
    active.retain(|known| {
        let name = known.name.as_deref().unwrap_or("");
        match view.jobs.iter().find(|job| uid_of(job) == known.uid) {
            None => {
                let text = format!("Active job went missing: {name}");
                plan.event(Event::normal(cron, "MissingJob", text));
                false
            }
            Some(job) if finished_at(job).is_some() => {
                let how = outcome(job);
                let text = format!("Saw completed job: {name}, condition: {how}");
                plan.event(Event::normal(cron, "SawCompletedJob", text));
                false
            }
            Some(_) => true,
        }
    });
    for job in &view.jobs {
        let due = due_of(job);
        status.last_schedule_time = status.last_schedule_time.take().max(due.map(Time));
        let is_known = active.iter().any(|known| known.uid == uid_of(job));
        if finished_at(job).is_none() && !is_known {
            active.push(crate::reference(&**job));
        }
        if outcome(job) == "Complete" {
            let ended = job.status.as_ref().and_then(|status| status.completion_time.clone());
            status.last_successful_time = status.last_successful_time.take().max(ended);
        }
    }
    status.active = Some(active).filter(|active| !active.is_empty());
}

fn outcome(job: &Job) -> &str {
    let conditions = job.status.as_ref().and_then(|status| status.conditions.as_ref());
    let ended = |type_: &str| matches!(type_, "Complete" | "Failed");
    let mut conditions = conditions.into_iter().flatten();
    conditions.find(|c| c.status == "True" && ended(&c.type_)).map_or("", |c| &c.type_)
}

/// When a Job that this controller made was due.
fn due_of(job: &Job) -> Option<Timestamp> {
    job.metadata.annotations.as_ref()?.get(DUE_NOTE)?.parse().ok()
}

/// Deletes the oldest finished Jobs beyond the limits.
fn forget(view: &View, plan: &mut Plan) {
    let spec = &view.cron.spec;
    let limits = [
        ("Complete", spec.successful_jobs_history_limit.unwrap_or(3)),
        ("Failed", spec.failed_jobs_history_limit.unwrap_or(1)),
    ];
    for (how, limit) in limits {
        let of_kind =
            |job: &&Arc<Job>| outcome(job) == how && job.metadata.deletion_timestamp.is_none();
        let mut jobs: Vec<&Arc<Job>> = view.jobs.iter().filter(of_kind).collect();
        let started = |job: &Job| job.status.as_ref().and_then(|s| s.start_time.clone());
        jobs.sort_by_key(|job| (started(job), job.metadata.name.clone()));
        let excess = jobs.len().saturating_sub(usize::try_from(limit).unwrap_or(0));
        jobs.into_iter().take(excess).for_each(|job| plan.act(delete(view, job)));
    }
}

fn delete(view: &View, job: &Job) -> Action {
    let success = ("SuccessfulDelete", "Deleted job {}");
    let told = Announce::both(&*view.cron, success, ("FailedDelete", "Deleted job: {}"));
    Action::Delete {
        target: Target::of(job),
        propagation: Some(Propagation::Background),
        grace_secs: None,
        announce: Some(told),
    }
}

fn start(view: &View, status: &mut CronJobStatus, plan: &mut Plan) {
    let cron = &*view.cron;
    let spec = &cron.spec;
    let zone = match spec.time_zone.as_deref().filter(|zone| !zone.is_empty()) {
        None => TimeZone::UTC,
        Some(name) => match TimeZone::get(name) {
            Ok(zone) => zone,
            Err(error) => {
                let text = format!("invalid timeZone: \"{name}\": {error}");
                plan.event(Event::warning(cron, "UnknownTimeZone", text));
                return;
            }
        },
    };
    let Some(schedule) = Schedule::parse(&spec.schedule, zone.clone()) else {
        let text = format!("unparseable schedule: \"{}\"", spec.schedule);
        plan.event(Event::warning(cron, "UnparseableSchedule", text));
        return;
    };
    let created = cron.metadata.creation_timestamp.as_ref().map_or(view.now, |time| time.0);
    let mut since = status.last_schedule_time.as_ref().map_or(created, |time| time.0);
    let deadline = spec.starting_deadline_seconds.map(SignedDuration::from_secs);
    if let Some(deadline) = deadline {
        since = since.max(view.now - deadline);
    }
    let (due, next) = latest_due(&schedule, since, view.now);
    if let Some(next) = next {
        // A little later, so that the time has surely come.
        let wait = next.duration_since(view.now).unsigned_abs();
        plan.wake_in(wait + Duration::from_millis(100));
    }
    let Some(due) = due else { return };
    let name = job_name(cron, due);
    if view.jobs.iter().any(|job| job.metadata.name.as_ref() == Some(&name)) {
        return;
    }
    let running: Vec<&Arc<Job>> =
        view.jobs.iter().filter(|job| finished_at(job).is_none()).collect();
    match spec.concurrency_policy.as_deref() {
        // The end of the running Job looks again.
        Some("Forbid") if !running.is_empty() => return,
        Some("Replace") => {
            running.iter().for_each(|job| plan.act(delete(view, job)));
            // Nobody is to miss them.
            let is_replaced =
                |known: &ObjectReference| running.iter().any(|job| job.metadata.uid == known.uid);
            let active = status.active.take().unwrap_or_default().into_iter();
            let left: Vec<_> = active.filter(|known| !is_replaced(known)).collect();
            status.active = Some(left).filter(|active| !active.is_empty());
        }
        _ => {}
    }
    plan.act(create(cron, name, &due.to_zoned(zone)));
}

/// The latest time that is due and the first that is not.
fn latest_due(
    schedule: &Schedule,
    since: Timestamp,
    now: Timestamp,
) -> (Option<Timestamp>, Option<Timestamp>) {
    let mut due = None;
    let mut next = schedule.next(since);
    for _ in 0..MISSED_MAX {
        match next {
            Some(time) if time <= now => {
                due = next;
                next = schedule.next(time);
            }
            _ => return (due, next),
        }
    }
    // So many were missed that only the present counts.
    (due, schedule.next(now))
}

/// The name of the Job of one time: minutes since the epoch.
fn job_name(cron: &CronJob, due: Timestamp) -> String {
    let name = cron.metadata.name.as_deref().unwrap_or("");
    format!("{name}-{}", due.as_second() / 60)
}

fn create(cron: &CronJob, name: String, due: &Zoned) -> Action {
    let template = &cron.spec.job_template;
    let described = template.metadata.clone().unwrap_or_default();
    let mut notes = described.annotations.unwrap_or_default();
    let offset = if due.offset().is_zero() { "Z" } else { "%:z" };
    let text = due.strftime(&format!("%Y-%m-%dT%H:%M:%S{offset}")).to_string();
    notes.insert(DUE_NOTE.to_owned(), text);
    let job = Job {
        metadata: ObjectMeta {
            name: Some(name),
            namespace: cron.metadata.namespace.clone(),
            labels: described.labels,
            annotations: Some(notes),
            owner_references: Some(vec![ownership::controller_reference(cron)]),
            ..ObjectMeta::default()
        },
        spec: template.spec.clone(),
        status: None,
    };
    let success = ("SuccessfulCreate", "Created job {}");
    let told = Announce::both(cron, success, ("FailedCreate", "Error creating job: {}"));
    Action::Create { object: job.into_any(), announce: Some(told) }
}

impl Controller for CronJobs {
    fn name(&self) -> &'static str {
        "cronjob"
    }

    fn component(&self) -> &'static str {
        "cronjob-controller"
    }

    fn watches(&self) -> Vec<Watch> {
        vec![Watch::itself::<CronJob>(), Watch::controller::<Job, CronJob>()]
    }

    fn plan(&self, look: &Look<'_>, key: &Key) -> Plan {
        View::of(look, key).map(|view| reconcile(&view)).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests;
