//! One container within the machine: image, start, probes, restarts.
//! <https://kubernetes.io/docs/concepts/workloads/pods/pod-lifecycle/#container-states>

use jiff::Timestamp;

use super::backoff::Backoff;
use super::event::{Effect, Failure, FailureKind, Image};
use super::machine::{GRACE_SECS_MIN, Turn, is_killed, is_worth_retrying};
use super::plan::PullPolicy;
use super::probe::{Kind, Probes, Verdict};
use super::state::{Container, Ended, HookState, Stage, State, StopPhase};
use super::{after, after_secs};

/// How long a failed pull is shown as such before it is shown as waiting.
const PULL_ERROR_SHOWN_MILLIS: i64 = 2000;
/// Between looks for a missing `ConfigMap` or Secret.
const CONFIG_RETRY_SECS: i64 = 10;
/// The exit code of a container that could not begin.
const CANNOT_RUN: i32 = 128;

/// When this container wants the machine to look again.
pub(super) fn deadline(container: &Container) -> Option<Timestamp> {
    match &container.state {
        State::Failed { failed, retry, is_pull, reason, .. } => {
            let shown = after(*failed, PULL_ERROR_SHOWN_MILLIS);
            let is_fresh = *is_pull && *reason == "ErrImagePull";
            match retry {
                Some(retry) if is_fresh => Some(shown.min(*retry)),
                Some(retry) => Some(*retry),
                None => None,
            }
        }
        State::BackingOff { until, .. } => Some(*until),
        State::Running { probes, .. } => probes.next(false),
        State::Stopping(stopping) if is_killed(stopping.phase) => None,
        State::Stopping(stopping) => {
            let probe = stopping.probes.next(true);
            Some(probe.map_or(stopping.kill, |probe| probe.min(stopping.kill)))
        }
        State::Waiting | State::Pulling | State::Creating | State::Ended(_) => None,
    }
}

