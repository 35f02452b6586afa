//! What may change in a service, and what a load balancer may report.

use k8s_openapi::api::core::v1::{Service, ServiceSpec};
use meta::field::{BadValue, FieldError};
use meta::names;

use super::super::{is_external_name, is_headless, is_load_balancer, needs_health_check};
use super::addresses::cluster_ips;
use super::{SPEC, load_balancer, service};
use crate::address;
use crate::check::{At, Errors, IMMUTABLE, json};
use crate::wire::OrEmpty;

/// What is wrong with a service that replaces `old`.
pub(crate) fn update(new: &Service, old: &Service) -> Vec<FieldError> {
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
pub(crate) fn status(new: &Service, old: &Service) -> Vec<FieldError> {
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
