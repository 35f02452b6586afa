//! What an update of a service keeps although the client did not send it, and what it drops although the client did.
//!
//! Clients write services from manifests that lack everything the server gave out. Fields that stop making sense when the type changes are
//! dropped if the client left them as they were; a client that sets them is told.

use std::collections::BTreeSet;

use k8s_openapi::api::core::v1::{Service, ServiceSpec};

use super::validate::TRAFFIC_POLICIES;
use super::{
    is_external_name, is_externally_accessible, is_load_balancer, needs_health_check,
    needs_node_ports,
};
use crate::wire::OrEmpty;

pub(super) fn prepare(new: &mut Service, old: &Service) {
    let (Some(spec), Some(old)) = (&mut new.spec, &old.spec) else {
        return;
    };
    keep_allocated(spec, old);
    keep_addresses_in_step(spec, old);
    drop_what_belongs_to_the_old_type(spec, old);
    if !is_load_balancer(spec)
        && let Some(status) = &mut new.status
    {
        status.load_balancer = None;
    }
}

fn keep_allocated(new: &mut ServiceSpec, old: &ServiceSpec) {
    if !is_external_name(new) && !is_external_name(old) {
        if new.cluster_ip.is_unset() {
            new.cluster_ip.clone_from(&old.cluster_ip);
        }
        if new.cluster_ips.is_unset() {
            new.cluster_ips.clone_from(&old.cluster_ips);
        }
    }
    if needs_node_ports(new) && needs_node_ports(old) {
        let taken: BTreeSet<i32> =
            node_ports(new).intersection(&node_ports(old)).copied().collect();
        for port in new.ports.iter_mut().flatten() {
            let known = old.ports.or_empty().iter().rfind(|known| known.name == port.name);
            if let Some(known) = known.and_then(|known| known.node_port)
                && port.node_port.unwrap_or_default() == 0
                && !taken.contains(&known)
            {
                port.node_port = Some(known);
            }
        }
    }
    if needs_health_check(new)
        && needs_health_check(old)
        && new.health_check_node_port.unwrap_or_default() == 0
    {
        new.health_check_node_port = old.health_check_node_port;
    }
}

/// `clusterIP` is the first of `clusterIPs`; clients that know only one of the two change only that.
fn keep_addresses_in_step(new: &mut ServiceSpec, old: &ServiceSpec) {
    let same_first = new.cluster_ip.or_empty() == old.cluster_ip.or_empty();
    let same_all = new.cluster_ips.or_empty() == old.cluster_ips.or_empty();
    if same_first && !old.cluster_ips.is_unset() && new.cluster_ips.is_unset() {
        new.cluster_ips.clone_from(&old.cluster_ips);
    } else if !same_first && same_all {
        new.cluster_ips = new.cluster_ip.clone().filter(|ip| !ip.is_empty()).map(|ip| vec![ip]);
    }
}

/// Traffic to a name outside of the cluster has no policy. One that is none is refused.
pub(super) fn drop_what_names_have_not(spec: &mut ServiceSpec) {
    if is_external_name(spec) {
        spec.internal_traffic_policy.take_if(|policy| TRAFFIC_POLICIES.contains(&policy.as_str()));
    }
}

fn drop_what_belongs_to_the_old_type(new: &mut ServiceSpec, old: &ServiceSpec) {
    drop_what_names_have_not(new);
    if !is_external_name(old) && is_external_name(new) {
        let same_ips = new.cluster_ip.or_empty() == old.cluster_ip.or_empty()
            && new.cluster_ips.or_empty() == old.cluster_ips.or_empty();
        if same_ips {
            (new.cluster_ip, new.cluster_ips) = (None, None);
        }
        if new.ip_families == old.ip_families {
            new.ip_families = None;
        }
        if new.ip_family_policy == old.ip_family_policy {
            new.ip_family_policy = None;
        }
    }
    if needs_node_ports(old)
        && !needs_node_ports(new)
        && node_ports(old).is_superset(&node_ports(new))
    {
        for port in new.ports.iter_mut().flatten() {
            port.node_port = None;
        }
    }
    if needs_health_check(old)
        && !needs_health_check(new)
        && new.health_check_node_port == old.health_check_node_port
    {
        new.health_check_node_port = None;
    }
    if is_load_balancer(old) && !is_load_balancer(new) {
        if new.allocate_load_balancer_node_ports == old.allocate_load_balancer_node_ports {
            new.allocate_load_balancer_node_ports = None;
        }
        if new.load_balancer_class == old.load_balancer_class {
            new.load_balancer_class = None;
        }
    }
    if is_externally_accessible(old)
        && !is_externally_accessible(new)
        && new.external_traffic_policy == old.external_traffic_policy
    {
        new.external_traffic_policy = None;
    }
}

fn node_ports(spec: &ServiceSpec) -> BTreeSet<i32> {
    let ports = spec.ports.or_empty().iter().filter_map(|port| port.node_port);
    ports.filter(|port| *port != 0).collect()
}
