//! A Pod's own view of names: its search domains, its hosts file, and when a short name is tried as it stands.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr};

use k8s_openapi::api::core::v1::PodSpec;

use super::{Answer, DOMAIN, lookup};
use crate::service::Services;

/// Dots that make a name be tried as it stands first; Kubernetes' value for cluster names, and the usual one of hosts.
const NDOTS_CLUSTER: usize = 5;
const NDOTS_HOST: usize = 1;
/// How many aliases are followed.
const ALIASES_MAX: usize = 8;

/// What a look-up comes to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Resolved {
    Addresses(Vec<IpAddr>),
    /// Ask the host's resolver for these names, in this order, until one exists.
    Outside(Vec<String>),
    Unknown,
}

/// Resolves names for one Pod.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Resolver {
    hosts: BTreeMap<String, Vec<IpAddr>>,
    search: Vec<String>,
    ndots: usize,
    /// Whether the cluster's names are asked at all.
    is_cluster: bool,
}

impl Resolver {
    /// The view of a Pod with this address and host name.
    pub fn new(namespace: &str, spec: &PodSpec, hostname: &str, ip: IpAddr) -> Self {
        let policy = spec.dns_policy.as_deref().unwrap_or("ClusterFirst");
        let config = spec.dns_config.as_ref();
        let on_host = spec.host_network == Some(true);
        let is_cluster_first =
            policy == "ClusterFirstWithHostNet" || (policy == "ClusterFirst" && !on_host);
        let mut search = Vec::new();
        if is_cluster_first {
            search = vec![
                format!("{namespace}.svc.{DOMAIN}"),
                format!("svc.{DOMAIN}"),
                DOMAIN.to_owned(),
            ];
        }
        search.extend(config.iter().flat_map(|c| c.searches.iter().flatten()).cloned());
        let options = config.iter().flat_map(|config| config.options.iter().flatten());
        let ndots = options
            .filter(|option| option.name.as_deref() == Some("ndots"))
            .find_map(|option| option.value.as_ref()?.parse().ok());
        let default = if is_cluster_first { NDOTS_CLUSTER } else { NDOTS_HOST };
        Self {
            hosts: hosts(spec, hostname, ip),
            search,
            ndots: ndots.unwrap_or(default),
            is_cluster: is_cluster_first || policy == "None",
        }
    }

    /// Resolves a name as a program in the Pod asks for it.
    pub fn resolve(&self, services: &Services, name: &str) -> Resolved {
        if let Ok(address) = name.parse::<IpAddr>() {
            return Resolved::Addresses(vec![address]);
        }
        if let Some(addresses) = self.hosts.get(&name.to_ascii_lowercase()) {
            return Resolved::Addresses(addresses.clone());
        }
        let mut outside = Vec::new();
        for candidate in self.candidates(name) {
            match self.follow(services, &candidate) {
                Resolved::Addresses(addresses) => return Resolved::Addresses(addresses),
                // The cluster says that this name is another one: that settles it.
                Resolved::Outside(names) if names != [candidate] => {
                    return Resolved::Outside(names);
                }
                Resolved::Outside(names) => outside.extend(names),
                Resolved::Unknown => {}
            }
        }
        if outside.is_empty() { Resolved::Unknown } else { Resolved::Outside(outside) }
    }

    fn follow(&self, services: &Services, name: &str) -> Resolved {
        let mut name = name.to_owned();
        for _ in 0..ALIASES_MAX {
            let answer = if self.is_cluster { lookup(services, &name) } else { Answer::Elsewhere };
            match answer {
                Answer::Addresses(addresses) if addresses.is_empty() => return Resolved::Unknown,
                Answer::Addresses(addresses) => return Resolved::Addresses(addresses),
                Answer::Alias(other) => name = other,
                Answer::Unknown => return Resolved::Unknown,
                Answer::Elsewhere => return Resolved::Outside(vec![name]),
            }
        }
        Resolved::Unknown
    }

    /// The names to try: as a resolver does, the name itself first if it has enough dots, and last otherwise.
    fn candidates(&self, name: &str) -> Vec<String> {
        if let Some(absolute) = name.strip_suffix('.') {
            return vec![absolute.to_owned()];
        }
        let searched = self.search.iter().map(|domain| format!("{name}.{domain}"));
        let dots = name.bytes().filter(|byte| *byte == b'.').count();
        if dots >= self.ndots {
            std::iter::once(name.to_owned()).chain(searched).collect()
        } else {
            searched.chain(std::iter::once(name.to_owned())).collect()
        }
    }
}

fn hosts(spec: &PodSpec, hostname: &str, ip: IpAddr) -> BTreeMap<String, Vec<IpAddr>> {
    let mut hosts = BTreeMap::from([
        ("localhost".to_owned(), vec![IpAddr::V4(Ipv4Addr::LOCALHOST)]),
        (hostname.to_ascii_lowercase(), vec![ip]),
    ]);
    for alias in spec.host_aliases.iter().flatten() {
        let Ok(address) = alias.ip.parse::<IpAddr>() else { continue };
        for name in alias.hostnames.iter().flatten() {
            hosts.entry(name.to_ascii_lowercase()).or_default().push(address);
        }
    }
    hosts
}
