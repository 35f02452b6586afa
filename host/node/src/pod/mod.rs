//! One Pod: what is asked of it, where it is in its life, and what has to happen next. Pure.

mod backoff;
mod container;
mod event;
pub(crate) mod machine;
mod plan;
mod probe;
mod restore;
mod state;
pub(crate) mod status;
mod stop;

pub(crate) use event::{Effect, Event, Failure, FailureKind, Image, Note};
pub(crate) use machine::step;
pub(crate) use plan::{Action, ContainerPlan, Hook, Plan, PullPolicy, Role, Scheme};
pub(crate) use probe::Kind as ProbeKind;
pub(crate) use state::{Container, Pod, Stage, State};

use jiff::Timestamp;

/// A moment some time after another one. A time beyond the calendar is its end: nobody waits that long.
pub(crate) fn after(moment: Timestamp, millis: i64) -> Timestamp {
    let sum = moment.as_millisecond().saturating_add(millis);
    Timestamp::from_millisecond(sum).unwrap_or(Timestamp::MAX)
}

/// The same in seconds.
pub(crate) fn after_secs(moment: Timestamp, secs: i64) -> Timestamp {
    after(moment, secs.saturating_mul(1000))
}
