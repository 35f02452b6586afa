//! Keeps the Endpoints object of a Service: the older form that some clients still read.
//!
//! Reads Services and their Pods; writes one Endpoints object of the Service's name. It holds at most
//! [`MAX`] addresses and says so when there are more. See
//! <https://kubernetes.io/docs/concepts/services-networking/service/#endpoints>.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::Timestamp;
use k8s_openapi::api::core::v1::{
    EndpointAddress, EndpointPort, EndpointSubset, Endpoints, ObjectReference, Pod, Service,
};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;

use super::{HEADLESS, order};
use crate::{Action, Controller, Key, Look, Plan, Sourced, Target, Watch, pods};

const MAX: usize = 1000;
const OVER_CAPACITY: &str = "endpoints.kubernetes.io/over-capacity";
const MANAGED_BY: &str = "endpoints.kubernetes.io/managed-by";
const MANAGER: &str = "endpoint-controller";

/// The controller.
#[derive(Clone, Copy, Debug)]
pub(crate) struct LegacyEndpoints;

/// Everything one decision looks at.
#[derive(Debug)]
struct View {
    service: Option<Arc<Service>>,
    pods: Vec<Arc<Pod>>,
    seen: Option<Arc<Endpoints>>,
}

impl View {
    fn of(look: &Look<'_>, key: &Key) -> Self {
        let service = look.sources.services.get(&key.namespace, &key.name);
        let pods = service.as_ref().map(|service| super::selected(&look.sources.pods, service));
        let seen = look.sources.endpoints.get(&key.namespace, &key.name);
        Self { service, pods: pods.unwrap_or_default(), seen }
    }
}

fn reconcile(view: &View) -> Plan {
    let mut plan = Plan::default();
    let Some(service) = &view.service else {
        // The Service is gone: what this controller made goes too.
        if let Some(seen) = view.seen.as_ref().filter(|seen| is_ours(seen)) {
            plan.act(Action::Delete {
                target: Target::of(&**seen),
                propagation: None,
                grace_secs: None,
                announce: None,
            });
        }
        return plan;
    };
    if super::selector(service).is_none() || service.metadata.deletion_timestamp.is_some() {
        return plan;
    }
    let (subsets, is_cut) = cut(subsets(service, &view.pods));
    let mut wanted = view.seen.as_deref().cloned().unwrap_or_else(|| Endpoints {
        metadata: ObjectMeta {
            name: service.metadata.name.clone(),
            namespace: service.metadata.namespace.clone(),
            ..ObjectMeta::default()
        },
        subsets: None,
    });
    let labels = labels(service);
    let notes = wanted.metadata.annotations.get_or_insert_default();
    let was_cut = notes.contains_key(OVER_CAPACITY);
    let same = view.seen.is_some()
        && wanted.subsets.clone().unwrap_or_default() == subsets
        && wanted.metadata.labels.as_ref() == Some(&labels)
        && was_cut == is_cut;
    if same {
        return plan;
    }
    if is_cut {
        notes.insert(OVER_CAPACITY.to_owned(), "truncated".to_owned());
    } else {
        notes.remove(OVER_CAPACITY);
    }
    super::note_trigger(&mut wanted.metadata, trigger(service, view.seen.as_deref(), &view.pods));
    wanted.metadata.labels = Some(labels);
    wanted.subsets = Some(subsets).filter(|subsets| !subsets.is_empty());
    let object = wanted.into_any();
    plan.act(if view.seen.is_some() {
        Action::Update { object, announce: None }
    } else {
        Action::Create { object, announce: None }
    });
    plan
}

/// When that happened which the object does not tell yet.
fn trigger(service: &Service, seen: Option<&Endpoints>, pods: &[Arc<Pod>]) -> Option<Timestamp> {
    let subsets = || seen.into_iter().flat_map(|seen| seen.subsets.iter().flatten());
    let uid = |address: &EndpointAddress| address.target_ref.as_ref()?.uid.clone();
    let ready = subsets().flat_map(|subset| subset.addresses.iter().flatten());
    let unready = subsets().flat_map(|subset| subset.not_ready_addresses.iter().flatten());
    let told: BTreeSet<(Option<String>, bool)> = ready
        .map(|address| (uid(address), true))
        .chain(unready.map(|address| (uid(address), false)))
        .collect();
    let is_told = |pod: &Pod| told.contains(&(pod.metadata.uid.clone(), pods::is_ready(pod)));
    super::trigger_time(service, seen.is_none(), pods, is_told)
}

fn is_ours(endpoints: &Endpoints) -> bool {
    let labels = endpoints.metadata.labels.as_ref();
    labels.and_then(|labels| labels.get(MANAGED_BY)).is_some_and(|by| by == MANAGER)
}

