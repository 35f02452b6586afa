#![expect(clippy::unwrap_used, reason = "tests")]

use std::sync::Arc;

use meta::{Attributes, GroupResource, Key, Tree};
use serde_json::json;
use store::{Op, Precondition, Store};

use super::*;
use crate::codec::encode;
use crate::seams::ResourceAttempt;

async fn put(
    store: &Store,
    group: &'static str,
    resource: &'static str,
    key: (&str, &str),
    mut object: Tree,
) {
    let (version, kind) = match resource {
        "pods" => ("v1", "Pod"),
        "persistentvolumeclaims" => ("v1", "PersistentVolumeClaim"),
        "clusterroles" => ("rbac.authorization.k8s.io/v1", "ClusterRole"),
        _ => ("rbac.authorization.k8s.io/v1", "ClusterRoleBinding"),
    };
    object["apiVersion"] = version.into();
    object["kind"] = kind.into();
    let node =
        object.pointer("/spec/nodeName").and_then(Tree::as_str).unwrap_or_default().to_owned();
    let attributes = Attributes::new(None, [("spec.nodeName".into(), node)]);
    let key = Key::new(&GroupResource::new(group, resource), key.0, key.1);
    let body = encode::stored(&object);
    let op = Op::Put { key, precondition: Precondition::Any, body, attributes, value: None };
    store.commit(op).await.unwrap();
}

fn identity(name: &str, groups: &[&str]) -> Identity {
    let groups = groups.iter().map(ToString::to_string).collect();
    Identity { name: name.to_owned(), groups, ..Identity::default() }
}

async fn ask(
    authorizer: &Authorizer,
    identity: &Identity,
    verb: &str,
    asked: ResourceAttempt<'_>,
) -> Decision {
    authorizer.authorize(&Attempt { identity, verb, resource: Some(asked), path: "" }).await
}

fn store() -> Arc<Store> {
    Arc::new(Store::memory(Arc::new(|_, _| Attributes::default())))
}

