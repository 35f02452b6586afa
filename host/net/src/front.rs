//! One address of a service and what is behind it: compiled from a Service and its `EndpointSlices`, immutable afterwards.
//!
//! Pure. A front has all usable endpoints, those of this node apart, so that traffic policies are a choice between two lists.
//! <https://kubernetes.io/docs/reference/networking/virtual-ips/>

use std::net::{IpAddr, SocketAddr};
use std::sync::atomic::AtomicUsize;
use std::time::Duration;

use k8s_openapi::api::core::v1::{Service, ServicePort};
use k8s_openapi::api::discovery::v1::{Endpoint as SliceEndpoint, EndpointSlice};

/// The affinity time Kubernetes documents for a Service that names none.
const AFFINITY_DEFAULT: Duration = Duration::from_hours(3);

/// What rides on an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Protocol {
    Tcp,
    Udp,
}

impl Protocol {
    fn of(text: Option<&str>) -> Option<Self> {
        match text {
            None | Some("TCP") => Some(Self::Tcp),
            Some("UDP") => Some(Self::Udp),
            Some(_) => None,
        }
    }
}

/// One Pod port behind a service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endpoint {
    pub address: SocketAddr,
    pub is_local: bool,
}

/// One port of a service.
#[derive(Debug)]
pub struct Front {
    pub service: crate::ServiceKey,
    /// Empty where the only port has no name.
    pub port_name: String,
    pub protocol: Protocol,
    pub port: u16,
    /// The listener on every node, if any.
    pub node_port: Option<u16>,
    /// Addresses for use inside the cluster.
    pub cluster_ips: Vec<IpAddr>,
    /// Addresses for use from outside: external ones and those of load balancers.
    pub external_ips: Vec<IpAddr>,
    pub affinity: Option<Duration>,
    pub is_internal_local: bool,
    pub is_external_local: bool,
    pub endpoints: Vec<Endpoint>,
    pub(crate) next: AtomicUsize,
}

impl PartialEq for Front {
    /// The turn of the endpoints is no part of what a front is.
    fn eq(&self, other: &Self) -> bool {
        let facts = |front: &Self| {
            (
                front.service.clone(),
                front.port_name.clone(),
                front.protocol,
                front.port,
                front.node_port,
            )
        };
        facts(self) == facts(other)
            && self.cluster_ips == other.cluster_ips
            && self.external_ips == other.external_ips
            && self.affinity == other.affinity
            && self.is_internal_local == other.is_internal_local
            && self.is_external_local == other.is_external_local
            && self.endpoints == other.endpoints
    }
}

/// The fronts of a service, one for each port. A headless service and an alias have none.
pub(crate) fn compile<'a>(
    key: &crate::ServiceKey,
    service: &Service,
    slices: &(impl Iterator<Item = &'a EndpointSlice> + Clone),
    node: &str,
    seed: usize,
) -> Vec<Front> {
    let Some(spec) = &service.spec else { return Vec::new() };
    if spec.type_.as_deref() == Some("ExternalName") || is_headless(service) {
        return Vec::new();
    }
    let cluster_ips = addresses(spec.cluster_ips.iter().flatten().chain(&spec.cluster_ip));
    let balancer = service.status.iter().filter_map(|status| status.load_balancer.as_ref());
    let ingress = balancer
        .flat_map(|balancer| balancer.ingress.iter().flatten())
        .filter(|ingress| ingress.ip_mode.as_deref() != Some("Proxy"))
        .filter_map(|ingress| ingress.ip.as_ref());
    let external_ips = addresses(spec.external_ips.iter().flatten().chain(ingress));
    let affinity = (spec.session_affinity.as_deref() == Some("ClientIP")).then(|| {
        let client_ip = spec.session_affinity_config.as_ref().and_then(|c| c.client_ip.as_ref());
        let secs = client_ip.and_then(|client_ip| client_ip.timeout_seconds);
        secs.and_then(|secs| u64::try_from(secs).ok()).map_or(AFFINITY_DEFAULT, Duration::from_secs)
    });
    let is_local = |policy: &Option<String>| policy.as_deref() == Some("Local");
    let ports = spec.ports.iter().flatten();
    ports
        .filter_map(|port| {
            let protocol = Protocol::of(port.protocol.as_deref())?;
            Some(Front {
                service: key.clone(),
                port_name: port.name.clone().unwrap_or_default(),
                protocol,
                port: u16::try_from(port.port).ok()?,
                node_port: port
                    .node_port
                    .and_then(|port| u16::try_from(port).ok())
                    .filter(|p| *p != 0),
                cluster_ips: cluster_ips.clone(),
                external_ips: external_ips.clone(),
                affinity,
                is_internal_local: is_local(&spec.internal_traffic_policy),
                is_external_local: is_local(&spec.external_traffic_policy),
                endpoints: endpoints(port, protocol, slices.clone(), node),
                next: AtomicUsize::new(seed),
            })
        })
        .collect()
}

