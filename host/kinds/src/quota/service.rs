//! What a Service uses: ports of nodes, and load balancers.

use k8s_openapi::api::core::v1::Service;
use meta::quantity::Quantity;

use super::one;
use crate::resources::Amounts;
use crate::wire::OrEmpty;

const SERVICES: &str = "services";
const NODE_PORTS: &str = "services.nodeports";
const LOAD_BALANCERS: &str = "services.loadbalancers";

/// Whether Services use the resource.
pub(super) fn uses(resource: &str) -> bool {
    matches!(resource, SERVICES | NODE_PORTS | LOAD_BALANCERS)
}

pub(super) fn usage(service: &Service) -> Amounts {
    let spec = service.spec.clone().unwrap_or_default();
    let ports = spec.ports.or_empty();
    let named = ports.iter().filter(|port| port.node_port.unwrap_or_default() != 0).count();
    // Ports of nodes are counted before they are given out, by what the Service is going to get.
    let (node_ports, balancers) = match spec.type_.or_empty() {
        "NodePort" => (ports.len(), 0),
        "LoadBalancer" if spec.allocate_load_balancer_node_ports == Some(false) => (named, 1),
        "LoadBalancer" => (ports.len(), 1),
        _ => (0, 0),
    };
    let count = |count: usize| Quantity::units(i64::try_from(count).unwrap_or(i64::MAX));
    Amounts::from([
        (SERVICES.to_owned(), one()),
        (NODE_PORTS.to_owned(), count(node_ports)),
        (LOAD_BALANCERS.to_owned(), count(balancers)),
    ])
}
