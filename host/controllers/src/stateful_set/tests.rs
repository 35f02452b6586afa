use jiff::Timestamp;
use serde_json::{Value, json};

use super::*;
use crate::laws::told::plan;
use crate::laws::world::World;
use crate::{Action, Change, Target};

/// A world with one set, and the hands that play the node.
struct Story(World);

impl Story {
    fn new(spec: &Value) -> Self {
        let mut world = World::new(Timestamp::from_second(1_800_000_000).expect("in range"));
        let mut set = json!({"metadata": {"name": "web", "namespace": "ns", "generation": 1}, "spec": {
            "selector": {"matchLabels": {"app": "web"}}, "replicas": 2, "serviceName": "web",
            "template": {"metadata": {"labels": {"app": "web", "tier": "a"}},
                "spec": {"containers": [{"name": "c", "image": "web:1"}]}}}});
        for (key, value) in spec.as_object().expect("an object") {
            set["spec"][key] = value.clone();
        }
        world.put::<StatefulSet>(set);
        let mut story = Self(world);
        story.settle();
        story
    }

    fn settle(&mut self) {
        for _ in 0..20 {
            let wanted = plan(&StatefulSets, &self.0, "ns/web");
            if wanted.actions.is_empty() {
                return;
            }
            for action in wanted.actions {
                self.0.apply(action).expect("nobody else writes");
            }
        }
        panic!("it does not settle");
    }

    fn patch(&mut self, target: Target, subresource: &'static str, patch: Value) {
        let patch = Change::Merge(patch);
        let action = Action::Patch { target, subresource, patch, announce: None };
        self.0.apply(action).expect("it is there");
    }

    fn pod(&self, name: &str) -> Option<Pod> {
        self.0.all::<Pod>().into_iter().find(|pod| pod.metadata.name.as_deref() == Some(name))
    }

    fn is(&mut self, name: &str, phase: &str, ready: &str) {
        let target = Target::of(&self.pod(name).expect("it is there"));
        let ready = json!([{"type": "Ready", "status": ready, "lastTransitionTime": "2027-01-15T07:00:00Z"}]);
        self.patch(target, "status", json!({"status": {"phase": phase, "conditions": ready}}));
        self.settle();
    }

    /// All Pods serve, and those that come after them.
    fn serve(&mut self) {
        for _ in 0..5 {
            for pod in self.0.all::<Pod>() {
                self.is(pod.metadata.name.as_deref().expect("a name"), "Running", "True");
            }
        }
    }

    fn change(&mut self, spec: &Value) {
        let target = Target::of(&self.0.all::<StatefulSet>()[0]);
        self.patch(target, "", json!({ "spec": spec }));
        self.settle();
    }

    /// Names and images of the Pods.
    fn pods(&self) -> Vec<String> {
        let mut pods: Vec<_> = self.0.all::<Pod>().iter().map(shown).collect();
        pods.sort();
        pods
    }

    fn owners(&self, claim: &str) -> Vec<String> {
        let claims = self.0.all::<PersistentVolumeClaim>();
        let claim = claims.iter().find(|one| one.metadata.name.as_deref() == Some(claim));
        let owners = claim.expect("it is there").metadata.owner_references.clone();
        owners.into_iter().flatten().map(|owner| format!("{} {}", owner.kind, owner.name)).collect()
    }
}

fn shown(pod: &Pod) -> String {
    let image = pod.spec.as_ref().and_then(|spec| spec.containers.first()?.image.clone());
    format!("{} {}", pod.metadata.name.as_deref().unwrap_or(""), image.unwrap_or_default())
}

fn image(version: u32) -> Value {
    json!({"template": {"spec": {"containers": [{"name": "c", "image": format!("web:{version}")}]}}})
}

fn claims(deleted: &str, scaled: &str) -> Value {
    json!({
        "volumeClaimTemplates": [{"metadata": {"name": "data"}, "spec": {}}],
        "persistentVolumeClaimRetentionPolicy": {"whenDeleted": deleted, "whenScaled": scaled},
    })
}

