//! Puts back what belongs to the addresses of Services, should somebody have damaged it.
//!
//! The API server makes and removes an `IPAddress` together with its Service, so there is work only
//! after one was deleted or changed by hand. What is younger than a minute is left alone: a Service and
//! its addresses are seen one after the other.
//! See <https://kubernetes.io/docs/concepts/services-networking/cluster-ip-allocation/>.

pub(crate) mod leaked;
pub(crate) mod missing;
#[cfg(test)]
mod tests;

use std::net::IpAddr;

use jiff::{SignedDuration, Timestamp};
use k8s_openapi::api::core::v1::Service;
use k8s_openapi::api::networking::v1::{IPAddress, ParentReference};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kinds::wire::OrEmpty;

const COMPONENT: &str = "ipallocator-repair-controller";
const FAMILY: &str = "ipaddress.kubernetes.io/ip-family";
const MANAGED_BY: &str = "ipaddress.kubernetes.io/managed-by";
const MANAGER: &str = "ipallocator.k8s.io";
const GRACE: SignedDuration = SignedDuration::from_secs(60);

/// The addresses that a Service has.
fn addresses(service: &Service) -> Vec<IpAddr> {
    let spec = service.spec.as_ref();
    let spec = spec.filter(|spec| spec.type_.or_empty() != "ExternalName");
    let texts = spec.map(|spec| spec.cluster_ips.or_empty()).unwrap_or_default();
    texts.iter().filter_map(|text| text.parse().ok()).collect()
}

fn label<'a>(address: &'a IPAddress, name: &str) -> Option<&'a str> {
    address.metadata.labels.as_ref()?.get(name).map(String::as_str)
}

/// The Service that an address says to belong to.
fn parent(address: &IPAddress) -> Option<&ParentReference> {
    let parent = &address.spec.parent_ref;
    (parent.group.or_empty().is_empty() && parent.resource == "services").then_some(parent)
}

/// How long something is too young to judge it.
fn too_young(metadata: &ObjectMeta, now: Timestamp) -> Option<std::time::Duration> {
    let due = metadata.creation_timestamp.as_ref().map_or(now, |time| time.0) + GRACE;
    (due > now).then(|| due.duration_since(now).unsigned_abs())
}
