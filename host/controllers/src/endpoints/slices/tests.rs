use jiff::Timestamp;
use serde_json::{Value, json};

use super::*;
use crate::laws::told::{plan, told};
use crate::laws::world::World;

fn world(service: Value, pods: &[(&str, bool)]) -> World {
    let mut world = World::new(Timestamp::from_second(1_800_000_000).expect("in range"));
    let mut spec = json!({"selector": {"app": "web"}, "clusterIP": "10.43.0.9",
        "ipFamilies": ["IPv4"], "ports": [{"name": "http", "port": 80, "targetPort": 8080}]});
    for (key, value) in service.as_object().expect("an object") {
        spec[key] = value.clone();
    }
    world.put::<Node>(json!({"metadata": {"name": "n",
        "labels": {"topology.kubernetes.io/zone": "z"}}}));
    world.put::<Service>(json!({"metadata": {"name": "web", "namespace": "ns"}, "spec": spec}));
    for (place, (name, ready)) in pods.iter().enumerate() {
        let ready = if *ready { "True" } else { "False" };
        world.put::<Pod>(json!({"metadata": {"name": name, "namespace": "ns",
                "labels": {"app": "web"}},
            "spec": {"containers": [], "nodeName": "n"},
            "status": {"phase": "Running", "podIPs": [{"ip": format!("100.64.0.{place}")}],
                "conditions": [{"type": "Ready", "status": ready}]}}));
    }
    world
}

fn created(world: &World) -> EndpointSlice {
    let plan = plan(&EndpointSlices, world, "ns/web");
    let [Action::Create { object, .. }] = &plan.actions[..] else { panic!("{}", told(&plan)) };
    object.downcast::<EndpointSlice>().expect("a slice").clone()
}

#[test]
fn endpoints_tell_whether_they_serve() {
    let slice = created(&world(json!({}), &[("a", true), ("b", false)]));
    assert_eq!(slice.metadata.generate_name.as_deref(), Some("web-"));
    let labels = slice.metadata.labels.expect("labels");
    assert_eq!(labels["kubernetes.io/service-name"], "web");
    let endpoints = slice.endpoints.expect("endpoints");
    let ready: Vec<_> =
        endpoints.iter().map(|e| e.conditions.as_ref().and_then(|c| c.ready)).collect();
    assert_eq!(ready, [Some(true), Some(false)]);
    assert_eq!(endpoints[0].zone.as_deref(), Some("z"));
    assert_eq!(slice.ports.expect("ports")[0].port, Some(8080));
    let all = created(&world(json!({"publishNotReadyAddresses": true}), &[("b", false)]));
    let conditions = all.endpoints.expect("endpoints")[0].conditions.clone().expect("conditions");
    assert_eq!((conditions.ready, conditions.serving), (Some(true), Some(false)));
}

#[test]
fn a_service_without_pods_has_an_empty_slice_and_one_without_selector_none() {
    let mut empty = world(json!({}), &[]);
    let slice = created(&empty);
    assert!(slice.endpoints.is_none_or(|endpoints| endpoints.is_empty()));
    let first = plan(&EndpointSlices, &empty, "ns/web");
    first.actions.into_iter().for_each(|action| empty.apply(action).expect("applied"));
    assert_eq!(told(&plan(&EndpointSlices, &empty, "ns/web")), "");
    let by_hand = world(json!({"selector": null}), &[("a", true)]);
    assert_eq!(told(&plan(&EndpointSlices, &by_hand, "ns/web")), "");
}

#[test]
fn a_headless_service_is_labelled_so() {
    let slice = created(&world(json!({"clusterIP": "None"}), &[("a", true)]));
    assert!(slice.metadata.labels.expect("labels").contains_key("service.kubernetes.io/headless"));
}