#[test]
fn each_pod_waits_for_the_one_before() {
    let mut story = Story::new(&json!({}));
    assert_eq!(story.pods(), ["web-0 web:1"]);
    story.is("web-0", "Running", "False");
    assert_eq!(story.pods(), ["web-0 web:1"]);
    story.is("web-0", "Running", "True");
    assert_eq!(story.pods(), ["web-0 web:1", "web-1 web:1"]);
    assert_eq!(Story::new(&json!({"podManagementPolicy": "Parallel"})).pods().len(), 2);
}

#[test]
fn below_the_partition_pods_are_of_the_revision_before() {
    let rolling = json!({"type": "RollingUpdate", "rollingUpdate": {"partition": 1}});
    let mut story = Story::new(&json!({"updateStrategy": rolling}));
    story.serve();
    story.change(&image(2));
    story.serve();
    assert_eq!(story.pods(), ["web-0 web:1", "web-1 web:2"]);
    for name in ["web-0", "web-1"] {
        let target = Target::of(&story.pod(name).expect("it is there"));
        let (propagation, grace_secs, announce) = (None, None, None);
        let gone = Action::Delete { target, propagation, grace_secs, announce };
        story.0.apply(gone).expect("it is there");
    }
    story.settle();
    story.serve();
    assert_eq!(story.pods(), ["web-0 web:1", "web-1 web:2"], "made anew as they were");
    let status = story.0.all::<StatefulSet>()[0].status.clone().expect("a status");
    assert_eq!((status.current_replicas, status.updated_replicas), (Some(1), Some(1)));
}

#[test]
fn a_revision_has_the_labels_of_its_template() {
    let story = Story::new(&json!({}));
    let labels = story.0.all::<ControllerRevision>()[0].metadata.labels.clone().unwrap_or_default();
    assert_eq!(labels.get("tier").map(String::as_str), Some("a"));
}

#[test]
fn claims_go_with_whom_they_shall_go() {
    let none: [&str; 0] = [];
    for (deleted, scaled, with_set, with_pod) in [
        ("Retain", "Retain", &none[..], &none[..]),
        ("Delete", "Retain", &["StatefulSet web"], &["StatefulSet web"]),
        ("Retain", "Delete", &none, &["Pod web-1"]),
        ("Delete", "Delete", &["StatefulSet web"], &["Pod web-1"]),
    ] {
        let mut story = Story::new(&claims(deleted, scaled));
        story.serve();
        assert_eq!(story.owners("data-web-1"), with_set, "{deleted} {scaled}");
        // It is held, so that what is written of its claim can be seen.
        let target = Target::of(&story.pod("web-1").expect("it is there"));
        story.patch(target, "", json!({"metadata": {"finalizers": ["example.com/held"]}}));
        story.change(&json!({"replicas": 1}));
        assert_eq!(story.owners("data-web-1"), with_pod, "{deleted} {scaled}");
    }
}

#[test]
fn a_claim_of_another_controller_is_left_to_it() {
    let mut story = Story::new(&claims("Delete", "Delete"));
    story.serve();
    let claims = story.0.all::<PersistentVolumeClaim>();
    let target = Target::of(&claims[0]);
    let other =
        json!([{"apiVersion": "v1", "kind": "Other", "name": "o", "uid": "o", "controller": true}]);
    story.patch(target, "", json!({"metadata": {"ownerReferences": other}}));
    story.settle();
    assert_eq!(story.owners("data-web-0"), ["Other o"]);
}

#[test]
fn no_pod_begins_while_its_claim_goes_with_the_one_before() {
    let mut story = Story::new(&claims("Retain", "Delete"));
    story.serve();
    let target = Target::of(&story.pod("web-1").expect("it is there"));
    story.patch(target, "", json!({"metadata": {"finalizers": ["example.com/held"]}}));
    story.change(&json!({"replicas": 1}));
    let target = Target::of(&story.pod("web-1").expect("it is held"));
    story.patch(target, "", json!({"metadata": {"finalizers": []}}));
    story.change(&json!({"replicas": 2}));
    assert_eq!(story.pods(), ["web-0 web:1"], "{:?}", story.owners("data-web-1"));
}

#[test]
fn who_does_not_serve_goes_before_who_does_unless_in_order() {
    let mut story = Story::new(&json!({"replicas": 3, "podManagementPolicy": "Parallel"}));
    story.serve();
    story.is("web-0", "Running", "False");
    story.change(&image(2));
    assert_eq!(story.pods(), ["web-0 web:2", "web-1 web:1", "web-2 web:1"]);
}
