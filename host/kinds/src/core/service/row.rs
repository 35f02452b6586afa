//! How `kubectl get services` shows a service.

use std::collections::BTreeSet;

use jiff::Timestamp;
use k8s_openapi::api::core::v1::{Service, ServicePort, ServiceSpec};
use meta::Tree;

use crate::columns::{self, NONE, UNKNOWN};
use crate::wire::OrEmpty;

pub(super) fn cells(service: &Service, now: Timestamp) -> Vec<Tree> {
    let none = ServiceSpec::default();
    let spec = service.spec.as_ref().unwrap_or(&none);
    let ports: Vec<String> = spec.ports.or_empty().iter().map(port).collect();
    let ports = if ports.is_empty() { NONE.to_owned() } else { ports.join(",") };
    vec![
        columns::name(&service.metadata),
        Tree::from(spec.type_.or_empty()),
        Tree::from(spec.cluster_ips.or_empty().first().map_or(NONE, String::as_str)),
        Tree::from(external(service, spec)),
        Tree::from(ports),
        columns::age(&service.metadata, now),
        Tree::from(columns::labels(spec.selector.or_empty())),
    ]
}

fn port(port: &ServicePort) -> String {
    let protocol = port.protocol.or_empty();
    match port.node_port {
        Some(node_port) if node_port > 0 => format!("{}:{node_port}/{protocol}", port.port),
        _ => format!("{}/{protocol}", port.port),
    }
}

fn external(service: &Service, spec: &ServiceSpec) -> String {
    let ips = spec.external_ips.or_empty();
    match spec.type_.or_empty() {
        "ClusterIP" | "NodePort" if ips.is_empty() => NONE.to_owned(),
        "ClusterIP" | "NodePort" => ips.join(","),
        "LoadBalancer" => {
            let balancer = balancer_addresses(service);
            let all: Vec<&str> =
                balancer.iter().map(String::as_str).chain(ips.iter().map(String::as_str)).collect();
            if all.is_empty() { "<pending>".to_owned() } else { all.join(",") }
        }
        "ExternalName" => spec.external_name.or_empty().to_owned(),
        _ => UNKNOWN.to_owned(),
    }
}

/// Addresses and names of the load balancer, each once and in order.
fn balancer_addresses(service: &Service) -> BTreeSet<String> {
    let status = service.status.as_ref().and_then(|status| status.load_balancer.as_ref());
    let ingress = status.map(|status| status.ingress.or_empty()).unwrap_or_default();
    let shown = ingress.iter().map(|ingress| match ingress.ip.or_empty() {
        "" => ingress.hostname.or_empty(),
        ip => ip,
    });
    shown.filter(|shown| !shown.is_empty()).map(str::to_owned).collect()
}
