//! Workloads: the group `apps`.

mod controller_revision;
mod deployment;
mod replica_set;
mod replicas;
