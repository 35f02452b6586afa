//! Flow schemas and priority levels: made if they are missing, repaired if they must not change, brought up to date if nobody minds.
//!
//! See <https://kubernetes.io/docs/concepts/cluster-administration/flow-control/#maintenance-of-the-mandatory-and-suggested-configuration-objects>.

use kinds::flowcontrol::bootstrap::{self, AUTO_UPDATE};
use meta::{GroupResource, Tree};
use serde::Serialize;

use super::{Existing, Needed, Step};

const GROUP: &str = "flowcontrol.apiserver.k8s.io";
const MANAGER: &str = "api-priority-and-fairness-config-producer-v1";

pub(super) fn needed() -> Vec<Needed> {
    let levels = bootstrap::levels().into_iter();
    let schemas = bootstrap::schemas().into_iter();
    levels
        .filter_map(|level| one("prioritylevelconfigurations", &level))
        .chain(schemas.filter_map(|schema| one("flowschemas", &schema)))
        .collect()
}

fn one(plural: &'static str, object: &impl Serialize) -> Option<Needed> {
    Some(Needed {
        version_path: format!("/apis/{GROUP}/v1"),
        resource: GroupResource::new(GROUP, plural),
        namespace: "",
        tree: serde_json::to_value(object).ok()?,
        existing: Existing::Revised(revised),
        manager: MANAGER,
    })
}

/// An annotation says whether the spec may be replaced; while it says nothing, a spec that was never changed may.
fn revised(old: &Tree, needed: &Tree) -> Option<Step> {
    let text = |pointer| old.pointer(pointer).and_then(Tree::as_str).unwrap_or_default();
    let pointer = format!("/metadata/annotations/{}", AUTO_UPDATE.replace('/', "~1"));
    let wish = old.pointer(&pointer).and_then(Tree::as_str).and_then(boolean);
    let is_first = old.pointer("/metadata/generation").and_then(Tree::as_i64) == Some(1);
    let is_replaced = bootstrap::is_mandatory(text("/metadata/name")) || wish.unwrap_or(is_first);
    let mut new = old.clone();
    if is_replaced {
        let mut spec = needed["spec"].clone();
        // The shares of the exempt level are the only thing that can be changed of it.
        if let (Some(own), Some(kept)) = (spec.get_mut("exempt"), old.pointer("/spec/exempt")) {
            *own = kept.clone();
        }
        new["spec"] = spec;
    }
    if wish != Some(is_replaced) {
        new["metadata"]["annotations"][AUTO_UPDATE] = Tree::from(is_replaced.to_string());
    }
    (new != *old).then_some(Step::Replace(new))
}

/// A text that Go takes for a boolean.
fn boolean(text: &str) -> Option<bool> {
    match text {
        "1" | "t" | "T" | "true" | "TRUE" | "True" => Some(true),
        "0" | "f" | "F" | "false" | "FALSE" | "False" => Some(false),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
