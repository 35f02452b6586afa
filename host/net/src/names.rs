//! Cluster names: what DNS in a Pod answers, computed from the service table without packets.
//!
//! * `web.shop.svc.cluster.local`: the service's addresses; of a headless service, those of its ready Pods.
//! * `db-0.db.shop.svc.cluster.local`: one Pod of a headless service, by its host name.
//! * `100-64-0-2.shop.pod.cluster.local`: the address that is in the name.
//! * `_http._tcp.web.shop.svc.cluster.local`: SRV records.
//!
//! A name that is not absolute is tried with the Pod's search domains as its `dnsPolicy` says. Names outside of the cluster's domain are somebody
//! else's to answer. Pure. <https://kubernetes.io/docs/concepts/services-networking/dns-pod-service/>

mod entry;
mod resolver;

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

pub use entry::{Entry, Srv};
pub use resolver::{Resolved, Resolver};

use crate::service::{ServiceKey, Services};

/// The cluster's domain.
pub const DOMAIN: &str = "cluster.local";

/// What a fully qualified name leads to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    Addresses(Vec<IpAddr>),
    /// Another name to resolve instead.
    Alias(String),
    /// The name is the cluster's and does not exist.
    Unknown,
    /// The name is not the cluster's.
    Elsewhere,
}

/// Resolves one fully qualified name, with or without its final dot.
pub fn lookup(services: &Services, name: &str) -> Answer {
    let name = name.strip_suffix('.').unwrap_or(name).to_ascii_lowercase();
    let Some(labels) = cluster_labels(&name) else { return Answer::Elsewhere };
    let found = match labels.as_slice() {
        [service, namespace, "svc"] => {
            services.names(&ServiceKey::new(namespace, service)).map(|entry| entry.answer())
        }
        [host, service, namespace, "svc"] => services
            .names(&ServiceKey::new(namespace, service))
            .and_then(|entry| entry.host(host))
            .map(Answer::Addresses),
        [dashed, _namespace, "pod"] => {
            dashed_address(dashed).map(|address| Answer::Addresses(vec![address]))
        }
        _ => None,
    };
    found.unwrap_or(Answer::Unknown)
}

/// Answers an SRV question, such as `_http._tcp.web.shop.svc.cluster.local`.
pub fn srv(services: &Services, name: &str) -> Vec<Srv> {
    let name = name.strip_suffix('.').unwrap_or(name).to_ascii_lowercase();
    let labels = cluster_labels(&name).unwrap_or_default();
    let [port, protocol, service, namespace, "svc"] = labels.as_slice() else { return Vec::new() };
    let (Some(port), Some(protocol)) = (port.strip_prefix('_'), protocol.strip_prefix('_')) else {
        return Vec::new();
    };
    let key = ServiceKey::new(namespace, service);
    services.names(&key).map(|entry| entry.srv(&key, port, protocol)).unwrap_or_default()
}

/// The labels before the cluster's domain.
fn cluster_labels(name: &str) -> Option<Vec<&str>> {
    let front = name.strip_suffix(DOMAIN)?.strip_suffix('.')?;
    Some(front.split('.').collect())
}

/// The address in the first label of a Pod's name, with dashes for its dots or colons.
fn dashed_address(label: &str) -> Option<IpAddr> {
    let dotted = label.replace('-', ".").parse::<Ipv4Addr>().map(IpAddr::V4);
    dotted.or_else(|_| label.replace('-', ":").parse::<Ipv6Addr>().map(IpAddr::V6)).ok()
}

#[cfg(test)]
mod tests;
