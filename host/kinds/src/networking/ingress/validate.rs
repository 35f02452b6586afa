//! What holds for an Ingress: hosts, paths, backends, certificates and the addresses of its status.

use k8s_openapi::api::core::v1::TypedLocalObjectReference;
use k8s_openapi::api::networking::v1::{
    HTTPIngressPath, Ingress, IngressBackend, IngressRule, IngressServiceBackend, IngressTLS,
};
use meta::names;

use super::super::required_segment;
use super::points;
use crate::address;
use crate::check::{At, Errors, json};
use crate::wire::OrEmpty;

const SPEC: At<'static> = At::root("spec");

/// What is wrong with a spec.
pub(super) fn spec(errors: &mut Errors, ingress: &Ingress) {
    let Some(spec) = &ingress.spec else { return };
    let rules = spec.rules.or_empty();
    if rules.is_empty() && spec.default_backend.is_none() {
        let detail = "either `defaultBackend` or `rules` must be specified";
        errors.invalid(&SPEC, json(&spec.rules), detail);
    }
    if let Some(default) = &spec.default_backend {
        backend(errors, &SPEC.field("defaultBackend"), default);
    }
    let all = SPEC.field("rules");
    for (index, one) in rules.iter().enumerate() {
        rule(errors, &all.index(index), one);
    }
    let all = SPEC.field("tls");
    for (index, one) in spec.tls.or_empty().iter().enumerate() {
        tls(errors, &all.index(index), one);
    }
    if let Some(class) = &spec.ingress_class_name {
        let messages = names::is_dns1123_subdomain(class);
        errors.invalid_each(&SPEC.field("ingressClassName"), class, messages);
    }
}

/// What is wrong with a status. Addresses that were there before stay valid.
pub(super) fn status(errors: &mut Errors, new: &Ingress, old: &Ingress) {
    let known: Vec<&str> = points(old).iter().map(|point| point.ip.or_empty()).collect();
    let status = At::root("status");
    let balancer = status.field("loadBalancer");
    let all = balancer.field("ingress");
    for (index, point) in points(new).iter().enumerate() {
        let at = all.index(index);
        let ip = point.ip.or_empty();
        if !ip.is_empty() && !known.contains(&ip) {
            address::validate(errors, &at.field("ip"), ip);
        }
        let host = point.hostname.or_empty();
        if !host.is_empty() {
            let at = at.field("hostname");
            errors.invalid_each(&at, host, names::is_dns1123_subdomain(host));
            no_address(errors, &at, host);
        }
    }
}

fn no_address(errors: &mut Errors, at: &At<'_>, host: &str) {
    if address::parse(host).is_some() {
        errors.invalid(at, host, "must be a DNS name, not an IP address");
    }
}

fn host_name(errors: &mut Errors, at: &At<'_>, host: &str) {
    let messages = if host.contains('*') {
        names::is_wildcard_dns1123_subdomain(host)
    } else {
        names::is_dns1123_subdomain(host)
    };
    errors.invalid_each(at, host, messages);
}

fn rule(errors: &mut Errors, at: &At<'_>, rule: &IngressRule) {
    let host = rule.host.or_empty();
    if !host.is_empty() {
        let at = at.field("host");
        no_address(errors, &at, host);
        host_name(errors, &at, host);
    }
    let Some(http) = &rule.http else { return };
    let http_at = at.field("http");
    let all = http_at.field("paths");
    if http.paths.is_empty() {
        errors.required(&all, "");
    }
    for (index, one) in http.paths.iter().enumerate() {
        path(errors, &all.index(index), one);
    }
}

/// Parts of a path that mean another path, or the same in other words.
const AMBIGUOUS_PARTS: [&str; 5] = ["//", "/./", "/../", "%2f", "%2F"];
const AMBIGUOUS_ENDS: [&str; 2] = ["/..", "/."];
const PATH_TYPES: &[&str] = &["Exact", "ImplementationSpecific", "Prefix"];

fn path(errors: &mut Errors, at: &At<'_>, one: &HTTPIngressPath) {
    let (path, path_at) = (one.path.or_empty(), at.field("path"));
    match one.path_type.as_str() {
        "" => {
            errors.required(&at.field("pathType"), "pathType must be specified");
            return;
        }
        "Exact" | "Prefix" => {
            absolute(errors, &path_at, path);
            unambiguous(errors, &path_at, path);
        }
        "ImplementationSpecific" if path.is_empty() => {}
        "ImplementationSpecific" => absolute(errors, &path_at, path),
        other => errors.not_supported(&at.field("pathType"), other, PATH_TYPES),
    }
    backend(errors, &at.field("backend"), &one.backend);
}

fn absolute(errors: &mut Errors, at: &At<'_>, path: &str) {
    if !path.starts_with('/') {
        errors.invalid(at, path, "must be an absolute path");
    }
}

fn unambiguous(errors: &mut Errors, at: &At<'_>, path: &str) {
    for part in AMBIGUOUS_PARTS.into_iter().filter(|part| path.contains(part)) {
        errors.invalid(at, path, format!("must not contain '{part}'"));
    }
    for end in AMBIGUOUS_ENDS.into_iter().filter(|end| path.ends_with(end)) {
        errors.invalid(at, path, format!("cannot end with '{end}'"));
    }
}

fn backend(errors: &mut Errors, at: &At<'_>, backend: &IngressBackend) {
    match (&backend.resource, &backend.service) {
        (Some(_), Some(_)) => {
            errors.invalid(at, "", "cannot set both resource and service backends");
        }
        (Some(resource), None) => resource_backend(errors, &at.field("resource"), resource),
        (None, Some(service)) => service_backend(errors, at, service),
        (None, None) => errors.invalid(at, "", "resource or service backend is required"),
    }
}

fn resource_backend(errors: &mut Errors, at: &At<'_>, resource: &TypedLocalObjectReference) {
    if let Some(group) = &resource.api_group {
        errors.invalid_each(&at.field("apiGroup"), group, names::is_dns1123_subdomain(group));
    }
    required_segment(errors, &at.field("kind"), &resource.kind);
    required_segment(errors, &at.field("name"), &resource.name);
}

fn service_backend(errors: &mut Errors, at: &At<'_>, service: &IngressServiceBackend) {
    let service_at = at.field("service");
    let name_at = service_at.field("name");
    if service.name.is_empty() {
        errors.required(&name_at, "");
    } else {
        errors.invalid_each(&name_at, &service.name, names::is_dns1123_label(&service.name));
    }
    let port = service.port.clone().unwrap_or_default();
    let port_at = service_at.field("port");
    match (port.name.or_empty(), port.number.unwrap_or_default()) {
        ("", 0) => errors.required(at, "port name or number is required"),
        ("", number) => {
            for message in names::is_port_number(i64::from(number)) {
                errors.invalid(&port_at.field("number"), number, message);
            }
        }
        (name, 0) => {
            errors.invalid_each(&port_at.field("name"), name, names::is_port_name(name));
        }
        _ => errors.invalid(at, "", "cannot set both port name & port number"),
    }
}

fn tls(errors: &mut Errors, at: &At<'_>, tls: &IngressTLS) {
    let all = at.field("hosts");
    for (index, host) in tls.hosts.or_empty().iter().enumerate() {
        host_name(errors, &all.index(index), host);
    }
    let secret = tls.secret_name.or_empty();
    if !secret.is_empty() {
        let messages = names::is_dns1123_subdomain(secret);
        errors.invalid_each(&at.field("secretName"), secret, messages);
    }
}
