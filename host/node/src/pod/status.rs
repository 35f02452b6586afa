//! What the world is told of a Pod: its state as a `PodStatus`, in one function, and its conditions with the moments they last changed.
//! <https://kubernetes.io/docs/concepts/workloads/pods/pod-lifecycle/#pod-conditions>

use std::collections::BTreeMap;
use std::net::IpAddr;

use jiff::Timestamp;
use k8s_openapi::api::core::v1 as core;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;

use super::plan::Role;
use super::state::{Container, End, Ended, HookState, Pod, Stage, State};

/// A condition as the node sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Condition {
    pub(crate) kind: &'static str,
    pub(crate) is_true: bool,
    pub(crate) reason: Option<&'static str>,
    pub(crate) message: Option<String>,
    pub(crate) since: Timestamp,
}

/// What the status needs beside the state.
#[derive(Clone, Debug)]
pub(crate) struct Surroundings<'a> {
    /// The newest version of the Pod, for readiness gates, images and the generation.
    pub(crate) pod: &'a core::Pod,
    pub(crate) host_ip: Option<IpAddr>,
    pub(crate) now: Timestamp,
}

/// Brings the conditions up to date with the state.
pub(super) fn refresh(pod: &mut Pod, now: Timestamp) {
    let mut wanted = vec![sandbox(pod), initialized(pod), containers_ready(pod)];
    for condition in &mut wanted {
        let known = pod.conditions.iter().find(|known| known.kind == condition.kind);
        condition.since = match known {
            Some(known) if known.is_true == condition.is_true => known.since,
            _ => now,
        };
    }
    pod.conditions = wanted;
}

/// The node's own conditions in a status that it wrote before.
pub(super) fn known_conditions(status: &core::PodStatus) -> Vec<Condition> {
    let own = ["PodReadyToStartContainers", "Initialized", "ContainersReady", "Ready"];
    let conditions = status.conditions.iter().flatten();
    conditions
        .filter_map(|condition| {
            Some(Condition {
                kind: own.into_iter().find(|kind| *kind == condition.type_)?,
                is_true: condition.status == "True",
                reason: None,
                message: None,
                since: condition.last_transition_time.as_ref()?.0,
            })
        })
        .collect()
}

fn condition(kind: &'static str, failure: Option<(&'static str, Option<String>)>) -> Condition {
    let is_true = failure.is_none();
    let (reason, message) = failure.map_or((None, None), |(reason, text)| (Some(reason), text));
    Condition { kind, is_true, reason, message, since: Timestamp::UNIX_EPOCH }
}

fn sandbox(pod: &Pod) -> Condition {
    let is_there = matches!(pod.stage, Stage::Active | Stage::Ending(_));
    condition("PodReadyToStartContainers", (!is_there).then_some(("", None)))
}

fn initialized(pod: &Pod) -> Condition {
    let kind = "Initialized";
    if pod.end().is_some_and(|end| end.is_success) {
        let mut done = condition(kind, None);
        done.reason = Some("PodCompleted");
        return done;
    }
    let incomplete = names(pod, |role, container| match role {
        Role::Init => !container.ended_well(),
        Role::Sidecar => !container.is_started(),
        Role::Main => false,
    });
    if pod.is_initialized || incomplete.is_empty() {
        return condition(kind, None);
    }
    let message = format!("containers with incomplete status: [{incomplete}]");
    condition(kind, Some(("ContainersNotInitialized", Some(message))))
}

fn containers_ready(pod: &Pod) -> Condition {
    let kind = "ContainersReady";
    match pod.end() {
        Some(End { is_success: true, .. }) => return condition(kind, Some(("PodCompleted", None))),
        Some(End { is_success: false, .. }) => return condition(kind, Some(("PodFailed", None))),
        None => {}
    }
    let unready = names(pod, |role, container| role != Role::Init && !container.is_ready());
    if unready.is_empty() {
        return condition(kind, None);
    }
    let message = format!("containers with unready status: [{unready}]");
    condition(kind, Some(("ContainersNotReady", Some(message))))
}

fn names(pod: &Pod, counts: impl Fn(Role, &Container) -> bool) -> String {
    let pairs = pod.plan.containers.iter().zip(&pod.containers);
    let counted = pairs.filter(|(plan, container)| counts(plan.role, container));
    counted.map(|(plan, _)| &*plan.name).collect::<Vec<_>>().join(" ")
}

