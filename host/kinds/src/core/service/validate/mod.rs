//! What holds for services: types, ports, addresses and traffic policies.

mod addresses;
mod change;

use std::collections::BTreeSet;

use k8s_openapi::api::core::v1::{Service, ServicePort, ServiceSpec};
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;
use meta::field::{BadValue, FieldError};
use meta::names;

use self::addresses::{cluster_ips, external_ips, source_ranges};
pub(super) use self::change::{status, update};
use super::{
    is_external_name, is_externally_accessible, is_headless, is_load_balancer, needs_health_check,
};
use crate::check::{At, Errors, json};
use crate::core::pod::validate::{port_number, port_number_or_name};
use crate::metadata;
use crate::wire::OrEmpty;

const SPEC: At<'static> = At::root("spec");
const PROTOCOLS: &[&str] = &["SCTP", "TCP", "UDP"];

/// What is wrong with a service.
pub(super) fn service(service: &Service, old: Option<&Service>) -> Vec<FieldError> {
    let mut errors = Errors::new();
    let Some(spec) = &service.spec else {
        return Vec::new();
    };
    let old = old.and_then(|old| old.spec.as_ref());
    cluster_ips(&mut errors, spec, old);
    if !errors.is_empty() {
        // Addresses are given out before anything else is looked at, and these were not understood.
        return errors.into_list();
    }
    topology_annotations(&mut errors, service);
    validate_type(&mut errors, spec);
    ports(&mut errors, spec);
    metadata::labels(&mut errors, &SPEC.field("selector"), spec.selector.as_ref());
    affinity(&mut errors, spec);
    external_ips(&mut errors, spec, old);
    let known = &["ClusterIP", "ExternalName", "LoadBalancer", "NodePort"];
    errors.required_one_of(&SPEC.field("type"), spec.type_.or_empty(), known);
    unique_ports(&mut errors, spec);
    source_ranges(&mut errors, service, spec, old);
    load_balancer(&mut errors, spec, None);
    external_traffic(&mut errors, spec);
    other_policies(&mut errors, spec);
    errors.into_list()
}

const TOPOLOGY_MODE: &str = "service.kubernetes.io/topology-mode";
pub(super) const TOPOLOGY_HINTS: &str = "service.kubernetes.io/topology-aware-hints";

fn topology_annotations(errors: &mut Errors, service: &Service) {
    let annotations = service.metadata.annotations.or_empty();
    if let (Some(mode), Some(hints)) =
        (annotations.get(TOPOLOGY_MODE), annotations.get(TOPOLOGY_HINTS))
        && mode != hints
    {
        let metadata = At::root("metadata");
        let at = metadata.field("annotations");
        let detail = format!("must match annotations[{TOPOLOGY_HINTS}] when both are specified");
        errors.invalid(&at.key(TOPOLOGY_MODE), mode, detail);
    }
}

fn validate_type(errors: &mut Errors, spec: &ServiceSpec) {
    let ips_at = SPEC.field("clusterIPs");
    if spec.ports.is_unset() && !is_headless(spec) && !is_external_name(spec) {
        errors.required(&SPEC.field("ports"), "");
    }
    match spec.type_.or_empty() {
        name @ ("LoadBalancer" | "NodePort") if is_headless(spec) => {
            let detail = format!("may not be set to 'None' for {name} services");
            errors.invalid(&ips_at.index(0), "None", detail);
        }
        "ExternalName" => {
            for (field, is_set) in [
                ("clusterIPs", !spec.cluster_ips.is_unset()),
                ("ipFamilies", !spec.ip_families.is_unset()),
                ("ipFamilyPolicy", spec.ip_family_policy.is_some()),
            ] {
                if is_set {
                    let detail = "may not be set for ExternalName services";
                    errors.forbidden(&SPEC.field(field), detail);
                }
            }
            let name = spec.external_name.or_empty();
            let name = name.strip_suffix('.').unwrap_or(name);
            let at = SPEC.field("externalName");
            if name.is_empty() {
                errors.required(&at, "");
            } else {
                errors.invalid_each(&at, name, names::is_dns1123_subdomain(name));
            }
        }
        _ => {}
    }
}

fn ports(errors: &mut Errors, spec: &ServiceSpec) {
    let ports = spec.ports.or_empty();
    let all = SPEC.field("ports");
    let mut port_names = BTreeSet::new();
    for (index, port) in ports.iter().enumerate() {
        let at = all.index(index);
        let (name, name_at) = (port.name.or_empty(), at.field("name"));
        if !name.is_empty() {
            errors.invalid_each(&name_at, name, names::is_dns1123_label(name));
            if !port_names.insert(name) {
                errors.duplicate(&name_at, name);
            }
        } else if ports.len() > 1 {
            errors.required(&name_at, "");
        }
        validate_port(errors, &at, port);
    }
}

fn validate_port(errors: &mut Errors, at: &At<'_>, port: &ServicePort) {
    port_number(errors, &at.field("port"), port.port);
    errors.required_one_of(&at.field("protocol"), port.protocol.or_empty(), PROTOCOLS);
    let none = IntOrString::Int(0);
    let target = port.target_port.as_ref().unwrap_or(&none);
    port_number_or_name(errors, &at.field("targetPort"), target);
    if let Some(protocol) = &port.app_protocol {
        let messages = names::is_qualified_name(protocol);
        errors.invalid_each(&at.field("appProtocol"), protocol, messages);
    }
}

