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
use std::sync::Arc;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::{ObjectMeta, OwnerReference};
use meta::GroupVersionResource;
use serde_json::json;

use crate::{Action, Change, Propagation, Target};

const FOREGROUND: &str = "foregroundDeletion";
const ORPHAN: &str = "orphan";
/// Owners found missing that are remembered.
const MISSING_MAX: usize = 4096;

/// Every object, by uid. There are as many as the cluster has, so that what `M` gives a look at is not copied: whoever tells of a change
/// and the graph share it.
#[derive(Debug)]
pub struct Graph<M> {
    nodes: BTreeMap<Arc<str>, Node<M>>,
    /// Uids of objects that name an owner, by the owner's uid, known or not.
    dependents: BTreeMap<Arc<str>, BTreeSet<Arc<str>>>,
    /// Owners that the server does not have.
    missing: BTreeSet<String>,
}

impl<M> Default for Graph<M> {
    fn default() -> Self {
        Self {
            nodes: BTreeMap::default(),
            dependents: BTreeMap::default(),
            missing: BTreeSet::default(),
        }
    }
}

#[derive(Debug)]
struct Node<M> {
    resource: Arc<GroupVersionResource>,
    seen: M,
}

impl<M: AsRef<ObjectMeta>> Node<M> {
    fn metadata(&self) -> &ObjectMeta {
        self.seen.as_ref()
    }

    fn owners(&self) -> &[OwnerReference] {
        self.metadata().owner_references.as_deref().unwrap_or_default()
    }

    fn finalizers(&self) -> &[String] {
        self.metadata().finalizers.as_deref().unwrap_or_default()
    }

    fn namespace(&self) -> &str {
        self.metadata().namespace.as_deref().unwrap_or_default()
    }

    fn has_finalizer(&self, name: &str) -> bool {
        self.finalizers().iter().any(|finalizer| finalizer == name)
    }

    fn is_going(&self) -> bool {
        self.metadata().deletion_timestamp.is_some()
    }

    fn is_waiting(&self) -> bool {
        self.is_going() && self.has_finalizer(FOREGROUND)
    }

    fn is_orphaning(&self) -> bool {
        self.is_going() && self.has_finalizer(ORPHAN)
    }

