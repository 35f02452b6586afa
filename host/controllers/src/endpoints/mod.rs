//! Where the Pods of a Service are: what `EndpointSlice`s and legacy Endpoints have in common.
//!
//! Both follow the Service's selector; a Service without one is left to whoever made it. See
//! <https://kubernetes.io/docs/concepts/services-networking/endpoint-slices/>.

pub(crate) mod legacy;
pub(crate) mod mirror;
mod order;
pub(crate) mod slices;

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;

use jiff::Timestamp;
use k8s_openapi::api::core::v1::{Container, Pod, Service, ServicePort, ServiceSpec};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;

use crate::{Key, Source, Sources, Watch, pods};

pub(crate) const HEADLESS: &str = "service.kubernetes.io/headless";
pub(crate) const TRIGGER_TIME: &str = "endpoints.kubernetes.io/last-change-trigger-time";

pub(crate) fn spec(service: &Service) -> Option<&ServiceSpec> {
    service.spec.as_ref()
}

/// Whether the Service chooses its Pods itself.
pub(crate) fn selector(service: &Service) -> Option<&BTreeMap<String, String>> {
    let spec = spec(service).filter(|spec| spec.type_.as_deref() != Some("ExternalName"))?;
    spec.selector.as_ref().filter(|selector| !selector.is_empty())
}

pub(crate) fn has_address(service: &Service) -> bool {
    let ip = spec(service).and_then(|spec| spec.cluster_ip.as_deref()).unwrap_or("");
    !ip.is_empty() && ip != "None"
}

pub(crate) fn publishes_unready(service: &Service) -> bool {
    spec(service).and_then(|spec| spec.publish_not_ready_addresses) == Some(true)
}

/// The Pods that the selector finds, by name.
pub(crate) fn selected(source: &Source<Pod>, service: &Service) -> Vec<Arc<Pod>> {
    let namespace = service.metadata.namespace.as_deref().unwrap_or("");
    let Some(selector) = selector(service) else { return Vec::new() };
    let Some((key, value)) = selector.first_key_value() else { return Vec::new() };
    let mut found = source.labelled(namespace, key, value);
    found.retain(|pod| finds(selector, pod));
    found.sort_by(|a, b| a.metadata.name.cmp(&b.metadata.name));
    found
}

fn finds(selector: &BTreeMap<String, String>, pod: &Pod) -> bool {
    let labels = pod.metadata.labels.as_ref();
    selector.iter().all(|(key, value)| labels.and_then(|labels| labels.get(key)) == Some(value))
}

/// Wakes the Services that find a Pod.
pub(crate) fn of_pods() -> Watch {
    Watch::of(finders)
}

/// The Services that find a Pod.
pub(crate) fn finders(sources: &Sources, pod: &Pod) -> Vec<Key> {
    let namespace = pod.metadata.namespace.as_deref().unwrap_or("");
    let services = sources.services.in_namespace(namespace);
    let found = services.iter().filter(|s| selector(s).is_some_and(|s| finds(s, pod)));
    found.map(|service| Key::of(&**service)).collect()
}

/// Whether a Pod has a place among the endpoints at all.
pub(crate) fn belongs(pod: &Pod, with_terminating: bool) -> bool {
    !pods::is_finished(pod)
        && !addresses(pod, true).chain(addresses(pod, false)).collect::<Vec<_>>().is_empty()
        && (with_terminating || !pods::is_going(pod))
}

/// A Pod's addresses of one family.
pub(crate) fn addresses(pod: &Pod, v6: bool) -> impl Iterator<Item = String> + '_ {
    let ips = pod.status.as_ref().and_then(|status| status.pod_ips.as_ref());
    let ips = ips.into_iter().flatten().filter_map(|ip| ip.ip.parse::<IpAddr>().ok());
    ips.filter(move |ip| ip.is_ipv6() == v6).map(|ip| ip.to_string())
}

/// Whether the first family of the Service is IPv6.
pub(crate) fn families(service: &Service) -> Vec<bool> {
    let Some(spec) = spec(service) else { return vec![false] };
    let named: Vec<bool> =
        spec.ip_families.iter().flatten().map(|family| family == "IPv6").collect();
    if !named.is_empty() {
        return named;
    }
    match spec.cluster_ip.as_deref().unwrap_or("").parse::<IpAddr>() {
        Ok(ip) => vec![ip.is_ipv6()],
        Err(_) => vec![false, true],
    }
}

/// The Pod's name in DNS, if it is a member of this Service.
pub(crate) fn hostname(pod: &Pod, service: &Service) -> Option<String> {
    let spec = pod.spec.as_ref()?;
    let member = spec.subdomain.is_some() && spec.subdomain == service.metadata.name;
    spec.hostname.clone().filter(|hostname| member && !hostname.is_empty())
}

/// The number behind a Service's port on one Pod.
pub(crate) fn target_port(pod: &Pod, port: &ServicePort) -> Option<i32> {
    let name = match &port.target_port {
        None => return Some(port.port),
        Some(IntOrString::Int(number)) => return Some(*number),
        Some(IntOrString::String(name)) => name,
    };
    let spec = pod.spec.as_ref()?;
    let is_sidecar = |c: &&Container| c.restart_policy.as_deref() == Some("Always");
    let sidecars = spec.init_containers.iter().flatten().filter(is_sidecar);
    let protocol = port.protocol.as_deref().unwrap_or("TCP");
    let mut ports = spec.containers.iter().chain(sidecars).flat_map(|c| c.ports.iter().flatten());
    let found = ports.find(|own| {
        own.name.as_ref() == Some(name) && own.protocol.as_deref().unwrap_or("TCP") == protocol
    });
    found.map(|own| own.container_port)
}

/// When the first of the changes that a write carries happened: the creation of the Service if it is the first write, or
/// that a Pod turned ready or unready of which it is not told yet.
pub(crate) fn trigger_time(
    service: &Service,
    is_first: bool,
    pods: &[Arc<Pod>],
    is_told: impl Fn(&Pod) -> bool,
) -> Option<Timestamp> {
    let created = service.metadata.creation_timestamp.as_ref().filter(|_| is_first);
    let turned = pods.iter().filter(|pod| !is_told(pod)).filter_map(|pod| {
        pods::condition(pod, "Ready")?.last_transition_time.as_ref().map(|time| time.0)
    });
    turned.chain(created.map(|time| time.0)).min()
}

/// Writes the time down, or takes an old one away.
pub(crate) fn note_trigger(metadata: &mut ObjectMeta, trigger: Option<Timestamp>) {
    let notes = metadata.annotations.get_or_insert_default();
    match trigger {
        Some(at) => notes.insert(TRIGGER_TIME.to_owned(), at.to_string()),
        None => notes.remove(TRIGGER_TIME),
    };
}
