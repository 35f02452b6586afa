//! Deletes what lost its owners, in the way the owners were deleted.
//!
//! A plain graph of every object in the cluster, by uid: who owns whom, who is being deleted and how.
//! It is told of each change and says whom to look at again; [`Graph::decide`] says what to do about
//! one object. An owner that the graph does not know may only not be known *yet*, since every
//! resource is watched on its own: the caller asks the server about it first.
//!
//! * background: the owner is gone; dependents without another owner follow.
//! * foreground: the owner waits for the dependents that block it, and they go first.
//! * orphan: the dependents forget the owner, and then it goes.
//!
//! See <https://kubernetes.io/docs/concepts/architecture/garbage-collection/>.

use std::collections::{BTreeMap, BTreeSet};

use k8s_openapi::apimachinery::pkg::apis::meta::v1::{ObjectMeta, OwnerReference};
use meta::GroupVersionResource;
use serde_json::json;

use crate::{Action, Change, Propagation, Target};

const FOREGROUND: &str = "foregroundDeletion";
const ORPHAN: &str = "orphan";
/// Owners found missing that are remembered.
const MISSING_MAX: usize = 4096;

/// Every object, by uid.
#[derive(Debug, Default)]
pub struct Graph {
    nodes: BTreeMap<String, Node>,
    /// Uids of objects that name an owner, by the owner's uid, known or not.
    dependents: BTreeMap<String, BTreeSet<String>>,
    /// Owners that the server does not have.
    missing: BTreeSet<String>,
}

#[derive(Clone, Debug)]
struct Node {
    target: Target,
    owners: Vec<OwnerReference>,
    finalizers: Vec<String>,
    is_going: bool,
}

impl Node {
    fn is_waiting(&self) -> bool {
        self.is_going && self.finalizers.iter().any(|f| f == FOREGROUND)
    }

    fn is_orphaning(&self) -> bool {
        self.is_going && self.finalizers.iter().any(|f| f == ORPHAN)
    }
}

/// What to do about an object.
#[derive(Clone, Debug, PartialEq)]
pub enum Verdict {
    /// It may stay as it is.
    Keep,
    /// Ask the server about these owners of an object in this namespace, and decide again.
    Ask(Vec<OwnerReference>, String),
    /// Do this, in order.
    Act(Vec<Action>),
}

impl Graph {
    /// An object appeared or changed. Returns whom to look at.
    pub fn put(&mut self, resource: &GroupVersionResource, metadata: &ObjectMeta) -> Vec<String> {
        let uid = metadata.uid.clone().unwrap_or_default();
        let revision = metadata.resource_version.clone();
        let node = Node {
            target: Target { revision, ..Target::at(resource.clone(), metadata) },
            owners: metadata.owner_references.clone().unwrap_or_default(),
            finalizers: metadata.finalizers.clone().unwrap_or_default(),
            is_going: metadata.deletion_timestamp.is_some(),
        };
        self.missing.remove(&uid);
        let mut look = Vec::new();
        if !node.owners.is_empty() || node.is_going {
            look.push(uid.clone());
        }
        let before = self.nodes.remove(&uid);
        let was_waiting = before.as_ref().is_some_and(Node::is_waiting);
        if node.is_waiting() && !was_waiting {
            look.extend(self.dependents.get(&uid).into_iter().flatten().cloned());
        }
        for owner in before.iter().flat_map(|node| &node.owners) {
            self.unlink(&owner.uid, &uid);
            // An owner may wait for just this reference to go.
            look.push(owner.uid.clone());
        }
        for owner in &node.owners {
            self.dependents.entry(owner.uid.clone()).or_default().insert(uid.clone());
        }
        self.nodes.insert(uid, node);
        look.retain(|uid| self.nodes.contains_key(uid));
        look
    }

    /// An object is gone. Returns whom to look at.
    pub fn remove(&mut self, uid: &str) -> Vec<String> {
        let Some(gone) = self.nodes.remove(uid) else { return Vec::new() };
        let mut look: Vec<String> =
            self.dependents.get(uid).into_iter().flatten().cloned().collect();
        for owner in &gone.owners {
            self.unlink(&owner.uid, uid);
            look.push(owner.uid.clone());
        }
        if !look.is_empty() {
            self.note_missing(uid);
        }
        look.retain(|uid| self.nodes.contains_key(uid));
        look
    }

    /// The server does not have this owner.
    pub fn note_missing(&mut self, uid: &str) {
        if self.missing.len() >= MISSING_MAX {
            // Forgetting one costs a question; uids are random, and so is the one that goes.
            self.missing.pop_first();
        }
        self.missing.insert(uid.to_owned());
    }

    /// How many objects are known.
    pub fn len(&self) -> usize {
        self.nodes.len()
    }

    /// Whether nothing is known.
    pub fn is_empty(&self) -> bool {
        self.nodes.is_empty()
    }

    /// What to do about one object.
    pub fn decide(&self, uid: &str) -> Verdict {
        let Some(node) = self.nodes.get(uid) else { return Verdict::Keep };
        if node.is_orphaning() {
            return Verdict::Act(self.orphan(uid, node));
        }
        if node.is_waiting() {
            return self.foreground(uid, node);
        }
        if node.is_going || node.owners.is_empty() {
            return Verdict::Keep;
        }
        self.judge_owners(uid, node)
    }

