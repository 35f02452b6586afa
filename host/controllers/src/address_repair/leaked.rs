//! Deletes `IPAddress` objects of Services that no Service has.
//!
//! Reads addresses and Services; deletes addresses that the API server made.

use k8s_openapi::api::core::v1::Service;
use k8s_openapi::api::networking::v1::IPAddress;
use kinds::wire::OrEmpty;

use super::{COMPONENT, MANAGED_BY, MANAGER, addresses, label, parent, too_young};
use crate::{Action, Controller, Event, Key, Look, Plan, Sources, Target, Watch};

/// The controller.
#[derive(Clone, Copy, Debug)]
pub(crate) struct LeakedAddresses;

/// What is wrong with an address, as reason and text of an Event.
fn fault(address: &IPAddress, sources: &Sources) -> Option<(&'static str, String)> {
    let own = address.metadata.name.or_empty();
    let Some(parent) = parent(address) else {
        let text = format!(
            "IPAddress {own} appears to have been modified, not referencing a Service: cleaning up"
        );
        return Some(("IPAddressNotAllocated", text));
    };
    let (namespace, name) = (parent.namespace.or_empty(), parent.name.as_str());
    let Some(service) = sources.services.get(namespace, name) else {
        let text = format!(
            "IPAddress: {own} for Service {namespace}/{name} appears to have leaked: cleaning up"
        );
        return Some(("IPAddressNotAllocated", text));
    };
    if addresses(&service).iter().any(|address| address.to_string() == own) {
        return None;
    }
    let text = format!(
        "IPAddress: {own} for Service {namespace}/{name} has a wrong reference; cleaning up"
    );
    Some(("IPAddressWrongReference", text))
}

impl Controller for LeakedAddresses {
    fn name(&self) -> &'static str {
        "ipaddress-cleaner"
    }

    fn component(&self) -> &'static str {
        COMPONENT
    }

    fn watches(&self) -> Vec<Watch> {
        vec![
            Watch::itself::<IPAddress>(),
            Watch::of(|_, service: &Service| {
                let own = addresses(service).into_iter();
                own.map(|address| Key::new("", &address.to_string())).collect()
            }),
        ]
    }

    fn plan(&self, look: &Look<'_>, key: &Key) -> Plan {
        let mut plan = Plan::default();
        let address = look.sources.ip_addresses.get("", &key.name);
        let Some(address) = address.filter(|own| label(own, MANAGED_BY) == Some(MANAGER)) else {
            return plan;
        };
        let Some((reason, text)) = fault(&address, look.sources) else { return plan };
        if let Some(wait) = too_young(&address.metadata, look.now) {
            plan.wake_in(wait);
        } else if address.metadata.deletion_timestamp.is_none() {
            plan.event(Event::warning(&*address, reason, text));
            plan.act(Action::Delete {
                target: Target::of(&*address),
                propagation: None,
                grace_secs: None,
                announce: None,
            });
        }
        plan
    }
}
