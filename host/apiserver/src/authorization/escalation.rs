//! Nobody grants what they do not have: writing a role needs all of its rules (or the verb `escalate`), binding one needs the rules of
//! the role (or the verb `bind`).
//!
//! See <https://kubernetes.io/docs/reference/access-authn-authz/rbac/#privilege-escalation-prevention-and-bootstrapping>.

use std::collections::BTreeMap;

use k8s_openapi::api::rbac::v1::{PolicyRule, RoleRef};
use meta::{GroupResource, Key, StatusError, Tree};

use super::policy::aggregate;
use super::{MASTERS, only_cleans_up, rule};
use crate::request::ResourceRequest;
use crate::seams::{Attempt, Identity, ResourceAttempt};
use crate::state::State;

const GROUP: &str = "rbac.authorization.k8s.io";

/// Refuses a role or binding that grants more than its writer has. Objects of other resources pass.
pub(crate) async fn check(
    state: &State,
    identity: &Identity,
    request: &ResourceRequest,
    new: &Tree,
    old: Option<&Tree>,
) -> Result<(), StatusError> {
    if request.group != GROUP
        || identity.in_group(MASTERS)
        || old.is_some_and(|old| only_cleans_up(old, new))
    {
        return Ok(());
    }
    let (granted, name) = match request.resource.as_str() {
        "roles" | "clusterroles" => {
            if may(state, identity, request, "escalate", &request.resource, &request.name).await {
                return Ok(());
            }
            (rules_of(new), request.name.as_str())
        }
        "rolebindings" | "clusterrolebindings" => {
            let Some(role) = role_ref(new) else { return Ok(()) };
            let resource = if role.kind == "Role" { "roles" } else { "clusterroles" };
            if may(state, identity, request, "bind", resource, &role.name).await {
                return Ok(());
            }
            let namespace = if resource == "roles" { request.namespace.as_str() } else { "" };
            let key = Key::new(&GroupResource::new(GROUP, resource), namespace, &role.name);
            let snapshot = state.store.snapshot();
            let Some(entry) = snapshot.get(key.as_str()) else {
                return Err(StatusError::not_found(&request.group_resource(), &role.name));
            };
            (
                rules_of(&serde_json::from_slice(&entry.body).unwrap_or_default()),
                request.name.as_str(),
            )
        }
        _ => return Ok(()),
    };
    let name = new.pointer("/metadata/name").and_then(Tree::as_str).unwrap_or(name);
    let held = state.authorizer.rules(identity, &request.namespace);
    match missing(identity, &granted, &held.rules, held.errors) {
        None => Ok(()),
        Some(text) => Err(StatusError::forbidden(&request.group_resource(), name, &text)),
    }
}

async fn may(
    state: &State,
    identity: &Identity,
    request: &ResourceRequest,
    verb: &str,
    resource: &str,
    name: &str,
) -> bool {
    let resource = ResourceAttempt {
        group: GROUP,
        version: "*",
        resource,
        namespace: &request.namespace,
        name,
        ..ResourceAttempt::default()
    };
    let attempt = Attempt { identity, verb, resource: Some(resource), path: "" };
    state.authorizer.authorize(&attempt).await.is_allowed()
}

fn rules_of(role: &Tree) -> Vec<PolicyRule> {
    role.get("rules")
        .and_then(|rules| serde_json::from_value(rules.clone()).ok())
        .unwrap_or_default()
}

fn role_ref(binding: &Tree) -> Option<RoleRef> {
    serde_json::from_value(binding.get("roleRef")?.clone()).ok()
}

/// What of `granted` the writer does not hold, as the client is told; nothing if all is held.
fn missing(
    identity: &Identity,
    granted: &[PolicyRule],
    held: &[PolicyRule],
    errors: Vec<String>,
) -> Option<String> {
    let parts = granted.iter().flat_map(rule::broken_down);
    let missing: Vec<PolicyRule> = parts.filter(|part| !rule::is_covered(part, held)).collect();
    if missing.is_empty() {
        return None;
    }
    let groups: Vec<String> = identity.groups.iter().map(|group| meta::quote(group)).collect();
    let mut text = format!(
        "user {} (groups=[{}]) is attempting to grant RBAC permissions not currently held:\n{}",
        meta::quote(&identity.name),
        groups.join(" "),
        compacted(missing).join("\n"),
    );
    if let Some(errors) = aggregate(errors) {
        text.push_str("; resolution errors: ");
        text.push_str(&errors);
    }
    Some(text)
}

/// One line for each resource, with all its verbs; sorted.
fn compacted(rules: Vec<PolicyRule>) -> Vec<String> {
    let mut lines = Vec::new();
    let mut by_resource: BTreeMap<String, PolicyRule> = BTreeMap::new();
    for rule in rules {
        if !rule::list(rule.non_resource_urls.as_ref()).is_empty() {
            lines.push(rule::compact(&rule));
            continue;
        }
        let key = rule::compact(&PolicyRule { verbs: Vec::new(), ..rule.clone() });
        match by_resource.get_mut(&key) {
            Some(known) => known.verbs.extend(rule.verbs),
            None => {
                by_resource.insert(key, rule);
            }
        }
    }
    lines.extend(by_resource.values().map(rule::compact));
    lines.sort();
    lines.dedup();
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(text: &str) -> PolicyRule {
        let mut words = text.split(' ').map(|word| {
            word.split(',').map(|item| item.trim_matches('-').to_owned()).collect::<Vec<_>>()
        });
        PolicyRule {
            verbs: words.next().expect("verbs"),
            api_groups: words.next(),
            resources: words.next(),
            resource_names: words.next(),
            non_resource_urls: None,
        }
    }

    fn check(granted: &str, held: &str, expected: &[&str]) {
        let identity = Identity {
            name: "ann".to_owned(),
            groups: vec!["g".to_owned()],
            ..Identity::default()
        };
        let text = missing(&identity, &[rule(granted)], &[rule(held)], Vec::new());
        let lines: Vec<&str> = text.iter().flat_map(|text| text.lines().skip(1)).collect();
        assert_eq!(lines, expected, "{granted} of {held}");
        if let Some(text) = &text {
            let first = "user \"ann\" (groups=[\"g\"]) is attempting to grant RBAC permissions not currently held:";
            assert_eq!(text.lines().next(), Some(first));
        }
    }

    #[test]
    fn only_what_is_held_can_be_granted() {
        check("get - pods", "get,list - pods", &[]);
        check("get - pods one", "get - pods", &[]);
        check("get - pods/log", "get - */log", &[]);
        check("get apps deployments", "* * *", &[]);
        let pods = "{APIGroups:[\"\"], Resources:[\"pods\"], Verbs:[\"delete\"]}";
        let secrets = "{APIGroups:[\"\"], Resources:[\"secrets\"], Verbs:[\"get\" \"delete\"]}";
        check("get,delete - pods,secrets", "get,list - pods", &[pods, secrets]);
        let all_pods = "{APIGroups:[\"\"], Resources:[\"pods\"], Verbs:[\"get\"]}";
        check("get - pods", "get - pods one", &[all_pods]);
        let named = "{APIGroups:[\"apps\"], Resources:[\"deployments\"], ResourceNames:[\"d\"], Verbs:[\"get\"]}";
        check("get apps deployments d", "get - pods", &[named]);
    }
}
