//! Gives every namespace its `default` `ServiceAccount`.
//!
//! Reads Namespaces and `ServiceAccounts`; creates what is missing.
//! See <https://kubernetes.io/docs/concepts/security/service-accounts/>.

use k8s_openapi::api::core::v1::{Namespace, ServiceAccount};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;

use crate::{Action, Controller, Key, Look, Plan, Sourced, Watch};

const NAME: &str = "default";

/// The controller.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ServiceAccounts;

/// Whether a namespace still takes new objects.
pub(crate) fn is_active(namespace: &Namespace) -> bool {
    let phase = namespace.status.as_ref().and_then(|status| status.phase.as_deref());
    namespace.metadata.deletion_timestamp.is_none() && phase != Some("Terminating")
}

impl Controller for ServiceAccounts {
    fn name(&self) -> &'static str {
        "serviceaccount"
    }

    fn watches(&self) -> Vec<Watch> {
        vec![
            Watch::itself::<Namespace>(),
            Watch::of(|_, account: &ServiceAccount| {
                let is_default = account.metadata.name.as_deref() == Some(NAME);
                let namespace = account.metadata.namespace.as_deref().filter(|_| is_default);
                namespace.map(|namespace| Key::new("", namespace)).into_iter().collect()
            }),
        ]
    }

    fn plan(&self, look: &Look<'_>, key: &Key) -> Plan {
        let mut plan = Plan::default();
        let namespace = look.sources.namespaces.get("", &key.name);
        let is_there = look.sources.service_accounts.get(&key.name, NAME).is_some();
        if namespace.is_some_and(|namespace| is_active(&namespace)) && !is_there {
            let account = ServiceAccount {
                metadata: ObjectMeta {
                    name: Some(NAME.to_owned()),
                    namespace: Some(key.name.to_string()),
                    ..ObjectMeta::default()
                },
                ..ServiceAccount::default()
            };
            plan.act(Action::Create { object: account.into_any(), announce: None });
        }
        plan
    }
}
