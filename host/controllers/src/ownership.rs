//! Who owns what: controller references, and how a set adopts and releases its members.
//!
//! An object has at most one controlling owner. A set adopts what its selector finds and nobody
//! controls, and releases what it controls and its selector no longer finds. See
//! <https://kubernetes.io/docs/concepts/overview/working-with-objects/owners-dependents/>.

use std::sync::Arc;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::{LabelSelector, ObjectMeta, OwnerReference};
use meta::selector::label::Selector;
use serde_json::json;

use crate::{Action, Change, Key, Plan, Source, Sourced, Target};

/// The reference to the owner that controls an object.
pub(crate) fn controller_of(metadata: &ObjectMeta) -> Option<&OwnerReference> {
    metadata.owner_references.iter().flatten().find(|owner| owner.controller == Some(true))
}

/// Whether the owner of this uid controls an object.
pub(crate) fn is_controlled_by(metadata: &ObjectMeta, uid: &str) -> bool {
    controller_of(metadata).is_some_and(|owner| owner.uid == uid)
}

/// The key of the controlling owner, if it is of kind `O`.
pub(crate) fn controller_key<O: Sourced>(metadata: &ObjectMeta) -> Vec<Key> {
    let owner = controller_of(metadata).filter(|owner| {
        let group = owner.api_version.split_once('/').map_or("", |(group, _)| group);
        owner.kind == O::KIND && group == O::GROUP
    });
    let namespace = metadata.namespace.as_deref().unwrap_or("");
    owner.map(|owner| Key::new(namespace, &owner.name)).into_iter().collect()
}

/// The reference that makes `owner` the controller of an object.
pub(crate) fn controller_reference<O: Sourced>(owner: &O) -> OwnerReference {
    let metadata = owner.metadata();
    OwnerReference {
        api_version: O::API_VERSION.to_owned(),
        kind: O::KIND.to_owned(),
        name: metadata.name.clone().unwrap_or_default(),
        uid: metadata.uid.clone().unwrap_or_default(),
        controller: Some(true),
        block_owner_deletion: Some(true),
    }
}

/// Whether a selector finds these labels. One that is absent, empty or broken finds nothing, so
/// that a mistake never claims every Pod.
pub(crate) fn selects(selector: Option<&Selector>, metadata: &ObjectMeta) -> bool {
    selector.is_some_and(|selector| match &metadata.labels {
        Some(labels) => selector.matches_labels(labels),
        None => selector.matches_labels(&std::collections::BTreeMap::new()),
    })
}

/// Parses the selector of a set; none if it is empty or broken.
pub(crate) fn parse(selector: &LabelSelector) -> Option<Selector> {
    Selector::from(selector).ok().filter(|selector| !selector.is_empty())
}

/// The objects that a set may have to do with: those it owns, and those its selector may find.
pub(crate) fn candidates<K: Sourced>(
    source: &Source<K>,
    namespace: &str,
    owner_uid: &str,
    selector: &LabelSelector,
) -> Vec<Arc<K>> {
    let mut found = source.owned_by(owner_uid);
    let pair = selector.match_labels.iter().flatten().next();
    let labelled = match pair {
        Some((key, value)) => source.labelled(namespace, key, value),
        None => source.in_namespace(namespace),
    };
    found.extend(labelled.into_iter().filter(|object| {
        let owners = object.metadata().owner_references.iter().flatten();
        !owners.into_iter().any(|owner| owner.uid == owner_uid)
    }));
    found.sort_by(|a, b| a.metadata().name.cmp(&b.metadata().name));
    found
}

/// Sorts candidates into members, adopting and releasing on the way. Returns the members: those
/// that are controlled and still found, and those that are adopted now, so that nothing is made in
/// their place.
pub(crate) fn claim<O: Sourced, K: Sourced>(
    owner: &O,
    selector: Option<&Selector>,
    candidates: Vec<Arc<K>>,
    plan: &mut Plan,
) -> Vec<Arc<K>> {
    let uid = owner.metadata().uid.as_deref().unwrap_or("");
    let is_going = owner.metadata().deletion_timestamp.is_some();
    let mut members = Vec::new();
    for object in candidates {
        let metadata = object.metadata();
        let found = selects(selector, metadata);
        match controller_of(metadata) {
            Some(controller) if controller.uid == uid => {
                if found {
                    members.push(object);
                } else if !is_going {
                    plan.act(release(&*object, uid));
                }
            }
            Some(_) => {}
            None => {
                let may = !is_going && metadata.deletion_timestamp.is_none();
                if found && may {
                    plan.act(adopt(&*object, owner));
                    members.push(object);
                }
            }
        }
    }
    members
}

fn adopt<K: Sourced, O: Sourced>(object: &K, owner: &O) -> Action {
    let target = Target::of(object);
    let reference = controller_reference(owner);
    let patch = json!({"metadata": {"ownerReferences": [reference], "uid": target.uid}});
    Action::Patch { target, subresource: "", patch: Change::Strategic(patch), announce: None }
}

fn release<K: Sourced>(object: &K, owner_uid: &str) -> Action {
    let target = Target::of(object);
    let gone = json!({"$patch": "delete", "uid": owner_uid});
    let patch = json!({"metadata": {"ownerReferences": [gone], "uid": target.uid}});
    Action::Patch { target, subresource: "", patch: Change::Strategic(patch), announce: None }
}