/// The Pod's status.
pub(crate) fn status(pod: &Pod, around: &Surroundings<'_>) -> core::PodStatus {
    let generation = around.pod.metadata.generation;
    let end = pod.end();
    let ending = match &pod.stage {
        Stage::Ending(end) => Some(end),
        _ => end,
    };
    let host_ip = around.host_ip.map(|ip| ip.to_string());
    let pod_ip = pod.ip.map(|ip| ip.to_string());
    let mut conditions: Vec<core::PodCondition> =
        pod.conditions.iter().map(|condition| wire(condition, generation)).collect();
    conditions.push(ready(pod, around, generation));
    let (init, main) = container_statuses(pod, around.pod);
    core::PodStatus {
        phase: Some(phase(pod).to_owned()),
        reason: ending.and_then(|end| end.reason).map(str::to_owned),
        message: ending.and_then(|end| end.message.clone()),
        conditions: Some(conditions),
        host_ip: host_ip.clone(),
        host_ips: host_ip.map(|ip| vec![core::HostIP { ip }]),
        pod_ip: pod_ip.clone(),
        pod_ips: pod_ip.map(|ip| vec![core::PodIP { ip }]),
        start_time: Some(Time(seconds(pod.since))),
        init_container_statuses: (!init.is_empty()).then_some(init),
        container_statuses: Some(main),
        observed_generation: generation,
        ..core::PodStatus::default()
    }
}

/// The phase: a summary that counts a Pod as running once its first main container has.
pub(crate) fn phase(pod: &Pod) -> &'static str {
    match pod.end() {
        Some(End { is_success: true, .. }) => return "Succeeded",
        Some(End { is_success: false, .. }) => return "Failed",
        None => {}
    }
    let has_begun = |container: &Container| match &container.state {
        State::Running { .. } | State::Stopping(_) | State::BackingOff { .. } | State::Ended(_) => {
            true
        }
        State::Waiting | State::Pulling | State::Creating | State::Failed { .. } => {
            container.last.is_some()
        }
    };
    let mut mains = pod
        .plan
        .containers
        .iter()
        .zip(&pod.containers)
        .filter(|(plan, _)| plan.role == Role::Main)
        .map(|(_, container)| container);
    if pod.is_initialized && mains.all(has_begun) { "Running" } else { "Pending" }
}

fn ready(pod: &Pod, around: &Surroundings<'_>, generation: Option<i64>) -> core::PodCondition {
    let containers = pod.conditions.iter().find(|known| known.kind == "ContainersReady");
    let known = around.pod.status.iter().flat_map(|status| status.conditions.iter().flatten());
    let gates = around.pod.spec.iter().flat_map(|spec| spec.readiness_gates.iter().flatten());
    let closed: Vec<String> = gates
        .filter_map(|gate| {
            let kind = &gate.condition_type;
            match known.clone().find(|condition| condition.type_ == *kind) {
                None => Some(format!(
                    "corresponding condition of pod readiness gate \"{kind}\" does not exist."
                )),
                Some(condition) if condition.status != "True" => Some(format!(
                    "the status of pod readiness gate \"{kind}\" is not \"True\", but {}",
                    condition.status
                )),
                Some(_) => None,
            }
        })
        .collect();
    let mut ready = Condition {
        kind: "Ready",
        is_true: containers.is_some_and(|containers| containers.is_true) && closed.is_empty(),
        reason: containers.and_then(|containers| containers.reason),
        message: containers.and_then(|containers| containers.message.clone()),
        since: around.now,
    };
    if containers.is_some_and(|containers| containers.is_true) && !closed.is_empty() {
        ready.reason = Some("ReadinessGatesNotReady");
        ready.message = Some(closed.join(", "));
    }
    let mut wire = wire(&ready, generation);
    // The moment is the API object's where that says the same already, and the containers' otherwise.
    let before = known.clone().find(|condition| condition.type_ == "Ready");
    match before {
        Some(before) if before.status == wire.status => {
            wire.last_transition_time.clone_from(&before.last_transition_time);
        }
        _ if closed.is_empty() => {
            wire.last_transition_time =
                containers.map(|containers| Time(seconds(containers.since)));
        }
        _ => {}
    }
    wire
}

fn wire(condition: &Condition, generation: Option<i64>) -> core::PodCondition {
    core::PodCondition {
        type_: condition.kind.to_owned(),
        status: if condition.is_true { "True" } else { "False" }.to_owned(),
        reason: condition.reason.filter(|reason| !reason.is_empty()).map(str::to_owned),
        message: condition.message.clone(),
        last_transition_time: Some(Time(seconds(condition.since))),
        observed_generation: generation,
        ..core::PodCondition::default()
    }
}

