//! Makes the `IPAddress` objects that Services lack, or have in a damaged form.
//!
//! Reads Services and addresses; makes addresses.

use std::collections::BTreeMap;
use std::net::IpAddr;

use k8s_openapi::api::core::v1::Service;
use k8s_openapi::api::networking::v1::{IPAddress, IPAddressSpec, ParentReference};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kinds::wire::OrEmpty;

use super::{COMPONENT, FAMILY, MANAGED_BY, MANAGER, addresses, label, parent, too_young};
use crate::{Action, Controller, Event, Key, Look, Plan, Sourced, Sources, Target, Watch};

/// The controller.
#[derive(Clone, Copy, Debug)]
pub(crate) struct MissingAddresses;

fn family(address: IpAddr) -> &'static str {
    if address.is_ipv6() { "IPv6" } else { "IPv4" }
}

fn reconcile(plan: &mut Plan, service: &Service, address: IpAddr, sources: &Sources) {
    let (family, told) = (family(address), "ClusterIPNotAllocated");
    let text = match sources.ip_addresses.get("", &address.to_string()) {
        None => format!("Cluster IP [{family}]: {address} is not allocated; repairing"),
        Some(known) if is_sound(&known, service, address, sources) => return,
        Some(known) => {
            plan.act(Action::Delete {
                target: Target::of(&*known),
                propagation: None,
                grace_secs: None,
                announce: None,
            });
            let (namespace, name) =
                (service.metadata.namespace.or_empty(), service.metadata.name.or_empty());
            format!(
                "the ClusterIP [{family}]: {address} for Service {namespace}/{name} has a wrong \
                 reference; repairing"
            )
        }
    };
    plan.event(Event::warning(service, told, text));
    plan.act(Action::Create { object: made(service, address).into_any(), announce: None });
}

/// Whether an address needs no repair; that of another Service which has it, too, is left alone.
fn is_sound(known: &IPAddress, service: &Service, address: IpAddr, sources: &Sources) -> bool {
    let Some(parent) = parent(known) else { return false };
    let (namespace, name) = (parent.namespace.or_empty(), parent.name.as_str());
    let is_own = namespace == service.metadata.namespace.or_empty()
        && name == service.metadata.name.or_empty();
    if !is_own && sources.services.get(namespace, name).is_some() {
        return true;
    }
    is_own
        && label(known, FAMILY) == Some(family(address))
        && label(known, MANAGED_BY) == Some(MANAGER)
}

fn made(service: &Service, address: IpAddr) -> IPAddress {
    let labels = [(FAMILY, family(address)), (MANAGED_BY, MANAGER)];
    let labels = labels.map(|(key, value)| (key.to_owned(), value.to_owned()));
    IPAddress {
        metadata: ObjectMeta {
            name: Some(address.to_string()),
            labels: Some(BTreeMap::from(labels)),
            ..ObjectMeta::default()
        },
        spec: IPAddressSpec {
            parent_ref: ParentReference {
                group: None,
                resource: "services".to_owned(),
                namespace: service.metadata.namespace.clone(),
                name: service.metadata.name.clone().unwrap_or_default(),
            },
        },
    }
}

/// The Service of an address that went or changed.
fn of_lost(before: Option<&IPAddress>, after: Option<&IPAddress>) -> Vec<Key> {
    before.filter(|_| before != after).and_then(parent_of).into_iter().collect()
}

fn parent_of(address: &IPAddress) -> Option<Key> {
    let parent = parent(address)?;
    Some(Key::new(parent.namespace.or_empty(), &parent.name))
}

impl Controller for MissingAddresses {
    fn name(&self) -> &'static str {
        "ipaddress-repair"
    }

    fn component(&self) -> &'static str {
        COMPONENT
    }

    fn watches(&self) -> Vec<Watch> {
        vec![Watch::itself::<Service>(), Watch::when(|_, before, after| of_lost(before, after))]
    }

    fn plan(&self, look: &Look<'_>, key: &Key) -> Plan {
        let mut plan = Plan::default();
        let service = look.sources.services.get(&key.namespace, &key.name);
        let service = service.filter(|service| service.metadata.deletion_timestamp.is_none());
        let Some(service) = service else { return plan };
        if let Some(wait) = too_young(&service.metadata, look.now) {
            plan.wake_in(wait);
            return plan;
        }
        for address in addresses(&service) {
            reconcile(&mut plan, &service, address, look.sources);
        }
        plan
    }
}
