//! What a container, or a Pod as a whole, may ask for.

use std::collections::BTreeSet;

use k8s_openapi::api::core::v1::{PodSpec, ResourceClaim, ResourceRequirements};
use meta::names;
use meta::quantity::Quantity;

use crate::check::{At, Errors};
use crate::core::pod::qos;
use crate::resources;
use crate::wire::OrEmpty;

/// Requests, limits and claims of a container.
pub(super) fn container(
    errors: &mut Errors,
    at: &At<'_>,
    requirements: &ResourceRequirements,
    pod_claims: &BTreeSet<&str>,
) {
    validate(errors, at, requirements, pod_claims, resources::check_container_name);
}

fn validate(
    errors: &mut Errors,
    at: &At<'_>,
    requirements: &ResourceRequirements,
    pod_claims: &BTreeSet<&str>,
    check_name: fn(&mut Errors, &At<'_>, &str),
) {
    let (limits_at, requests_at) = (at.field("limits"), at.field("requests"));
    let (limits, requests) = (requirements.limits.or_empty(), requirements.requests.or_empty());
    for (name, quantity) in limits {
        let at = limits_at.key(name);
        let quantity = resources::parse(quantity);
        check_name(errors, &at, name);
        resources::check_quantity(errors, &at, name, &quantity);
        resources::check_huge_pages(errors, &at, name, &quantity);
    }
    for (name, quantity) in requests {
        let at = requests_at.key(name);
        let quantity = resources::parse(quantity);
        check_name(errors, &at, name);
        resources::check_quantity(errors, &at, name, &quantity);
        let limit = limits.get(name).map(resources::parse);
        against_limit(errors, &requests_at, &limits_at, (name, &quantity, limit));
        resources::check_huge_pages(errors, &at, name, &quantity);
    }
    let mut all = limits.keys().chain(requests.keys());
    let computes = all.clone().any(|name| matches!(name.as_str(), "cpu" | "memory"));
    if !computes && all.any(|name| resources::is_huge_page(name)) {
        errors.forbidden(at, "HugePages require cpu or memory");
    }
    claims(errors, &at.field("claims"), requirements.claims.or_empty(), pod_claims);
}

fn against_limit(
    errors: &mut Errors,
    requests_at: &At<'_>,
    limits_at: &At<'_>,
    (name, quantity, limit): (&str, &Quantity, Option<Quantity>),
) {
    let is_overcommit_allowed = resources::is_overcommit_allowed(name);
    match limit {
        Some(limit) if *quantity != limit && !is_overcommit_allowed => {
            let detail = format!("must be equal to {name} limit of {limit}");
            errors.invalid(requests_at, quantity.to_string(), detail);
        }
        Some(limit) if *quantity > limit => {
            let detail = format!("must be less than or equal to {name} limit of {limit}");
            errors.invalid(requests_at, quantity.to_string(), detail);
        }
        None if !is_overcommit_allowed => {
            errors.required(limits_at, "Limit must be set for non overcommitable resources");
        }
        _ => {}
    }
}

fn claims(
    errors: &mut Errors,
    all: &At<'_>,
    claims: &[ResourceClaim],
    pod_claims: &BTreeSet<&str>,
) {
    let mut seen: BTreeSet<String> = BTreeSet::new();
    for (index, claim) in claims.iter().enumerate() {
        let at = all.index(index);
        if claim.name.is_empty() {
            errors.required(&at, "");
            continue;
        }
        if seen.contains(&claim.name) {
            errors.duplicate(&at, &claim.name);
        } else {
            let mut key = claim.name.clone();
            let request = claim.request.or_empty();
            if !request.is_empty() {
                let messages = names::is_dns1123_label(request);
                errors.invalid_each(&at.field("request"), request, messages);
                key = format!("{key}/{request}");
            }
            let is_prefix =
                |other: &String| other.split_once('/').is_some_and(|(name, _)| name == claim.name);
            if seen.contains(&key) {
                errors.duplicate(&at, &key);
            } else if request.is_empty() && seen.iter().any(is_prefix) {
                errors.duplicate(&at, &claim.name);
            }
            seen.insert(key);
        }
        if !pod_claims.contains(claim.name.as_str()) {
            let known: Vec<&str> = pod_claims.iter().copied().collect();
            let known = if known.is_empty() {
                " which is empty".to_owned()
            } else {
                format!(": {}", known.join(", "))
            };
            let detail = format!("must be one of the names in pod.spec.resourceClaims{known}");
            errors.not_found_with(&at, &claim.name, detail);
        }
    }
}

/// Requests and limits of the Pod as a whole, which bound those of its containers.
pub(super) fn pod(errors: &mut Errors, spec_at: &At<'_>, spec: &PodSpec) {
    let Some(requirements) = &spec.resources else {
        return;
    };
    let at = spec_at.field("resources");
    if spec.os.as_ref().is_some_and(|os| os.name == "windows") {
        errors.forbidden(&at, "may not be set for a windows pod");
        return;
    }
    if requirements.claims.is_some() {
        let detail = "claims may not be set for Resources at pod-level";
        errors.forbidden(&at.field("claims"), detail);
    }
    validate(errors, &at, requirements, &BTreeSet::new(), pod_resource_name);
    consistent(errors, &at, spec, requirements);
}

fn pod_resource_name(errors: &mut Errors, at: &At<'_>, name: &str) {
    if resources::check_name(errors, at, name)
        && !matches!(name, "cpu" | "memory")
        && !resources::is_huge_page(name)
    {
        errors.not_supported(at, name, &["cpu", "hugepages-", "memory"]);
    }
}

fn consistent(errors: &mut Errors, at: &At<'_>, spec: &PodSpec, pod: &ResourceRequirements) {
    let (requests_at, limits_at) = (at.field("requests"), at.field("limits"));
    for (name, sum) in qos::requests(spec) {
        let Some(request) = pod.requests.or_empty().get(&name).map(resources::parse) else {
            continue;
        };
        if sum > request {
            let detail =
                format!("must be greater than or equal to aggregate container requests of {sum}");
            errors.invalid(&requests_at.key(&name), request.to_string(), detail);
        }
    }
    let pod_limit = |name: &str| pod.limits.or_empty().get(name).map(resources::parse);
    for (name, sum) in qos::limits(spec) {
        let Some(limit) = pod_limit(&name) else {
            continue;
        };
        if resources::is_huge_page(&name) && sum > limit {
            let detail =
                format!("must be greater than or equal to aggregate container limits of {sum}");
            errors.invalid(&limits_at.key(&name), limit.to_string(), detail);
        }
    }
    let containers = at.field("containers");
    for (index, container) in spec.containers.iter().enumerate() {
        let limits = container.resources.as_ref().and_then(|r| r.limits.as_ref());
        for (name, limit) in limits.into_iter().flatten() {
            let limit = resources::parse(limit);
            let Some(of_pod) = pod_limit(name) else {
                continue;
            };
            if limit > of_pod {
                let detail = format!("must be less than or equal to pod limits of {of_pod}");
                let at = containers.index(index);
                errors.invalid(&at.key(name).field("limits"), limit.to_string(), detail);
            }
        }
    }
}
