//! The roles and bindings that a cluster is born with, from a table of facts.
//!
//! Roles that collect the rules of others (`admin`, `edit`, `view`) are filled in at once, so that they grant before anything has collected.
//!
//! See <https://kubernetes.io/docs/reference/access-authn-authz/rbac/#default-roles-and-role-bindings>.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use k8s_openapi::api::rbac::v1::{
    AggregationRule, ClusterRole, ClusterRoleBinding, PolicyRule, Role, RoleBinding, RoleRef,
    Subject,
};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{LabelSelector, ObjectMeta};

use super::policy::Objects;

const FACTS: &str = include_str!("../../facts/bootstrap-roles.txt");
const GROUP: &str = "rbac.authorization.k8s.io";
const NODE_ROLE: &str = "system:node";
/// Roles that collect, in the order in which they can be filled in.
const COLLECTORS: [&str; 3] = ["view", "edit", "admin"];

/// What must exist from the first start.
pub(super) fn objects() -> Objects {
    let mut objects = parse(FACTS);
    for collector in COLLECTORS {
        collect(&mut objects.cluster_roles, collector);
    }
    objects
}

/// The same as trees with their plural names, in the order in which they are created.
pub(crate) fn trees() -> Vec<(&'static str, meta::Tree)> {
    let Objects { roles, cluster_roles, role_bindings, cluster_role_bindings } = objects();
    let mut all = trees_of("clusterroles", &cluster_roles);
    all.extend(trees_of("clusterrolebindings", &cluster_role_bindings));
    all.extend(trees_of("roles", &roles));
    all.extend(trees_of("rolebindings", &role_bindings));
    all
}

fn trees_of<T: serde::Serialize>(
    plural: &'static str,
    objects: &[T],
) -> Vec<(&'static str, meta::Tree)> {
    objects.iter().filter_map(|object| Some((plural, serde_json::to_value(object).ok()?))).collect()
}

/// The rules of the role for nodes; the role itself is bound to nobody.
pub(super) fn node_rules() -> &'static [PolicyRule] {
    static RULES: OnceLock<Vec<PolicyRule>> = OnceLock::new();
    RULES.get_or_init(|| {
        let roles = parse(FACTS).cluster_roles;
        let role = roles.into_iter().find(|role| role.metadata.name.as_deref() == Some(NODE_ROLE));
        role.and_then(|role| role.rules).unwrap_or_default()
    })
}

/// Puts the rules of all roles that `name` selects into it, each once.
fn collect(roles: &mut [ClusterRole], name: &str) {
    let label =
        roles.iter().find(|role| role.metadata.name.as_deref() == Some(name)).and_then(|role| {
            let selectors = role.aggregation_rule.as_ref()?.cluster_role_selectors.as_ref()?;
            selectors.first()?.match_labels.as_ref()?.keys().next().cloned()
        });
    let Some(label) = label else { return };
    let mut collected: Vec<PolicyRule> = Vec::new();
    for role in roles.iter() {
        let selected =
            role.metadata.labels.as_ref().is_some_and(|labels| labels.contains_key(&label));
        for rule in role.rules.iter().flatten().filter(|_| selected) {
            if !collected.contains(rule) {
                collected.push(rule.clone());
            }
        }
    }
    for role in roles.iter_mut().filter(|role| role.metadata.name.as_deref() == Some(name)) {
        role.rules = Some(std::mem::take(&mut collected));
    }
}

