//! What holds for the scopes of a quota: which objects it counts.
//!
//! See <https://kubernetes.io/docs/concepts/policy/resource-quotas/#quota-scopes>.

use std::collections::BTreeSet;

use k8s_openapi::api::core::v1::{
    ResourceQuotaSpec, ScopeSelector, ScopedResourceSelectorRequirement,
};

use crate::check::{At, Errors, json};
use crate::wire::OrEmpty;
use crate::{internal, resources};

/// What is wrong with the scopes, given by name or by a selector.
pub(super) fn validate(errors: &mut Errors, spec_at: &At<'_>, spec: &ResourceQuotaSpec) {
    let names = spec.scopes.or_empty();
    let at = spec_at.field("scopes");
    for scope in names {
        if !is_known(scope) {
            errors.invalid(&at, json(&names), "unsupported scope");
        }
        for _ in misfits(spec, scope) {
            errors.invalid(&at, json(&names), "unsupported scope applied to resource");
        }
    }
    conflicts(errors, &at, spec, names.iter().map(String::as_str).collect());
    if let Some(selector) = &spec.scope_selector {
        let at = spec_at.field("scopeSelector");
        validate_selector(errors, &at.field("matchExpressions"), spec, selector);
    }
}

fn validate_selector(
    errors: &mut Errors,
    at: &At<'_>,
    spec: &ResourceQuotaSpec,
    selector: &ScopeSelector,
) {
    let requirements = selector.match_expressions.or_empty();
    for requirement in requirements {
        let scope = requirement.scope_name.as_str();
        if !is_known(scope) {
            errors.invalid(&at.field("scopeName"), scope, "unsupported scope");
        }
        for _ in misfits(spec, scope) {
            let shown = internal::value("@ScopeSelector", selector);
            errors.invalid(at, shown, "unsupported scope applied to resource");
        }
        operator(errors, at, requirement);
    }
    let scopes = requirements.iter().map(|requirement| requirement.scope_name.as_str()).collect();
    conflicts(errors, at, spec, scopes);
}

fn operator(errors: &mut Errors, at: &At<'_>, requirement: &ScopedResourceSelectorRequirement) {
    let operator_at = at.field("operator");
    let (operator, values) = (requirement.operator.as_str(), requirement.values.or_empty());
    let has_no_values = matches!(
        requirement.scope_name.as_str(),
        "Terminating"
            | "NotTerminating"
            | "BestEffort"
            | "NotBestEffort"
            | "CrossNamespacePodAffinity"
    );
    if has_no_values && operator != "Exists" {
        let detail = "must be 'Exists' when scope is any of ResourceQuotaScopeTerminating, \
                      ResourceQuotaScopeNotTerminating, ResourceQuotaScopeBestEffort, \
                      ResourceQuotaScopeNotBestEffort or \
                      ResourceQuotaScopeCrossNamespacePodAffinity";
        errors.invalid(&operator_at, operator, detail);
    }
    match operator {
        "In" | "NotIn" => {
            if values.is_empty() {
                let detail = "must be at least one value when `operator` is 'In' or 'NotIn' for \
                              scope selector";
                errors.required(&at.field("values"), detail);
            }
        }
        "Exists" | "DoesNotExist" => {
            if !values.is_empty() {
                let detail = "must be no value when `operator` is 'Exist' or 'DoesNotExist' for \
                              scope selector";
                errors.invalid(&at.field("values"), values, detail);
            }
        }
        _ => errors.invalid(&operator_at, operator, "not a valid selector operator"),
    }
}

fn conflicts(errors: &mut Errors, at: &At<'_>, spec: &ResourceQuotaSpec, scopes: BTreeSet<&str>) {
    for pair in [["BestEffort", "NotBestEffort"], ["NotTerminating", "Terminating"]] {
        if pair.iter().all(|scope| scopes.contains(scope)) {
            errors.invalid(at, json(&spec.scopes), "conflicting scopes");
        }
    }
}

fn is_known(scope: &str) -> bool {
    matches!(
        scope,
        "Terminating"
            | "NotTerminating"
            | "BestEffort"
            | "NotBestEffort"
            | "PriorityClass"
            | "CrossNamespacePodAffinity"
            | "VolumeAttributesClass"
    )
}

/// Resources of the quota that have nothing to do with a scope.
fn misfits<'a>(
    spec: &'a ResourceQuotaSpec,
    scope: &'a str,
) -> impl Iterator<Item = &'a String> + 'a {
    let names = spec.hard.or_empty().keys();
    names.filter(move |name| resources::is_quota(name) && !fits(scope, name))
}

fn fits(scope: &str, resource: &str) -> bool {
    let computes = matches!(
        resource,
        "cpu" | "memory" | "limits.cpu" | "limits.memory" | "requests.cpu" | "requests.memory"
    );
    match scope {
        "Terminating"
        | "NotTerminating"
        | "NotBestEffort"
        | "PriorityClass"
        | "CrossNamespacePodAffinity" => computes || resource == "pods",
        "BestEffort" => resource == "pods",
        "VolumeAttributesClass" => {
            matches!(resource, "persistentvolumeclaims" | "requests.storage")
        }
        _ => true,
    }
}
