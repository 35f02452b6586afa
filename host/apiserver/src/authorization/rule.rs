//! One rule of a role: what it matches, what it covers, and how it is shown.

use k8s_openapi::api::rbac::v1::PolicyRule;

use crate::seams::{Attempt, ResourceAttempt};

/// Whether the rule allows the attempt.
pub(super) fn allows(rule: &PolicyRule, attempt: &Attempt<'_>) -> bool {
    let verb_matches = has(&rule.verbs, "*") || has(&rule.verbs, attempt.verb);
    verb_matches
        && match &attempt.resource {
            Some(resource) => matches_resource(rule, resource),
            None => matches_path(rule, attempt.path),
        }
}

fn matches_resource(rule: &PolicyRule, asked: &ResourceAttempt<'_>) -> bool {
    let groups = list(rule.api_groups.as_ref());
    let names = list(rule.resource_names.as_ref());
    let resources = list(rule.resources.as_ref());
    (has(groups, "*") || has(groups, asked.group))
        && resources.iter().any(|resource| names_resource(resource, asked))
        && (names.is_empty() || has(names, asked.name))
}

/// `*`, `pods`, `pods/log` or `*/log`.
fn names_resource(rule: &str, asked: &ResourceAttempt<'_>) -> bool {
    if rule == "*" {
        return true;
    }
    let (resource, subresource) = rule.split_once('/').unwrap_or((rule, ""));
    if asked.subresource.is_empty() {
        return rule == asked.resource;
    }
    subresource == asked.subresource && (resource == "*" || resource == asked.resource)
}

fn matches_path(rule: &PolicyRule, path: &str) -> bool {
    list(rule.non_resource_urls.as_ref()).iter().any(|url| {
        url == "*"
            || url == path
            || (url.ends_with('*') && path.starts_with(url.trim_end_matches('*')))
    })
}

/// Whether everything that `wanted` grants is granted by `owned` together. `wanted` must be broken down.
pub(crate) fn is_covered(wanted: &PolicyRule, owned: &[PolicyRule]) -> bool {
    owned.iter().any(|own| {
        covers(&own.verbs, &wanted.verbs, |own, wanted| own == "*" || own == wanted)
            && if list(wanted.non_resource_urls.as_ref()).is_empty() {
                covers_resources(own, wanted)
            } else {
                covers(
                    list(own.non_resource_urls.as_ref()),
                    list(wanted.non_resource_urls.as_ref()),
                    |own, wanted| {
                        own == "*"
                            || own == wanted
                            || (own.ends_with('*') && wanted.starts_with(own.trim_end_matches('*')))
                    },
                )
            }
    })
}

fn covers_resources(own: &PolicyRule, wanted: &PolicyRule) -> bool {
    let own_names = list(own.resource_names.as_ref());
    let wanted_names = list(wanted.resource_names.as_ref());
    let names = own_names.is_empty()
        || (!wanted_names.is_empty() && wanted_names.iter().all(|name| has(own_names, name)));
    names
        && covers(list(own.api_groups.as_ref()), list(wanted.api_groups.as_ref()), |own, wanted| {
            own == "*" || own == wanted
        })
        && covers(list(own.resources.as_ref()), list(wanted.resources.as_ref()), |own, wanted| {
            let any_of = |own: &str| {
                own.strip_prefix("*/").is_some_and(|own| {
                    wanted.split_once('/').is_some_and(|(_, subresource)| subresource == own)
                })
            };
            own == "*" || own == wanted || any_of(own)
        })
}

fn covers(own: &[String], wanted: &[String], fits: impl Fn(&str, &str) -> bool) -> bool {
    wanted.iter().all(|wanted| own.iter().any(|own| fits(own, wanted)))
}

/// Granted with one verb and one resource (or path) each, which together grant the same.
pub(crate) fn broken_down(rule: &PolicyRule) -> Vec<PolicyRule> {
    let mut parts = Vec::new();
    for verb in &rule.verbs {
        let verbs = vec![verb.clone()];
        for group in list(rule.api_groups.as_ref()) {
            for resource in list(rule.resources.as_ref()) {
                let one = |name: Option<&String>| PolicyRule {
                    verbs: verbs.clone(),
                    api_groups: Some(vec![group.clone()]),
                    resources: Some(vec![resource.clone()]),
                    resource_names: name.map(|name| vec![name.clone()]),
                    non_resource_urls: None,
                };
                match list(rule.resource_names.as_ref()) {
                    [] => parts.push(one(None)),
                    names => parts.extend(names.iter().map(|name| one(Some(name)))),
                }
            }
        }
        for url in list(rule.non_resource_urls.as_ref()) {
            let non_resource_urls = Some(vec![url.clone()]);
            parts.push(PolicyRule {
                verbs: verbs.clone(),
                non_resource_urls,
                ..PolicyRule::default()
            });
        }
    }
    parts
}

/// `{APIGroups:["apps"], Resources:["deployments"], Verbs:["get" "list"]}`
pub(super) fn compact(rule: &PolicyRule) -> String {
    let quoted = |texts: &[String]| {
        let texts: Vec<String> = texts.iter().map(|text| meta::quote(text)).collect();
        texts.join(" ")
    };
    let parts = [
        ("APIGroups", list(rule.api_groups.as_ref())),
        ("Resources", list(rule.resources.as_ref())),
        ("NonResourceURLs", list(rule.non_resource_urls.as_ref())),
        ("ResourceNames", list(rule.resource_names.as_ref())),
        ("Verbs", rule.verbs.as_slice()),
    ];
    let parts: Vec<String> = parts
        .iter()
        .filter(|(_, texts)| !texts.is_empty())
        .map(|(name, texts)| format!("{name}:[{}]", quoted(texts)))
        .collect();
    format!("{{{}}}", parts.join(", "))
}

/// Every verb on every resource.
pub(super) fn everything() -> PolicyRule {
    let all = || vec!["*".to_owned()];
    PolicyRule {
        verbs: all(),
        api_groups: Some(all()),
        resources: Some(all()),
        ..PolicyRule::default()
    }
}

/// Every verb on every path that is no resource.
pub(super) fn everything_else() -> PolicyRule {
    let all = || vec!["*".to_owned()];
    PolicyRule { verbs: all(), non_resource_urls: Some(all()), ..PolicyRule::default() }
}

pub(super) fn list(texts: Option<&Vec<String>>) -> &[String] {
    texts.map(Vec::as_slice).unwrap_or_default()
}

fn has(texts: &[String], text: &str) -> bool {
    texts.iter().any(|own| own == text)
}
