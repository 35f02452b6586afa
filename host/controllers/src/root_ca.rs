//! Every active namespace has the ConfigMap `kube-root-ca.crt` with the certificates by which Pods trust the API server.
//!
//! Reads Namespaces and these ConfigMaps, creates what is missing and mends what was changed.
//! See <https://kubernetes.io/docs/reference/access-authn-authz/service-accounts-admin/>.

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::{ConfigMap, Namespace};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;

use crate::service_account::is_active;
use crate::{Action, Controller, Key, Look, Plan, Sourced, Watch};

const NAME: &str = "kube-root-ca.crt";
const FILE: &str = "ca.crt";
const NOTE: (&str, &str) = (
    "kubernetes.io/description",
    "Contains a CA bundle that can be used to verify the kube-apiserver when using internal endpoints such as the internal service \
     IP or kubernetes.default.svc. No other usage is guaranteed across distributions of Kubernetes clusters.",
);

/// The controller. Its keys are Namespaces.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RootCertificates;

impl Controller for RootCertificates {
    fn name(&self) -> &'static str {
        "root-ca-certificate-publisher"
    }

    fn component(&self) -> &'static str {
        "root-ca-cert-publisher"
    }

    fn watches(&self) -> Vec<Watch> {
        vec![
            Watch::itself::<Namespace>(),
            Watch::of(|_, map: &ConfigMap| {
                let is_ours = map.metadata.name.as_deref() == Some(NAME);
                let home = map.metadata.namespace.as_deref().filter(|_| is_ours);
                home.map(|name| Key::new("", name)).into_iter().collect()
            }),
        ]
    }

    fn plan(&self, look: &Look<'_>, key: &Key) -> Plan {
        let mut plan = Plan::default();
        let namespaces = &look.sources.namespaces;
        let active = namespaces.get("", &key.name).is_some_and(|it| is_active(&it));
        // Without a certificate of its own the cluster has nothing to publish.
        if !active || look.facts.root_ca.is_empty() {
            return plan;
        }
        let data = BTreeMap::from([(FILE.to_owned(), look.facts.root_ca.clone())]);
        match look.sources.config_maps.get(&key.name, NAME) {
            None => plan.act(Action::Create { object: fresh(&key.name, data).into_any(), announce: None }),
            Some(found) if found.data.as_ref() != Some(&data) => {
                let mended = ConfigMap { data: Some(data), ..(*found).clone() };
                plan.act(Action::Update { object: mended.into_any(), announce: None });
            }
            Some(_) => {}
        }
        plan
    }
}

fn fresh(namespace: &str, data: BTreeMap<String, String>) -> ConfigMap {
    let metadata = ObjectMeta {
        name: Some(NAME.to_owned()),
        namespace: Some(namespace.to_owned()),
        annotations: Some(BTreeMap::from([(NOTE.0.to_owned(), NOTE.1.to_owned())])),
        ..ObjectMeta::default()
    };
    ConfigMap { metadata, data: Some(data), ..ConfigMap::default() }
}