    fn judge_owners(&self, uid: &str, node: &Node) -> Verdict {
        let (mut solid, mut missing, mut waiting, mut unknown) = (0, vec![], vec![], vec![]);
        for owner in &node.owners {
            match self.nodes.get(&owner.uid) {
                // An owner in another namespace is none.
                Some(known) if is_elsewhere(known, node) => missing.push(owner),
                Some(known) if known.is_waiting() => waiting.push(owner),
                Some(_) => solid += 1,
                None if self.missing.contains(&owner.uid) => missing.push(owner),
                None => unknown.push(owner.clone()),
            }
        }
        if !unknown.is_empty() {
            return Verdict::Ask(unknown, node.target.namespace.clone());
        }
        if solid > 0 {
            let lost: Vec<&OwnerReference> = missing.into_iter().chain(waiting).collect();
            if lost.is_empty() {
                return Verdict::Keep;
            }
            return Verdict::Act(vec![forget_owners(node, |owner| {
                lost.iter().any(|lost| lost.uid == owner.uid)
            })]);
        }
        let has_dependents = self.dependents.get(uid).is_some_and(|uids| !uids.is_empty());
        if !waiting.is_empty() && has_dependents {
            let mut actions = Vec::new();
            if self.is_in_cycle(uid) {
                // Somebody below waits too: nobody may block anybody any more.
                actions.push(unblock(node));
            }
            actions.push(delete(node, Propagation::Foreground));
            return Verdict::Act(actions);
        }
        let propagation = if node.finalizers.iter().any(|f| f == ORPHAN) {
            Propagation::Orphan
        } else if node.finalizers.iter().any(|f| f == FOREGROUND) {
            Propagation::Foreground
        } else {
            Propagation::Background
        };
        Verdict::Act(vec![delete(node, propagation)])
    }

    /// Whether a dependent waits for its own dependents already.
    fn is_in_cycle(&self, uid: &str) -> bool {
        let dependents = self.dependents.get(uid).into_iter().flatten();
        dependents.filter_map(|uid| self.nodes.get(uid)).any(Node::is_waiting)
    }

    /// The owner goes once no dependent blocks it; those who do have been woken to go themselves.
    fn foreground(&self, uid: &str, node: &Node) -> Verdict {
        let blocks = |dependent: &&String| {
            self.nodes.get(*dependent).is_some_and(|other| {
                other
                    .owners
                    .iter()
                    .any(|owner| owner.uid == uid && owner.block_owner_deletion == Some(true))
                    && !is_elsewhere(node, other)
            })
        };
        let blocked = self.dependents.get(uid).into_iter().flatten().any(|uid| blocks(&uid));
        if blocked { Verdict::Keep } else { Verdict::Act(vec![drop_finalizer(node, FOREGROUND)]) }
    }

    /// Every dependent forgets the owner; then the owner may go.
    fn orphan(&self, uid: &str, node: &Node) -> Vec<Action> {
        let dependents = self.dependents.get(uid).into_iter().flatten();
        let mut actions: Vec<Action> = dependents
            .filter_map(|dependent| self.nodes.get(dependent))
            .map(|dependent| forget_owners(dependent, |owner| owner.uid == uid))
            .collect();
        actions.push(drop_finalizer(node, ORPHAN));
        actions
    }

    fn unlink(&mut self, owner: &str, dependent: &str) {
        if let Some(dependents) = self.dependents.get_mut(owner) {
            dependents.remove(dependent);
            if dependents.is_empty() {
                self.dependents.remove(owner);
            }
        }
    }
}

fn is_elsewhere(owner: &Node, dependent: &Node) -> bool {
    let namespace = &owner.target.namespace;
    !namespace.is_empty() && *namespace != dependent.target.namespace
}

fn delete(node: &Node, propagation: Propagation) -> Action {
    Action::Delete {
        target: node.target.clone(),
        propagation: Some(propagation),
        grace_secs: None,
        announce: None,
    }
}

/// Lists are replaced as a whole: custom resources know no other patch. The revision keeps it from
/// undoing what somebody else wrote.
fn replace(node: &Node, field: &str, value: &serde_json::Value) -> Action {
    let metadata = json!({
        "uid": node.target.uid,
        "resourceVersion": node.target.revision,
        field: value,
    });
    Action::Patch {
        target: node.target.clone(),
        subresource: "",
        patch: Change::Merge(json!({"metadata": metadata})),
        announce: None,
    }
}

fn forget_owners(node: &Node, lost: impl Fn(&OwnerReference) -> bool) -> Action {
    let left: Vec<&OwnerReference> = node.owners.iter().filter(|owner| !lost(owner)).collect();
    replace(node, "ownerReferences", &json!(left))
}

fn unblock(node: &Node) -> Action {
    let owners = node.owners.iter().cloned();
    let owners: Vec<OwnerReference> =
        owners.map(|owner| OwnerReference { block_owner_deletion: Some(false), ..owner }).collect();
    replace(node, "ownerReferences", &json!(owners))
}

fn drop_finalizer(node: &Node, finalizer: &str) -> Action {
    let left: Vec<&String> = node.finalizers.iter().filter(|f| *f != finalizer).collect();
    replace(node, "finalizers", &json!(left))
}

#[cfg(test)]
mod tests;