fn labels(service: &Service) -> BTreeMap<String, String> {
    let mut labels = service.metadata.labels.clone().unwrap_or_default();
    labels.remove(HEADLESS);
    if !super::has_address(service) {
        labels.insert(HEADLESS.to_owned(), String::new());
    }
    labels.insert(MANAGED_BY.to_owned(), MANAGER.to_owned());
    labels
}

/// Addresses with the same ports are one subset, ready and not ready ones apart.
fn subsets(service: &Service, pods: &[Arc<Pod>]) -> Vec<EndpointSubset> {
    let unready_too = super::publishes_unready(service);
    let v6 = super::families(service).first().copied().unwrap_or(false);
    let mut subsets: Vec<EndpointSubset> = Vec::new();
    for pod in pods.iter().filter(|pod| super::belongs(pod, unready_too)) {
        let Some(ip) = super::addresses(pod, v6).next() else { continue };
        let Some(ports) = ports(service, pod) else { continue };
        let address = address(service, pod, ip);
        let known = subsets.iter().position(|s| s.ports.clone().unwrap_or_default() == ports);
        let index = known.unwrap_or_else(|| {
            let ports = Some(ports).filter(|ports| !ports.is_empty());
            subsets.push(EndpointSubset { ports, ..EndpointSubset::default() });
            subsets.len() - 1
        });
        let subset = &mut subsets[index];
        let list = if unready_too || pods::is_ready(pod) {
            &mut subset.addresses
        } else {
            &mut subset.not_ready_addresses
        };
        list.get_or_insert_default().push(address);
    }
    for subset in &mut subsets {
        let by_ip = |a: &EndpointAddress, b: &EndpointAddress| a.ip.cmp(&b.ip);
        subset.addresses.iter_mut().for_each(|list| list.sort_by(by_ip));
        subset.not_ready_addresses.iter_mut().for_each(|list| list.sort_by(by_ip));
    }
    subsets
}

/// The ports of a Pod; none if it has not a single one of those asked for.
fn ports(service: &Service, pod: &Pod) -> Option<Vec<EndpointPort>> {
    let asked = super::spec(service).and_then(|spec| spec.ports.clone()).unwrap_or_default();
    if asked.is_empty() {
        return (!super::has_address(service)).then(Vec::new);
    }
    let mut found: Vec<EndpointPort> = asked
        .iter()
        .filter_map(|port| {
            Some(EndpointPort {
                name: port.name.clone(),
                port: super::target_port(pod, port)?,
                protocol: Some(port.protocol.clone().unwrap_or_else(|| "TCP".to_owned())),
                app_protocol: port.app_protocol.clone(),
            })
        })
        .collect();
    order::sort(&mut found);
    Some(found).filter(|found| !found.is_empty())
}

fn address(service: &Service, pod: &Pod, ip: String) -> EndpointAddress {
    let node = pods::node_name(pod);
    EndpointAddress {
        ip,
        hostname: super::hostname(pod, service),
        node_name: Some(node.to_owned()).filter(|node| !node.is_empty()),
        target_ref: Some(ObjectReference {
            kind: Some("Pod".to_owned()),
            namespace: pod.metadata.namespace.clone(),
            name: pod.metadata.name.clone(),
            uid: pod.metadata.uid.clone(),
            ..ObjectReference::default()
        }),
    }
}

/// Leaves out what is too much, ready addresses last.
fn cut(mut subsets: Vec<EndpointSubset>) -> (Vec<EndpointSubset>, bool) {
    let mut room = MAX;
    let mut is_cut = false;
    let mut keep = |list: &mut Option<Vec<EndpointAddress>>| {
        if let Some(addresses) = list {
            is_cut |= addresses.len() > room;
            addresses.truncate(room);
            room -= addresses.len();
            if addresses.is_empty() {
                *list = None;
            }
        }
    };
    for subset in &mut subsets {
        keep(&mut subset.addresses);
    }
    for subset in &mut subsets {
        keep(&mut subset.not_ready_addresses);
    }
    subsets.retain(|subset| subset.addresses.is_some() || subset.not_ready_addresses.is_some());
    (subsets, is_cut)
}

impl Controller for LegacyEndpoints {
    fn name(&self) -> &'static str {
        "endpoints"
    }

    fn component(&self) -> &'static str {
        "endpoint-controller"
    }

    fn watches(&self) -> Vec<Watch> {
        vec![Watch::itself::<Service>(), super::of_pods(), Watch::itself::<Endpoints>()]
    }

    fn plan(&self, look: &Look<'_>, key: &Key) -> Plan {
        reconcile(&View::of(look, key))
    }
}
