//! What a caller may do: members of `system:masters` everything, nodes what belongs to them, everybody what RBAC's roles grant.
//!
//! An authorizer allows or has no opinion; what nobody allows is forbidden. Roles are read from the store and compiled into a table that is
//! renewed when one of them changes, so a decision sees every role that was written before it.
//!
//! Start from [`Authorizer`]. See <https://kubernetes.io/docs/reference/access-authn-authz/authorization/>.

pub(crate) mod bootstrap;
pub(crate) mod escalation;
mod live;
mod node;
pub(crate) mod params;
mod policy;
mod reviews;
pub(crate) mod rule;
pub(crate) mod signers;

use std::sync::Arc;

use futures::future::BoxFuture;
use k8s_openapi::api::rbac::v1::PolicyRule;
use meta::Tree;
use store::Store;

use crate::seams::{Attempt, Authorize, Decision, Identity};

pub(crate) use reviews::{
    local_subject_access_review, self_subject_access_review, self_subject_rules_review,
    subject_access_review,
};

use live::LivePolicy;

const MASTERS: &str = "system:masters";

/// The authorizers, in order.
#[derive(Debug)]
pub struct Authorizer {
    store: Arc<Store>,
    policy: LivePolicy,
}

/// What somebody may do in a namespace, as far as it can be told in rules.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Granted {
    pub rules: Vec<PolicyRule>,
    /// Why rules may be missing.
    pub errors: Vec<String>,
    /// Whether an authorizer cannot tell its rules.
    pub incomplete: bool,
}

impl Authorizer {
    pub fn new(store: Arc<Store>) -> Self {
        let policy = LivePolicy::new(Arc::clone(&store));
        Self { store, policy }
    }

    fn decide(&self, attempt: &Attempt<'_>) -> Decision {
        if attempt.identity.in_group(MASTERS) {
            return Decision::Allow { reason: String::new() };
        }
        let mut reasons = Vec::new();
        if let Some(node) = node::name(attempt.identity) {
            match node::authorize(attempt, node, || self.store.snapshot()) {
                Decision::NoOpinion { reason } => reasons.push(reason),
                decided => return decided,
            }
        }
        match self.policy.current().authorize(attempt) {
            Decision::NoOpinion { reason } => reasons.push(reason),
            decided => return decided,
        }
        reasons.retain(|reason| !reason.is_empty());
        Decision::NoOpinion { reason: reasons.join("\n") }
    }
}

impl Authorize for Authorizer {
    fn authorize<'a>(&'a self, attempt: &'a Attempt<'a>) -> BoxFuture<'a, Decision> {
        Box::pin(async move { self.decide(attempt) })
    }

    fn rules(&self, identity: &Identity, namespace: &str) -> Granted {
        let mut rules = self.policy.current().rules_for(identity, namespace);
        if identity.in_group(MASTERS) {
            rules.rules.insert(0, rule::everything_else());
            rules.rules.insert(0, rule::everything());
        }
        if node::name(identity).is_some() {
            rules.incomplete = true;
            rules
                .errors
                .insert(0, "node authorizer does not support user rule resolution".to_owned());
        }
        rules
    }
}

/// Whether nothing differs but what the garbage collector changes.
fn only_cleans_up(old: &Tree, new: &Tree) -> bool {
    let rest = |tree: &Tree| {
        let mut tree = tree.clone();
        if let Some(metadata) = tree.get_mut("metadata").and_then(Tree::as_object_mut) {
            for field in ["ownerReferences", "finalizers", "managedFields"] {
                metadata.remove(field);
            }
        }
        tree
    };
    rest(old) == rest(new)
}

#[cfg(test)]
mod tests;