pub(crate) fn is_headless(service: &Service) -> bool {
    let spec = service.spec.as_ref();
    spec.is_some_and(|spec| {
        spec.cluster_ip.as_deref() == Some("None")
            || spec.cluster_ips.iter().flatten().any(|ip| ip == "None")
    })
}

pub(crate) fn addresses<'a>(texts: impl Iterator<Item = &'a String>) -> Vec<IpAddr> {
    let mut addresses: Vec<IpAddr> = Vec::new();
    for address in texts.filter_map(|text| text.parse().ok()) {
        if !addresses.contains(&address) {
            addresses.push(address);
        }
    }
    addresses
}

/// The endpoints to use: ready ones; where there are none, those that terminate and still serve, so that a rollout or a drain that takes the last one
/// down does not refuse what could still be answered.
fn endpoints<'a>(
    port: &ServicePort,
    protocol: Protocol,
    slices: impl Iterator<Item = &'a EndpointSlice>,
    node: &str,
) -> Vec<Endpoint> {
    let name = port.name.as_deref().unwrap_or_default();
    let (mut ready, mut serving) = (Vec::new(), Vec::new());
    for slice in slices {
        let number = slice.ports.iter().flatten().find(|candidate| {
            candidate.name.as_deref().unwrap_or_default() == name
                && Protocol::of(candidate.protocol.as_deref()) == Some(protocol)
        });
        let Some(number) = number.and_then(|p| p.port).and_then(|p| u16::try_from(p).ok()) else {
            continue;
        };
        for endpoint in slice.endpoints.iter().flatten() {
            // Several addresses of one endpoint are the same place; the first is the one to use.
            let Some(ip) = endpoint.addresses.first().and_then(|text| text.parse().ok()) else {
                continue;
            };
            let is_local = endpoint.node_name.as_deref() == Some(node);
            let found = Endpoint { address: SocketAddr::new(ip, number), is_local };
            match State::of(endpoint) {
                State::Ready => ready.push(found),
                State::ServingWhileTerminating => serving.push(found),
                State::Unusable => {}
            }
        }
    }
    let mut usable = if ready.is_empty() { serving } else { ready };
    usable.sort_by_key(|endpoint| endpoint.address);
    usable.dedup();
    usable
}

/// How far an endpoint can be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum State {
    Ready,
    ServingWhileTerminating,
    Unusable,
}

impl State {
    /// What a slice leaves open counts as ready, as its documentation asks.
    pub(crate) fn of(endpoint: &SliceEndpoint) -> Self {
        let conditions = endpoint.conditions.as_ref();
        let is_ready = conditions.and_then(|c| c.ready).unwrap_or(true);
        let is_serving = conditions.and_then(|c| c.serving).unwrap_or(is_ready);
        let is_terminating = conditions.and_then(|c| c.terminating).unwrap_or(false);
        match (is_ready, is_serving && is_terminating) {
            (true, _) => Self::Ready,
            (false, true) => Self::ServingWhileTerminating,
            (false, false) => Self::Unusable,
        }
    }
}
