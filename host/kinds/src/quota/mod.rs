//! What objects use of the amounts that a `ResourceQuota` limits.
//!
//! The same rules serve the API server, which charges a quota for each object that comes or grows, and the controller, which counts
//! everything anew.
//!
//! See <https://kubernetes.io/docs/concepts/policy/resource-quotas/>.

mod claim;
mod pod;
mod scope;
mod service;

use jiff::Timestamp;
use k8s_openapi::api::core::v1::{PersistentVolumeClaim, Pod, ResourceQuotaSpec, Service};
use meta::quantity::Quantity;

use crate::resources::Amounts;
use crate::{KindInfo, Object};

pub use pod::is_terminating;

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
    if resource == count_name(info) {
        return true;
    }
    match (info.group, info.plural) {
        ("", "pods") => pod::uses(resource),
        ("", "persistentvolumeclaims") => claim::uses(resource),
        ("", "services") => service::uses(resource),
        _ => alias(info) == Some(resource),
    }
}

/// What an object uses.
#[must_use]
pub fn usage(object: &dyn Object, now: Timestamp) -> Amounts {
    let info = object.info();
    let mut usage = Amounts::from([(count_name(info), one())]);
    let any = object.as_any();
    if let Some(pod) = any.downcast_ref::<Pod>() {
        usage.extend(pod::usage(pod, now));
    } else if let Some(claim) = any.downcast_ref::<PersistentVolumeClaim>() {
        usage.extend(claim::usage(claim));
    } else if let Some(service) = any.downcast_ref::<Service>() {
        usage.extend(service::usage(service));
    } else if let Some(alias) = alias(info) {
        usage.insert(alias.to_owned(), one());
    }
    usage
}

/// Whether the object is one of those that the quota counts.
#[must_use]
pub fn selects(quota: &ResourceQuotaSpec, object: &dyn Object) -> bool {
    scope::requirements(quota).all(|requirement| scope::matches(&requirement, object))
}

/// What an object must say for quotas on these resources to know what it uses.
#[must_use]
pub fn missing<'a>(
    object: &dyn Object,
    resources: impl Iterator<Item = &'a str>,
) -> Option<String> {
    pod::missing(object.as_any().downcast_ref::<Pod>()?, resources)
}

/// The name under which objects of any kind are counted.
fn count_name(info: &KindInfo) -> String {
    format!("count/{}", info.group_resource())
}

/// The name under which objects were counted before all kinds could be.
fn alias(info: &KindInfo) -> Option<&'static str> {
    const OLD: [&str; 4] = ["configmaps", "resourcequotas", "replicationcontrollers", "secrets"];
    OLD.into_iter().find(|plural| info.group.is_empty() && info.plural == *plural)
}

const fn one() -> Quantity {
    Quantity::units(1)
}

#[cfg(test)]
mod tests;
