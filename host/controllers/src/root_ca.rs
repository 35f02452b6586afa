//! Gives every namespace the certificates that its Pods trust the API server by.
//!
//! Reads Namespaces and the `ConfigMaps` of this one name; creates and repairs them.
//! See <https://kubernetes.io/docs/concepts/storage/projected-volumes/#serviceaccounttoken>.

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::{ConfigMap, Namespace};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;

use crate::service_account::is_active;
use crate::{Action, Controller, Key, Look, Plan, Sourced, Watch};

const NAME: &str = "kube-root-ca.crt";
const DESCRIPTION: &str = "kubernetes.io/description";
/// Clients see this text; it is Kubernetes' own.
const TEXT: &str = "Contains a CA bundle that can be used to verify the kube-apiserver when using \
                    internal endpoints such as the internal service IP or kubernetes.default.svc. \
                    No other usage is guaranteed across distributions of Kubernetes clusters.";

/// The controller.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RootCa;

impl Controller for RootCa {
    fn name(&self) -> &'static str {
        "root-ca-certificate-publisher"
    }

    fn watches(&self) -> Vec<Watch> {
        vec![
            Watch::itself::<Namespace>(),
            Watch::of(|_, map: &ConfigMap| {
                let namespace = map.metadata.namespace.as_deref();
                namespace.map(|namespace| Key::new("", namespace)).into_iter().collect()
            }),
        ]
    }

    fn plan(&self, look: &Look<'_>, key: &Key) -> Plan {
        let mut plan = Plan::default();
        let namespace = look.sources.namespaces.get("", &key.name);
        if !namespace.is_some_and(|namespace| is_active(&namespace))
            || look.facts.root_ca.is_empty()
        {
            return plan;
        }
        let data = BTreeMap::from([("ca.crt".to_owned(), look.facts.root_ca.clone())]);
        let note = BTreeMap::from([(DESCRIPTION.to_owned(), TEXT.to_owned())]);
        match look.sources.config_maps.get(&key.name, NAME) {
            None => {
                let map = ConfigMap {
                    metadata: ObjectMeta {
                        name: Some(NAME.to_owned()),
                        namespace: Some(key.name.to_string()),
                        annotations: Some(note),
                        ..ObjectMeta::default()
                    },
                    data: Some(data),
                    ..ConfigMap::default()
                };
                plan.act(Action::Create { object: map.into_any(), announce: None });
            }
            Some(seen) => {
                let notes = seen.metadata.annotations.as_ref();
                let is_noted = notes.is_some_and(|notes| notes.contains_key(DESCRIPTION));
                if seen.data.as_ref() != Some(&data) || !is_noted {
                    let mut wanted = (*seen).clone();
                    wanted.data = Some(data);
                    wanted.metadata.annotations.get_or_insert_default().extend(note);
                    plan.act(Action::Update { object: wanted.into_any(), announce: None });
                }
            }
        }
        plan
    }
}
