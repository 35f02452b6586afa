//! What holds for services: types, ports, addresses and traffic policies.

use std::collections::BTreeSet;

use k8s_openapi::api::core::v1::{Service, ServicePort, ServiceSpec};
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;
use meta::field::{BadValue, FieldError};
use meta::names;

use super::{
    is_external_name, is_externally_accessible, is_headless, is_load_balancer, needs_health_check,
};
use crate::check::{At, Errors, IMMUTABLE, json};
use crate::core::pod::validate::{port_number, port_number_or_name};
use crate::wire::OrEmpty;
use crate::{address, metadata};

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

/// Addresses of the service itself, and their families.
fn cluster_ips(errors: &mut Errors, spec: &ServiceSpec, old: Option<&ServiceSpec>) {
    if is_external_name(spec) {
        return;
    }
    let (ips, ips_at) = (spec.cluster_ips.or_empty(), SPEC.field("clusterIPs"));
    match (spec.cluster_ip.or_empty(), ips.first()) {
        ("", Some(_)) => {
            errors.invalid(&ips_at, ips, "must be empty when `clusterIP` is not specified");
        }
        ("", None) => {}
        (_, None) => errors.required(&ips_at, ""),
        (one, Some(first)) if one != first => {
            errors.invalid(&ips_at, ips, "first value must match `clusterIP`");
        }
        _ => {}
    }
    let (families, families_at) = (spec.ip_families.or_empty(), SPEC.field("ipFamilies"));
    let mut seen = BTreeSet::new();
    for (index, family) in families.iter().enumerate() {
        let at = families_at.index(index);
        errors.one_of(&at, family, &["IPv4", "IPv6"]);
        if !seen.insert(family) {
            errors.duplicate(&at, family);
        }
    }
    if let Some(policy) = &spec.ip_family_policy {
        let known = &["PreferDualStack", "RequireDualStack", "SingleStack"];
        errors.one_of(&SPEC.field("ipFamilyPolicy"), policy, known);
    }
    let before = errors.len();
    let known = old.map(|old| old.cluster_ips.or_empty()).unwrap_or_default();
    for (index, ip) in ips.iter().enumerate() {
        if index == 0 && ip == "None" {
            if ips.len() > 1 {
                errors.invalid(&ips_at, ips, "'None' must be the first and only value");
            }
        } else if !known.contains(ip) {
            address::validate(errors, &ips_at.index(index), ip);
        }
    }
    let are_good = errors.len() == before;
    if ips.len() > 2 {
        errors.invalid(&ips_at, ips, "may only hold up to 2 values");
    }
    if !are_good {
        return;
    }
    if ips.len() > 1 && !address::is_dual_stack(ips.iter().map(String::as_str)) {
        errors.invalid(&ips_at, ips, "may specify no more than one IP for each IP family");
    }
    if !is_headless(spec) {
        for (index, (ip, family)) in ips.iter().zip(families).enumerate() {
            if (family == "IPv4") == ip.contains(':') {
                let detail =
                    format!("expected an {family} value as indicated by `ipFamilies[{index}]`");
                errors.invalid(&ips_at.index(index), ip, detail);
            }
        }
    }
}

fn external_ips(errors: &mut Errors, spec: &ServiceSpec, old: Option<&ServiceSpec>) {
    let all = SPEC.field("externalIPs");
    let known = old.map(|old| old.external_ips.or_empty()).unwrap_or_default();
    for (index, ip) in spec.external_ips.or_empty().iter().enumerate() {
        let at = all.index(index);
        let before = errors.len();
        if !known.contains(ip) {
            address::validate(errors, &at, ip);
        }
        if errors.len() == before {
            address::validate_endpoint(errors, &at, ip);
        }
    }
}

const SOURCE_RANGES: &str = "service.beta.kubernetes.io/load-balancer-source-ranges";

