//! Keeps the `EndpointSlice`s of a Service: one group of slices for each family of addresses and
//! each set of target ports, at most [`MAX`] endpoints in each.
//!
//! Reads Services, their Pods, nodes (zones) and slices; writes slices. An endpoint stays in its
//! slice while it lasts, so that one Pod's change touches one slice. A Service without endpoints
//! keeps one empty slice.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::Timestamp;
use k8s_openapi::api::core::v1::{Node, ObjectReference, Pod, Service};
use k8s_openapi::api::discovery::v1::{Endpoint, EndpointConditions, EndpointPort, EndpointSlice};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;

use super::order::sorted;
use super::{HEADLESS, TRIGGER_TIME};
use crate::{Action, Controller, Key, Look, Plan, Sourced, Target, Watch, ownership, pods};

/// Endpoints in one slice.
const MAX: usize = 100;
const SERVICE_NAME: &str = "kubernetes.io/service-name";
pub(super) const MANAGED_BY: &str = "endpointslice.kubernetes.io/managed-by";
const MANAGER: &str = "endpointslice-controller.k8s.io";

/// The controller.
#[derive(Clone, Copy, Debug)]
pub(crate) struct EndpointSlices;

/// Everything one decision looks at.
#[derive(Debug)]
struct View {
    service: Arc<Service>,
    pods: Vec<Arc<Pod>>,
    zones: BTreeMap<String, Option<String>>,
    slices: Vec<Arc<EndpointSlice>>,
}

impl View {
    fn of(look: &Look<'_>, key: &Key) -> Option<Self> {
        let sources = look.sources;
        let service = sources.services.get(&key.namespace, &key.name)?;
        super::selector(&service)?;
        let pods = super::selected(&sources.pods, &service);
        let nodes: BTreeSet<&str> = pods.iter().map(|pod| pods::node_name(pod)).collect();
        let zones = nodes.into_iter().filter_map(|name| {
            let node = sources.nodes.get("", name)?;
            Some((name.to_owned(), zone(&node)))
        });
        let zones = zones.collect();
        let slices = sources.endpoint_slices.labelled(&key.namespace, SERVICE_NAME, &key.name);
        let ours = |slice: &Arc<EndpointSlice>| {
            let labels = slice.metadata.labels.as_ref();
            labels.and_then(|labels| labels.get(MANAGED_BY)).is_some_and(|by| by == MANAGER)
                && slice.metadata.deletion_timestamp.is_none()
        };
        let mut slices: Vec<_> = slices.into_iter().filter(ours).collect();
        slices.sort_by(|a, b| a.metadata.name.cmp(&b.metadata.name));
        Some(Self { service, pods, zones, slices })
    }
}

fn zone(node: &Node) -> Option<String> {
    let labels = node.metadata.labels.as_ref();
    labels.and_then(|l| l.get("topology.kubernetes.io/zone")).filter(|z| !z.is_empty()).cloned()
}

/// The endpoints of one set of ports.
type Group = (Vec<EndpointPort>, Vec<Endpoint>);

/// What becomes of the slices of one family.
#[derive(Default)]
struct Changes {
    create: Vec<Group>,
    update: Vec<(Arc<EndpointSlice>, Group)>,
    delete: Vec<Arc<EndpointSlice>>,
}

impl Changes {
    /// A slice that would go takes over what would need a new one: whoever watches sees one change and no gap.
    fn reuse(&mut self) {
        while !self.delete.is_empty()
            && let Some(group) = self.create.pop()
        {
            self.update.push((self.delete.remove(0), group));
        }
    }
}

fn reconcile(view: &View) -> Plan {
    let mut plan = Plan::default();
    if view.service.metadata.deletion_timestamp.is_some() {
        return plan;
    }
    let families = super::families(&view.service);
    let uid = view.service.metadata.uid.as_deref().unwrap_or("");
    let is_known = |slice: &EndpointSlice, v6: bool| {
        slice.address_type == address_type(v6)
            && slice.metadata.owner_references.iter().flatten().any(|owner| owner.uid == uid)
    };
    for slice in &view.slices {
        if !families.iter().any(|v6| is_known(slice, *v6)) {
            plan.act(delete(slice));
        }
    }
    let trigger = trigger(view);
    for v6 in families {
        let slices = view.slices.iter().filter(|slice| is_known(slice, v6)).cloned().collect();
        let Changes { create, update, delete } = of_family(view, v6, slices);
        create.into_iter().for_each(|group| plan.act(self::create(view, v6, group, trigger)));
        for (slice, group) in update {
            self::update(view, &slice, group, trigger, &mut plan);
        }
        delete.iter().for_each(|slice| plan.act(self::delete(slice)));
    }
    plan
}

