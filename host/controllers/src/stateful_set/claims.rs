//! The claims of a set's Pods, and who they go with when the set is made smaller or deleted.
//!
//! A claim that shall go with the set is owned by it, one that shall go with a Pod that is too many by that Pod; the garbage collector does the
//! rest. See <https://kubernetes.io/docs/concepts/workloads/controllers/statefulset/#persistentvolumeclaim-retention>.

use std::collections::BTreeMap;
use std::sync::Arc;

use k8s_openapi::api::apps::v1::StatefulSet;
use k8s_openapi::api::core::v1::{PersistentVolumeClaim, Pod};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::OwnerReference;

use super::member::{pod_name, range};
use crate::{Sourced, ownership};

/// The claims of a namespace by name.
pub(super) type Claims = BTreeMap<String, Arc<PersistentVolumeClaim>>;

pub(super) fn templates(set: &StatefulSet) -> impl Iterator<Item = &PersistentVolumeClaim> {
    set.spec.volume_claim_templates.iter().flatten()
}

pub(super) fn name(set: &StatefulSet, template: &PersistentVolumeClaim, number: i32) -> String {
    let claim = template.metadata.name.as_deref().unwrap_or("");
    format!("{claim}-{}", pod_name(set, number))
}

/// Whether a claim of this name is one that the set makes.
pub(super) fn may_be_of(set: &StatefulSet, claim: &str) -> bool {
    let number = claim.rsplit_once('-').and_then(|(_, number)| number.parse().ok());
    number.is_some_and(|number| templates(set).any(|own| name(set, own, number) == claim))
}

/// What a template makes for a Pod.
pub(super) fn made(
    set: &StatefulSet,
    template: &PersistentVolumeClaim,
    number: i32,
) -> PersistentVolumeClaim {
    let mut claim = template.clone();
    claim.metadata.name = Some(name(set, template, number));
    claim.metadata.namespace.clone_from(&set.metadata.namespace);
    let labels = claim.metadata.labels.get_or_insert_default();
    labels.extend(set.spec.selector.match_labels.clone().unwrap_or_default());
    claim.status = None;
    claim
}

/// The claims of a Pod that are there.
pub(super) fn of<'a>(
    set: &'a StatefulSet,
    claims: &'a Claims,
    number: i32,
) -> impl Iterator<Item = &'a Arc<PersistentVolumeClaim>> {
    templates(set).filter_map(move |template| claims.get(&name(set, template, number)))
}

/// What goes with whom.
#[derive(Clone, Copy)]
struct Policy {
    with_set: bool,
    with_pod: bool,
}

impl Policy {
    fn of(set: &StatefulSet) -> Self {
        let policy = set.spec.persistent_volume_claim_retention_policy.as_ref();
        let deletes = |when: Option<&String>| when.is_some_and(|when| when == "Delete");
        Self {
            with_set: deletes(policy.and_then(|policy| policy.when_deleted.as_ref())),
            with_pod: deletes(policy.and_then(|policy| policy.when_scaled.as_ref())),
        }
    }
}

/// Whether a new Pod would get a claim that still goes with the one before it.
pub(super) fn are_stale(set: &StatefulSet, claims: &Claims, number: i32) -> bool {
    let name = pod_name(set, number);
    Policy::of(set).with_pod
        && of(set, claims, number)
            .any(|claim| references(claim).iter().any(|own| is_named::<Pod>(own, &name)))
}

/// The claim with the owners that the set's policy wants; `None` if it has them, or belongs to others.
pub(super) fn owned(
    set: &StatefulSet,
    pod: &Pod,
    number: i32,
    claim: &PersistentVolumeClaim,
) -> Option<PersistentVolumeClaim> {
    let (set_owner, pod_owner) = (Owner::of(set), Owner::of(pod));
    let owners = [&set_owner, &pod_owner];
    let old = references(claim);
    if owners.iter().any(|owner| owner.had_a_namesake_in(old)) {
        // Its owner was deleted and left it: whoever did that wants it as it is.
        return None;
    }
    let policy = Policy::of(set);
    let is_ours = |own: &OwnerReference| owners.iter().any(|owner| owner.is(own));
    let foreign = old.iter().any(|own| own.controller == Some(true) && !is_ours(own));
    let (start, end) = range(set);
    let stays = (start..end).contains(&number);
    let mut wanted = Vec::new();
    if foreign {
        // A controller of its own decides.
    } else if policy.with_pod && !stays {
        wanted.push(pod_owner.reference.clone());
    } else if policy.with_set {
        wanted.push(set_owner.reference.clone());
    }
    let has = |list: &[OwnerReference], owner: &OwnerReference| {
        list.iter().any(|own| own.uid == owner.uid && own.controller == Some(true))
    };
    let ours = old.iter().filter(|own| is_ours(own)).count();
    if ours == wanted.len() && wanted.iter().all(|owner| has(old, owner)) {
        return None;
    }
    let kept = old.iter().filter(|own| !is_ours(own)).cloned();
    let owners: Vec<_> = kept.chain(wanted).collect();
    let mut claim = claim.clone();
    claim.metadata.owner_references = Some(owners).filter(|owners| !owners.is_empty());
    Some(claim)
}

fn references(claim: &PersistentVolumeClaim) -> &[OwnerReference] {
    claim.metadata.owner_references.as_deref().unwrap_or_default()
}

fn is_named<K: Sourced>(own: &OwnerReference, name: &str) -> bool {
    own.api_version == K::API_VERSION && own.kind == K::KIND && own.name == name
}

/// Who may own a claim.
struct Owner {
    reference: OwnerReference,
}

impl Owner {
    fn of<K: Sourced>(object: &K) -> Self {
        Self { reference: ownership::controller_reference(object) }
    }

    fn is(&self, own: &OwnerReference) -> bool {
        own.uid == self.reference.uid
    }

    /// Whether an object of this name owned it that is not this one.
    fn had_a_namesake_in(&self, owners: &[OwnerReference]) -> bool {
        let is_named = |own: &&OwnerReference| {
            (&own.api_version, &own.kind, &own.name)
                == (&self.reference.api_version, &self.reference.kind, &self.reference.name)
        };
        owners.iter().find(is_named).is_some_and(|own| !self.is(own))
    }
}
