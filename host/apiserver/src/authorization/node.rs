//! What the agent of a node may do: see and report its own node, its own Pods, and what those Pods refer to.
//!
//! See <https://kubernetes.io/docs/reference/access-authn-authz/node/>.

use k8s_openapi::api::core::v1::{Pod, Volume};
use meta::{GroupResource, Key};
use store::Snapshot;

use super::rule;
use crate::seams::{Attempt, Decision, Identity, ResourceAttempt};

const USER_PREFIX: &str = "system:node:";
const GROUP: &str = "system:nodes";
const LEASE_NAMESPACE: &str = "kube-node-lease";

/// The node whose agent this is; empty if it does not say.
pub(super) fn name(identity: &Identity) -> Option<&str> {
    let name = identity.name.strip_prefix(USER_PREFIX)?;
    identity.in_group(GROUP).then_some(name)
}

/// Decides for the agent of `node`. The snapshot is taken only where Pods must be looked at.
pub(super) fn authorize(
    attempt: &Attempt<'_>,
    node: &str,
    snapshot: impl FnOnce() -> Snapshot,
) -> Decision {
    if node.is_empty() {
        return no(format!("unknown node for user {}", meta::quote(&attempt.identity.name)));
    }
    let Some(asked) = &attempt.resource else { return uniform(attempt) };
    let verb = attempt.verb;
    let related = |what| related(node, asked, what, snapshot);
    match (asked.group, asked.resource) {
        ("", "secrets") => readable(verb, asked).unwrap_or_else(|| related(What::Secret)),
        ("", "configmaps") => readable(verb, asked).unwrap_or_else(|| related(What::ConfigMap)),
        ("", "persistentvolumeclaims") if asked.subresource == "status" => match verb {
            "update" | "patch" => related(What::Claim),
            _ => no("can only get/update/patch this type"),
        },
        ("", "persistentvolumeclaims") => {
            gettable(verb, asked).unwrap_or_else(|| related(What::Claim))
        }
        ("", "persistentvolumes") => gettable(verb, asked).unwrap_or_else(|| related(What::Volume)),
        ("", "serviceaccounts") => match (verb, asked.subresource) {
            ("get", "") => related(What::Account),
            ("create", "token") if !asked.name.is_empty() => related(What::Account),
            ("create", "token") => no("can only create tokens for individual service accounts"),
            ("create", _) => no("can only create token subresource of serviceaccount"),
            _ => no("can only create tokens for individual service accounts"),
        },
        ("coordination.k8s.io", "leases") => lease(verb, asked, node),
        ("", "nodes") => own_node(verb, asked, node),
        ("", "pods") => match (asked.subresource, verb) {
            ("", "get") => gettable(verb, asked).unwrap_or_else(|| related(What::Pod)),
            ("", "list" | "watch") if selects(asked, "spec.nodeName", node) => yes(),
            ("", "list" | "watch") if !asked.name.is_empty() => related(What::Pod),
            ("", "list" | "watch") => {
                no("can only list/watch pods with spec.nodeName field selector")
            }
            // Admission sees to it that these are Pods of the node.
            ("", "create" | "delete") | ("status", "update" | "patch") | ("eviction", "create") => {
                yes()
            }
            _ => no(""),
        },
        _ => uniform(attempt),
    }
}

fn yes() -> Decision {
    Decision::Allow { reason: String::new() }
}

fn no(reason: impl Into<String>) -> Decision {
    Decision::NoOpinion { reason: reason.into() }
}

/// What all nodes may do alike: the rules of the role `system:node`, less what is decided above.
fn uniform(attempt: &Attempt<'_>) -> Decision {
    let rules = super::bootstrap::node_rules();
    if rules.iter().any(|rule| rule::allows(rule, attempt)) { yes() } else { no("") }
}

fn readable(verb: &str, asked: &ResourceAttempt<'_>) -> Option<Decision> {
    if !matches!(verb, "get" | "list" | "watch") {
        return Some(no("can only read resources of this type"));
    }
    if !asked.subresource.is_empty() {
        return Some(no("cannot read subresource"));
    }
    asked.namespace.is_empty().then(|| no("can only read namespaced object of this type"))
}

fn gettable(verb: &str, asked: &ResourceAttempt<'_>) -> Option<Decision> {
    if verb != "get" {
        return Some(no("can only get individual resources of this type"));
    }
    (!asked.subresource.is_empty()).then(|| no("cannot get subresource"))
}

fn lease(verb: &str, asked: &ResourceAttempt<'_>, node: &str) -> Decision {
    if !matches!(verb, "get" | "create" | "update" | "patch" | "delete") {
        return no("can only get, create, update, patch, or delete a node lease");
    }
    if asked.namespace != LEASE_NAMESPACE {
        return no(format!(
            "can only access leases in the {} system namespace",
            meta::quote(LEASE_NAMESPACE)
        ));
    }
    if verb != "create" && asked.name != node {
        return no("can only access node lease with the same name as the requesting node");
    }
    yes()
}

fn own_node(verb: &str, asked: &ResourceAttempt<'_>, node: &str) -> Decision {
    match (asked.subresource, verb) {
        ("", "create" | "update" | "patch") | ("status", "update" | "patch") => yes(),
        ("", "get" | "list" | "watch") => match asked.name {
            name if name == node => yes(),
            "" => no(format!("node '{node}' cannot read all nodes, only its own Node object")),
            name => no(format!("node '{node}' cannot read '{name}', only its own Node object")),
        },
        _ => no(""),
    }
}

