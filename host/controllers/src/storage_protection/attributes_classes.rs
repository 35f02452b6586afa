//! Lets go of classes of attributes that no volume and no claim names.
//!
//! Reads classes, claims and volumes; writes the finalizer of classes.

use k8s_openapi::api::core::v1::{PersistentVolume, PersistentVolumeClaim};
use k8s_openapi::api::storage::v1::VolumeAttributesClass;

use super::protect;
use crate::{Controller, Key, Look, Plan, Watch};

const FINALIZER: &str = "kubernetes.io/vac-protection";

/// The controller.
#[derive(Clone, Copy, Debug)]
pub(crate) struct AttributesClassProtection;

/// The classes that a claim has, wants, or is on the way to.
fn of_claim(claim: &PersistentVolumeClaim) -> Vec<&str> {
    let wanted = claim.spec.as_ref().and_then(|spec| spec.volume_attributes_class_name.as_ref());
    let status = claim.status.as_ref();
    let had = status.and_then(|status| status.current_volume_attributes_class_name.as_ref());
    let next = status.and_then(|status| status.modify_volume_status.as_ref());
    let next = next.and_then(|next| next.target_volume_attributes_class_name.as_ref());
    [wanted, had, next].into_iter().flatten().map(String::as_str).collect()
}

fn of_volume(volume: &PersistentVolume) -> Option<&str> {
    volume.spec.as_ref()?.volume_attributes_class_name.as_deref()
}

impl Controller for AttributesClassProtection {
    fn name(&self) -> &'static str {
        "volumeattributesclass-protection"
    }

    fn watches(&self) -> Vec<Watch> {
        let keys = |names: Vec<&str>| names.into_iter().map(|name| Key::new("", name)).collect();
        vec![
            Watch::itself::<VolumeAttributesClass>(),
            Watch::of(move |_, claim: &PersistentVolumeClaim| keys(of_claim(claim))),
            Watch::of(move |_, volume: &PersistentVolume| {
                keys(of_volume(volume).into_iter().collect())
            }),
        ]
    }

    fn plan(&self, look: &Look<'_>, key: &Key) -> Plan {
        let class = look.sources.volume_attributes_classes.get("", &key.name);
        let Some(class) = class else { return Plan::default() };
        protect(&*class, FINALIZER, || {
            let (volumes, claims) = (
                look.sources.persistent_volumes.all(),
                look.sources.persistent_volume_claims.all(),
            );
            volumes.iter().any(|volume| of_volume(volume) == Some(&*key.name))
                || claims.iter().any(|claim| of_claim(claim).contains(&&*key.name))
        })
    }
}