fn unique_ports(errors: &mut Errors, spec: &ServiceSpec) {
    let (all, ports) = (SPEC.field("ports"), spec.ports.or_empty());
    if spec.type_.or_empty() == "ClusterIP" {
        for (index, _) in
            ports.iter().enumerate().filter(|(_, port)| port.node_port.unwrap_or_default() != 0)
        {
            let at = all.index(index);
            errors.forbidden(&at.field("nodePort"), "may not be used when `type` is 'ClusterIP'");
        }
    }
    let mut seen = BTreeSet::new();
    for (index, port) in ports.iter().enumerate() {
        let node_port = port.node_port.unwrap_or_default();
        if node_port != 0 && !seen.insert((port.protocol.or_empty(), node_port)) {
            let at = all.index(index);
            errors.duplicate(&at.field("nodePort"), node_port);
        }
    }
    let mut seen = BTreeSet::new();
    for (index, port) in ports.iter().enumerate() {
        let protocol = port.protocol.or_empty();
        if !seen.insert((protocol, port.port)) {
            let shown = format!(
                "{{\"Name\":\"\",\"Protocol\":{},\"AppProtocol\":null,\"Port\":{},\
                 \"TargetPort\":0,\"NodePort\":0}}",
                json(&protocol),
                port.port
            );
            errors.duplicate(&all.index(index), BadValue::Json(shown));
        }
    }
}

const AFFINITY_SECS_MAX: i32 = 86_400;

fn affinity(errors: &mut Errors, spec: &ServiceSpec) {
    let affinity = spec.session_affinity.or_empty();
    errors.required_one_of(&SPEC.field("sessionAffinity"), affinity, &["ClientIP", "None"]);
    let at = SPEC.field("sessionAffinityConfig");
    match (affinity, &spec.session_affinity_config) {
        ("ClientIP", config) => {
            let missing = "when session affinity type is ClientIP";
            let client_at = at.field("clientIP");
            let secs_at = client_at.field("timeoutSeconds");
            match config.as_ref().map(|config| config.client_ip.as_ref()) {
                None => errors.required(&at, missing),
                Some(None) => errors.required(&client_at, missing),
                Some(Some(client)) => match client.timeout_seconds {
                    None => errors.required(&secs_at, missing),
                    Some(secs) if !(1..=AFFINITY_SECS_MAX).contains(&secs) => {
                        let detail =
                            format!("must be greater than 0 and less than {AFFINITY_SECS_MAX}");
                        errors.invalid(&secs_at, secs, detail);
                    }
                    Some(_) => {}
                },
            }
        }
        ("None", Some(_)) => {
            errors.forbidden(&at, "must not be set when session affinity is None");
        }
        _ => {}
    }
}

fn load_balancer(errors: &mut Errors, spec: &ServiceSpec, old: Option<&ServiceSpec>) {
    const REFUSED: &str = "may only be used when `type` is 'LoadBalancer'";
    let class_at = SPEC.field("loadBalancerClass");
    if let Some(old) = old {
        if is_load_balancer(old)
            && is_load_balancer(spec)
            && old.load_balancer_class != spec.load_balancer_class
        {
            let shown = json(&spec.load_balancer_class);
            errors.invalid(&class_at, shown, "may not change once set");
        }
    } else if is_load_balancer(spec) {
        if spec.allocate_load_balancer_node_ports.is_none() {
            errors.required(&At::root("allocateLoadBalancerNodePorts"), "");
        }
    } else if spec.allocate_load_balancer_node_ports.is_some() {
        errors.forbidden(&SPEC.field("allocateLoadBalancerNodePorts"), REFUSED);
    }
    if let Some(class) = &spec.load_balancer_class {
        if is_load_balancer(spec) {
            errors.invalid_each(&class_at, class, names::is_qualified_name(class));
        } else {
            errors.forbidden(&class_at, REFUSED);
        }
    }
}

fn external_traffic(errors: &mut Errors, spec: &ServiceSpec) {
    let policy = spec.external_traffic_policy.or_empty();
    let policy_at = SPEC.field("externalTrafficPolicy");
    if is_externally_accessible(spec) {
        errors.required_one_of(&policy_at, policy, &["Cluster", "Local"]);
    } else if !policy.is_empty() {
        let detail = "may only be set for externally-accessible services";
        errors.invalid(&policy_at, policy, detail);
    }
    let port = spec.health_check_node_port.unwrap_or_default();
    let port_at = SPEC.field("healthCheckNodePort");
    if !needs_health_check(spec) {
        if port != 0 {
            let detail = "may only be set when `type` is 'LoadBalancer' and \
                          `externalTrafficPolicy` is 'Local'";
            errors.invalid(&port_at, port, detail);
        }
    } else if port == 0 {
        errors.required(&port_at, "");
    } else {
        port_number(errors, &port_at, port);
    }
}

pub(super) const TRAFFIC_POLICIES: &[&str] = &["Cluster", "Local"];

fn other_policies(errors: &mut Errors, spec: &ServiceSpec) {
    let at = SPEC.field("internalTrafficPolicy");
    match &spec.internal_traffic_policy {
        Some(policy) => errors.one_of(&at, policy, TRAFFIC_POLICIES),
        None if matches!(spec.type_.or_empty(), "ClusterIP" | "NodePort" | "LoadBalancer") => {
            errors.required(&at, "");
        }
        None => {}
    }
    if let Some(distribution) = &spec.traffic_distribution {
        let known = &["PreferClose", "PreferSameZone", "PreferSameNode"];
        errors.one_of(&SPEC.field("trafficDistribution"), distribution, known);
    }
}
