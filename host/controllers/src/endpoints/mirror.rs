//! Mirrors hand-written Endpoints into `EndpointSlice`s, so that readers need only look at these.
//!
//! Reads Endpoints whose Service has no selector; writes slices that they own. See
//! <https://kubernetes.io/docs/concepts/services-networking/service/#endpointslice-mirroring>.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;

use k8s_openapi::api::core::v1::{EndpointAddress, EndpointSubset, Endpoints, Service};
use k8s_openapi::api::discovery::v1::{Endpoint, EndpointConditions, EndpointPort, EndpointSlice};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;

use super::order;
use super::slices::MANAGED_BY;
use crate::{Action, Controller, Key, Look, Plan, Sourced, Target, Watch, ownership};

const MANAGER: &str = "endpointslicemirroring-controller.k8s.io";
const SERVICE_NAME: &str = "kubernetes.io/service-name";
const SKIP: &str = "endpointslice.kubernetes.io/skip-mirror";
const LEADER: &str = "control-plane.alpha.kubernetes.io/leader";
/// Addresses of one subset that are mirrored.
const MAX: usize = 1000;

/// The controller.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Mirroring;

/// Everything one decision looks at.
#[derive(Debug)]
struct View {
    endpoints: Option<Arc<Endpoints>>,
    service: Option<Arc<Service>>,
    slices: Vec<Arc<EndpointSlice>>,
}

impl View {
    fn of(look: &Look<'_>, key: &Key) -> Self {
        let slices = look.sources.endpoint_slices.labelled(&key.namespace, SERVICE_NAME, &key.name);
        let ours = |slice: &Arc<EndpointSlice>| {
            let labels = slice.metadata.labels.as_ref();
            labels.and_then(|labels| labels.get(MANAGED_BY)).is_some_and(|by| by == MANAGER)
                && slice.metadata.deletion_timestamp.is_none()
        };
        let mut slices: Vec<_> = slices.into_iter().filter(ours).collect();
        slices.sort_by(|a, b| a.metadata.name.cmp(&b.metadata.name));
        Self {
            endpoints: look.sources.endpoints.get(&key.namespace, &key.name),
            service: look.sources.services.get(&key.namespace, &key.name),
            slices,
        }
    }
}

fn reconcile(view: &View) -> Plan {
    let mut plan = Plan::default();
    let mut left = view.slices.clone();
    let mirrored = view.endpoints.as_ref().filter(|endpoints| {
        let by_hand = view.service.as_ref().is_some_and(|s| super::selector(s).is_none());
        by_hand && is_mirrored(endpoints)
    });
    if let Some(endpoints) = mirrored {
        for wanted in wanted(endpoints) {
            let same = left.iter().position(|slice| {
                slice.address_type == wanted.address_type && slice.ports == wanted.ports
            });
            match same {
                None => plan.act(Action::Create { object: wanted.into_any(), announce: None }),
                Some(at) => {
                    let slice = left.remove(at);
                    if slice.endpoints != wanted.endpoints
                        || slice.metadata.labels != wanted.metadata.labels
                    {
                        let mut changed = (*slice).clone();
                        changed.endpoints = wanted.endpoints;
                        changed.metadata.labels = wanted.metadata.labels;
                        plan.act(Action::Update { object: changed.into_any(), announce: None });
                    }
                }
            }
        }
    }
    for slice in left {
        plan.act(Action::Delete {
            target: Target::of(&*slice),
            propagation: None,
            grace_secs: None,
            announce: None,
        });
    }
    plan
}

fn is_mirrored(endpoints: &Endpoints) -> bool {
    let label = |key: &str| endpoints.metadata.labels.as_ref().and_then(|labels| labels.get(key));
    let notes = endpoints.metadata.annotations.as_ref();
    endpoints.metadata.deletion_timestamp.is_none()
        && label(SKIP).is_none_or(|skip| skip != "true")
        && !notes.is_some_and(|notes| notes.contains_key(LEADER))
}

fn wanted(endpoints: &Endpoints) -> Vec<EndpointSlice> {
    let mut slices = Vec::new();
    for subset in endpoints.subsets.iter().flatten() {
        for v6 in [false, true] {
            let found: Vec<Endpoint> = in_family(subset, v6).take(MAX).collect();
            if !found.is_empty() {
                slices.push(slice(endpoints, subset, v6, found));
            }
        }
    }
    slices
}

fn in_family(subset: &EndpointSubset, v6: bool) -> impl Iterator<Item = Endpoint> + '_ {
    let of = |list: &'_ Option<Vec<EndpointAddress>>, ready: bool| {
        let list = list.clone().unwrap_or_default().into_iter();
        list.map(move |address| (address, ready)).collect::<Vec<_>>()
    };
    let mut all = of(&subset.addresses, true);
    all.extend(of(&subset.not_ready_addresses, false));
    all.into_iter().filter_map(move |(address, ready)| {
        let ip: IpAddr = address.ip.parse().ok()?;
        (ip.is_ipv6() == v6).then(|| Endpoint {
            addresses: vec![ip.to_string()],
            conditions: Some(EndpointConditions {
                ready: Some(ready),
                serving: None,
                terminating: None,
            }),
            hostname: address.hostname,
            node_name: address.node_name,
            target_ref: address.target_ref,
            ..Endpoint::default()
        })
    })
}

fn slice(
    endpoints: &Endpoints,
    subset: &EndpointSubset,
    v6: bool,
    found: Vec<Endpoint>,
) -> EndpointSlice {
    let name = endpoints.metadata.name.clone().unwrap_or_default();
    let mut labels: BTreeMap<String, String> =
        endpoints.metadata.labels.clone().unwrap_or_default();
    labels.insert(SERVICE_NAME.to_owned(), name.clone());
    labels.insert(MANAGED_BY.to_owned(), MANAGER.to_owned());
    let ports = subset.ports.iter().flatten().map(|port| EndpointPort {
        name: Some(port.name.clone().unwrap_or_default()),
        port: Some(port.port),
        protocol: Some(port.protocol.clone().unwrap_or_else(|| "TCP".to_owned())),
        app_protocol: port.app_protocol.clone(),
    });
    EndpointSlice {
        metadata: ObjectMeta {
            generate_name: Some(format!("{name}-")),
            namespace: endpoints.metadata.namespace.clone(),
            labels: Some(labels),
            owner_references: Some(vec![ownership::controller_reference(endpoints)]),
            ..ObjectMeta::default()
        },
        address_type: if v6 { "IPv6" } else { "IPv4" }.to_owned(),
        ports: Some(order::sorted(ports.collect())),
        endpoints: Some(found),
    }
}

impl Controller for Mirroring {
    fn name(&self) -> &'static str {
        "endpointslice-mirroring"
    }

    fn watches(&self) -> Vec<Watch> {
        vec![
            Watch::itself::<Endpoints>(),
            Watch::itself::<Service>(),
            Watch::controller::<EndpointSlice, Endpoints>(),
        ]
    }

    fn plan(&self, look: &Look<'_>, key: &Key) -> Plan {
        reconcile(&View::of(look, key))
    }
}
