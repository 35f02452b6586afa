//! Keeps an `APIService` for each group and version of custom kinds, as for those that the server has by itself.
//!
//! [`Registered`] reads definitions and makes what is missing, [`Unregistered`] reads what was made and deletes what no definition asks for any
//! more. An object without the label is somebody else's.
//!
//! See <https://kubernetes.io/docs/concepts/extend-kubernetes/api-extension/apiserver-aggregation/>.

use std::collections::BTreeMap;
use std::sync::Arc;

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use k8s_openapi::kube_aggregator::pkg::apis::apiregistration::v1::{APIService, APIServiceSpec};
use kinds::wire::OrEmpty;

use super::AGENT;
use crate::{Action, Controller, Key, Look, Plan, Sourced, Sources, Target, Watch};

/// Says who keeps an object, and how long.
const MANAGED: &str = "kube-aggregator.kubernetes.io/automanaged";
/// It is kept equal as long as it is needed; those that the server makes when it starts say `onstart`.
const ALWAYS: &str = "true";
/// Custom kinds come after all others where clients look for a name.
const GROUP_PRIORITY: i32 = 1000;
const VERSION_PRIORITY: i32 = 100;

/// Makes what definitions ask for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Registered;

/// Deletes what none asks for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Unregistered;

/// The names of the objects that a definition asks for, with their groups and versions.
fn served(definition: &CustomResourceDefinition) -> impl Iterator<Item = APIServiceSpec> {
    let group = &definition.spec.group;
    let versions = definition.spec.versions.iter().filter(|version| version.served);
    // Groups and versions of the server itself are none of our business.
    let is_own = move |version: &str| {
        kinds::all().iter().any(|kind| {
            let info = kind.info();
            info.group == *group && info.version == version
        })
    };
    versions.filter(move |version| !is_own(&version.name)).map(move |version| APIServiceSpec {
        group: Some(group.clone()),
        version: Some(version.name.clone()),
        group_priority_minimum: GROUP_PRIORITY,
        version_priority: VERSION_PRIORITY,
        ..APIServiceSpec::default()
    })
}

fn name(spec: &APIServiceSpec) -> String {
    format!("{}.{}", spec.version.or_empty(), spec.group.or_empty())
}

fn is_kept(service: &APIService) -> bool {
    service.metadata.labels.or_empty().get(MANAGED).is_some_and(|how| how == ALWAYS)
}

/// The definitions that ask for an object of this name.
fn asking(sources: &Sources, wanted: &str) -> Vec<Arc<CustomResourceDefinition>> {
    let all = sources.custom_resource_definitions.all().into_iter();
    all.filter(|definition| served(definition).any(|spec| name(&spec) == wanted)).collect()
}

fn register(definition: &CustomResourceDefinition, sources: &Sources) -> Plan {
    let mut plan = Plan::default();
    for spec in served(definition) {
        let name = name(&spec);
        match sources.api_services.get("", &name) {
            None => {
                let labels = BTreeMap::from([(MANAGED.to_owned(), ALWAYS.to_owned())]);
                let metadata =
                    ObjectMeta { name: Some(name), labels: Some(labels), ..ObjectMeta::default() };
                let made = APIService { metadata, spec: Some(spec), status: None };
                plan.act(Action::Create { object: made.into_any(), announce: None });
            }
            Some(known) if is_kept(&known) && known.spec.as_ref() != Some(&spec) => {
                let changed = APIService { spec: Some(spec), ..(*known).clone() };
                plan.act(Action::Update { object: changed.into_any(), announce: None });
            }
            Some(_) => {}
        }
    }
    plan
}

impl Controller for Registered {
    fn name(&self) -> &'static str {
        "crd-autoregister"
    }

    fn agent(&self) -> &'static str {
        AGENT
    }

    fn watches(&self) -> Vec<Watch> {
        vec![
            Watch::itself::<CustomResourceDefinition>(),
            // Whoever deletes one gets it back. Two definitions may ask for the same, and one is enough to make it.
            Watch::of(|sources, service: &APIService| {
                let asking = asking(sources, service.metadata.name.or_empty());
                asking.first().map(|definition| Key::of(&**definition)).into_iter().collect()
            }),
        ]
    }

    fn plan(&self, look: &Look<'_>, key: &Key) -> Plan {
        let definition = look.sources.custom_resource_definitions.get("", &key.name);
        definition.map(|definition| register(&definition, look.sources)).unwrap_or_default()
    }
}

impl Controller for Unregistered {
    fn name(&self) -> &'static str {
        "crd-autoregister-cleaner"
    }

    fn agent(&self) -> &'static str {
        AGENT
    }

    fn watches(&self) -> Vec<Watch> {
        vec![
            Watch::itself::<APIService>(),
            Watch::of(|_, definition: &CustomResourceDefinition| {
                served(definition).map(|spec| Key::new("", &name(&spec))).collect()
            }),
        ]
    }

    fn plan(&self, look: &Look<'_>, key: &Key) -> Plan {
        let mut plan = Plan::default();
        let service = look.sources.api_services.get("", &key.name).filter(|known| is_kept(known));
        if let Some(service) = service
            && service.metadata.deletion_timestamp.is_none()
            && asking(look.sources, &key.name).is_empty()
        {
            plan.act(Action::Delete {
                target: Target::of(&*service),
                propagation: None,
                grace_secs: None,
                announce: None,
            });
        }
        plan
    }
}
