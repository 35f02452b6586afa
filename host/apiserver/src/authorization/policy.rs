//! RBAC: roles and bindings compiled into a table by subject, and what follows for an attempt. Pure.
//!
//! See <https://kubernetes.io/docs/reference/access-authn-authz/rbac/>.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use k8s_openapi::api::rbac::v1::{
    ClusterRole, ClusterRoleBinding, PolicyRule, Role, RoleBinding, RoleRef, Subject,
};

use super::{Granted, rule};
use crate::seams::{Attempt, Decision, Identity};

/// All roles and bindings of a cluster.
#[derive(Debug, Default)]
pub(super) struct Objects {
    pub(super) roles: Vec<Role>,
    pub(super) cluster_roles: Vec<ClusterRole>,
    pub(super) role_bindings: Vec<RoleBinding>,
    pub(super) cluster_role_bindings: Vec<ClusterRoleBinding>,
}

/// The compiled table.
#[derive(Debug, Default)]
pub(super) struct Policy {
    grants: Vec<Grant>,
    /// Which grants a user has, or a group, by position.
    by_user: BTreeMap<String, Vec<usize>>,
    by_group: BTreeMap<String, Vec<usize>>,
}

/// One binding: what it grants, where, and how it is told.
#[derive(Debug)]
struct Grant {
    /// Everywhere if there is none.
    namespace: Option<String>,
    /// The rules of the role, or why there are none.
    rules: Result<Arc<[PolicyRule]>, String>,
    binding: String,
    subjects: Vec<Subject>,
}

impl Policy {
    pub(super) fn compile(objects: Objects) -> Self {
        let shared = |rules: Option<Vec<PolicyRule>>| -> Arc<[PolicyRule]> {
            rules.unwrap_or_default().into()
        };
        let mut cluster_roles = BTreeMap::new();
        for role in objects.cluster_roles {
            cluster_roles.insert(role.metadata.name.unwrap_or_default(), shared(role.rules));
        }
        let mut roles = BTreeMap::new();
        for role in objects.roles {
            let key = (
                role.metadata.namespace.unwrap_or_default(),
                role.metadata.name.unwrap_or_default(),
            );
            roles.insert(key, shared(role.rules));
        }
        let find = |reference: &RoleRef, namespace: &str| {
            let name = &reference.name;
            let not_found = |resource| {
                format!("{resource}.rbac.authorization.k8s.io {} not found", meta::quote(name))
            };
            match reference.kind.as_str() {
                "ClusterRole" => {
                    cluster_roles.get(name).cloned().ok_or_else(|| not_found("clusterrole"))
                }
                "Role" => {
                    let key = (namespace.to_owned(), name.clone());
                    roles.get(&key).cloned().ok_or_else(|| not_found("role"))
                }
                other => Err(format!("unsupported role reference kind: {}", meta::quote(other))),
            }
        };
        let mut policy = Self::default();
        // Bindings for the whole cluster come first, as in the reasons that Kubernetes gives.
        for binding in objects.cluster_role_bindings {
            let name = binding.metadata.name.unwrap_or_default();
            policy.add(Grant {
                namespace: None,
                rules: find(&binding.role_ref, ""),
                binding: describe("ClusterRoleBinding", &name, &binding.role_ref),
                subjects: binding.subjects.unwrap_or_default(),
            });
        }
        for binding in objects.role_bindings {
            let name = binding.metadata.name.unwrap_or_default();
            let namespace = binding.metadata.namespace.unwrap_or_default();
            policy.add(Grant {
                rules: find(&binding.role_ref, &namespace),
                binding: describe("RoleBinding", &format!("{name}/{namespace}"), &binding.role_ref),
                subjects: binding.subjects.unwrap_or_default(),
                namespace: Some(namespace),
            });
        }
        policy
    }

    fn add(&mut self, grant: Grant) {
        let position = self.grants.len();
        for subject in &grant.subjects {
            let (index, key) = match subject.kind.as_str() {
                "User" => (&mut self.by_user, subject.name.clone()),
                "Group" => (&mut self.by_group, subject.name.clone()),
                "ServiceAccount" => match account(subject, grant.namespace.as_deref()) {
                    Some(user) => (&mut self.by_user, user),
                    None => continue,
                },
                _ => continue,
            };
            let positions = index.entry(key).or_default();
            if positions.last() != Some(&position) {
                positions.push(position);
            }
        }
        self.grants.push(grant);
    }

