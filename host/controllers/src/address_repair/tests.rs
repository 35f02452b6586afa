use serde_json::{Value, json};

use super::leaked::LeakedAddresses;
use super::missing::MissingAddresses;
use super::*;
use crate::laws::told;
use crate::laws::world::World;

fn world(addresses: &[&str]) -> World {
    let mut world = World::new(Timestamp::UNIX_EPOCH);
    world.put::<Service>(json!({
        "metadata": {"name": "s", "namespace": "ns"}, "spec": {"clusterIPs": addresses},
    }));
    world
}

fn address(world: &mut World, name: &str, labels: Value, parent: Value) {
    let metadata = json!({"name": name, "labels": labels});
    world.put::<IPAddress>(json!({"metadata": metadata, "spec": {"parentRef": parent}}));
}

fn labels(family: &str) -> Value {
    json!({FAMILY: family, MANAGED_BY: MANAGER})
}

fn service(name: &str) -> Value {
    json!({"resource": "services", "namespace": "ns", "name": name})
}

fn missing(world: &World) -> String {
    told::told(&told::plan(&MissingAddresses, world, "ns/s"))
}

#[test]
fn an_address_that_is_missing_or_damaged_is_made_again() {
    let repaired = "event ClusterIPNotAllocated, create IPAddress";
    assert_eq!(missing(&world(&["None"])), "");
    assert_eq!(missing(&world(&["10.43.0.9"])), repaired);
    let check = |labels: Value, parent: Value, expected: &str| {
        let mut world = world(&["10.43.0.9"]);
        world.put::<Service>(json!({"metadata": {"name": "other", "namespace": "ns"}, "spec": {}}));
        address(&mut world, "10.43.0.9", labels.clone(), parent.clone());
        assert_eq!(missing(&world), expected, "{labels} {parent}");
    };
    let again = format!("delete 10.43.0.9, {repaired}");
    check(labels("IPv4"), service("s"), "");
    check(labels("IPv6"), service("s"), &again);
    check(json!({}), service("s"), &again);
    check(labels("IPv4"), service("gone"), &again);
    check(labels("IPv4"), service("other"), "");
    check(labels("IPv4"), json!({"resource": "nodes", "name": "s"}), &again);
}

#[test]
fn what_was_made_looks_as_the_api_server_makes_it() {
    let mut world = world(&["10.43.0.9", "fd00::9"]);
    for action in told::plan(&MissingAddresses, &world, "ns/s").actions {
        world.apply(action).expect("it is allowed");
    }
    assert_eq!(missing(&world), "");
    let made = world.all::<IPAddress>();
    assert_eq!(made.len(), 2);
    assert_eq!(label(&made[1], FAMILY), Some("IPv6"));
    let parent = serde_json::to_value(parent(&made[0])).expect("JSON");
    assert_eq!(parent, service("s"));
}

#[test]
fn an_address_of_no_service_goes_after_a_minute() {
    let check = |labels: Value, parent: Value, expected: &str| {
        let mut world = world(&["10.43.0.9"]);
        address(&mut world, "10.43.0.7", labels, parent);
        let told = |world: &World| told::told(&told::plan(&LeakedAddresses, world, "10.43.0.7"));
        assert_eq!(told(&world), expected);
        world.now -= SignedDuration::from_secs(41);
        assert_eq!(told(&world), "");
    };
    let leaked = "event IPAddressNotAllocated, delete 10.43.0.7";
    check(labels("IPv4"), service("gone"), leaked);
    check(labels("IPv4"), json!({"resource": "nodes", "name": "s"}), leaked);
    check(labels("IPv4"), service("s"), "event IPAddressWrongReference, delete 10.43.0.7");
    check(json!({}), service("gone"), "");
    let mut used = world(&["10.43.0.7"]);
    address(&mut used, "10.43.0.7", labels("IPv4"), service("s"));
    assert_eq!(told::told(&told::plan(&LeakedAddresses, &used, "10.43.0.7")), "");
}
