//! Lets go of volumes that are bound to no claim.
//!
//! Reads volumes; writes their finalizer.

use k8s_openapi::api::core::v1::PersistentVolume;
use kinds::wire::OrEmpty;

use super::protect;
use crate::{Controller, Key, Look, Plan, Watch};

const FINALIZER: &str = "kubernetes.io/pv-protection";

/// The controller.
#[derive(Clone, Copy, Debug)]
pub(crate) struct VolumeProtection;

impl Controller for VolumeProtection {
    fn name(&self) -> &'static str {
        "persistentvolume-protection"
    }

    fn watches(&self) -> Vec<Watch> {
        vec![Watch::itself::<PersistentVolume>()]
    }

    fn plan(&self, look: &Look<'_>, key: &Key) -> Plan {
        let volume = look.sources.persistent_volumes.get("", &key.name);
        let Some(volume) = volume else { return Plan::default() };
        let status = volume.status.as_ref();
        protect(&*volume, FINALIZER, || {
            status.is_some_and(|status| status.phase.or_empty() == "Bound")
        })
    }
}