impl Turn<'_> {
    /// Does what is due for a container whose turn it is.
    pub(super) fn progress(&mut self, index: usize) {
        let now = self.now;
        match &mut self.pod.containers[index].state {
            State::Waiting => self.begin(index),
            State::Failed { retry: Some(retry), .. } if *retry <= now => self.begin(index),
            State::Failed { reason, message, failed, retry: Some(_), is_pull: true }
                if *reason == "ErrImagePull" && after(*failed, PULL_ERROR_SHOWN_MILLIS) <= now =>
            {
                *reason = "ImagePullBackOff";
                let image = &self.pod.plan.containers[index].image;
                let short = format!("Back-off pulling image \"{image}\"");
                *message = format!("{short}: ErrImagePull: {message}");
                self.record(false, "BackOff", short, Some(index));
                self.is_changed = true;
            }
            State::BackingOff { until, ended, .. } if *until <= now => {
                self.pod.containers[index].last = Some(ended.clone());
                self.begin(index);
            }
            State::Running { .. } => self.begin_probes(index),
            State::Stopping(_) => self.progress_stop(index),
            State::Failed { .. }
            | State::BackingOff { .. }
            | State::Pulling
            | State::Creating
            | State::Ended(_) => {}
        }
    }

    fn begin(&mut self, index: usize) {
        self.pod.containers[index].state = State::Pulling;
        self.effects.push(Effect::Pull { container: index });
    }

    pub(super) fn pulled(&mut self, index: usize, image: Image) {
        if self.pod.containers[index].state != State::Pulling || self.pod.stage != Stage::Active {
            return;
        }
        self.record(false, "Pulled", image.note, Some(index));
        let container = &mut self.pod.containers[index];
        container.pull_backoff = Backoff::eager();
        container.image_id = image.id;
        container.instance += 1;
        container.state = State::Creating;
        let instance = container.instance;
        self.effects.push(Effect::Start { container: index, instance });
    }

    pub(super) fn pull_failed(&mut self, index: usize, failure: Failure) {
        let now = self.now;
        if self.pod.containers[index].state != State::Pulling {
            return;
        }
        let plan = &self.pod.plan.containers[index];
        let image = plan.image.clone();
        match failure.reason {
            "ErrImagePull" => {
                let message = format!("Failed to pull image \"{image}\": {}", failure.message);
                self.record(true, "Failed", message, Some(index));
                self.record(true, "Failed", "Error: ErrImagePull".to_owned(), Some(index));
            }
            "InvalidImageName" => {
                self.record(true, "InspectFailed", failure.message.clone(), Some(index));
                self.record(true, "Failed", "Error: InvalidImageName".to_owned(), Some(index));
            }
            reason if plan.pull == PullPolicy::Never => {
                self.record(true, reason, failure.message.clone(), Some(index));
            }
            _ => self.record(true, "Failed", failure.message.clone(), Some(index)),
        }
        let container = &mut self.pod.containers[index];
        let retry = is_worth_retrying(failure.kind).then(|| container.pull_backoff.fail(now).0);
        container.state = State::Failed {
            reason: failure.reason,
            message: failure.message,
            failed: now,
            retry,
            is_pull: true,
        };
        self.is_changed = true;
    }

    pub(super) fn started(&mut self, index: usize, instance: u32) {
        let (now, plan) = (self.now, &self.pod.plan.containers[index]);
        let container = &mut self.pod.containers[index];
        if container.instance != instance || container.state != State::Creating {
            return;
        }
        container.count_restart();
        container.restart_backoff.tried(now);
        let hook = if plan.post_start.is_some() { HookState::Running } else { HookState::None };
        let probes = Box::new(Probes::new(plan, now));
        container.state = State::Running { started: now, probes, hook };
        self.record(false, "Created", "Container created".to_owned(), Some(index));
        self.record(false, "Started", "Container started".to_owned(), Some(index));
        if hook == HookState::Running {
            self.effects.push(Effect::PostStart { container: index, instance });
        }
        self.is_changed = true;
    }

    pub(super) fn start_failed(&mut self, index: usize, instance: u32, failure: Failure) {
        let now = self.now;
        let container = &mut self.pod.containers[index];
        if container.instance != instance || !container.is_alive() {
            return;
        }
        let is_stopping = matches!(container.state, State::Stopping(_));
        if is_stopping || failure.kind == FailureKind::Ended {
            container.count_restart();
            container.restart_backoff.tried(now);
            let message = format!("Error: {}", failure.message);
            self.record(true, "Failed", message, Some(index));
            self.ended(index, CANNOT_RUN, failure.reason, failure.message, None);
            return;
        }
        let retry = is_worth_retrying(failure.kind).then(|| after_secs(now, CONFIG_RETRY_SECS));
        container.state = State::Failed {
            reason: failure.reason,
            message: failure.message.clone(),
            failed: now,
            retry,
            is_pull: false,
        };
        self.record(true, "Failed", format!("Error: {}", failure.message), Some(index));
        self.is_changed = true;
    }

    pub(super) fn exited(
        &mut self,
        index: usize,
        instance: u32,
        code: i32,
        reason: &'static str,
        message: String,
    ) {
        let container = &self.pod.containers[index];
        if container.instance != instance {
            return;
        }
        let started = match &container.state {
            State::Running { started, .. } => Some(*started),
            State::Stopping(stopping) => Some(stopping.started),
            State::Creating => None,
            _ => return,
        };
        self.ended(index, code, reason, message, started);
    }

    /// An instance is no more: the restart policy decides what follows.
    fn ended(
        &mut self,
        index: usize,
        code: i32,
        reason: &str,
        message: String,
        started: Option<Timestamp>,
    ) {
        let now = self.now;
        let policy = self.pod.plan.containers[index].restart;
        let is_active = self.pod.stage == Stage::Active && self.pod.deleting.is_none();
        let container = &mut self.pod.containers[index];
        let ended = Ended {
            instance: container.instance,
            code,
            reason: reason.to_owned(),
            message,
            started,
            finished: now,
        };
        self.is_changed = true;
        if !is_active || !policy.wants(code) {
            container.state = State::Ended(ended);
            return;
        }
        let (until, wait_secs) = container.restart_backoff.fail(now);
        container.state = State::BackingOff { until, wait_secs, ended };
        if wait_secs > 0 {
            let name = &self.pod.plan.containers[index].name;
            let pod = self.pod.plan.long_name();
            let message = format!("Back-off restarting failed container {name} in pod {pod}");
            self.record(true, "BackOff", message, Some(index));
        }
    }

    pub(super) fn hooked(&mut self, index: usize, instance: u32, is_failed: bool) {
        let now = self.now;
        let grace_secs = self.pod.plan.grace_secs;
        let container = &mut self.pod.containers[index];
        if container.instance != instance {
            return;
        }
        match &mut container.state {
            State::Running { hook, .. } if *hook == HookState::Running => {
                *hook = HookState::None;
                self.is_changed = true;
                if is_failed {
                    let message = "PostStartHook failed".to_owned();
                    self.record(true, "FailedPostStartHook", message, Some(index));
                    let kill = after_secs(now, grace_secs);
                    self.stop(index, kill, "FailedPostStartHook".to_owned());
                }
            }
            State::Stopping(stopping) if stopping.phase == StopPhase::Hook => {
                stopping.phase = StopPhase::Asked;
                stopping.kill = stopping.kill.max(after_secs(now, GRACE_SECS_MIN));
                self.effects.push(Effect::Stop { container: index, instance });
                if is_failed {
                    let message = "PreStopHook failed".to_owned();
                    self.record(true, "FailedPreStopHook", message, Some(index));
                }
            }
            _ => {}
        }
    }

    pub(super) fn begin_probes(&mut self, index: usize) {
        let now = self.now;
        let container = &mut self.pod.containers[index];
        let instance = container.instance;
        let due = match &mut container.state {
            State::Running { probes, .. } => probes.begin_due(false, now),
            State::Stopping(stopping) => stopping.probes.begin_due(true, now),
            _ => Vec::new(),
        };
        let probes = due.into_iter();
        self.effects.extend(probes.map(|kind| Effect::Probe { container: index, instance, kind }));
    }

    pub(super) fn probed(
        &mut self,
        index: usize,
        instance: u32,
        kind: Kind,
        error: Option<String>,
    ) {
        let now = self.now;
        let grace_secs = self.pod.plan.grace_secs;
        let plan = &self.pod.plan.containers[index];
        let container = &mut self.pod.containers[index];
        if container.instance != instance {
            return;
        }
        let is_success = error.is_none();
        let verdict = match &mut container.state {
            State::Running { probes, .. } => probes.take(kind, is_success, plan, false, now),
            State::Stopping(stopping) => stopping.probes.take(kind, is_success, plan, true, now),
            _ => return,
        };
        if let Some(error) = error {
            let message = format!("{} probe failed: {error}", kind.name());
            self.record(true, "Unhealthy", message, Some(index));
        }
        match verdict {
            Verdict::Nothing => {}
            Verdict::Changed => self.is_changed = true,
            Verdict::Stop(own_grace_secs) => {
                let plan = &self.pod.plan.containers[index];
                let what = kind.name().to_lowercase();
                let mut message = format!("Container {} failed {what} probe", plan.name);
                if plan.restart.wants(1) {
                    message.push_str(", will be restarted");
                }
                let kill = after_secs(now, own_grace_secs.unwrap_or(grace_secs));
                self.stop(index, kill, message);
            }
        }
    }

    /// Runs the new image: what runs is stopped and restarted by policy, what failed is tried again at once.
    pub(super) fn replaced(&mut self, index: usize) {
        let (now, grace_secs) = (self.now, self.pod.plan.grace_secs);
        match &mut self.pod.containers[index].state {
            State::Failed { retry, .. } => *retry = Some(now),
            State::Running { .. } => {
                let name = &self.pod.plan.containers[index].name;
                let message = format!("Container {name} definition changed, will be restarted");
                self.stop(index, after_secs(now, grace_secs), message);
            }
            State::Waiting
            | State::Pulling
            | State::Creating
            | State::Stopping(_)
            | State::BackingOff { .. }
            | State::Ended(_) => {}
        }
    }
}

impl Container {
    /// Counts an instance that follows another one.
    fn count_restart(&mut self) {
        if self.last.as_ref().is_some_and(|last| last.instance < self.instance) {
            self.restarts += 1;
        }
    }
}