fn selects(asked: &ResourceAttempt<'_>, field: &str, value: &str) -> bool {
    let selector =
        asked.field_selector.and_then(|text| meta::selector::field::Selector::parse(text).ok());
    selector.is_some_and(|selector| selector.requires(field) == Some(value))
}

/// How a Pod may refer to an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum What {
    Pod,
    Secret,
    ConfigMap,
    Claim,
    Volume,
    Account,
}

fn related(
    node: &str,
    asked: &ResourceAttempt<'_>,
    what: What,
    snapshot: impl FnOnce() -> Snapshot,
) -> Decision {
    if asked.name.is_empty() {
        return no("No Object name found");
    }
    let snapshot = snapshot();
    let pods = GroupResource::new("", "pods");
    let found = if what == What::Pod {
        let key = Key::new(&pods, asked.namespace, asked.name);
        snapshot
            .get(key.as_str())
            .is_some_and(|entry| entry.attributes.field("spec.nodeName") == Some(node))
    } else {
        let namespace = (what != What::Volume).then_some(asked.namespace);
        let prefix = Key::prefix(&pods, namespace);
        snapshot
            .range(&prefix, None)
            .filter(|entry| entry.attributes.field("spec.nodeName") == Some(node))
            .filter_map(|entry| serde_json::from_slice::<Pod>(&entry.body).ok())
            .any(|pod| match what {
                What::Volume => claims(&pod).any(|claim| {
                    let namespace = pod.metadata.namespace.as_deref().unwrap_or_default();
                    is_bound(&snapshot, namespace, claim, asked.name)
                }),
                _ => refers(&pod, what, asked.name),
            })
    };
    if found {
        yes()
    } else {
        no(format!("no relationship found between node '{node}' and this object"))
    }
}

/// Whether a claim is bound to the volume.
fn is_bound(snapshot: &Snapshot, namespace: &str, claim: &str, volume: &str) -> bool {
    let key = Key::new(&GroupResource::new("", "persistentvolumeclaims"), namespace, claim);
    let claim = snapshot.get(key.as_str()).and_then(|entry| {
        serde_json::from_slice::<k8s_openapi::api::core::v1::PersistentVolumeClaim>(&entry.body)
            .ok()
    });
    claim
        .and_then(|claim| claim.spec)
        .is_some_and(|spec| spec.volume_name.as_deref() == Some(volume))
}

fn claims(pod: &Pod) -> impl Iterator<Item = &str> {
    let volumes = pod.spec.iter().flat_map(|spec| spec.volumes.iter().flatten());
    volumes.filter_map(|volume| {
        volume.persistent_volume_claim.as_ref().map(|claim| claim.claim_name.as_str())
    })
}

/// Whether the Pod's spec names the object.
fn refers(pod: &Pod, what: What, name: &str) -> bool {
    let Some(spec) = &pod.spec else { return false };
    let volumes = || spec.volumes.iter().flatten();
    match what {
        What::Pod | What::Volume => false,
        What::Account => spec.service_account_name.as_deref() == Some(name),
        What::Claim => {
            // The claim of an ephemeral volume is named after the Pod and the volume.
            let pod_name = pod.metadata.name.as_deref().unwrap_or_default();
            claims(pod).any(|claim| claim == name)
                || volumes().any(|volume| {
                    volume.ephemeral.is_some() && format!("{pod_name}-{}", volume.name) == name
                })
        }
        What::Secret => {
            let pulled = spec.image_pull_secrets.iter().flatten().any(|secret| secret.name == name);
            pulled || volumes().any(|volume| mounts_secret(volume, name)) || uses(pod, what, name)
        }
        What::ConfigMap => {
            volumes().any(|volume| mounts_config_map(volume, name)) || uses(pod, what, name)
        }
    }
}

fn mounts_secret(volume: &Volume, name: &str) -> bool {
    let direct =
        volume.secret.as_ref().and_then(|secret| secret.secret_name.as_deref()) == Some(name);
    let projected =
        volume.projected.iter().flat_map(|projected| projected.sources.iter().flatten());
    direct
        || projected
            .into_iter()
            .any(|source| source.secret.as_ref().is_some_and(|secret| secret.name == name))
}

fn mounts_config_map(volume: &Volume, name: &str) -> bool {
    let direct = volume.config_map.as_ref().is_some_and(|map| map.name == name);
    let projected =
        volume.projected.iter().flat_map(|projected| projected.sources.iter().flatten());
    direct
        || projected
            .into_iter()
            .any(|source| source.config_map.as_ref().is_some_and(|map| map.name == name))
}

/// Whether an environment variable of a container comes from the object.
fn uses(pod: &Pod, what: What, name: &str) -> bool {
    let Some(spec) = &pod.spec else { return false };
    let containers = spec.containers.iter().chain(spec.init_containers.iter().flatten());
    let wants_secret = what == What::Secret;
    let mut names: Vec<&str> = Vec::new();
    for container in containers {
        for source in container.env_from.iter().flatten() {
            let secret = source.secret_ref.as_ref().map(|source| source.name.as_str());
            let map = source.config_map_ref.as_ref().map(|source| source.name.as_str());
            names.extend(if wants_secret { secret } else { map });
        }
        for source in container.env.iter().flatten().filter_map(|env| env.value_from.as_ref()) {
            let secret = source.secret_key_ref.as_ref().map(|source| source.name.as_str());
            let map = source.config_map_key_ref.as_ref().map(|source| source.name.as_str());
            names.extend(if wants_secret { secret } else { map });
        }
    }
    names.contains(&name)
}
