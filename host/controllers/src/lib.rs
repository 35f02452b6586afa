//! The controllers: each a pure function from what is seen to what shall be done.
//!
//! A controller declares what wakes it and makes a [`Plan`] from a look at the [`Sources`]. It has
//! no clock, no client and no loop; the `control` room runs all of them. What holds for every
//! controller is tested once, by the laws, over generated worlds.
//!
//! Start from [`Controller`], [`Plan`] and `replica_set.rs`.

mod controller;
mod deployment;
mod endpoints;
pub mod garbage;
mod namespace;
mod node_lifecycle;
mod ownership;
mod plan;
mod pod_gc;
mod pods;
mod replica_set;
mod replicas;
mod replication_controller;
mod root_ca;
mod service_account;
mod source;
mod taint_eviction;

pub use controller::{Controller, Facts, Key, Look, Watch};
pub use namespace::{Content, Inventory};
pub use plan::{
    Action, Announce, Change, Event, Failure, Level, Plan, Propagation, Target, Verb, reference,
};
pub use source::{AnyObject, Fill, Reads, Source, Sourced, Sources, Visit, Which};

/// Every controller, by name.
pub fn all() -> Vec<Box<dyn Controller>> {
    vec![
        Box::new(deployment::Deployments),
        Box::new(endpoints::legacy::LegacyEndpoints),
        Box::new(endpoints::mirror::Mirroring),
        Box::new(endpoints::slices::EndpointSlices),
        Box::new(namespace::Namespaces),
        Box::new(node_lifecycle::NodeLifecycle),
        Box::new(pod_gc::PodGc),
        Box::new(replica_set::ReplicaSets),
        Box::new(replication_controller::ReplicationControllers),
        Box::new(root_ca::RootCa),
        Box::new(service_account::ServiceAccounts),
        Box::new(taint_eviction::TaintEviction),
    ]
}

#[cfg(test)]
mod laws;
