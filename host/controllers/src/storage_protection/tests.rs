use k8s_openapi::api::core::v1::{PersistentVolume, PersistentVolumeClaim, Pod};
use k8s_openapi::api::storage::v1::VolumeAttributesClass;
use serde_json::{Value, json};

use super::attributes_classes::AttributesClassProtection;
use super::claims::ClaimProtection;
use super::volumes::VolumeProtection;
use crate::laws::told;
use crate::laws::world::World;
use crate::{Action, Controller};

const GOING: &str = "1970-01-01T00:00:00Z";

fn world() -> World {
    World::new(jiff::Timestamp::UNIX_EPOCH)
}

/// The finalizers that the controller leaves, if it does anything.
fn finalizers(controller: &dyn Controller, world: &World, key: &str) -> Option<Vec<String>> {
    let plan = told::plan(controller, world, key);
    let action = plan.actions.into_iter().next()?;
    let Action::Update { object, .. } = action else { panic!("{action:?}") };
    Some(object.metadata().finalizers.clone().unwrap_or_default())
}

fn claim(world: &mut World, metadata: Value) {
    let mut metadata = metadata;
    metadata["name"] = json!("c");
    metadata["namespace"] = json!("ns");
    world.put::<PersistentVolumeClaim>(json!({"metadata": metadata, "spec": {}}));
}

fn going_claim() -> World {
    let mut world = world();
    let finalizers = ["example.com/own", "kubernetes.io/pvc-protection"];
    claim(&mut world, json!({"deletionTimestamp": GOING, "finalizers": finalizers}));
    world
}

#[test]
fn a_claim_goes_when_no_pod_with_a_node_uses_it() {
    let check = |pod: Value, is_used: bool| {
        let mut world = going_claim();
        let mut tree = json!({"metadata": {"name": "p", "namespace": "ns", "uid": "u"},
            "spec": {"containers": []}});
        for (path, value) in pod.as_object().expect("members") {
            let (parent, name) = path.rsplit_once('/').expect("a path");
            tree.pointer_mut(parent).expect("it is there")[name] = value.clone();
        }
        world.put::<Pod>(tree);
        let expected = (!is_used).then(|| vec!["example.com/own".to_owned()]);
        assert_eq!(finalizers(&ClaimProtection, &world, "ns/c"), expected, "{pod}");
    };
    let volumes = json!([{"name": "v", "persistentVolumeClaim": {"claimName": "c"}}]);
    let other = json!([{"name": "v", "persistentVolumeClaim": {"claimName": "d"}}]);
    check(json!({}), false);
    check(json!({"/spec/volumes": volumes}), false);
    check(json!({"/spec/volumes": volumes, "/spec/nodeName": "n"}), true);
    check(json!({"/spec/volumes": other, "/spec/nodeName": "n"}), false);
    // What has ended is there until it is deleted, and so is its claim.
    let done = json!({"/spec/volumes": volumes, "/spec/nodeName": "n",
        "/status": {"phase": "Succeeded"}});
    check(done, true);
}

#[test]
fn a_claim_made_for_a_volume_goes_when_the_node_is_done_with_the_pod() {
    let check = |owner: &str, grace: i64, is_used: bool| {
        let mut world = world();
        world.put::<PersistentVolumeClaim>(json!({
            "metadata": {"name": "p-v", "namespace": "ns", "deletionTimestamp": GOING,
                "finalizers": ["kubernetes.io/pvc-protection"],
                "ownerReferences": [{"apiVersion": "v1", "kind": "Pod", "name": "p",
                    "uid": owner, "controller": true}]},
            "spec": {},
        }));
        world.put::<Pod>(json!({
            "metadata": {"name": "p", "namespace": "ns", "uid": "u", "deletionTimestamp": GOING,
                "deletionGracePeriodSeconds": grace},
            "spec": {"nodeName": "n", "containers": [], "volumes": [{"name": "v", "ephemeral": {}}]},
        }));
        let expected = (!is_used).then(Vec::new);
        assert_eq!(finalizers(&ClaimProtection, &world, "ns/p-v"), expected, "{owner} {grace}");
    };
    check("u", 30, true);
    check("u", 0, false);
    check("somebody", 30, false);
}

#[test]
fn what_stays_keeps_its_finalizer() {
    let mut world = world();
    claim(&mut world, json!({"finalizers": ["kubernetes.io/pvc-protection"]}));
    assert_eq!(finalizers(&ClaimProtection, &world, "ns/c"), None);
    claim(&mut world, json!({}));
    let protected = vec!["kubernetes.io/pvc-protection".to_owned()];
    assert_eq!(finalizers(&ClaimProtection, &world, "ns/c"), Some(protected));
    claim(&mut world, json!({"deletionTimestamp": GOING, "finalizers": ["example.com/own"]}));
    assert_eq!(finalizers(&ClaimProtection, &world, "ns/c"), None);
}

#[test]
fn a_volume_goes_when_it_is_not_bound() {
    let check = |phase: Option<&str>, is_used: bool| {
        let mut world = world();
        world.put::<PersistentVolume>(json!({
            "metadata": {"name": "v", "deletionTimestamp": GOING,
                "finalizers": ["kubernetes.io/pv-protection"]},
            "spec": {}, "status": {"phase": phase},
        }));
        let expected = (!is_used).then(Vec::new);
        assert_eq!(finalizers(&VolumeProtection, &world, "v"), expected, "{phase:?}");
    };
    check(None, false);
    check(Some("Available"), false);
    check(Some("Released"), false);
    check(Some("Bound"), true);
}

#[test]
fn a_class_goes_when_nothing_names_it() {
    let check = |spec: Value, status: Value, volume: Value, is_used: bool| {
        let mut world = world();
        world.put::<VolumeAttributesClass>(json!({
            "metadata": {"name": "gold", "deletionTimestamp": GOING,
                "finalizers": ["kubernetes.io/vac-protection"]},
            "driverName": "d.example.com",
        }));
        let metadata = json!({"name": "c", "namespace": "ns"});
        let claim = json!({"metadata": metadata, "spec": spec, "status": status});
        world.put::<PersistentVolumeClaim>(claim);
        world.put::<PersistentVolume>(json!({"metadata": {"name": "v"}, "spec": volume}));
        let expected = (!is_used).then(Vec::new);
        let left = finalizers(&AttributesClassProtection, &world, "gold");
        assert_eq!(left, expected, "{spec} {status} {volume}");
    };
    let named = |name: &str| json!({"volumeAttributesClassName": name});
    check(json!({}), json!({}), json!({}), false);
    check(named("silver"), json!({}), named("silver"), false);
    check(named("gold"), json!({}), json!({}), true);
    check(json!({}), json!({}), named("gold"), true);
    let current = json!({"currentVolumeAttributesClassName": "gold"});
    check(named("silver"), current, json!({}), true);
    let target = json!({"status": "InProgress", "targetVolumeAttributesClassName": "gold"});
    check(named("silver"), json!({"modifyVolumeStatus": target}), json!({}), true);
}
