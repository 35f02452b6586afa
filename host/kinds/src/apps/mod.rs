//! Workloads: the group `apps`.

mod controller_revision;
mod daemon_set;
mod deployment;
mod replica_set;
pub(crate) mod replicas;
mod stateful_set;
