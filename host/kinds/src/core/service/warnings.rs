//! Advice about services that are accepted and yet do not do what their author hopes.

use k8s_openapi::api::core::v1::{Service, ServiceSpec};

use super::validate::TOPOLOGY_HINTS;
use super::{is_external_name, is_headless};
use crate::address;
use crate::check::At;
use crate::wire::OrEmpty;

pub(super) fn gather(service: &Service, spec: &ServiceSpec) -> Vec<String> {
    let mut warnings = Vec::new();
    let at = At::root("spec");
    if service.metadata.annotations.or_empty().contains_key(TOPOLOGY_HINTS) {
        warnings.push(format!(
            "annotation {TOPOLOGY_HINTS} is deprecated, please use \
             service.kubernetes.io/topology-mode instead"
        ));
    }
    if !matches!(spec.cluster_ip.or_empty(), "" | "None") {
        let all = at.field("clusterIPs");
        for (index, ip) in spec.cluster_ips.or_empty().iter().enumerate() {
            address::warn(&mut warnings, &all.index(index), ip);
        }
    }
    let (external_ips, balancer_ip) =
        (spec.external_ips.or_empty(), spec.load_balancer_ip.or_empty());
    if is_headless(spec) {
        for (field, is_set) in [
            ("loadBalancerIP", !balancer_ip.is_empty()),
            ("externalIPs", !external_ips.is_empty()),
            ("SessionAffinity", spec.session_affinity.or_empty() != "None"),
        ] {
            if is_set {
                warnings.push(format!("spec.{field} is ignored for headless services"));
            }
        }
    }
    let all = at.field("externalIPs");
    for (index, ip) in external_ips.iter().enumerate() {
        address::warn(&mut warnings, &all.index(index), ip);
    }
    if !external_ips.is_empty() && !is_headless(spec) && !is_external_name(spec) {
        let advice =
            "spec.externalIPs is deprecated and may no longer be implemented in some clusters";
        warnings.push(advice.to_owned());
    }
    if !balancer_ip.is_empty() {
        address::warn(&mut warnings, &at.field("loadBalancerIP"), balancer_ip);
    }
    let all = at.field("loadBalancerSourceRanges");
    for (index, range) in spec.load_balancer_source_ranges.or_empty().iter().enumerate() {
        address::warn_range(&mut warnings, &all.index(index), range);
    }
    if is_external_name(spec) && !external_ips.is_empty() {
        let advice = "spec.externalIPs is ignored when spec.type is \"ExternalName\"";
        warnings.push(advice.to_owned());
    }
    if !is_external_name(spec) && !spec.external_name.is_unset() {
        let advice = "spec.externalName is ignored when spec.type is not \"ExternalName\"";
        warnings.push(advice.to_owned());
    }
    if spec.traffic_distribution.or_empty() == "PreferClose" {
        let advice =
            "spec.trafficDistribution: \"PreferClose\" is deprecated; use \"PreferSameZone\"";
        warnings.push(advice.to_owned());
    }
    warnings
}

/// Advice about a status.
pub(super) fn status(service: &Service) -> Vec<String> {
    let mut warnings = Vec::new();
    let status = service.status.as_ref();
    let balancer = status.and_then(|status| status.load_balancer.as_ref());
    let points = balancer.map(|balancer| balancer.ingress.or_empty()).unwrap_or_default();
    let status = At::root("status");
    let balancer = status.field("loadBalancer");
    let all = balancer.field("ingress");
    for (index, point) in points.iter().enumerate() {
        address::warn(&mut warnings, &all.index(index), point.ip.or_empty());
    }
    warnings
}
