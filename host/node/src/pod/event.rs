//! What can happen to a Pod, and what the machine wants done about it.
//!
//! Every event about an instance carries the instance's number, so that what arrives late about an earlier one is told apart.

use std::net::IpAddr;

use super::probe::Kind as ProbeKind;

/// Something happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Event {
    /// Time passed.
    Tick,
    /// Address, folders and volumes are there.
    Prepared {
        ip: IpAddr,
    },
    /// They are not.
    PrepareFailed {
        message: String,
    },
    Pulled {
        container: usize,
        image: Image,
    },
    PullFailed {
        container: usize,
        failure: Failure,
    },
    Started {
        container: usize,
        instance: u32,
    },
    StartFailed {
        container: usize,
        instance: u32,
        failure: Failure,
    },
    Exited {
        container: usize,
        instance: u32,
        code: i32,
        reason: &'static str,
        message: String,
    },
    /// A hook is through; an error is its text.
    Hooked {
        container: usize,
        instance: u32,
        error: Option<String>,
    },
    Probed {
        container: usize,
        instance: u32,
        kind: ProbeKind,
        error: Option<String>,
    },
    /// The spec names another image for a container.
    Replaced {
        container: usize,
    },
    /// Somebody wants the Pod to end within this time.
    Delete {
        grace_secs: i64,
    },
    /// The Pod no longer exists for the API server.
    Removed,
    /// Nothing of the Pod is left on the node.
    TornDown,
}

/// An image that is here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Image {
    /// As the Pod's status shows it.
    pub(crate) id: String,
    /// What to tell people about how it got here.
    pub(crate) note: String,
}

/// Why something did not work.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Failure {
    pub(crate) reason: &'static str,
    pub(crate) message: String,
    pub(crate) kind: FailureKind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FailureKind {
    /// Worth another try after a while.
    Again,
    /// The container counts as begun and failed, and its restart policy decides.
    Ended,
    /// Nothing changes until the Pod does.
    Stuck,
}

/// Something to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Effect {
    /// Give the Pod an address, folders and volumes.
    Prepare,
    Pull {
        container: usize,
    },
    Start {
        container: usize,
        instance: u32,
    },
    /// Run the hook after the start, or before the stop.
    PostStart {
        container: usize,
        instance: u32,
    },
    PreStop {
        container: usize,
        instance: u32,
        within_secs: i64,
    },
    /// Ask an instance to end.
    Stop {
        container: usize,
        instance: u32,
    },
    /// End it.
    Kill {
        container: usize,
        instance: u32,
    },
    Probe {
        container: usize,
        instance: u32,
        kind: ProbeKind,
    },
    /// Give everything back: address, folders, volumes.
    TearDown,
    /// Delete the Pod from the API server.
    DeleteObject,
    Record(Note),
    /// The status has changed.
    Report,
}

/// An Event object to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Note {
    pub(crate) is_warning: bool,
    pub(crate) reason: &'static str,
    pub(crate) message: String,
    pub(crate) container: Option<usize>,
}
