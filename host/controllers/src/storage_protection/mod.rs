//! Lets go of claims, volumes and classes of attributes once nothing uses them.
//!
//! The API server gives each new one a finalizer. Here it is taken away when the object is being
//! deleted and not in use any more, and given back to one that has lost it without being deleted.
//! See <https://kubernetes.io/docs/concepts/storage/persistent-volumes/#storage-object-in-use-protection>.

pub(crate) mod attributes_classes;
pub(crate) mod claims;
#[cfg(test)]
mod tests;
pub(crate) mod volumes;

use kinds::wire::OrEmpty;

use crate::{Action, Plan, Sourced};

/// What is done about an object with this finalizer. Whether it is used is asked only if it is going.
fn protect<K: Sourced>(seen: &K, finalizer: &str, is_used: impl FnOnce() -> bool) -> Plan {
    let mut plan = Plan::default();
    let metadata = seen.metadata();
    let is_protected = metadata.finalizers.or_empty().iter().any(|own| own == finalizer);
    let is_going = metadata.deletion_timestamp.is_some();
    if is_protected != is_going || (is_going && is_used()) {
        return plan;
    }
    let mut wanted = seen.clone();
    let finalizers = wanted.metadata_mut().finalizers.get_or_insert_default();
    if is_going {
        finalizers.retain(|own| own != finalizer);
    } else {
        finalizers.push(finalizer.to_owned());
    }
    plan.act(Action::Update { object: wanted.into_any(), announce: None });
    plan
}
