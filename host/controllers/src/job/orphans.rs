//! Pods that lost their Job before they were counted: they are let go of, or nobody could delete them.

use k8s_openapi::Resource as _;
use k8s_openapi::api::batch::v1::Job;
use k8s_openapi::api::core::v1::Pod;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{ObjectMeta, OwnerReference};

use super::count::{is_tracked, untrack};
use crate::replicas::BURST;
use crate::{Key, Plan, Sources, ownership};

/// The key for Pods of a namespace that lost their Job: no Job has this name.
pub(super) fn key(metadata: &ObjectMeta) -> Key {
    Key::new(metadata.namespace.as_deref().unwrap_or(""), "")
}

/// Whether a Pod waits to be counted for a Job that is not there.
pub(super) fn is_orphan(sources: &Sources, pod: &Pod) -> bool {
    let namespace = pod.metadata.namespace.as_deref().unwrap_or("");
    let is_counted_by = |owner: &OwnerReference| {
        let job = sources.jobs.get(namespace, &owner.name).filter(|_| owner.kind == Job::KIND);
        job.is_some_and(|job| job.metadata.uid.as_ref() == Some(&owner.uid))
    };
    is_tracked(pod) && !ownership::controller_of(&pod.metadata).is_some_and(is_counted_by)
}

/// Lets Pods go that nobody will count.
pub(super) fn let_go(sources: &Sources, namespace: &str) -> Plan {
    let mut plan = Plan::default();
    let pods = sources.pods.in_namespace(namespace);
    let orphans = pods.iter().filter(|pod| is_orphan(sources, pod)).take(BURST);
    orphans.for_each(|pod| plan.act(untrack(pod)));
    plan
}