    /// The grants of a caller that hold in a namespace, in order. Without a namespace only those for the whole cluster hold.
    fn grants<'a>(
        &'a self,
        identity: &'a Identity,
        namespace: &'a str,
    ) -> impl Iterator<Item = &'a Grant> {
        let mut positions: BTreeSet<usize> = BTreeSet::new();
        positions.extend(self.by_user.get(&identity.name).into_iter().flatten());
        for group in &identity.groups {
            positions.extend(self.by_group.get(group).into_iter().flatten());
        }
        positions.into_iter().filter_map(|position| self.grants.get(position)).filter(
            move |grant| {
                grant
                    .namespace
                    .as_deref()
                    .is_none_or(|own| !namespace.is_empty() && own == namespace)
            },
        )
    }

    pub(super) fn authorize(&self, attempt: &Attempt<'_>) -> Decision {
        let namespace = attempt.resource.map_or("", |resource| resource.namespace);
        let mut errors = Vec::new();
        for grant in self.grants(attempt.identity, namespace) {
            match &grant.rules {
                Ok(rules) if rules.iter().any(|rule| rule::allows(rule, attempt)) => {
                    return Decision::Allow { reason: grant.reason(attempt.identity) };
                }
                Ok(_) => {}
                Err(error) => errors.push(error.clone()),
            }
        }
        let reason = aggregate(errors).map(|errors| format!("RBAC: {errors}"));
        Decision::NoOpinion { reason: reason.unwrap_or_default() }
    }

    pub(super) fn rules_for(&self, identity: &Identity, namespace: &str) -> Granted {
        let mut found = Granted::default();
        for grant in self.grants(identity, namespace) {
            match &grant.rules {
                Ok(rules) => found.rules.extend(rules.iter().cloned()),
                Err(error) => found.errors.push(error.clone()),
            }
        }
        found
    }
}

impl Grant {
    fn reason(&self, identity: &Identity) -> String {
        let subject = self.subjects.iter().find(|subject| match subject.kind.as_str() {
            "User" => subject.name == identity.name,
            "Group" => identity.in_group(&subject.name),
            "ServiceAccount" => account(subject, self.namespace.as_deref())
                .is_some_and(|user| user == identity.name),
            _ => false,
        });
        let subject = subject.map(|subject| {
            let name = match subject.kind.as_str() {
                "ServiceAccount" => {
                    let own = subject.namespace.as_deref().filter(|own| !own.is_empty());
                    let namespace = own.or(self.namespace.as_deref()).unwrap_or_default();
                    format!("{}/{namespace}", subject.name)
                }
                _ => subject.name.clone(),
            };
            format!("{} {}", subject.kind, meta::quote(&name))
        });
        format!("RBAC: allowed by {} to {}", self.binding, subject.unwrap_or_default())
    }
}

/// The user name of a `ServiceAccount` that a binding names; a `RoleBinding` may leave out its own namespace.
fn account(subject: &Subject, binding_namespace: Option<&str>) -> Option<String> {
    let own = subject.namespace.as_deref().filter(|namespace| !namespace.is_empty());
    let namespace = own.or(binding_namespace)?;
    Some(format!("system:serviceaccount:{namespace}:{}", subject.name))
}

fn describe(kind: &str, name: &str, role: &RoleRef) -> String {
    format!("{kind} {} of {} {}", meta::quote(name), role.kind, meta::quote(&role.name))
}

/// Several errors as one text: each once, in brackets if there are several.
pub(super) fn aggregate(errors: Vec<String>) -> Option<String> {
    let mut unique: Vec<String> = Vec::with_capacity(errors.len());
    for error in errors {
        if !unique.contains(&error) {
            unique.push(error);
        }
    }
    match unique.as_slice() {
        [] => None,
        [only] => Some(only.clone()),
        several => Some(format!("[{}]", several.join(", "))),
    }
}

#[cfg(test)]
mod tests;
