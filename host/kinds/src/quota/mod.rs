//! What objects use of the amounts that a `ResourceQuota` limits.
//!
//! The same rules serve the API server, which charges a quota for each object that comes or grows, and the controller, which counts
//! everything anew.
//!
//! See <https://kubernetes.io/docs/concepts/policy/resource-quotas/>.

mod claim;
mod devices;
mod pod;
mod scope;
mod service;

use jiff::Timestamp;
use k8s_openapi::api::core::v1::{PersistentVolumeClaim, Pod, ResourceQuotaSpec, Service};
use k8s_openapi::api::resource::v1::ResourceClaim;
use meta::GroupResource;
use meta::quantity::Quantity;

use crate::resources::Amounts;
use crate::{KindInfo, Object};

pub use pod::{counts_until, is_terminating};

/// Whether no quota ever counts objects of the kind.
#[must_use]
pub fn is_ignored(info: &KindInfo) -> bool {
    !info.namespaced
        || !info.has_verb(crate::Verb::Get)
        || (matches!(info.group, "" | "events.k8s.io") && info.plural == "events")
}

/// Whether objects of the kind use the resource.
#[must_use]
pub fn is_used_by(info: &KindInfo, resource: &str) -> bool {
    if counted_as(&info.group_resource()).iter().any(|name| name == resource) {
        return true;
    }
    match (info.group, info.plural) {
        ("", "pods") => pod::uses(resource),
        ("", "persistentvolumeclaims") => claim::uses(resource),
        ("", "services") => service::uses(resource),
        ("resource.k8s.io", "resourceclaims") => devices::uses(resource),
        _ => false,
    }
}

/// What an object uses.
#[must_use]
pub fn usage(object: &dyn Object, now: Timestamp) -> Amounts {
    let info = object.info();
    let names = counted_as(&info.group_resource()).into_iter();
    let mut usage: Amounts = names.map(|name| (name, one())).collect();
    let any = object.as_any();
    if let Some(pod) = any.downcast_ref::<Pod>() {
        usage.extend(pod::usage(pod, now));
    } else if let Some(claim) = any.downcast_ref::<PersistentVolumeClaim>() {
        usage.extend(claim::usage(claim));
    } else if let Some(service) = any.downcast_ref::<Service>() {
        usage.extend(service::usage(service));
    } else if let Some(claim) = any.downcast_ref::<ResourceClaim>() {
        usage.extend(devices::usage(claim));
    }
    usage
}

/// Whether the object is one of those that the quota counts.
#[must_use]
pub fn selects(quota: &ResourceQuotaSpec, object: &dyn Object) -> bool {
    scope::requirements(quota).all(|requirement| scope::matches(&requirement, object))
}

/// Whether the quota counts only some objects, none of which are of other kinds than Pods and claims.
#[must_use]
pub fn is_scoped(quota: &ResourceQuotaSpec) -> bool {
    scope::requirements(quota).next().is_some()
}

/// What an object must say for quotas on these resources to know what it uses.
#[must_use]
pub fn missing<'a>(
    object: &dyn Object,
    resources: impl Iterator<Item = &'a str>,
) -> Option<String> {
    pod::missing(object.as_any().downcast_ref::<Pod>()?, resources)
}

/// The names under which objects are counted one by one: that of any resource, and the one from before all resources could be counted.
#[must_use]
pub fn counted_as(resource: &GroupResource) -> Vec<String> {
    const OLD: [&str; 4] = ["configmaps", "resourcequotas", "replicationcontrollers", "secrets"];
    let mut names = vec![format!("count/{resource}")];
    if resource.group.is_empty() && OLD.contains(&&*resource.resource) {
        names.push(resource.resource.to_string());
    }
    names
}

const fn one() -> Quantity {
    Quantity::units(1)
}

#[cfg(test)]
mod tests;
