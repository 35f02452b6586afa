//! The life of a Pod: what happened goes in, what to do comes out. No clock, no I/O, no task.
//!
//! ```text
//! Preparing -> Active -> Ending -> TearingDown -> Finished -> Gone
//!      \__________________/ ^ \__________________/ ^            ^
//!      expired, deleted early                      | deleted    | the object is removed
//!
//! Waiting -> Pulling -> Creating -> Running -> Stopping -> Ended
//!              ^  \        |  \        \___________\_____> BackingOff -> Pulling
//!              |   v       |   \_> Failed (configuration)
//!              +-- Failed <+       (an image or a ConfigMap that is missing is tried again)
//! ```
//!
//! [`step`] first takes the event in, then looks at the whole state and does what is due; what woke it plays no part in that. Init containers
//! run one after the other, sidecars begin in their place and end after the others, in reverse.
//! <https://kubernetes.io/docs/concepts/workloads/pods/pod-lifecycle/>

use jiff::Timestamp;

use super::after_secs;
use super::container;
use super::event::{Effect, Event, FailureKind, Note};
use super::plan::Role;
use super::state::{Deleting, End, Pod, Stage, State, StopPhase};

/// What stays of a grace period when a hook has used it up.
pub(super) const GRACE_SECS_MIN: i64 = 2;

/// Takes an event and answers what to do.
pub(crate) fn step(pod: &mut Pod, event: Event, now: Timestamp) -> Vec<Effect> {
    if pod.is_gone() {
        return Vec::new();
    }
    let mut turn = Turn { pod, now, effects: Vec::new(), is_changed: false };
    turn.take(event);
    // A stage may hand over to the next at once; there are six.
    loop {
        let before = std::mem::discriminant(&turn.pod.stage);
        turn.advance();
        if before == std::mem::discriminant(&turn.pod.stage) {
            break;
        }
    }
    if turn.is_changed && !turn.pod.is_gone() {
        super::status::refresh(turn.pod, now);
        turn.effects.push(Effect::Report);
    }
    turn.effects
}

/// When the machine wants to be called again, whatever else happens.
pub(crate) fn deadline(pod: &Pod) -> Option<Timestamp> {
    match &pod.stage {
        Stage::Preparing { retry, .. } => earliest([*retry, expiry(pod)]),
        Stage::Active => {
            earliest(pod.containers.iter().map(container::deadline).chain([expiry(pod)]))
        }
        Stage::Ending(_) => earliest(pod.containers.iter().map(container::deadline)),
        Stage::TearingDown(_) | Stage::Finished(_) | Stage::Gone(_) => None,
    }
}

fn earliest(moments: impl IntoIterator<Item = Option<Timestamp>>) -> Option<Timestamp> {
    moments.into_iter().flatten().min()
}

/// When `activeDeadlineSeconds` ends the Pod.
fn expiry(pod: &Pod) -> Option<Timestamp> {
    pod.plan.deadline_secs.map(|secs| after_secs(pod.since, secs))
}

/// One call of [`step`].
pub(super) struct Turn<'a> {
    pub(super) pod: &'a mut Pod,
    pub(super) now: Timestamp,
    pub(super) effects: Vec<Effect>,
    pub(super) is_changed: bool,
}