/// When that happened which the slices do not tell yet: the Service came into being, or Pods turned ready or unready.
fn trigger(view: &View) -> Option<Timestamp> {
    let told: BTreeSet<(&str, bool)> = view
        .slices
        .iter()
        .flat_map(|slice| slice.endpoints.iter().flatten())
        .filter_map(|endpoint| {
            let uid = endpoint.target_ref.as_ref()?.uid.as_deref()?;
            Some((uid, endpoint.conditions.as_ref()?.serving?))
        })
        .collect();
    let is_told = |pod: &Pod| {
        told.contains(&(pod.metadata.uid.as_deref().unwrap_or(""), pods::is_ready(pod)))
    };
    super::trigger_time(&view.service, view.slices.is_empty(), &view.pods, is_told)
}

fn of_family(view: &View, v6: bool, slices: Vec<Arc<EndpointSlice>>) -> Changes {
    let mut changes = Changes::default();
    let mut groups = desired(view, v6);
    if groups.is_empty() {
        groups.push((Vec::new(), Vec::new()));
    }
    let mut left = slices;
    for (ports, endpoints) in groups {
        let mut same = Vec::new();
        left.retain(|slice| {
            let is_same = sorted(slice.ports.clone().unwrap_or_default()) == ports;
            if is_same {
                same.push(slice.clone());
            }
            !is_same
        });
        group(&ports, endpoints, same, &mut changes);
    }
    changes.delete.extend(left);
    changes.reuse();
    changes
}

/// Brings one group of slices to its endpoints.
fn group(
    ports: &[EndpointPort],
    endpoints: Vec<Endpoint>,
    mut seen: Vec<Arc<EndpointSlice>>,
    changes: &mut Changes,
) {
    let mut missing: BTreeMap<_, Endpoint> =
        endpoints.into_iter().map(|endpoint| (identity(&endpoint), endpoint)).collect();
    // Fuller slices first: the others run empty and go.
    seen.sort_by_key(|s| std::cmp::Reverse(s.endpoints.as_ref().map_or(0, Vec::len)));
    let mut kept: Vec<Vec<Endpoint>> = seen
        .iter()
        .map(|slice| {
            let old = slice.endpoints.iter().flatten();
            old.filter_map(|endpoint| missing.remove(&identity(endpoint))).collect()
        })
        .collect();
    let mut missing = missing.into_values();
    for endpoints in &mut kept {
        let room = MAX.saturating_sub(endpoints.len());
        endpoints.extend(missing.by_ref().take(room));
    }
    let mut rest = missing.peekable();
    let is_empty = rest.peek().is_none() && kept.iter().all(Vec::is_empty);
    if is_empty && ports.is_empty() && seen.is_empty() {
        changes.create.push((Vec::new(), Vec::new()));
    }
    for (index, (slice, endpoints)) in seen.into_iter().zip(kept).enumerate() {
        let is_placeholder = is_empty && ports.is_empty() && index == 0;
        if endpoints.is_empty() && !is_placeholder {
            changes.delete.push(slice);
        } else {
            let ports = slice.ports.clone().unwrap_or_default();
            changes.update.push((slice, (ports, endpoints)));
        }
    }
    while rest.peek().is_some() {
        let endpoints: Vec<Endpoint> = rest.by_ref().take(MAX).collect();
        changes.create.push((ports.to_vec(), endpoints));
    }
}

fn desired(view: &View, v6: bool) -> Vec<Group> {
    let mut groups: Vec<Group> = Vec::new();
    for pod in view.pods.iter().filter(|pod| super::belongs(pod, true)) {
        let node = pods::node_name(pod);
        let zone = view.zones.get(node);
        if zone.is_none() && !super::publishes_unready(&view.service) {
            continue;
        }
        let addresses: Vec<String> = super::addresses(pod, v6).collect();
        if addresses.is_empty() {
            continue;
        }
        let endpoint = endpoint(&view.service, pod, addresses, zone.cloned().flatten());
        let ports = ports(&view.service, pod);
        match groups.iter_mut().find(|(known, _)| *known == ports) {
            Some((_, endpoints)) => endpoints.push(endpoint),
            None => groups.push((ports, vec![endpoint])),
        }
    }
    groups
}

fn endpoint(
    service: &Service,
    pod: &Pod,
    addresses: Vec<String>,
    zone: Option<String>,
) -> Endpoint {
    let serving = pods::is_ready(pod);
    let terminating = pods::is_going(pod);
    let ready = super::publishes_unready(service) || (serving && !terminating);
    let node = pods::node_name(pod);
    Endpoint {
        addresses,
        conditions: Some(EndpointConditions {
            ready: Some(ready),
            serving: Some(serving),
            terminating: Some(terminating),
        }),
        hostname: super::hostname(pod, service),
        node_name: Some(node.to_owned()).filter(|node| !node.is_empty()),
        target_ref: Some(ObjectReference {
            kind: Some("Pod".to_owned()),
            namespace: pod.metadata.namespace.clone(),
            name: pod.metadata.name.clone(),
            uid: pod.metadata.uid.clone(),
            ..ObjectReference::default()
        }),
        zone,
        ..Endpoint::default()
    }
}