fn source_ranges(
    errors: &mut Errors,
    service: &Service,
    spec: &ServiceSpec,
    old: Option<&ServiceSpec>,
) {
    const REFUSED: &str = "may only be used when `type` is 'LoadBalancer'";
    let ranges = spec.load_balancer_source_ranges.or_empty();
    if !ranges.is_empty() {
        let all = SPEC.field("LoadBalancerSourceRanges");
        if !is_load_balancer(spec) {
            errors.forbidden(&all, REFUSED);
        }
        let known = old.map(|old| old.load_balancer_source_ranges.or_empty()).unwrap_or_default();
        for (index, range) in ranges.iter().enumerate() {
            if !known.contains(range) {
                address::validate_range(errors, &all.index(index), range.trim());
            }
        }
    } else if let Some(text) = service.metadata.annotations.or_empty().get(SOURCE_RANGES) {
        let metadata = At::root("metadata");
        let annotations_at = metadata.field("annotations");
        let at = annotations_at.key(SOURCE_RANGES);
        if !is_load_balancer(spec) {
            errors.forbidden(&at, REFUSED);
        }
        for range in text.split(',').map(str::trim).filter(|_| !text.trim().is_empty()) {
            address::validate_range(errors, &at, range);
        }
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

fn other_policies(errors: &mut Errors, spec: &ServiceSpec) {
    let at = SPEC.field("internalTrafficPolicy");
    match &spec.internal_traffic_policy {
        Some(policy) => errors.one_of(&at, policy, &["Cluster", "Local"]),
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

/// What is wrong with a service that replaces `old`.
pub(super) fn update(new: &Service, old: &Service) -> Vec<FieldError> {
    let mut errors = Errors::new();
    if let (Some(spec), Some(old)) = (&new.spec, &old.spec) {
        cluster_ips(&mut errors, spec, Some(old));
        if !errors.is_empty() {
            return errors.into_list();
        }
        if !is_external_name(spec) && !is_external_name(old) {
            fixed_ips(&mut errors, spec, old);
            fixed_families(&mut errors, spec, old);
        }
        load_balancer(&mut errors, spec, Some(old));
        if needs_health_check(spec)
            && needs_health_check(old)
            && spec.health_check_node_port != old.health_check_node_port
        {
            errors.forbidden(&SPEC.field("healthCheckNodePort"), IMMUTABLE);
        }
    }
    errors.extend(service(new, Some(old)));
    errors.into_list()
}

const FIXED: &str = "may not change once set";

/// The first address stays; a second one may come and go with the policy.
fn fixed_ips(errors: &mut Errors, new: &ServiceSpec, old: &ServiceSpec) {
    if is_headless(new) && is_headless(old) {
        return;
    }
    let (ips, old_ips) = (new.cluster_ips.or_empty(), old.cluster_ips.or_empty());
    let at = SPEC.field("clusterIPs");
    if ips.len() == old_ips.len() {
        for (index, _) in ips.iter().zip(old_ips).enumerate().filter(|(_, (a, b))| a != b) {
            errors.invalid(&at.index(index), ips, FIXED);
        }
        return;
    }
    if ips.is_empty() {
        errors.invalid(&at.index(0), null_if_empty(ips), "primary clusterIP can not be unset");
    } else if !old_ips.is_empty() && ips[0] != old_ips[0] {
        errors.invalid(&at.index(0), ips, FIXED);
    }
    released(errors, new, (ips.len(), old_ips.len()), "clusterIP");
}

fn fixed_families(errors: &mut Errors, new: &ServiceSpec, old: &ServiceSpec) {
    if is_headless(new) || is_headless(old) {
        return;
    }
    let (families, old_families) = (new.ip_families.or_empty(), old.ip_families.or_empty());
    let all = SPEC.field("ipFamilies");
    let at = all.index(0);
    if families.len() == old_families.len() {
        for _ in families.iter().zip(old_families).filter(|(a, b)| a != b) {
            errors.invalid(&at, families, FIXED);
        }
        return;
    }
    if families.len() < old_families.len() && new.cluster_ips.is_unset() {
        errors.invalid(&at, null_if_empty(families), "primary ipFamily can not be unset");
    }
    if let (Some(first), Some(old_first)) = (families.first(), old_families.first())
        && first != old_first
    {
        errors.invalid(&at, new.cluster_ips.or_empty(), FIXED);
    }
    released(errors, new, (families.len(), old_families.len()), "ipFamily");
}

fn released(errors: &mut Errors, new: &ServiceSpec, (count, before): (usize, usize), what: &str) {
    let is_single = new.ip_family_policy.as_deref() == Some("SingleStack");
    if count == 1 && before > 1 && !is_single {
        let detail = format!("must be set to 'SingleStack' when releasing the secondary {what}");
        errors.invalid(&SPEC.field("ipFamilyPolicy"), json(&new.ip_family_policy), detail);
    }
}

fn null_if_empty(texts: &[String]) -> BadValue {
    if texts.is_empty() { BadValue::null() } else { texts.into() }
}

/// What is wrong with the addresses that a load balancer reports.
pub(super) fn status(new: &Service, old: &Service) -> Vec<FieldError> {
    let mut errors = Errors::new();
    let of = |service: &Service| {
        let status = service.status.as_ref().and_then(|status| status.load_balancer.clone());
        status.and_then(|status| status.ingress).unwrap_or_default()
    };
    let (ingress, known) = (of(new), of(old));
    let status_at = At::root("status");
    let balancer_at = status_at.field("loadBalancer");
    let all = balancer_at.field("ingress");
    let is_load_balancer = new.spec.as_ref().is_some_and(is_load_balancer);
    if !is_load_balancer && !ingress.is_empty() {
        errors.forbidden(&all, "may only be used when `spec.type` is 'LoadBalancer'");
        return errors.into_list();
    }
    for (index, ingress) in ingress.iter().enumerate() {
        let at = all.index(index);
        let (ip, mode_at) = (ingress.ip.or_empty(), at.field("ipMode"));
        if !ip.is_empty() && !known.iter().any(|known| known.ip.or_empty() == ip) {
            address::validate(&mut errors, &at.field("ip"), ip);
        }
        match &ingress.ip_mode {
            None if ip.is_empty() => {}
            None => errors.required(&mode_at, "must be specified when `ip` is set"),
            Some(_) if ip.is_empty() => {
                errors.forbidden(&mode_at, "may not be specified when `ip` is not set");
            }
            Some(mode) => errors.one_of(&mode_at, mode, &["Proxy", "VIP"]),
        }
        let host = ingress.hostname.or_empty();
        if !host.is_empty() {
            let host_at = at.field("hostname");
            errors.invalid_each(&host_at, host, names::is_dns1123_subdomain(host));
            if host.parse::<std::net::IpAddr>().is_ok() {
                errors.invalid(&host_at, host, "must be a DNS name, not an IP address");
            }
        }
    }
    errors.into_list()
}