impl Turn<'_> {
    fn take(&mut self, event: Event) {
        match event {
            Event::Tick => {}
            Event::Prepared { ip } => self.prepared(ip),
            Event::PrepareFailed { message } => self.prepare_failed(message),
            Event::Pulled { container, image } => self.pulled(container, image),
            Event::PullFailed { container, failure } => self.pull_failed(container, failure),
            Event::Started { container, instance } => self.started(container, instance),
            Event::StartFailed { container, instance, failure } => {
                self.start_failed(container, instance, failure);
            }
            Event::Exited { container, instance, code, reason, message } => {
                self.exited(container, instance, code, reason, message);
            }
            Event::Hooked { container, instance, error } => {
                self.hooked(container, instance, error.is_some());
            }
            Event::Probed { container, instance, kind, error } => {
                self.probed(container, instance, kind, error);
            }
            Event::Replaced { container } => self.replaced(container),
            Event::Delete { grace_secs } => self.delete(grace_secs, false),
            Event::Removed => self.delete(0, true),
            Event::TornDown => {
                if let Stage::TearingDown(end) = &self.pod.stage {
                    self.pod.stage = Stage::Finished(end.clone());
                    self.is_changed = true;
                }
            }
        }
    }

    fn prepared(&mut self, ip: std::net::IpAddr) {
        if let Stage::Preparing { .. } = self.pod.stage {
            self.pod.ip = Some(ip);
            self.pod.stage = Stage::Active;
            self.is_changed = true;
        }
    }

    fn prepare_failed(&mut self, message: String) {
        let now = self.now;
        if let Stage::Preparing { retry, backoff } = &mut self.pod.stage {
            let (until, _) = backoff.fail(now);
            *retry = Some(until);
            self.record(true, "FailedMount", message, None);
        }
    }

    fn delete(&mut self, grace_secs: i64, is_removed: bool) {
        let deadline = after_secs(self.now, grace_secs.max(0));
        let known = self.pod.deleting;
        self.pod.deleting = Some(Deleting {
            // Asking again can only shorten the wait.
            deadline: known.map_or(deadline, |known| known.deadline.min(deadline)),
            is_removed: is_removed || known.is_some_and(|known| known.is_removed),
        });
        for container in &mut self.pod.containers {
            if let State::Stopping(stopping) = &mut container.state {
                stopping.kill = stopping.kill.min(deadline);
            }
        }
    }

    /// Does what is due in this stage.
    fn advance(&mut self) {
        let is_deleting = self.pod.deleting.is_some();
        let is_expired = expiry(self.pod).is_some_and(|expiry| expiry <= self.now);
        match &mut self.pod.stage {
            Stage::Preparing { .. } if is_deleting => {
                let end = End { is_success: false, reason: None, message: None };
                self.enter_tear_down(end);
            }
            Stage::Preparing { .. } | Stage::Active if is_expired => {
                let message =
                    "Pod was active on the node longer than the specified deadline".to_owned();
                self.record(false, "DeadlineExceeded", message.clone(), None);
                let reason = Some("DeadlineExceeded");
                self.enter_ending(End { is_success: false, reason, message: Some(message) });
            }
            Stage::Preparing { retry, .. } => {
                if retry.is_some_and(|retry| retry <= self.now) {
                    *retry = None;
                    self.effects.push(Effect::Prepare);
                    // The first report: the node has seen the Pod.
                    self.is_changed = true;
                }
            }
            Stage::Active if is_deleting => {
                self.enter_ending(End { is_success: false, reason: None, message: None });
            }
            Stage::Active => self.run_containers(),
            Stage::Ending(_) => self.end_containers(),
            Stage::TearingDown(_) | Stage::Gone(_) => {}
            Stage::Finished(_) => self.forget_if_deleted(),
        }
    }

    /// Begins what may begin, in order, and finds out whether the Pod is done.
    fn run_containers(&mut self) {
        for index in 0..self.pod.containers.len() {
            match self.pod.plan.containers[index].role {
                Role::Init if self.pod.is_initialized => {}
                Role::Init => {
                    self.progress(index);
                    let container = &self.pod.containers[index];
                    if container.ended_well() {
                        continue;
                    }
                    if matches!(container.state, State::Ended(_)) {
                        let end = End { is_success: false, reason: None, message: None };
                        self.enter_ending(end);
                    }
                    return;
                }
                Role::Sidecar => {
                    self.progress(index);
                    let is_started = self.pod.containers[index].is_started();
                    if !is_started && !self.pod.is_initialized {
                        return;
                    }
                }
                Role::Main => {
                    self.is_changed |= !self.pod.is_initialized;
                    self.pod.is_initialized = true;
                    self.progress(index);
                }
            }
        }
        if self.mains().all(|container| matches!(container.state, State::Ended(_))) {
            let is_success = self.mains().all(super::state::Container::ended_well);
            self.enter_ending(End { is_success, reason: None, message: None });
        }
    }

    fn mains(&self) -> impl Iterator<Item = &super::state::Container> {
        let roles = self.pod.plan.containers.iter().map(|plan| plan.role);
        let pairs = self.pod.containers.iter().zip(roles);
        pairs.filter(|(_, role)| *role == Role::Main).map(|(container, _)| container)
    }

    /// Ends containers, the sidecars after the others and in reverse; hands over when none is left.
    fn end_containers(&mut self) {
        let mut is_waiting = false;
        for index in 0..self.pod.containers.len() {
            if self.pod.plan.containers[index].role != Role::Sidecar {
                self.end(index);
                is_waiting |= self.pod.containers[index].is_alive();
            }
        }
        if is_waiting {
            return;
        }
        for index in (0..self.pod.containers.len()).rev() {
            if self.pod.plan.containers[index].role == Role::Sidecar {
                self.end(index);
                if self.pod.containers[index].is_alive() {
                    return;
                }
            }
        }
        if let Stage::Ending(end) = &self.pod.stage {
            let mut end = end.clone();
            if end.reason.is_none() && self.pod.deleting.is_some() {
                end.is_success = self.mains().all(super::state::Container::ended_well);
            }
            self.enter_tear_down(end);
        }
    }

    fn end(&mut self, index: usize) {
        let grace_secs = self.pod.plan.grace_secs;
        let kill = match self.pod.deleting {
            Some(deleting) => deleting.deadline,
            None => after_secs(self.now, grace_secs),
        };
        let name = &self.pod.plan.containers[index].name;
        let message = format!("Stopping container {name}");
        self.stop(index, kill, message);
        self.progress_stop(index);
        self.settle(index);
    }

    fn enter_ending(&mut self, end: End) {
        self.pod.stage = Stage::Ending(end);
        self.is_changed = true;
    }

    fn enter_tear_down(&mut self, end: End) {
        self.pod.stage = Stage::TearingDown(end);
        self.effects.push(Effect::TearDown);
        self.is_changed = true;
    }

    fn forget_if_deleted(&mut self) {
        let Some(deleting) = self.pod.deleting else { return };
        if !deleting.is_removed {
            if self.is_changed {
                // The last words come before the end.
                super::status::refresh(self.pod, self.now);
                self.effects.push(Effect::Report);
            }
            self.effects.push(Effect::DeleteObject);
        }
        if let Stage::Finished(end) = &self.pod.stage {
            self.pod.stage = Stage::Gone(end.clone());
        }
    }

    pub(super) fn record(
        &mut self,
        is_warning: bool,
        reason: &'static str,
        message: String,
        container: Option<usize>,
    ) {
        self.effects.push(Effect::Record(Note { is_warning, reason, message, container }));
    }
}

/// Whether a failure is tried again.
pub(super) fn is_worth_retrying(kind: FailureKind) -> bool {
    match kind {
        FailureKind::Again => true,
        FailureKind::Ended | FailureKind::Stuck => false,
    }
}

/// Whether a stop has gone as far as it can.
pub(super) fn is_killed(phase: StopPhase) -> bool {
    match phase {
        StopPhase::Killed => true,
        StopPhase::Hook | StopPhase::Asked => false,
    }
}

#[cfg(test)]
mod tests;