fn ports(service: &Service, pod: &Pod) -> Vec<EndpointPort> {
    let ports = super::spec(service).and_then(|spec| spec.ports.as_ref());
    let found = ports.into_iter().flatten().filter_map(|port| {
        Some(EndpointPort {
            name: Some(port.name.clone().unwrap_or_default()),
            port: Some(super::target_port(pod, port)?),
            protocol: Some(port.protocol.clone().unwrap_or_else(|| "TCP".to_owned())),
            app_protocol: port.app_protocol.clone(),
        })
    });
    sorted(found.collect())
}

/// What makes two endpoints the same one.
fn identity(endpoint: &Endpoint) -> (Option<String>, Vec<String>) {
    let uid = endpoint.target_ref.as_ref().and_then(|target| target.uid.clone());
    (uid, endpoint.addresses.clone())
}

fn create(view: &View, v6: bool, (ports, endpoints): Group, trigger: Option<Timestamp>) -> Action {
    let service = &view.service;
    let name = service.metadata.name.as_deref().unwrap_or("");
    let slice = EndpointSlice {
        metadata: ObjectMeta {
            generate_name: Some(format!("{name}-")),
            namespace: service.metadata.namespace.clone(),
            labels: Some(labels(service)),
            annotations: trigger.map(|at| [(TRIGGER_TIME.to_owned(), at.to_string())].into()),
            owner_references: Some(vec![ownership::controller_reference(&**service)]),
            ..ObjectMeta::default()
        },
        address_type: address_type(v6).to_owned(),
        ports: Some(ports).filter(|ports| !ports.is_empty()),
        endpoints: Some(endpoints).filter(|endpoints| !endpoints.is_empty()),
    };
    Action::Create { object: slice.into_any(), announce: None }
}

fn update(
    view: &View,
    slice: &EndpointSlice,
    (ports, endpoints): Group,
    trigger: Option<Timestamp>,
    plan: &mut Plan,
) {
    let labels = labels(&view.service);
    let is_same = slice.endpoints.clone().unwrap_or_default() == endpoints
        && slice.ports.clone().unwrap_or_default() == ports
        && slice.metadata.labels.as_ref() == Some(&labels);
    if is_same {
        return;
    }
    let mut wanted = slice.clone();
    wanted.ports = Some(ports);
    wanted.endpoints = Some(endpoints);
    wanted.metadata.labels = Some(labels);
    super::note_trigger(&mut wanted.metadata, trigger);
    plan.act(Action::Update { object: wanted.into_any(), announce: None });
}

/// The Service's labels and ours.
fn labels(service: &Service) -> BTreeMap<String, String> {
    let mut labels = service.metadata.labels.clone().unwrap_or_default();
    labels.remove(HEADLESS);
    if !super::has_address(service) {
        labels.insert(HEADLESS.to_owned(), String::new());
    }
    let name = service.metadata.name.clone().unwrap_or_default();
    labels.insert(SERVICE_NAME.to_owned(), name);
    labels.insert(MANAGED_BY.to_owned(), MANAGER.to_owned());
    labels
}

fn delete(slice: &EndpointSlice) -> Action {
    Action::Delete {
        target: Target::of(slice),
        propagation: None,
        grace_secs: None,
        announce: None,
    }
}

fn address_type(v6: bool) -> &'static str {
    if v6 { "IPv6" } else { "IPv4" }
}

impl Controller for EndpointSlices {
    fn name(&self) -> &'static str {
        "endpointslice"
    }

    fn component(&self) -> &'static str {
        "endpoint-slice-controller"
    }

    fn watches(&self) -> Vec<Watch> {
        vec![
            Watch::itself::<Service>(),
            super::of_pods(),
            Watch::of(|_, slice: &EndpointSlice| {
                let namespace = slice.metadata.namespace.as_deref().unwrap_or("");
                let labels = slice.metadata.labels.as_ref();
                let name = labels.and_then(|labels| labels.get(SERVICE_NAME));
                name.map(|name| Key::new(namespace, name)).into_iter().collect()
            }),
            // Nodes are read for zones; heartbeats do not matter.
            Watch::when(|sources, before: Option<&Node>, after: Option<&Node>| {
                let same = before.is_some() && before.map(zone) == after.map(zone);
                let name = before.or(after).and_then(|node| node.metadata.name.as_deref());
                let Some(name) = name.filter(|_| !same) else { return Vec::new() };
                let all = sources.pods.all().into_iter();
                let here = all.filter(|pod| pods::node_name(pod) == name);
                here.flat_map(|pod| super::finders(sources, &pod)).collect()
            }),
        ]
    }

    fn plan(&self, look: &Look<'_>, key: &Key) -> Plan {
        View::of(look, key).map(|view| reconcile(&view)).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests;
