//! Says of ranges of service addresses that they can be used, and keeps those whose addresses are
//! still in use from going.
//!
//! Reads ranges and addresses; writes the finalizer and the condition `Ready` of ranges. A range that
//! nobody uses any more stays for some seconds, until everybody who gives out addresses knows that it
//! is going.
//! See <https://kubernetes.io/docs/tasks/network/extend-service-ip-ranges/>.

use std::net::IpAddr;
use std::sync::Arc;

use ipnet::IpNet;
use jiff::{SignedDuration, Timestamp};
use k8s_openapi::api::networking::v1::{IPAddress, ServiceCIDR, ServiceCIDRStatus};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, ObjectMeta, Time};
use kinds::wire::OrEmpty;
use serde_json::json;

use crate::{Action, Change, Controller, Key, Look, Plan, Sourced, Target, Watch};

const FINALIZER: &str = "networking.k8s.io/service-cidr-finalizer";
const MANAGER: &str = "service-cidr-controller";
const READY: &str = "Ready";
const READY_TEXT: &str = "Kubernetes Service CIDR is ready";
const GRACE: SignedDuration = SignedDuration::from_secs(10);
/// Addresses that the API server made for Services.
const MANAGED_BY: (&str, &str) = ("ipaddress.kubernetes.io/managed-by", "ipallocator.k8s.io");

/// The controller.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ServiceCidrs;

/// Everything one decision looks at.
#[derive(Debug)]
struct View {
    range: Arc<ServiceCIDR>,
    others: Vec<Arc<ServiceCIDR>>,
    addresses: Vec<Arc<IPAddress>>,
    now: Timestamp,
}

impl View {
    fn of(look: &Look<'_>, key: &Key) -> Option<Self> {
        let range = look.sources.service_cidrs.get("", &key.name)?;
        let is_going = range.metadata.deletion_timestamp.is_some();
        let (mut others, mut addresses) = (Vec::new(), Vec::new());
        if is_going {
            others = look.sources.service_cidrs.all();
            others.retain(|other| {
                let stays = other.metadata.deletion_timestamp.is_none();
                stays && other.metadata.name != range.metadata.name
            });
            let (label, value) = MANAGED_BY;
            addresses = look.sources.ip_addresses.labelled("", label, value);
        }
        Some(Self { range, others, addresses, now: look.now })
    }
}

fn reconcile(view: &View) -> Plan {
    let mut plan = Plan::default();
    let metadata = &view.range.metadata;
    let is_held = metadata.finalizers.or_empty().iter().any(|own| own == FINALIZER);
    let Some(since) = &metadata.deletion_timestamp else {
        if !is_held {
            plan.act(patch(view, json!({"finalizers": [FINALIZER]})));
        }
        say(&mut plan, view, "True", "", READY_TEXT);
        return plan;
    };
    if !is_held {
        return plan;
    }
    if !can_go(view) {
        let text = "There are still IPAddresses referencing the ServiceCIDR, please remove them or \
                    create a new ServiceCIDR";
        say(&mut plan, view, "False", "Terminating", text);
        return plan;
    }
    let due = since.0 + GRACE;
    if due > view.now {
        plan.wake_in(due.duration_since(view.now).unsigned_abs());
    } else {
        plan.act(patch(view, json!({"$deleteFromPrimitiveList/finalizers": [FINALIZER]})));
    }
    plan
}

/// Changes the metadata.
fn patch(view: &View, metadata: serde_json::Value) -> Action {
    Action::Patch {
        target: Target::of(&*view.range),
        subresource: "",
        patch: Change::Strategic(json!({"metadata": metadata})),
        announce: None,
    }
}

/// Claims the condition `Ready`, if it says something else.
fn say(plan: &mut Plan, view: &View, status: &str, reason: &str, message: &str) {
    let known = view.range.status.as_ref().map(|status| status.conditions.or_empty());
    let mut known = known.unwrap_or_default().iter();
    let is_said = |known: &Condition| known.status == status && known.message == message;
    if known.any(|known| known.type_ == READY && is_said(known)) {
        return;
    }
    let condition = Condition {
        type_: READY.to_owned(),
        status: status.to_owned(),
        reason: reason.to_owned(),
        message: message.to_owned(),
        last_transition_time: Time(view.now),
        observed_generation: None,
    };
    let claim = ServiceCIDR {
        metadata: ObjectMeta {
            name: view.range.metadata.name.clone(),
            uid: view.range.metadata.uid.clone(),
            ..ObjectMeta::default()
        },
        spec: None,
        status: Some(ServiceCIDRStatus { conditions: Some(vec![condition]) }),
    };
    plan.act(Action::Apply { object: claim.into_any(), subresource: "status", manager: MANAGER });
}

/// Whether no address is left that is in this range only.
fn can_go(view: &View) -> bool {
    let others: Vec<IpNet> = view.others.iter().flat_map(|other| ranges(other)).collect();
    let own = ranges(&view.range);
    let is_in = |ranges: &[IpNet], address: &IpAddr| ranges.iter().any(|r| r.contains(address));
    let parsed = view.addresses.iter().filter_map(|one| one.metadata.name.or_empty().parse().ok());
    own.iter().all(|range| others.iter().any(|other| other.contains(range)))
        || !parsed.into_iter().any(|address| is_in(&own, &address) && !is_in(&others, &address))
}

