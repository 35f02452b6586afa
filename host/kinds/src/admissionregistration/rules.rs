//! Rules that say which requests are meant: operations on resources.
//!
//! See <https://kubernetes.io/docs/reference/access-authn-authz/extensible-admission-controllers/#matching-requests-rules>.

use std::collections::BTreeSet;

use k8s_openapi::api::admissionregistration::v1::{NamedRuleWithOperations, RuleWithOperations};

use crate::check::{At, Errors, json};
use crate::wire::{OrEmpty, default_absent};

const OPERATIONS: &[&str] = &["*", "CONNECT", "CREATE", "DELETE", "UPDATE"];
const SCOPES: &[&str] = &["*", "Cluster", "Namespaced"];
const ALL: &str = "*";

/// What the two types of rules share.
struct Rule<'a> {
    operations: &'a [String],
    groups: &'a [String],
    versions: &'a [String],
    resources: &'a [String],
    scope: Option<&'a String>,
}

pub(super) fn default_scope(scope: &mut Option<String>) {
    default_absent(scope, ALL);
}

pub(super) fn validate(errors: &mut Errors, at: &At<'_>, rule: &RuleWithOperations) {
    let rule = Rule {
        operations: rule.operations.or_empty(),
        groups: rule.api_groups.or_empty(),
        versions: rule.api_versions.or_empty(),
        resources: rule.resources.or_empty(),
        scope: rule.scope.as_ref(),
    };
    validate_rule(errors, at, &rule);
}

pub(super) fn validate_named(errors: &mut Errors, at: &At<'_>, rule: &NamedRuleWithOperations) {
    let all = at.field("resourceNames");
    let mut seen = BTreeSet::new();
    for (index, name) in rule.resource_names.or_empty().iter().enumerate() {
        let at = all.index(index);
        errors.invalid_each(&at, name, crate::path_segment(name));
        if !seen.insert(name) {
            errors.duplicate(&at, name);
        }
    }
    let rule = Rule {
        operations: rule.operations.or_empty(),
        groups: rule.api_groups.or_empty(),
        versions: rule.api_versions.or_empty(),
        resources: rule.resources.or_empty(),
        scope: rule.scope.as_ref(),
    };
    validate_rule(errors, at, &rule);
}

fn validate_rule(errors: &mut Errors, at: &At<'_>, rule: &Rule<'_>) {
    let operations = at.field("operations");
    alone(errors, &operations, rule.operations, "operations");
    for (index, operation) in rule.operations.iter().enumerate() {
        errors.one_of(&operations.index(index), operation, OPERATIONS);
    }
    alone(errors, &at.field("apiGroups"), rule.groups, "API groups");
    let versions = at.field("apiVersions");
    alone(errors, &versions, rule.versions, "API versions");
    for (index, version) in rule.versions.iter().enumerate() {
        if version.is_empty() {
            errors.required(&versions.index(index), "");
        }
    }
    validate_resources(errors, &at.field("resources"), rule.resources);
    if let Some(scope) = rule.scope {
        errors.one_of(&at.field("scope"), scope, SCOPES);
    }
}

/// A list with something in it; what stands for all stands alone.
fn alone(errors: &mut Errors, at: &At<'_>, list: &[String], what: &str) {
    if list.is_empty() {
        errors.required(at, "");
    }
    if list.len() > 1 && list.iter().any(|item| item == ALL) {
        let detail = format!("if '*' is present, must not specify other {what}");
        errors.invalid(at, json(&list), detail);
    }
}

fn validate_resources(errors: &mut Errors, all: &At<'_>, resources: &[String]) {
    if resources.is_empty() {
        errors.required(all, "");
    }
    let (mut whole, mut everywhere) = (BTreeSet::new(), BTreeSet::new());
    let mut plain_is_last = false;
    for (index, resource) in resources.iter().enumerate() {
        let at = all.index(index);
        if resource.is_empty() {
            errors.required(&at, "");
            continue;
        }
        let Some((name, sub)) = resource.split_once('/') else {
            plain_is_last = resource != ALL;
            continue;
        };
        if whole.contains(name) {
            let detail = format!("if '{name}/*' is present, must not specify {resource}");
            errors.invalid(&at, resource, detail);
        }
        if everywhere.contains(sub) {
            let detail = format!("if '*/{sub}' is present, must not specify {resource}");
            errors.invalid(&at, resource, detail);
        }
        if sub == ALL {
            whole.insert(name);
        }
        if name == ALL {
            everywhere.insert(sub);
        }
    }
    let has = |wanted: &str| resources.iter().any(|resource| resource == wanted);
    if resources.len() > 1 && has("*/*") {
        let detail = "if '*/*' is present, must not specify other resources";
        errors.invalid(all, json(&resources), detail);
    }
    if has(ALL) && plain_is_last {
        let detail = "if '*' is present, must not specify other resources without subresources";
        errors.invalid(all, json(&resources), detail);
    }
}
