//! Chooses a node for a Pod: `schedule(&Snapshot, &Pending)` is a pure function.
//!
//! A [`Snapshot`] holds what the decision may look at, kept up to date node by node and Pod by Pod. Every filter and every score is one
//! file in its folder and one line in its array; a filter's reason is the text that users read in the Event. Nothing here does I/O,
//! reads a clock or draws a random number: the rotation of the start node is part of the snapshot's state, so that the same history gives the
//! same decisions.
//!
//! Start from [`schedule`], [`Snapshot`] and [`Pending`]. The rules are those of
//! <https://kubernetes.io/docs/concepts/scheduling-eviction/kube-scheduler/>; preemption is not among them yet.

mod affinity;
mod decide;
mod filters;
mod node;
mod pending;
mod places;
mod resources;
mod scores;
mod snapshot;
mod terms;

pub use decide::{Decision, schedule};
pub use node::Node;
pub use pending::Pending;
pub use resources::Resources;
pub use snapshot::Snapshot;

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a failed step fails the test")]
mod tests;