fn ranges(cidr: &ServiceCIDR) -> Vec<IpNet> {
    let texts = cidr.spec.as_ref().map(|spec| spec.cidrs.or_empty()).unwrap_or_default();
    texts.iter().filter_map(|text| text.parse().ok()).collect()
}

impl Controller for ServiceCidrs {
    fn name(&self) -> &'static str {
        "service-cidr"
    }

    fn component(&self) -> &'static str {
        MANAGER
    }

    fn watches(&self) -> Vec<Watch> {
        vec![
            // Another range may take the addresses over, or not any more.
            Watch::when(|sources, before: Option<&ServiceCIDR>, after: Option<&ServiceCIDR>| {
                let mut keys: Vec<Key> = before.or(after).map(Key::of).into_iter().collect();
                let is_going = |cidr: &ServiceCIDR| cidr.metadata.deletion_timestamp.is_some();
                let place = |cidr: &ServiceCIDR| (ranges(cidr), is_going(cidr));
                if before.map(place) != after.map(place) {
                    keys.extend(going(sources));
                }
                keys
            }),
            Watch::when(|sources, before: Option<&IPAddress>, after: Option<&IPAddress>| {
                if before.is_some() == after.is_some() { Vec::new() } else { going(sources) }
            }),
        ]
    }

    fn plan(&self, look: &Look<'_>, key: &Key) -> Plan {
        View::of(look, key).map(|view| reconcile(&view)).unwrap_or_default()
    }
}

/// The ranges that are being deleted.
fn going(sources: &crate::Sources) -> Vec<Key> {
    let all = sources.service_cidrs.all().into_iter();
    all.filter(|cidr| cidr.metadata.deletion_timestamp.is_some())
        .map(|cidr| Key::of(&*cidr))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::laws::told;
    use crate::laws::world::World;

    fn range(world: &mut World, name: &str, cidr: &str, going_secs: Option<i64>) {
        let mut metadata = json!({"name": name, "finalizers": [FINALIZER]});
        if let Some(secs) = going_secs {
            metadata["deletionTimestamp"] = json!(world.now - SignedDuration::from_secs(secs));
        }
        world.put::<ServiceCIDR>(json!({
            "metadata": metadata, "spec": {"cidrs": [cidr]},
            "status": {"conditions": [{"type": READY, "status": "True", "reason": "",
                "message": READY_TEXT, "lastTransitionTime": "1970-01-01T00:00:00Z"}]},
        }));
    }

    fn address(world: &mut World, address: &str, manager: &str) {
        let labels = json!({"ipaddress.kubernetes.io/managed-by": manager});
        world.put::<IPAddress>(json!({
            "metadata": {"name": address, "labels": labels},
            "spec": {"parentRef": {"resource": "services", "name": "s"}},
        }));
    }

    fn told(world: &World) -> String {
        let plan = told::plan(&ServiceCidrs, world, "own");
        match plan.wake_after {
            Some(wait) => format!("wait {}", wait.as_secs()),
            None => told::told(&plan),
        }
    }

    #[test]
    fn a_new_range_is_held_and_ready() {
        let mut world = World::new(Timestamp::UNIX_EPOCH);
        let spec = json!({"cidrs": ["10.50.0.0/16"]});
        world.put::<ServiceCIDR>(json!({"metadata": {"name": "own"}, "spec": spec}));
        assert_eq!(told(&world), "patch own, apply own/status");
        range(&mut world, "own", "10.50.0.0/16", None);
        assert_eq!(told(&world), "");
    }

    #[test]
    fn a_range_goes_when_its_addresses_are_gone_or_in_another_one() {
        let mut world = World::new(Timestamp::UNIX_EPOCH);
        range(&mut world, "own", "10.50.0.0/16", Some(3));
        assert_eq!(told(&world), "wait 7");
        range(&mut world, "own", "10.50.0.0/16", Some(10));
        assert_eq!(told(&world), "patch own");
        address(&mut world, "10.50.0.1", "somebody");
        address(&mut world, "10.51.0.1", MANAGED_BY.1);
        assert_eq!(told(&world), "patch own");
        address(&mut world, "10.50.0.1", MANAGED_BY.1);
        assert_eq!(told(&world), "apply own/status");
        range(&mut world, "other", "10.50.128.0/17", None);
        assert_eq!(told(&world), "apply own/status");
        range(&mut world, "other", "10.50.0.0/17", None);
        assert_eq!(told(&world), "patch own");
        range(&mut world, "other", "10.48.0.0/12", None);
        assert_eq!(told(&world), "patch own");
    }

    #[test]
    fn a_range_says_why_it_does_not_go() {
        let mut world = World::new(Timestamp::UNIX_EPOCH);
        range(&mut world, "own", "10.50.0.0/16", Some(10));
        address(&mut world, "10.50.0.1", MANAGED_BY.1);
        for action in told::plan(&ServiceCidrs, &world, "own").actions {
            world.apply(action).expect("it is allowed");
        }
        let range = world.all::<ServiceCIDR>().pop().expect("the range");
        let status = serde_json::to_value(range.status).expect("JSON");
        let said = &status["conditions"][0];
        assert_eq!((&said["status"], &said["reason"]), (&json!("False"), &json!("Terminating")));
        assert_eq!(told(&world), "");
    }
}