fn container_statuses(
    pod: &Pod,
    object: &core::Pod,
) -> (Vec<core::ContainerStatus>, Vec<core::ContainerStatus>) {
    let (mut init, mut main) = (Vec::new(), Vec::new());
    let before: BTreeMap<&str, &core::ContainerStatus> = object
        .status
        .iter()
        .flat_map(|s| s.container_statuses.iter().chain(&s.init_container_statuses).flatten())
        .map(|status| (status.name.as_str(), status))
        .collect();
    for (plan, container) in pod.plan.containers.iter().zip(&pod.containers) {
        let initializing = if has_init(pod) { "PodInitializing" } else { "ContainerCreating" };
        let (state, last) = states(pod, &plan.name, container, initializing);
        let is_ready = match plan.role {
            Role::Init => container.ended_well(),
            Role::Sidecar | Role::Main => container.is_ready(),
        };
        let is_started = match (&container.state, plan.role) {
            (State::Running { probes, hook, .. }, _) => {
                probes.is_started && *hook == HookState::None
            }
            _ => false,
        };
        let image_id = match container.image_id.as_str() {
            "" => before.get(&*plan.name).map(|b| b.image_id.clone()).unwrap_or_default(),
            id => id.to_owned(),
        };
        let status = core::ContainerStatus {
            name: plan.name.to_string(),
            image: plan.image.to_string(),
            image_id,
            container_id: (container.instance > 0 && has_run(container))
                .then(|| container_id(&pod.plan.uid, &plan.name, shown_instance(container))),
            ready: is_ready,
            started: Some(is_started),
            restart_count: i32::try_from(container.restarts).unwrap_or(i32::MAX),
            state: Some(state),
            last_state: Some(last),
            ..core::ContainerStatus::default()
        };
        match plan.role {
            Role::Init | Role::Sidecar => init.push(status),
            Role::Main => main.push(status),
        }
    }
    (init, main)
}

fn has_init(pod: &Pod) -> bool {
    pod.plan.containers.iter().any(|plan| plan.role != Role::Main)
}

fn has_run(container: &Container) -> bool {
    !matches!(
        (&container.state, &container.last),
        (State::Waiting | State::Pulling | State::Creating | State::Failed { .. }, None)
    )
}

/// The instance that is or was last there.
fn shown_instance(container: &Container) -> u32 {
    match (&container.state, &container.last) {
        (State::Waiting | State::Pulling | State::Creating | State::Failed { .. }, Some(last)) => {
            last.instance
        }
        _ => container.instance,
    }
}

/// The identity of one instance, in the form `skiff://<64 hex digits>`.
pub(crate) fn container_id(uid: &str, name: &str, instance: u32) -> String {
    let digest = image::Digest::of(format!("{uid}/{name}/{instance}").as_bytes());
    format!("skiff://{}", digest.hex())
}

fn states(
    pod: &Pod,
    name: &str,
    container: &Container,
    initializing: &str,
) -> (core::ContainerState, core::ContainerState) {
    let waiting = |reason: &str, message: Option<String>| core::ContainerState {
        waiting: Some(core::ContainerStateWaiting { reason: Some(reason.to_owned()), message }),
        ..core::ContainerState::default()
    };
    let running = |started: &Timestamp| core::ContainerState {
        running: Some(core::ContainerStateRunning { started_at: Some(Time(seconds(*started))) }),
        ..core::ContainerState::default()
    };
    let terminated = |ended: &Ended| core::ContainerState {
        terminated: Some(core::ContainerStateTerminated {
            container_id: Some(container_id(&pod.plan.uid, name, ended.instance)),
            exit_code: ended.code,
            reason: Some(ended.reason.clone()),
            message: (!ended.message.is_empty()).then(|| ended.message.clone()),
            started_at: ended.started.map(|time| Time(seconds(time))),
            finished_at: Some(Time(seconds(ended.finished))),
            ..core::ContainerStateTerminated::default()
        }),
        ..core::ContainerState::default()
    };
    let last = container.last.as_ref().map(terminated).unwrap_or_default();
    match &container.state {
        State::Waiting | State::Pulling | State::Creating => (waiting(initializing, None), last),
        State::Failed { reason, message, .. } => (waiting(reason, Some(message.clone())), last),
        State::Running { started, .. } => (running(started), last),
        State::Stopping(stopping) => (running(&stopping.started), last),
        State::BackingOff { wait_secs, ended, .. } if *wait_secs > 0 => {
            let message = format!(
                "back-off {} restarting failed container={name} pod={}",
                go_duration(*wait_secs),
                pod.plan.long_name()
            );
            (waiting("CrashLoopBackOff", Some(message)), terminated(ended))
        }
        State::BackingOff { ended, .. } | State::Ended(ended) => (terminated(ended), last),
    }
}

/// Seconds as Go prints a duration: `10s`, `2m40s`, `5m0s`.
fn go_duration(secs: i64) -> String {
    if secs < 60 { format!("{secs}s") } else { format!("{}m{}s", secs / 60, secs % 60) }
}

/// Kubernetes' times have no fractions.
fn seconds(time: Timestamp) -> Timestamp {
    Timestamp::from_second(time.as_second()).unwrap_or(time)
}

#[cfg(test)]
mod tests;
