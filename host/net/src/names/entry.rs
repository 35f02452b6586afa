//! What one service's name leads to, compiled from the Service and its `EndpointSlices`.

use std::collections::BTreeMap;
use std::net::IpAddr;

use k8s_openapi::api::core::v1::Service;
use k8s_openapi::api::discovery::v1::EndpointSlice;

use super::Answer;
use crate::front::{State, addresses, is_headless};
use crate::service::ServiceKey;

/// The names below one service.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Entry {
    /// Where the service is only another name.
    alias: Option<String>,
    /// The service's own addresses; empty where it is headless.
    addresses: Vec<IpAddr>,
    /// The Pods of a headless service, by host name. Those without one are under their dashed address.
    hosts: BTreeMap<String, Vec<IpAddr>>,
    /// Ports by name and protocol; the number is the service's, or for a headless service the Pods'.
    ports: Vec<(String, String, u16)>,
}

/// One SRV record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Srv {
    pub port: u16,
    /// The fully qualified name of the host.
    pub target: String,
}

impl Entry {
    pub(crate) fn compile<'a>(
        service: &Service,
        slices: impl Iterator<Item = &'a EndpointSlice>,
    ) -> Self {
        let Some(spec) = &service.spec else { return Self::default() };
        if spec.type_.as_deref() == Some("ExternalName") {
            return Self { alias: spec.external_name.clone(), ..Self::default() };
        }
        let mut entry = Self {
            addresses: addresses(spec.cluster_ips.iter().flatten().chain(&spec.cluster_ip)),
            ..Self::default()
        };
        if !is_headless(service) {
            entry.ports = spec
                .ports
                .iter()
                .flatten()
                .filter_map(|port| named(port.name.as_deref(), port.protocol.as_deref(), port.port))
                .collect();
            return entry;
        }
        for slice in slices {
            for port in slice.ports.iter().flatten() {
                let number = port.port.unwrap_or_default();
                let named = named(port.name.as_deref(), port.protocol.as_deref(), number);
                entry.ports.extend(named.filter(|named| !entry.ports.contains(named)));
            }
            for endpoint in
                slice.endpoints.iter().flatten().filter(|e| State::of(e) == State::Ready)
            {
                for ip in addresses(endpoint.addresses.iter()) {
                    let host = endpoint.hostname.clone().unwrap_or_else(|| dashed(ip));
                    let ips = entry.hosts.entry(host).or_default();
                    if !ips.contains(&ip) {
                        ips.push(ip);
                    }
                }
            }
        }
        entry
    }

    pub(super) fn answer(&self) -> Answer {
        if let Some(alias) = &self.alias {
            return Answer::Alias(alias.clone());
        }
        if !self.addresses.is_empty() {
            return Answer::Addresses(self.addresses.clone());
        }
        Answer::Addresses(self.hosts.values().flatten().copied().collect())
    }

    pub(super) fn host(&self, host: &str) -> Option<Vec<IpAddr>> {
        self.hosts.get(host).cloned()
    }

    pub(super) fn srv(&self, key: &ServiceKey, port: &str, protocol: &str) -> Vec<Srv> {
        let service = format!("{}.{}.svc.{}", key.name, key.namespace, super::DOMAIN);
        let ports = self.ports.iter().filter(|(name, proto, _)| name == port && proto == protocol);
        ports
            .flat_map(|(_, _, number)| {
                let of = |target| Srv { port: *number, target };
                if self.hosts.is_empty() {
                    vec![of(service.clone())]
                } else {
                    self.hosts.keys().map(|host| of(format!("{host}.{service}"))).collect()
                }
            })
            .collect()
    }
}

/// Only named ports have SRV records.
fn named(name: Option<&str>, protocol: Option<&str>, number: i32) -> Option<(String, String, u16)> {
    let name = name.filter(|name| !name.is_empty())?;
    let protocol = protocol.unwrap_or("TCP").to_ascii_lowercase();
    Some((name.to_owned(), protocol, u16::try_from(number).ok()?))
}

fn dashed(ip: IpAddr) -> String {
    ip.to_string().replace(['.', ':'], "-")
}
