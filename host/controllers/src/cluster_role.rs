//! Fills each `ClusterRole` that collects the rules of others.
//!
//! Reads `ClusterRoles`; claims the rules of those that have an aggregation rule. Rules that people
//! wrote into such a role stay until something is collected for the first time.
//! See <https://kubernetes.io/docs/reference/access-authn-authz/rbac/#aggregated-clusterroles>.

use std::sync::Arc;

use k8s_openapi::api::rbac::v1::{ClusterRole, PolicyRule};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kinds::wire::OrEmpty;
use meta::selector::label::Selector;

use crate::{Action, Controller, Key, Look, Plan, Sourced, Sources, Watch};

const MANAGER: &str = "clusterrole-aggregation-controller";

/// The controller.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Aggregation;

/// Everything one decision looks at.
#[derive(Debug)]
struct View {
    role: Arc<ClusterRole>,
    /// Which roles are collected, in order.
    selectors: Vec<Selector>,
    /// All roles by name.
    roles: Vec<Arc<ClusterRole>>,
}

impl View {
    fn of(look: &Look<'_>, key: &Key) -> Option<Self> {
        let role = look.sources.cluster_roles.get("", &key.name)?;
        let selectors = selectors(&role)?;
        let mut roles = look.sources.cluster_roles.all();
        roles.retain(|other| other.metadata.name != role.metadata.name);
        roles.sort_by(|a, b| a.metadata.name.cmp(&b.metadata.name));
        Some(Self { role, selectors, roles })
    }
}

fn reconcile(view: &View) -> Plan {
    let mut plan = Plan::default();
    let wanted = collected(view);
    let seen = view.role.rules.or_empty();
    // An empty claim takes away only what was claimed before.
    if wanted == seen || (wanted.is_empty() && !has_claimed(&view.role)) {
        return plan;
    }
    let ClusterRole { metadata: ObjectMeta { name, uid, .. }, .. } = (*view.role).clone();
    let claim = ClusterRole {
        metadata: ObjectMeta { name, uid, ..ObjectMeta::default() },
        rules: Some(wanted).filter(|rules| !rules.is_empty()),
        aggregation_rule: None,
    };
    plan.act(Action::Apply { object: claim.into_any(), subresource: "", manager: MANAGER });
    plan
}

/// The rules of all selected roles, each once.
fn collected(view: &View) -> Vec<PolicyRule> {
    let mut rules: Vec<PolicyRule> = Vec::new();
    for selector in &view.selectors {
        for role in view.roles.iter().filter(|role| selects(selector, role)) {
            for rule in role.rules.or_empty() {
                if !rules.contains(rule) {
                    rules.push(rule.clone());
                }
            }
        }
    }
    rules
}

fn has_claimed(role: &ClusterRole) -> bool {
    // The rules are all that it ever claims.
    role.metadata.managed_fields.or_empty().iter().any(|entry| {
        entry.manager.as_deref() == Some(MANAGER) && entry.operation.as_deref() == Some("Apply")
    })
}

/// What a role collects; none if it does not, or if that cannot be understood.
fn selectors(role: &ClusterRole) -> Option<Vec<Selector>> {
    let selectors = role.aggregation_rule.as_ref()?.cluster_role_selectors.or_empty();
    selectors.iter().map(|selector| Selector::from(selector).ok()).collect()
}

fn selects(selector: &Selector, role: &ClusterRole) -> bool {
    selector.matches_labels(role.metadata.labels.as_ref().unwrap_or(&NO_LABELS))
}

static NO_LABELS: std::collections::BTreeMap<String, String> = std::collections::BTreeMap::new();

/// The role itself and those that collect it.
fn concerned(sources: &Sources, changed: &ClusterRole) -> Vec<Key> {
    let collects = |role: &ClusterRole| {
        let selectors = selectors(role).unwrap_or_default();
        selectors.iter().any(|selector| selects(selector, changed))
    };
    let collectors = sources.cluster_roles.all().into_iter();
    let collectors = collectors.filter(|role| role.aggregation_rule.is_some() && collects(role));
    std::iter::once(Key::of(changed)).chain(collectors.map(|role| Key::of(&*role))).collect()
}

impl Controller for Aggregation {
    fn name(&self) -> &'static str {
        "clusterrole-aggregation"
    }

    fn component(&self) -> &'static str {
        MANAGER
    }

    fn watches(&self) -> Vec<Watch> {
        vec![Watch::of(concerned)]
    }

    fn plan(&self, look: &Look<'_>, key: &Key) -> Plan {
        View::of(look, key).map(|view| reconcile(&view)).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::laws::told;
    use crate::laws::world::World;

    fn rule(group: &str) -> Value {
        json!({"apiGroups": [group], "resources": ["things"], "verbs": ["get"]})
    }

    /// Lets the controller work on `all`, and tells the groups in its rules.
    fn groups(world: &mut World) -> Vec<String> {
        for action in told::plan(&Aggregation, world, "all").actions {
            world.apply(action).expect("it is allowed");
        }
        assert!(told::plan(&Aggregation, world, "all").actions.is_empty(), "it is settled");
        let roles = world.all::<ClusterRole>().into_iter();
        let rules = roles.filter(|role| role.metadata.name.as_deref() == Some("all"));
        let rules = rules.flat_map(|role| role.rules.unwrap_or_default());
        rules.filter_map(|rule| rule.api_groups?.pop()).collect()
    }

    fn part(world: &mut World, name: &str, label: &str, groups: &[&str]) {
        world.put::<ClusterRole>(json!({
            "metadata": {"name": name, "labels": {label: "yes"}},
            "rules": groups.iter().map(|group| rule(group)).collect::<Vec<_>>(),
        }));
    }

    #[test]
    fn rules_are_collected_once_in_the_order_of_selectors_and_names() {
        let mut world = World::new(jiff::Timestamp::UNIX_EPOCH);
        world.put::<ClusterRole>(json!({
            "metadata": {"name": "all", "labels": {"first": "yes"}},
            "aggregationRule": {"clusterRoleSelectors": [
                {"matchLabels": {"first": "yes"}},
                {"matchExpressions": [{"key": "second", "operator": "Exists"}]}]},
            "rules": [rule("by-hand")],
        }));
        assert_eq!(groups(&mut world), ["by-hand"]);
        part(&mut world, "c", "second", &["b", "c"]);
        assert_eq!(groups(&mut world), ["b", "c"]);
        part(&mut world, "b", "second", &["a", "c"]);
        part(&mut world, "z", "first", &["z"]);
        part(&mut world, "other", "third", &["no"]);
        assert_eq!(groups(&mut world), ["z", "a", "c", "b"]);
        for name in ["b", "c", "z"] {
            part(&mut world, name, "third", &["no"]);
        }
        assert!(groups(&mut world).is_empty());
    }
}
