//! A new namespace comes with its `default` `ServiceAccount` and the certificates of the API server, in the same transaction: a Pod can be created
//! in it at once.
//!
//! See <https://kubernetes.io/docs/concepts/security/service-accounts/#default-service-accounts>.

use kinds::Object;
use meta::{Key, StatusError};
use serde_json::json;
use store::Op;

use super::made::{self, Made};
use super::{Attempted, Plugin, core};

const DESCRIPTION: &str = "Contains a CA bundle that can be used to verify the kube-apiserver when using internal endpoints such as the \
                           internal service IP or kubernetes.default.svc. No other usage is guaranteed across distributions of Kubernetes \
                           clusters.";

pub(super) struct NamespaceContent;

impl Plugin for NamespaceContent {
    fn reserve(
        &self,
        attempted: &Attempted<'_>,
        new: Option<&mut dyn Object>,
        ops: &mut Vec<Op>,
    ) -> Result<(), StatusError> {
        let Some(new) = new.filter(|_| attempted.creates() && attempted.is("", "namespaces"))
        else {
            return Ok(());
        };
        let namespace = new.metadata().name.clone().unwrap_or_default();
        let account = Made {
            resource: core("serviceaccounts"),
            namespace: &namespace,
            name: "default",
            tree: json!({ "apiVersion": "v1", "kind": "ServiceAccount", "metadata": {} }),
            manager: None,
        };
        let certificates = attempted.state.config.root_ca.as_ref().map(|certificates| Made {
            resource: core("configmaps"),
            namespace: &namespace,
            name: "kube-root-ca.crt",
            tree: json!({
                "apiVersion": "v1",
                "kind": "ConfigMap",
                "metadata": { "annotations": { "kubernetes.io/description": DESCRIPTION } },
                "data": { "ca.crt": certificates },
            }),
            manager: Some("kube-controller-manager"),
        });
        // A namespace whose deletion was cut short leaves its content behind, and the next of its name finds it.
        let missing = [Some(account), certificates].into_iter().flatten().filter(|made| {
            let key = Key::new(&made.resource, made.namespace, made.name);
            attempted.snapshot.get(key.as_str()).is_none()
        });
        ops.extend(missing.map(|made| made::put(attempted, made)));
        Ok(())
    }
}
