//! How `kubectl get pods` shows a Pod.
//!
//! The status column tells the most interesting thing about the containers, and falls back to the phase.

use std::collections::BTreeMap;

use jiff::Timestamp;
use k8s_openapi::api::core::v1::{
    Container, ContainerState, ContainerStateTerminated, ContainerStatus, Pod, PodCondition,
    PodSpec, PodStatus,
};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use meta::Tree;
use serde_json::json;

use super::qos::is_sidecar;
use crate::columns::{self, NONE};
use crate::wire::OrEmpty;

pub(super) fn cells(pod: &Pod, now: Timestamp) -> Vec<Tree> {
    let (no_spec, no_status) = (PodSpec::default(), PodStatus::default());
    let spec = pod.spec.as_ref().unwrap_or(&no_spec);
    let status = pod.status.as_ref().unwrap_or(&no_status);
    let summary = summarise(pod, spec, status);
    let restarts = match &summary.last_restart {
        Some(time) if summary.restarts != 0 => {
            format!("{} ({} ago)", summary.restarts, columns::since(Some(time), now))
        }
        _ => summary.restarts.to_string(),
    };
    let ip = status.pod_ips.or_empty().first().map(|ip| ip.ip.as_str()).unwrap_or_default();
    vec![
        columns::name(&pod.metadata),
        Tree::from(format!("{}/{}", summary.ready, summary.total)),
        Tree::from(summary.reason),
        Tree::from(restarts),
        columns::age(&pod.metadata, now),
        or_none(ip),
        or_none(spec.node_name.or_empty()),
        or_none(status.nominated_node_name.or_empty()),
        Tree::from(readiness_gates(spec, status)),
    ]
}

fn or_none(text: &str) -> Tree {
    Tree::from(if text.is_empty() { NONE } else { text })
}

pub(super) fn conditions(pod: &Pod) -> Vec<Tree> {
    let (reason, message) = match pod.status.as_ref().and_then(|status| status.phase.as_deref()) {
        Some("Succeeded") => ("Succeeded", "The pod has completed successfully."),
        Some("Failed") => ("Failed", "The pod failed."),
        _ => return Vec::new(),
    };
    vec![json!({ "type": "Completed", "status": "True", "reason": reason, "message": message })]
}

#[derive(Default)]
struct Summary {
    reason: String,
    ready: usize,
    total: usize,
    restarts: i32,
    last_restart: Option<Time>,
}

impl Summary {
    fn count_restarts(&mut self, container: &ContainerStatus) {
        self.restarts += container.restart_count;
        let last = container.last_state.as_ref().and_then(|state| state.terminated.as_ref());
        if let Some(finished) = last.and_then(|terminated| terminated.finished_at.clone())
            && self.last_restart.as_ref().is_none_or(|latest| *latest < finished)
        {
            self.last_restart = Some(finished);
        }
    }
}

fn summarise(pod: &Pod, spec: &PodSpec, status: &PodStatus) -> Summary {
    let phase = status.phase.or_empty();
    let gated = status.conditions.or_empty().iter().any(|condition| {
        condition.type_ == "PodScheduled" && condition.reason.as_deref() == Some("SchedulingGated")
    });
    let mut summary = Summary {
        reason: match status.reason.or_empty() {
            _ if gated => "SchedulingGated",
            "" => phase,
            reason => reason,
        }
        .to_owned(),
        total: spec.containers.len(),
        ..Summary::default()
    };
    let mut of_sidecars = Summary::default();
    let is_initialising = init_containers(&mut summary, &mut of_sidecars, spec, status);
    if !is_initialising || has_condition(status, "Initialized") {
        summary.restarts = of_sidecars.restarts;
        summary.last_restart = of_sidecars.last_restart;
        containers(&mut summary, status);
    }
    if pod.metadata.deletion_timestamp.is_some() {
        if status.reason.as_deref() == Some("NodeLost") {
            "Unknown".clone_into(&mut summary.reason);
        } else if !matches!(phase, "Failed" | "Succeeded") {
            "Terminating".clone_into(&mut summary.reason);
        }
    }
    summary
}

/// Looks at init containers up to the first one that is not done. Returns whether there is such a one.
fn init_containers(
    summary: &mut Summary,
    of_sidecars: &mut Summary,
    spec: &PodSpec,
    status: &PodStatus,
) -> bool {
    let by_name: BTreeMap<&str, &Container> = spec
        .init_containers
        .or_empty()
        .iter()
        .map(|container| (container.name.as_str(), container))
        .collect();
    summary.total += by_name.values().filter(|container| is_sidecar(container)).count();
    let none = ContainerState::default();
    for (index, container) in status.init_container_statuses.or_empty().iter().enumerate() {
        summary.count_restarts(container);
        let sidecar = by_name.get(container.name.as_str()).is_some_and(|c| is_sidecar(c));
        if sidecar {
            of_sidecars.count_restarts(container);
        }
        let state = container.state.as_ref().unwrap_or(&none);
        let waiting =
            state.waiting.as_ref().map(|waiting| waiting.reason.or_empty()).unwrap_or_default();
        match &state.terminated {
            Some(terminated) if terminated.exit_code == 0 => continue,
            _ if sidecar && container.started == Some(true) => {
                summary.ready += usize::from(container.ready);
                continue;
            }
            Some(terminated) => summary.reason = format!("Init:{}", why_it_ended(terminated)),
            None if !matches!(waiting, "" | "PodInitializing") => {
                summary.reason = format!("Init:{waiting}");
            }
            None => summary.reason = format!("Init:{index}/{}", by_name.len()),
        }
        return true;
    }
    false
}

fn containers(summary: &mut Summary, status: &PodStatus) {
    let (mut is_running, mut error) = (false, None);
    let none = ContainerState::default();
    for container in status.container_statuses.or_empty().iter().rev() {
        summary.count_restarts(container);
        let state = container.state.as_ref().unwrap_or(&none);
        let waiting =
            state.waiting.as_ref().map(|waiting| waiting.reason.or_empty()).unwrap_or_default();
        if !waiting.is_empty() {
            waiting.clone_into(&mut summary.reason);
        } else if let Some(terminated) = &state.terminated {
            summary.reason = why_it_ended(terminated);
            if terminated.exit_code != 0 {
                error = Some(summary.reason.clone());
            }
        } else if container.ready && state.running.is_some() {
            is_running = true;
            summary.ready += 1;
        }
    }
    if summary.reason == "Completed" {
        if is_running && has_condition(status, "Ready") {
            "Running".clone_into(&mut summary.reason);
        } else if let Some(error) = error {
            summary.reason = error;
        } else if is_running {
            "NotReady".clone_into(&mut summary.reason);
        }
    }
}

fn why_it_ended(terminated: &ContainerStateTerminated) -> String {
    match (terminated.reason.or_empty(), terminated.signal.unwrap_or_default()) {
        ("", 0) => format!("ExitCode:{}", terminated.exit_code),
        ("", signal) => format!("Signal:{signal}"),
        (reason, _) => reason.to_owned(),
    }
}

fn has_condition(status: &PodStatus, name: &str) -> bool {
    let is = |condition: &&PodCondition| condition.type_ == name;
    status.conditions.or_empty().iter().find(is).is_some_and(|found| found.status == "True")
}

fn readiness_gates(spec: &PodSpec, status: &PodStatus) -> String {
    let gates = spec.readiness_gates.or_empty();
    if gates.is_empty() {
        return NONE.to_owned();
    }
    let open = gates.iter().filter(|gate| has_condition(status, &gate.condition_type)).count();
    format!("{open}/{}", gates.len())
}
