//! Lets go of claims that no Pod with a node uses.
//!
//! Reads claims and Pods; writes the finalizer of claims. A Pod without a node does not count: no node
//! starts a Pod whose claim is being deleted.

use k8s_openapi::api::core::v1::{PersistentVolumeClaim, Pod, Volume};
use kinds::wire::OrEmpty;

use super::protect;
use crate::{Controller, Key, Look, Plan, Watch, pods};

const FINALIZER: &str = "kubernetes.io/pvc-protection";

/// The controller.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ClaimProtection;

fn volumes(pod: &Pod) -> &[Volume] {
    pod.spec.as_ref().map(|spec| spec.volumes.or_empty()).unwrap_or_default()
}

/// The claim of a volume, and whether it was made for the volume.
fn claim_name(pod: &Pod, volume: &Volume) -> Option<(String, bool)> {
    if let Some(source) = &volume.persistent_volume_claim {
        return Some((source.claim_name.clone(), false));
    }
    let own = volume.ephemeral.as_ref().map(|_| &volume.name)?;
    Some((format!("{}-{own}", pod.metadata.name.or_empty()), true))
}

fn uses(pod: &Pod, claim: &PersistentVolumeClaim) -> bool {
    let name = claim.metadata.name.or_empty();
    !pods::node_name(pod).is_empty()
        && volumes(pod).iter().filter_map(|volume| claim_name(pod, volume)).any(|(own, is_made)| {
            own == name && (!is_made || (!is_let_go(pod) && is_made_for(claim, pod)))
        })
}

/// Whether its node is done with it: otherwise a claim would wait for its Pod, and the Pod, whose
/// finalizers may wait for anything, for its claim.
fn is_let_go(pod: &Pod) -> bool {
    pods::is_going(pod) && pod.metadata.deletion_grace_period_seconds == Some(0)
}

fn is_made_for(claim: &PersistentVolumeClaim, pod: &Pod) -> bool {
    let mut owners = claim.metadata.owner_references.or_empty().iter();
    owners.any(|owner| {
        owner.controller == Some(true) && Some(&owner.uid) == pod.metadata.uid.as_ref()
    })
}

impl Controller for ClaimProtection {
    fn name(&self) -> &'static str {
        "persistentvolumeclaim-protection"
    }

    fn watches(&self) -> Vec<Watch> {
        vec![
            Watch::itself::<PersistentVolumeClaim>(),
            Watch::of(|sources, pod: &Pod| {
                let namespace = pod.metadata.namespace.or_empty();
                let named = volumes(pod).iter().filter_map(|volume| claim_name(pod, volume));
                let is_going = |name: &str| {
                    let claim = sources.persistent_volume_claims.get(namespace, name);
                    claim.is_some_and(|claim| claim.metadata.deletion_timestamp.is_some())
                };
                let going = named.filter(|(name, _)| is_going(name));
                going.map(|(name, _)| Key::new(namespace, &name)).collect()
            }),
        ]
    }

    fn plan(&self, look: &Look<'_>, key: &Key) -> Plan {
        let claim = look.sources.persistent_volume_claims.get(&key.namespace, &key.name);
        let Some(claim) = claim else { return Plan::default() };
        protect(&*claim, FINALIZER, || {
            let pods = look.sources.pods.in_namespace(&key.namespace);
            pods.iter().any(|pod| uses(pod, &claim))
        })
    }
}