#[tokio::test]
async fn a_role_counts_as_soon_as_it_is_written() {
    let store = store();
    let authorizer = Authorizer::new(Arc::clone(&store));
    let ann = identity("ann", &[]);
    let pods = ResourceAttempt { resource: "pods", namespace: "ns", ..ResourceAttempt::default() };
    assert!(!ask(&authorizer, &ann, "list", pods).await.is_allowed());
    let rules = json!([{ "apiGroups": [""], "resources": ["pods"], "verbs": ["list"] }]);
    let role = json!({ "metadata": { "name": "r" }, "rules": rules });
    let binding = json!({
        "metadata": { "name": "b" },
        "roleRef": { "apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "r" },
        "subjects": [{ "kind": "User", "name": "ann" }],
    });
    put(&store, "rbac.authorization.k8s.io", "clusterroles", ("", "r"), role).await;
    assert!(!ask(&authorizer, &ann, "list", pods).await.is_allowed());
    put(&store, "rbac.authorization.k8s.io", "clusterrolebindings", ("", "b"), binding).await;
    assert!(ask(&authorizer, &ann, "list", pods).await.is_allowed());
    let empty = json!({ "metadata": { "name": "r" }, "rules": [] });
    put(&store, "rbac.authorization.k8s.io", "clusterroles", ("", "r"), empty).await;
    assert!(!ask(&authorizer, &ann, "list", pods).await.is_allowed());
}

#[tokio::test]
async fn masters_may_everything() {
    let authorizer = Authorizer::new(store());
    let master = identity("x", &["system:masters"]);
    let anything = ResourceAttempt { group: "g", resource: "r", ..ResourceAttempt::default() };
    assert!(ask(&authorizer, &master, "anything", anything).await.is_allowed());
    assert_eq!(authorizer.rules(&master, "ns").rules.len(), 2);
}

#[tokio::test]
async fn nodes_keep_to_what_is_theirs() {
    let store = store();
    let pod = |node: &str| {
        json!({
            "metadata": { "name": "p", "namespace": "ns" },
            "spec": {
                "nodeName": node,
                "serviceAccountName": "sa",
                "containers": [{
                    "name": "c",
                    "env": [{ "name": "E", "valueFrom": { "secretKeyRef": { "name": "s-env", "key": "k" } } }],
                    "envFrom": [{ "configMapRef": { "name": "m-env" } }],
                }],
                "imagePullSecrets": [{ "name": "s-pull" }],
                "volumes": [
                    { "name": "v", "secret": { "secretName": "s-vol" } },
                    { "name": "w", "projected": { "sources": [{ "configMap": { "name": "m-proj" } }] } },
                    { "name": "x", "persistentVolumeClaim": { "claimName": "claim" } },
                ],
            },
        })
    };
    put(&store, "", "pods", ("ns", "p"), pod("n1")).await;
    let claim = json!({ "metadata": { "name": "claim" }, "spec": { "volumeName": "pv" } });
    put(&store, "", "persistentvolumeclaims", ("ns", "claim"), claim).await;
    let authorizer = Authorizer::new(store);
    let (one, two) = (
        identity("system:node:n1", &["system:nodes"]),
        identity("system:node:n2", &["system:nodes"]),
    );
    let own = [
        ("get", "pods", "ns", "p"),
        ("get", "secrets", "ns", "s-env"),
        ("watch", "secrets", "ns", "s-pull"),
        ("list", "secrets", "ns", "s-vol"),
        ("get", "configmaps", "ns", "m-env"),
        ("get", "configmaps", "ns", "m-proj"),
        ("get", "persistentvolumeclaims", "ns", "claim"),
        ("get", "persistentvolumes", "", "pv"),
        ("get", "serviceaccounts", "ns", "sa"),
        ("get", "nodes", "", "n1"),
    ];
    for (verb, resource, namespace, name) in own {
        let asked = ResourceAttempt { resource, namespace, name, ..ResourceAttempt::default() };
        assert!(ask(&authorizer, &one, verb, asked).await.is_allowed(), "{resource}/{name}");
        assert!(!ask(&authorizer, &two, verb, asked).await.is_allowed(), "{resource}/{name}");
    }
    let refused = [
        (
            "get",
            "secrets",
            "ns",
            "other",
            "no relationship found between node 'n1' and this object",
        ),
        (
            "get",
            "secrets",
            "default",
            "s-env",
            "no relationship found between node 'n1' and this object",
        ),
        ("delete", "secrets", "ns", "s-env", "can only read resources of this type"),
        ("list", "secrets", "ns", "", "No Object name found"),
        ("list", "pods", "ns", "", "can only list/watch pods with spec.nodeName field selector"),
        ("get", "nodes", "", "n2", "node 'n1' cannot read 'n2', only its own Node object"),
        ("list", "nodes", "", "", "node 'n1' cannot read all nodes, only its own Node object"),
        ("list", "persistentvolumes", "", "", "can only get individual resources of this type"),
    ];
    for (verb, resource, namespace, name, expected) in refused {
        let asked = ResourceAttempt { resource, namespace, name, ..ResourceAttempt::default() };
        let decision = ask(&authorizer, &one, verb, asked).await;
        assert_eq!(
            decision,
            Decision::NoOpinion { reason: expected.to_owned() },
            "{verb} {resource}/{name}"
        );
    }
    let field_selector = Some("spec.nodeName=n1");
    let mine = ResourceAttempt { resource: "pods", field_selector, ..ResourceAttempt::default() };
    assert!(ask(&authorizer, &one, "watch", mine).await.is_allowed());
    assert!(!ask(&authorizer, &two, "watch", mine).await.is_allowed());
    let lease = ResourceAttempt {
        group: "coordination.k8s.io",
        resource: "leases",
        namespace: "kube-node-lease",
        name: "n1",
        ..ResourceAttempt::default()
    };
    assert!(ask(&authorizer, &one, "update", lease).await.is_allowed());
    assert!(!ask(&authorizer, &two, "update", lease).await.is_allowed());
    let services = ResourceAttempt { resource: "services", ..ResourceAttempt::default() };
    assert!(ask(&authorizer, &one, "watch", services).await.is_allowed());
    assert!(!ask(&authorizer, &one, "delete", services).await.is_allowed());
}
