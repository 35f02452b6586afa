//! Where a Pod is in its life. Enum variants hold what is valid there and nothing else.

use std::net::IpAddr;

use jiff::Timestamp;

use super::backoff::Backoff;
use super::plan::Plan;
use super::probe::Probes;

/// One Pod.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Pod {
    pub(crate) plan: Plan,
    pub(crate) stage: Stage,
    /// In the order of the plan.
    pub(crate) containers: Vec<Container>,
    /// When the node first saw it.
    pub(crate) since: Timestamp,
    pub(crate) ip: Option<IpAddr>,
    /// Somebody asked for its end.
    pub(crate) deleting: Option<Deleting>,
    /// The init containers are through; they stay so.
    pub(crate) is_initialized: bool,
    pub(crate) conditions: Vec<super::status::Condition>,
}

/// A deletion in progress.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Deleting {
    /// When the last container is killed.
    pub(crate) deadline: Timestamp,
    /// The API server has forgotten the Pod already.
    pub(crate) is_removed: bool,
}

/// The parts of a life, in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Stage {
    /// Address, folders and volumes are being made. After a failure, when to try again.
    Preparing {
        retry: Option<Timestamp>,
        backoff: Backoff,
    },
    Active,
    /// All containers are being ended.
    Ending(End),
    /// They have ended; its things are being given back.
    TearingDown(End),
    /// Only its status is left, until somebody deletes it.
    Finished(End),
    /// Nothing is left. No effect follows.
    Gone(End),
}

/// Why a Pod ends, and how it counts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct End {
    pub(crate) is_success: bool,
    /// For the Pod's status: `DeadlineExceeded` for example.
    pub(crate) reason: Option<&'static str>,
    pub(crate) message: Option<String>,
}

/// One container.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Container {
    pub(crate) state: State,
    /// Number of the newest instance; the first is 1.
    pub(crate) instance: u32,
    pub(crate) restarts: u32,
    /// How the instance before ended.
    pub(crate) last: Option<Ended>,
    pub(crate) restart_backoff: Backoff,
    pub(crate) pull_backoff: Backoff,
    pub(crate) image_id: String,
}

/// Where a container is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum State {
    /// Its turn has not come.
    Waiting,
    /// The image is being found or fetched.
    Pulling,
    /// It was not, or the configuration is not complete.
    Failed {
        reason: &'static str,
        message: String,
        failed: Timestamp,
        retry: Option<Timestamp>,
        is_pull: bool,
    },
    /// The instance is being made.
    Creating,
    Running {
        started: Timestamp,
        probes: Box<Probes>,
        hook: HookState,
    },
    Stopping(Box<Stopping>),
    /// Ended; begins again then.
    BackingOff {
        until: Timestamp,
        wait_secs: i64,
        ended: Ended,
    },
    /// Ended for good.
    Ended(Ended),
}

/// The hook after the start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum HookState {
    None,
    /// The container does not count as running for its neighbours yet.
    Running,
}

/// A container on its way out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Stopping {
    pub(crate) started: Timestamp,
    pub(crate) probes: Probes,
    /// When patience ends.
    pub(crate) kill: Timestamp,
    pub(crate) phase: StopPhase,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum StopPhase {
    /// The hook runs.
    Hook,
    /// It was asked.
    Asked,
    /// It is being killed.
    Killed,
}

/// How an instance ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Ended {
    pub(crate) instance: u32,
    pub(crate) code: i32,
    pub(crate) reason: String,
    pub(crate) message: String,
    pub(crate) started: Option<Timestamp>,
    pub(crate) finished: Timestamp,
}

impl Container {
    pub(crate) fn new() -> Self {
        Self {
            state: State::Waiting,
            instance: 0,
            restarts: 0,
            last: None,
            restart_backoff: Backoff::default(),
            pull_backoff: Backoff::eager(),
            image_id: String::new(),
        }
    }

    /// Whether an instance exists or is being made.
    pub(crate) fn is_alive(&self) -> bool {
        matches!(self.state, State::Creating | State::Running { .. } | State::Stopping(_))
    }

    pub(crate) fn is_ready(&self) -> bool {
        match &self.state {
            State::Running { probes, hook: HookState::None, .. } => probes.is_ready,
            State::Stopping(stopping) => stopping.probes.is_ready,
            _ => false,
        }
    }

    /// Whether a container that depends on this one may begin.
    pub(crate) fn is_started(&self) -> bool {
        match &self.state {
            State::Running { probes, hook: HookState::None, .. } => probes.is_started,
            State::Stopping(stopping) => stopping.probes.is_started,
            _ => false,
        }
    }

    pub(crate) fn ended_well(&self) -> bool {
        matches!(&self.state, State::Ended(ended) if ended.code == 0)
    }
}

impl Pod {
    /// A Pod that has just been seen.
    pub(crate) fn new(plan: Plan, now: Timestamp) -> Self {
        let containers = plan.containers.iter().map(|_| Container::new()).collect();
        Self {
            plan,
            stage: Stage::Preparing { retry: Some(now), backoff: Backoff::eager() },
            containers,
            since: now,
            ip: None,
            deleting: None,
            is_initialized: false,
            conditions: Vec::new(),
        }
    }

    /// Whether it has come to nothing.
    pub(crate) fn is_gone(&self) -> bool {
        matches!(self.stage, Stage::Gone(_))
    }

    /// How the Pod counts, if its end is known.
    pub(crate) fn end(&self) -> Option<&End> {
        match &self.stage {
            Stage::Finished(end) | Stage::TearingDown(end) | Stage::Gone(end) => Some(end),
            Stage::Preparing { .. } | Stage::Active | Stage::Ending(_) => None,
        }
    }
}