/// Reads the table. It is part of the program, so a line that makes no sense is left out, and a test sees that there is none.
fn parse(facts: &str) -> Objects {
    let mut objects = Objects::default();
    let mut last = "";
    for line in facts.lines().filter(|line| !line.starts_with('#')) {
        let indented = line.starts_with(' ');
        let mut words = line.split_whitespace();
        let (Some(first), Some(second)) = (words.next(), words.next()) else { continue };
        let rest: Vec<&str> = words.collect();
        if !indented {
            last = first;
        }
        match (indented, last) {
            (false, "ClusterRole") => objects.cluster_roles.push(cluster_role(second, &rest)),
            (false, "Role") => objects.roles.push(Role { metadata: metadata(second), rules: None }),
            (false, "ClusterRoleBinding") => {
                let role = rest.first().copied().unwrap_or_default();
                objects.cluster_role_bindings.push(ClusterRoleBinding {
                    metadata: metadata(second),
                    role_ref: role_ref("ClusterRole", role),
                    subjects: None,
                });
            }
            (false, "RoleBinding") => {
                let (kind, role) =
                    rest.first().and_then(|role| role.split_once('/')).unwrap_or_default();
                objects.role_bindings.push(RoleBinding {
                    metadata: metadata(second),
                    role_ref: role_ref(kind, role),
                    subjects: None,
                });
            }
            (true, "ClusterRole") => {
                let rules = objects.cluster_roles.last_mut().map(|role| &mut role.rules);
                push(rules, rule(first, second, &rest));
            }
            (true, "Role") => {
                let rules = objects.roles.last_mut().map(|role| &mut role.rules);
                push(rules, rule(first, second, &rest));
            }
            (true, "ClusterRoleBinding") => {
                let subjects =
                    objects.cluster_role_bindings.last_mut().map(|binding| &mut binding.subjects);
                push(subjects, subject(first, second));
            }
            (true, _) => {
                let subjects =
                    objects.role_bindings.last_mut().map(|binding| &mut binding.subjects);
                push(subjects, subject(first, second));
            }
            (false, _) => {}
        }
    }
    objects
}

fn push<T>(list: Option<&mut Option<Vec<T>>>, item: T) {
    if let Some(list) = list {
        list.get_or_insert_default().push(item);
    }
}

fn metadata(name: &str) -> ObjectMeta {
    let (namespace, name) = match name.split_once('/') {
        Some((namespace, name)) => (Some(namespace.to_owned()), name),
        None => (None, name),
    };
    let one = |key: &str, value: &str| Some(BTreeMap::from([(key.to_owned(), value.to_owned())]));
    ObjectMeta {
        name: Some(name.to_owned()),
        namespace,
        annotations: one("rbac.authorization.kubernetes.io/autoupdate", "true"),
        labels: one("kubernetes.io/bootstrapping", "rbac-defaults"),
        ..ObjectMeta::default()
    }
}

fn cluster_role(name: &str, options: &[&str]) -> ClusterRole {
    let mut role = ClusterRole { metadata: metadata(name), ..ClusterRole::default() };
    for (key, value) in options.iter().filter_map(|option| option.split_once('=')) {
        if key == "aggregates" {
            let labels = BTreeMap::from([(value.to_owned(), "true".to_owned())]);
            let selector = LabelSelector { match_labels: Some(labels), ..LabelSelector::default() };
            role.aggregation_rule =
                Some(AggregationRule { cluster_role_selectors: Some(vec![selector]) });
        } else {
            role.metadata.labels.get_or_insert_default().insert(key.to_owned(), value.to_owned());
        }
    }
    role
}

fn rule(verbs: &str, second: &str, rest: &[&str]) -> PolicyRule {
    let list = |text: &str| -> Vec<String> {
        text.split(',')
            .map(|item| if item == "-" { String::new() } else { item.to_owned() })
            .collect()
    };
    let verbs = list(verbs);
    if let Some(paths) = second.strip_prefix("paths=") {
        return PolicyRule { verbs, non_resource_urls: Some(list(paths)), ..PolicyRule::default() };
    }
    PolicyRule {
        verbs,
        api_groups: Some(list(second)),
        resources: rest.first().map(|resources| list(resources)),
        resource_names: rest.get(1).and_then(|names| names.strip_prefix("names=")).map(list),
        non_resource_urls: None,
    }
}

fn subject(kind: &str, name: &str) -> Subject {
    match name.split_once('/').filter(|_| kind == "ServiceAccount") {
        Some((namespace, name)) => Subject {
            kind: kind.to_owned(),
            name: name.to_owned(),
            namespace: Some(namespace.to_owned()),
            api_group: None,
        },
        None => Subject {
            kind: kind.to_owned(),
            name: name.to_owned(),
            namespace: None,
            api_group: Some(GROUP.to_owned()),
        },
    }
}

fn role_ref(kind: &str, name: &str) -> RoleRef {
    RoleRef { api_group: Some(GROUP.to_owned()), kind: kind.to_owned(), name: name.to_owned() }
}
