//! A Pod that was here before this process: its state is what its last status says, and what ran then has ended since.
//!
//! Instances live in the process, so they ended with it. Each counts as ended with exit code 255, as Kubernetes says of
//! containers it lost sight of, and its restart policy decides.

use jiff::Timestamp;
use k8s_openapi::api::core::v1 as core;

use super::backoff::Backoff;
use super::plan::Plan;
use super::state::{Container, End, Ended, Pod, Stage, State};

const LOST: i32 = 255;

impl Pod {
    /// The state that follows from what is known of the Pod. A Pod without a status is a new one.
    pub(crate) fn restore(pod: &core::Pod, now: Timestamp) -> Self {
        let mut restored = Self::new(Plan::of(pod), now);
        let Some(status) = &pod.status else { return restored };
        if let Some(start) = &status.start_time {
            restored.since = start.0;
        }
        restored.conditions = super::status::known_conditions(status);
        restored.is_initialized = restored
            .conditions
            .iter()
            .any(|condition| condition.kind == "Initialized" && condition.is_true);
        let statuses = || {
            let init = status.init_container_statuses.iter().flatten();
            init.chain(status.container_statuses.iter().flatten())
        };
        for (plan, container) in restored.plan.containers.iter().zip(&mut restored.containers) {
            if let Some(known) = statuses().find(|known| *known.name == *plan.name) {
                *container = remembered(known, plan.restart, now);
            }
        }
        let is_success = match status.phase.as_deref() {
            Some("Succeeded") => true,
            Some("Failed") => false,
            _ => return restored,
        };
        restored.ip = status.pod_ip.as_ref().and_then(|ip| ip.parse().ok());
        restored.stage = Stage::Finished(End {
            is_success,
            reason: status.reason.as_deref().and_then(known_reason),
            message: status.message.clone(),
        });
        restored
    }
}

/// Reasons that this node gives a Pod as a whole.
fn known_reason(reason: &str) -> Option<&'static str> {
    ["DeadlineExceeded", "UnsupportedPod", "Evicted"].into_iter().find(|known| *known == reason)
}

fn remembered(
    known: &core::ContainerStatus,
    restart: super::plan::Restart,
    now: Timestamp,
) -> Container {
    let restarts = u32::try_from(known.restart_count).unwrap_or(0);
    let instance = restarts + 1;
    let mut container = Container::new();
    container.restarts = restarts;
    container.image_id.clone_from(&known.image_id);
    container.restart_backoff = Backoff::after_restarts(restarts);
    let state = known.state.as_ref();
    let last = known.last_state.as_ref().and_then(|last| last.terminated.as_ref());
    if let Some(terminated) = state.and_then(|state| state.terminated.as_ref()) {
        container.instance = instance;
        container.last = last.map(|last| ended(last, instance.saturating_sub(1)));
        let ended = ended(terminated, instance);
        container.state = if restart.wants(ended.code) {
            State::BackingOff { until: now, wait_secs: 0, ended }
        } else {
            State::Ended(ended)
        };
    } else if let Some(running) = state.and_then(|state| state.running.as_ref()) {
        container.instance = instance;
        let vanished = Ended {
            instance,
            code: LOST,
            reason: "Unknown".to_owned(),
            message: "the node's process ended".to_owned(),
            started: running.started_at.as_ref().map(|time| time.0),
            finished: now,
        };
        container.last = last.map(|last| ended(last, instance.saturating_sub(1)));
        container.state = if restart.wants(LOST) {
            State::BackingOff { until: now, wait_secs: 0, ended: vanished }
        } else {
            State::Ended(vanished)
        };
    } else if let Some(last) = last {
        container.instance = instance;
        container.last = Some(ended(last, instance));
    }
    container
}

fn ended(terminated: &core::ContainerStateTerminated, instance: u32) -> Ended {
    Ended {
        instance,
        code: terminated.exit_code,
        reason: terminated.reason.clone().unwrap_or_default(),
        message: terminated.message.clone().unwrap_or_default(),
        started: terminated.started_at.as_ref().map(|time| time.0),
        finished: terminated.finished_at.as_ref().map_or(Timestamp::UNIX_EPOCH, |time| time.0),
    }
}
