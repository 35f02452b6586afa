//! Addresses of a service: those it has itself, those it takes over from outside, and those that may reach it.

use std::collections::BTreeSet;

use k8s_openapi::api::core::v1::{Service, ServiceSpec};

use super::super::{is_external_name, is_headless, is_load_balancer};
use super::SPEC;
use crate::address;
use crate::check::{At, Errors};
use crate::wire::OrEmpty;

/// Addresses of the service itself, and their families.
pub(super) fn cluster_ips(errors: &mut Errors, spec: &ServiceSpec, old: Option<&ServiceSpec>) {
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
            let is_known = matches!(family.as_str(), "IPv4" | "IPv6");
            if is_known && (family == "IPv4") == ip.contains(':') {
                let detail =
                    format!("expected an {family} value as indicated by `ipFamilies[{index}]`");
                errors.invalid(&ips_at.index(index), ip, detail);
            }
        }
    }
}

pub(super) fn external_ips(errors: &mut Errors, spec: &ServiceSpec, old: Option<&ServiceSpec>) {
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

pub(super) fn source_ranges(
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
