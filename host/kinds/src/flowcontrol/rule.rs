//! What holds for the rules by which a flow schema picks requests: who sends them, and what they are about.

use k8s_openapi::api::flowcontrol::v1::{
    NonResourcePolicyRule, PolicyRulesWithSubjects, ResourcePolicyRule, ServiceAccountSubject,
    Subject,
};
use meta::names;

use crate::check::{At, Errors};
use crate::wire::OrEmpty;

const VERBS: &[&str] =
    &["create", "delete", "deletecollection", "get", "list", "patch", "proxy", "update", "watch"];

/// What is wrong with a rule.
pub(super) fn validate(errors: &mut Errors, at: &At<'_>, rule: &PolicyRulesWithSubjects) {
    let subjects = at.field("subjects");
    for (index, subject) in rule.subjects.iter().enumerate() {
        validate_subject(errors, &subjects.index(index), subject);
    }
    if rule.subjects.is_empty() {
        errors.required(&subjects, "subjects must contain at least one value");
    }
    if rule.resource_rules.is_unset() && rule.non_resource_rules.is_unset() {
        let detail = "at least one of resourceRules and nonResourceRules has to be non-empty";
        errors.required(at, detail);
    }
    let rules_at = at.field("resourceRules");
    for (index, rule) in rule.resource_rules.or_empty().iter().enumerate() {
        resources(errors, &rules_at.index(index), rule);
    }
    let rules_at = at.field("nonResourceRules");
    for (index, rule) in rule.non_resource_rules.or_empty().iter().enumerate() {
        paths(errors, &rules_at.index(index), rule);
    }
}

fn validate_subject(errors: &mut Errors, at: &At<'_>, subject: &Subject) {
    let account = subject.service_account.as_ref();
    let user = subject.user.as_ref().map(|user| &user.name);
    let group = subject.group.as_ref().map(|group| &group.name);
    match (subject.kind.as_str(), account) {
        ("ServiceAccount", Some(account)) => {
            service_account(errors, &at.field("serviceAccount"), account);
        }
        ("ServiceAccount", None) => {
            let detail = "serviceAccount is required when subject kind is 'ServiceAccount'";
            errors.required(&at.field("serviceAccount"), detail);
        }
        ("User", _) => {
            let detail = "user is required when subject kind is 'User'";
            named(errors, &at.field("user"), user, detail);
        }
        ("Group", _) => {
            let detail = "group is required when subject kind is 'Group'";
            named(errors, &at.field("group"), group, detail);
        }
        (kind, _) => {
            errors.not_supported(&at.field("kind"), kind, &["Group", "ServiceAccount", "User"]);
            return;
        }
    }
    for (field, kind, is_given) in [
        ("serviceAccount", "ServiceAccount", account.is_some()),
        ("user", "User", user.is_some()),
        ("group", "Group", group.is_some()),
    ] {
        if is_given && subject.kind != kind {
            let detail = format!("{field} is forbidden when subject kind is not '{kind}'");
            errors.forbidden(&at.field(field), detail);
        }
    }
}

fn named(errors: &mut Errors, at: &At<'_>, name: Option<&String>, detail: &str) {
    match name {
        None => errors.required(at, detail),
        Some(name) if name.is_empty() => errors.required(&at.field("name"), ""),
        Some(_) => {}
    }
}

fn service_account(errors: &mut Errors, at: &At<'_>, account: &ServiceAccountSubject) {
    let (name, name_at) = (account.name.as_str(), at.field("name"));
    if name.is_empty() {
        errors.required(&name_at, "");
    } else if name != "*" {
        errors.invalid_each(&name_at, name, names::is_dns1123_subdomain(name));
    }
    let (namespace, namespace_at) = (account.namespace.as_str(), at.field("namespace"));
    if namespace.is_empty() {
        errors.required(&namespace_at, "must specify namespace for service account");
    } else {
        errors.invalid_each(&namespace_at, namespace, names::is_dns1123_label(namespace));
    }
}

fn resources(errors: &mut Errors, at: &At<'_>, rule: &ResourcePolicyRule) {
    verbs(errors, &at.field("verbs"), &rule.verbs);
    let groups_at = at.field("apiGroups");
    if rule.api_groups.is_empty() {
        errors.required(&groups_at, "resource rules must supply at least one api group");
    }
    alone(errors, &groups_at, &rule.api_groups, "api groups");
    let resources_at = at.field("resources");
    if rule.resources.is_empty() {
        errors.required(&resources_at, "resource rules must supply at least one resource");
    }
    alone(errors, &resources_at, &rule.resources, "resources");
    let (namespaces, at) = (rule.namespaces.or_empty(), at.field("namespaces"));
    if namespaces.is_empty() && rule.cluster_scope != Some(true) {
        let detail =
            "resource rules that are not cluster scoped must supply at least one namespace";
        errors.required(&at, detail);
    } else if is_anything(namespaces) {
        alone(errors, &at, namespaces, "namespaces");
    } else {
        for (index, namespace) in namespaces.iter().enumerate() {
            for message in names::is_dns1123_label(namespace) {
                let rule = "each member of this list must be '*' or a DNS-1123 label";
                errors.invalid(&at.index(index), namespace, format!("{rule}; {message}"));
            }
        }
    }
}

fn paths(errors: &mut Errors, at: &At<'_>, rule: &NonResourcePolicyRule) {
    verbs(errors, &at.field("verbs"), &rule.verbs);
    let (urls, at) = (&rule.non_resource_urls, at.field("nonResourceURLs"));
    if urls.is_empty() {
        errors.required(&at, "nonResourceURLs must contain at least one value");
    } else if is_anything(urls) {
        alone(errors, &at, urls, "non-resource URLs");
    } else {
        for (index, url) in urls.iter().enumerate() {
            if let Some(detail) = path_error(url) {
                errors.invalid(&at.index(index), url, detail);
            }
        }
    }
}

fn verbs(errors: &mut Errors, at: &At<'_>, verbs: &[String]) {
    if verbs.is_empty() {
        errors.required(at, "verbs must contain at least one value");
    } else if is_anything(verbs) {
        alone(errors, at, verbs, "verbs");
    } else if !verbs.iter().all(|verb| VERBS.contains(&verb.as_str())) {
        errors.not_supported(at, verbs, VERBS);
    }
}

fn is_anything(list: &[String]) -> bool {
    list.iter().any(|item| item == "*")
}

/// Refuses anything beside a `*`.
fn alone(errors: &mut Errors, at: &At<'_>, list: &[String], what: &str) {
    if list.len() > 1 && is_anything(list) {
        errors.invalid(at, list, format!("if '*' is present, must not specify other {what}"));
    }
}

fn path_error(path: &str) -> Option<&'static str> {
    if path.is_empty() {
        return Some("must not be empty");
    }
    let stars = path.matches('*').count();
    if path == "/" {
        None
    } else if !path.starts_with('/') {
        Some("must start with slash")
    } else if path.contains(' ') {
        Some("must not contain white-space")
    } else if path.contains("//") {
        Some("must not contain double slash")
    } else if stars > 1 || (stars == 1 && !path.ends_with("/*")) {
        Some("wildcard can only do suffix matching")
    } else {
        None
    }
}
