//! The default roles and bindings: made if they are missing, and given back what they lack at each start, unless an annotation says that they are
//! somebody else's by now. What they have besides stays.
//!
//! See <https://kubernetes.io/docs/reference/access-authn-authz/rbac/#auto-reconciliation>.

use k8s_openapi::api::rbac::v1::{ClusterRole, PolicyRule};
use meta::{GroupResource, Key, StatusError, Tree};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::{APPLY, Existing, Identity, Needed, Step, send, succeeded};
use crate::authorization::{self, rule};
use crate::service::Service;

const GROUP: &str = "rbac.authorization.k8s.io";
const PATH: &str = "/apis/rbac.authorization.k8s.io/v1";
const AUTO_UPDATE: &str = "/metadata/annotations/rbac.authorization.kubernetes.io~1autoupdate";

pub(super) fn needed() -> impl Iterator<Item = Needed> {
    authorization::bootstrap::trees().into_iter().map(|(plural, mut tree)| {
        let namespace = match tree.pointer("/metadata/namespace").and_then(Tree::as_str) {
            Some("kube-system") => "kube-system",
            Some("kube-public") => "kube-public",
            _ => "",
        };
        if collects(&tree) {
            tree["rules"] = Tree::Null;
        }
        let revise = if plural.ends_with("bindings") { binding } else { role };
        Needed {
            version_path: PATH.to_owned(),
            resource: GroupResource::new(GROUP, plural),
            namespace,
            tree,
            existing: Existing::Revised(revise),
            manager: "",
        }
    })
}

fn collects(role: &Tree) -> bool {
    role.get("aggregationRule").is_some()
}

/// Fills roles that collect the rules of others, in the name of the controller that does so from then on: what they grant holds from the first
/// moment, whether or not it runs.
pub(super) async fn fill(
    service: &Service,
    identity: &std::sync::Arc<Identity>,
) -> Result<(), StatusError> {
    let snapshot = service.state().store.snapshot();
    let resource = GroupResource::new(GROUP, "clusterroles");
    for (_, role) in
        authorization::bootstrap::trees().into_iter().filter(|(_, tree)| collects(tree))
    {
        let name = meta::metadata_text(&role, "name");
        let key = Key::new(&resource, "", name);
        let stored = snapshot.get(key.as_str());
        let stored =
            stored.and_then(|entry| serde_json::from_slice::<ClusterRole>(&entry.body).ok());
        if !stored.is_some_and(|stored| stored.rules.is_none_or(|rules| rules.is_empty())) {
            continue;
        }
        let claim = json!({
            "apiVersion": format!("{GROUP}/v1"),
            "kind": "ClusterRole",
            "metadata": { "name": name },
            "rules": role["rules"],
        });
        let path = format!(
            "{PATH}/clusterroles/{name}?fieldManager=clusterrole-aggregation-controller&force=true"
        );
        let (code, text) =
            send(service, identity, http::Method::PATCH, &path, APPLY, &claim).await?;
        succeeded(code, || format!("PATCH {path}: {text}"))?;
    }
    Ok(())
}

fn is_protected(old: &Tree) -> bool {
    old.pointer(AUTO_UPDATE).and_then(Tree::as_str) == Some("false")
}

/// A role with what it lacks.
fn role(old: &Tree, needed: &Tree) -> Option<Step> {
    if is_protected(old) {
        return None;
    }
    let mut new = with_metadata(old, needed);
    match needed.get("aggregationRule") {
        Some(rule) => {
            let selectors = "clusterRoleSelectors";
            let missing = missing(&old["aggregationRule"][selectors], &rule[selectors]);
            add(&mut new["aggregationRule"][selectors], missing);
        }
        None => {
            if let Some(members) = new.as_object_mut() {
                members.remove("aggregationRule");
            }
            let owned: Vec<PolicyRule> = list(&old["rules"]);
            let wanted: Vec<PolicyRule> = list(&needed["rules"]);
            let parts = wanted.iter().flat_map(rule::broken_down);
            let missing = parts.filter(|part| !rule::is_covered(part, &owned));
            add(&mut new["rules"], missing.collect());
        }
    }
    (new != *old).then_some(Step::Replace(new))
}

/// A binding with the subjects that it lacks. One of another role cannot be changed: it is made anew.
fn binding(old: &Tree, needed: &Tree) -> Option<Step> {
    if is_protected(old) {
        return None;
    }
    if old["roleRef"] != needed["roleRef"] {
        return Some(Step::Remake);
    }
    let mut new = with_metadata(old, needed);
    add(&mut new["subjects"], missing(&old["subjects"], &needed["subjects"]));
    (new != *old).then_some(Step::Replace(new))
}

/// Labels and annotations that are there stay as they are.
fn with_metadata(old: &Tree, needed: &Tree) -> Tree {
    let mut new = old.clone();
    for field in ["labels", "annotations"] {
        for (key, value) in needed["metadata"][field].as_object().into_iter().flatten() {
            if old["metadata"][field].get(key).is_none() {
                new["metadata"][field][key] = value.clone();
            }
        }
    }
    new
}

fn list<T: DeserializeOwned>(tree: &Tree) -> Vec<T> {
    serde_json::from_value(tree.clone()).unwrap_or_default()
}

fn missing(old: &Tree, needed: &Tree) -> Vec<Value> {
    let old = old.as_array().map(Vec::as_slice).unwrap_or_default();
    let needed = needed.as_array().into_iter().flatten();
    needed.filter(|item| !old.contains(item)).cloned().collect()
}

fn add<T: Serialize>(to: &mut Tree, items: Vec<T>) {
    if items.is_empty() {
        return;
    }
    let mut all = to.as_array().cloned().unwrap_or_default();
    all.extend(items.into_iter().filter_map(|item| serde_json::to_value(item).ok()));
    *to = Tree::Array(all);
}

#[cfg(test)]
mod tests;
