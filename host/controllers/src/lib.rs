//! The controllers: each a pure function from what is seen to what shall be done.
//!
//! A controller declares what wakes it and makes a [`Plan`] from a look at the [`Sources`]. It has
//! no clock, no client and no loop; the `control` room runs all of them. What holds for every
//! controller is tested once, by the laws, over generated worlds.
//!
//! Start from [`Controller`], [`Plan`] and `replica_set.rs`.

mod address_repair;
mod certificates;
mod cluster_role;
mod controller;
mod cron_job;
mod custom_types;
mod daemon_set;
mod deployment;
mod disruption;
mod endpoints;
mod flow_schema;
pub mod garbage;
mod job;
mod namespace;
mod node_lifecycle;
mod node_ttl;
mod ownership;
mod placement;
mod plan;
mod pod_gc;
mod pods;
mod replica_set;
mod replicas;
mod replication_controller;
mod resource_quota;
mod revisions;
mod root_ca;
mod service_account;
mod service_account_tokens;
mod service_cidr;
mod source;
mod stateful_set;
mod storage_protection;
mod taint_eviction;
mod ttl_after_finished;
mod validating_policies;

pub use controller::{Controller, Facts, Heed, Key, Look, Watch};
pub use namespace::{Content, Instances, Inventory};
pub use plan::{
    Action, Announce, Approval, Change, Event, Failure, Level, Plan, Propagation, Target, Verb,
    reference,
};
pub use source::{AnyObject, Fill, Reads, Source, Sourced, Sources, Visit, Which};

/// Every controller, by name.
pub fn all() -> Vec<Box<dyn Controller>> {
    vec![
        Box::new(address_repair::leaked::LeakedAddresses),
        Box::new(address_repair::missing::MissingAddresses),
        Box::new(certificates::approving::Approving),
        Box::new(certificates::cleaning::Cleaning),
        Box::new(certificates::signing::Signing),
        Box::new(cluster_role::Aggregation),
        Box::new(cron_job::CronJobs),
        Box::new(custom_types::conditions::Conditions),
        Box::new(custom_types::ending::Ending),
        Box::new(custom_types::groups::Registered),
        Box::new(custom_types::groups::Unregistered),
        Box::new(daemon_set::DaemonSets),
        Box::new(deployment::Deployments),
        Box::new(disruption::Disruption),
        Box::new(endpoints::legacy::LegacyEndpoints),
        Box::new(endpoints::mirror::Mirroring),
        Box::new(endpoints::slices::EndpointSlices),
        Box::new(flow_schema::FlowSchemas),
        Box::new(job::Jobs),
        Box::new(namespace::Namespaces),
        Box::new(node_lifecycle::NodeLifecycle),
        Box::new(node_ttl::NodeTtl),
        Box::new(pod_gc::PodGc::default()),
        Box::new(replica_set::ReplicaSets),
        Box::new(replication_controller::ReplicationControllers),
        Box::new(resource_quota::ResourceQuotas),
        Box::new(root_ca::RootCa),
        Box::new(service_account::ServiceAccounts),
        Box::new(service_account_tokens::ServiceAccountTokens),
        Box::new(service_cidr::ServiceCidrs),
        Box::new(stateful_set::StatefulSets),
        Box::new(storage_protection::attributes_classes::AttributesClassProtection),
        Box::new(storage_protection::claims::ClaimProtection),
        Box::new(storage_protection::volumes::VolumeProtection),
        Box::new(taint_eviction::TaintEviction),
        Box::new(ttl_after_finished::TtlAfterFinished),
        Box::new(validating_policies::ValidatingPolicies),
    ]
}

#[cfg(test)]
mod laws;