    /// The very state that was seen.
    fn target(&self) -> Target {
        let metadata = self.metadata();
        Target {
            revision: metadata.resource_version.clone(),
            ..Target::at((*self.resource).clone(), metadata)
        }
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

impl<M: AsRef<ObjectMeta>> Graph<M> {
    /// An object appeared or changed. Returns whom to look at.
    pub fn put(&mut self, resource: &Arc<GroupVersionResource>, seen: M) -> Vec<String> {
        let node = Node { resource: resource.clone(), seen };
        let uid = node.metadata().uid.as_deref().unwrap_or_default();
        let uid = self.nodes.get_key_value(uid).map_or_else(|| uid.into(), |(uid, _)| uid.clone());
        self.missing.remove(&*uid);
        let mut look = Vec::new();
        if !node.owners().is_empty() || node.is_going() {
            look.push(uid.to_string());
        }
        let before = self.nodes.remove(&uid);
        let was_waiting = before.as_ref().is_some_and(Node::is_waiting);
        if node.is_waiting() && !was_waiting {
            look.extend(self.dependents_of(&uid).map(ToString::to_string));
        }
        for owner in before.iter().flat_map(Node::owners) {
            self.unlink(&owner.uid, &uid);
            // An owner may wait for just this reference to go.
            look.push(owner.uid.clone());
        }
        for owner in node.owners() {
            match self.dependents.get_mut(owner.uid.as_str()) {
                Some(dependents) => dependents.insert(uid.clone()),
                None => {
                    let dependents = BTreeSet::from([uid.clone()]);
                    self.dependents.insert(owner.uid.as_str().into(), dependents).is_none()
                }
            };
        }
        self.nodes.insert(uid, node);
        look.retain(|uid| self.nodes.contains_key(uid.as_str()));
        look
    }

    /// An object is gone. Returns whom to look at.
    pub fn remove(&mut self, uid: &str) -> Vec<String> {
        let Some(gone) = self.nodes.remove(uid) else { return Vec::new() };
        let mut look: Vec<String> = self.dependents_of(uid).map(ToString::to_string).collect();
        for owner in gone.owners() {
            self.unlink(&owner.uid, uid);
            look.push(owner.uid.clone());
        }
        if !look.is_empty() {
            self.note_missing(uid);
        }
        look.retain(|uid| self.nodes.contains_key(uid.as_str()));
        look
    }

    fn dependents_of(&self, uid: &str) -> impl Iterator<Item = &Arc<str>> {
        self.dependents.get(uid).into_iter().flatten()
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
        if node.is_going() || node.owners().is_empty() {
            return Verdict::Keep;
        }
        self.judge_owners(uid, node)
    }

    fn judge_owners(&self, uid: &str, node: &Node<M>) -> Verdict {
        let (mut solid, mut missing, mut waiting, mut unknown) = (0, vec![], vec![], vec![]);
        for owner in node.owners() {
            match self.nodes.get(owner.uid.as_str()) {
                // An owner in another namespace is none.
                Some(known) if is_elsewhere(known, node) => missing.push(owner),
                Some(known) if known.is_waiting() => waiting.push(owner),
                Some(_) => solid += 1,
                None if self.missing.contains(&owner.uid) => missing.push(owner),
                None => unknown.push(owner.clone()),
            }
        }
        if !unknown.is_empty() {
            return Verdict::Ask(unknown, node.namespace().to_owned());
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
        let has_dependents = self.dependents_of(uid).next().is_some();
        if !waiting.is_empty() && has_dependents {
            let mut actions = Vec::new();
            if self.is_in_cycle(uid) {
                // Somebody below waits too: nobody may block anybody any more.
                actions.push(unblock(node));
            }
            actions.push(delete(node, Propagation::Foreground));
            return Verdict::Act(actions);
        }
        let propagation = if node.has_finalizer(ORPHAN) {
            Propagation::Orphan
        } else if node.has_finalizer(FOREGROUND) {
            Propagation::Foreground
        } else {
            Propagation::Background
        };
        Verdict::Act(vec![delete(node, propagation)])
    }

    /// Whether a dependent waits for its own dependents already.
    fn is_in_cycle(&self, uid: &str) -> bool {
        self.dependents_of(uid).filter_map(|uid| self.nodes.get(uid)).any(Node::is_waiting)
    }

    /// The owner goes once no dependent blocks it; those who do have been woken to go themselves.
    fn foreground(&self, uid: &str, node: &Node<M>) -> Verdict {
        let blocks =
            |owner: &OwnerReference| owner.uid == uid && owner.block_owner_deletion == Some(true);
        let mut dependents = self.dependents_of(uid).filter_map(|uid| self.nodes.get(uid));
        let is_blocked =
            dependents.any(|other| other.owners().iter().any(blocks) && !is_elsewhere(node, other));
        if is_blocked {
            Verdict::Keep
        } else {
            Verdict::Act(vec![drop_finalizer(node, FOREGROUND)])
        }
    }

    /// Every dependent forgets the owner; then the owner may go.
    fn orphan(&self, uid: &str, node: &Node<M>) -> Vec<Action> {
        let dependents = self.dependents_of(uid).filter_map(|uid| self.nodes.get(uid));
        let mut actions: Vec<Action> = dependents
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

fn is_elsewhere<M: AsRef<ObjectMeta>>(owner: &Node<M>, dependent: &Node<M>) -> bool {
    !owner.namespace().is_empty() && owner.namespace() != dependent.namespace()
}

fn delete<M: AsRef<ObjectMeta>>(node: &Node<M>, propagation: Propagation) -> Action {
    Action::Delete {
        target: node.target(),
        propagation: Some(propagation),
        grace_secs: None,
        announce: None,
    }
}

/// Lists are replaced as a whole: custom resources know no other patch. The revision keeps it from
/// undoing what somebody else wrote.
fn replace<M: AsRef<ObjectMeta>>(node: &Node<M>, field: &str, value: &serde_json::Value) -> Action {
    let target = node.target();
    let metadata = json!({
        "uid": target.uid,
        "resourceVersion": target.revision,
        field: value,
    });
    Action::Patch {
        target,
        subresource: "",
        patch: Change::Merge(json!({"metadata": metadata})),
        announce: None,
    }
}

fn forget_owners<M: AsRef<ObjectMeta>>(
    node: &Node<M>,
    lost: impl Fn(&OwnerReference) -> bool,
) -> Action {
    let left: Vec<&OwnerReference> = node.owners().iter().filter(|owner| !lost(owner)).collect();
    replace(node, "ownerReferences", &json!(left))
}

fn unblock<M: AsRef<ObjectMeta>>(node: &Node<M>) -> Action {
    let owners = node.owners().iter().cloned();
    let owners: Vec<OwnerReference> =
        owners.map(|owner| OwnerReference { block_owner_deletion: Some(false), ..owner }).collect();
    replace(node, "ownerReferences", &json!(owners))
}

fn drop_finalizer<M: AsRef<ObjectMeta>>(node: &Node<M>, finalizer: &str) -> Action {
    let left: Vec<&String> = node.finalizers().iter().filter(|f| *f != finalizer).collect();
    replace(node, "finalizers", &json!(left))
}

#[cfg(test)]
mod tests;
