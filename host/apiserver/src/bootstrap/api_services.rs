//! The `APIService` objects of the groups and versions that this server always serves. People may delete them until the next start. Those of
//! custom kinds come and go with their definitions, which is a controller's work.
//!
//! See <https://kubernetes.io/docs/concepts/extend-kubernetes/api-extension/apiserver-aggregation/>.

use std::collections::BTreeSet;

use meta::{GroupResource, Tree};
use serde_json::json;

use super::{Existing, Needed, Step};
use crate::discovery::priority;

const GROUP: &str = "apiregistration.k8s.io";
/// Says that the server keeps the object, when it starts.
const MANAGED: &str = "kube-aggregator.kubernetes.io/automanaged";

pub(super) fn needed() -> Vec<Needed> {
    let kinds = kinds::all().iter().map(|kind| kind.info());
    let served: BTreeSet<_> = kinds.map(|info| (info.group, info.version)).collect();
    served.into_iter().filter_map(|(group, version)| one(group, version)).collect()
}

/// The group of these objects themselves has none.
fn one(group: &str, version: &str) -> Option<Needed> {
    let mut spec = json!({
        "version": version,
        "groupPriorityMinimum": priority::of_group(group).filter(|_| group != GROUP)?,
        "versionPriority": priority::of_version(group, version),
    });
    if !group.is_empty() {
        spec["group"] = group.into();
    }
    let tree = json!({
        "apiVersion": format!("{GROUP}/v1"),
        "kind": "APIService",
        "metadata": { "name": format!("{version}.{group}"), "labels": { MANAGED: "onstart" } },
        "spec": spec,
    });
    Some(Needed {
        version_path: format!("/apis/{GROUP}/v1"),
        resource: GroupResource::new(GROUP, "apiservices"),
        namespace: "",
        tree,
        existing: Existing::Revised(revised),
        manager: "",
    })
}

/// Who takes the label away has taken the object over.
fn revised(old: &Tree, needed: &Tree) -> Option<Step> {
    let is_managed = old["metadata"]["labels"].get(MANAGED).is_some();
    if !is_managed || old["spec"] == needed["spec"] {
        return None;
    }
    let mut new = old.clone();
    new["spec"] = needed["spec"].clone();
    Some(Step::Replace(new))
}
