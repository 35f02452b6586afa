//! A Pod of a set: its number, its names, and what it is made of.

use k8s_openapi::api::apps::v1::StatefulSet;
use k8s_openapi::api::core::v1::{PersistentVolumeClaimVolumeSource, Pod, PodTemplateSpec, Volume};

use super::claims;
use crate::pods;

pub(super) const REVISION: &str = "controller-revision-hash";
const POD_NAME: &str = "statefulset.kubernetes.io/pod-name";
const POD_INDEX: &str = "apps.kubernetes.io/pod-index";

/// The numbers of the Pods that shall be: from the first to before the second.
pub(super) fn range(set: &StatefulSet) -> (i32, i32) {
    let start = set.spec.ordinals.as_ref().and_then(|ordinals| ordinals.start).unwrap_or(0);
    (start, start.saturating_add(set.spec.replicas.unwrap_or(1)))
}

pub(super) fn pod_name(set: &StatefulSet, number: i32) -> String {
    format!("{}-{number}", set.metadata.name.as_deref().unwrap_or(""))
}

/// The number in the name of a Pod; none if it is no name of this set.
pub(super) fn ordinal(set: &StatefulSet, pod: &Pod) -> Option<i32> {
    let (parent, number) = pod.metadata.name.as_deref()?.rsplit_once('-')?;
    let number: i32 = number.parse().ok().filter(|number| *number >= 0)?;
    (Some(parent) == set.metadata.name.as_deref()).then_some(number)
}

/// The name of the revision that a Pod was made of.
pub(super) fn revision_of(pod: &Pod) -> &str {
    label(pod, REVISION)
}

/// Whether a Pod says who it is, as those do that this controller made.
pub(super) fn knows_its_name(pod: &Pod) -> bool {
    Some(label(pod, POD_NAME)) == pod.metadata.name.as_deref()
}

/// The labels by which a Pod says who it is.
pub(super) fn identity(set: &StatefulSet, number: i32) -> [(&'static str, String); 2] {
    [(POD_NAME, pod_name(set, number)), (POD_INDEX, number.to_string())]
}

fn label<'a>(pod: &'a Pod, name: &str) -> &'a str {
    let labels = pod.metadata.labels.as_ref();
    labels.and_then(|labels| labels.get(name)).map_or("", String::as_str)
}

/// A Pod of a revision.
pub(super) fn pod(
    set: &StatefulSet,
    template: &PodTemplateSpec,
    revision: &str,
    number: i32,
) -> Pod {
    let name = pod_name(set, number);
    let mut pod = pods::from_template(template, set);
    pod.metadata.name = Some(name.clone());
    let labels = pod.metadata.labels.get_or_insert_default();
    labels.extend(identity(set, number).map(|(label, value)| (label.to_owned(), value)));
    labels.insert(REVISION.to_owned(), revision.to_owned());
    let spec = pod.spec.get_or_insert_default();
    spec.hostname = Some(name);
    spec.subdomain = set.spec.service_name.clone().filter(|service| !service.is_empty());
    let volumes = spec.volumes.get_or_insert_default();
    let mut own = Vec::new();
    for template in claims::templates(set) {
        let volume = template.metadata.name.clone().unwrap_or_default();
        volumes.retain(|known| known.name != volume);
        own.push(Volume {
            name: volume,
            persistent_volume_claim: Some(PersistentVolumeClaimVolumeSource {
                claim_name: claims::name(set, template, number),
                read_only: None,
            }),
            ..Volume::default()
        });
    }
    own.append(volumes);
    spec.volumes = Some(own).filter(|volumes| !volumes.is_empty());
    pod
}
