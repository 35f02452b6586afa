//! Every active namespace has a ServiceAccount `default`, so that Pods that name none have one.
//!
//! Reads Namespaces and ServiceAccounts, creates what is missing, and never touches one that exists.
//! See <https://kubernetes.io/docs/reference/access-authn-authz/service-accounts-admin/>.

use k8s_openapi::api::core::v1::{Namespace, ServiceAccount};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;

use crate::{Action, Controller, Key, Look, Plan, Sourced, Watch};

/// The account of Pods that name none.
const DEFAULT: &str = "default";

/// The controller. Its keys are Namespaces.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ServiceAccounts;

impl Controller for ServiceAccounts {
    fn name(&self) -> &'static str {
        "serviceaccount"
    }

    fn component(&self) -> &'static str {
        "service-account-controller"
    }

    fn watches(&self) -> Vec<Watch> {
        vec![
            Watch::itself::<Namespace>(),
            Watch::of(|_, account: &ServiceAccount| {
                let metadata = &account.metadata;
                let is_default = metadata.name.as_deref() == Some(DEFAULT);
                let home = metadata.namespace.as_deref().filter(|_| is_default);
                home.map(|name| Key::new("", name)).into_iter().collect()
            }),
        ]
    }

    fn plan(&self, look: &Look<'_>, key: &Key) -> Plan {
        let mut plan = Plan::default();
        let namespaces = &look.sources.namespaces;
        let active = namespaces.get("", &key.name).is_some_and(|it| is_active(&it));
        if active && look.sources.service_accounts.get(&key.name, DEFAULT).is_none() {
            let metadata = ObjectMeta {
                name: Some(DEFAULT.to_owned()),
                namespace: Some(key.name.to_string()),
                ..ObjectMeta::default()
            };
            let account = ServiceAccount { metadata, ..ServiceAccount::default() };
            plan.act(Action::Create { object: account.into_any(), announce: None });
        }
        plan
    }
}

/// Whether things can be made in a namespace.
pub(crate) fn is_active(namespace: &Namespace) -> bool {
    namespace.metadata.deletion_timestamp.is_none()
}
