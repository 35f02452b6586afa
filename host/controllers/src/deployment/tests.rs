use jiff::Timestamp;
use serde_json::{Value, json};

use super::*;
use crate::Action;
use crate::laws::told::{plan, status, told};
use crate::laws::world::World;

/// A Deployment of image `app:N`, and `ReplicaSets` as `(image, asked for, available)`.
fn world(replicas: i32, strategy: &Value, sets: &[(&str, i32, i32)]) -> World {
    let mut world = World::new(Timestamp::from_second(1_800_000_000).expect("in range"));
    let template = |image: &str| {
        json!({"metadata": {"labels": {"app": "web"}},
            "spec": {"containers": [{"name": "c", "image": image}]}})
    };
    world.put::<Deployment>(json!({"metadata": {"name": "web", "namespace": "ns"},
        "spec": {"replicas": replicas, "selector": {"matchLabels": {"app": "web"}},
            "strategy": strategy, "template": template("new"), "progressDeadlineSeconds": 600}}));
    for (place, (image, want, available)) in sets.iter().enumerate() {
        let mut template = template(image);
        template["metadata"]["labels"]["pod-template-hash"] = json!(image);
        world.put::<ReplicaSet>(json!({
            "metadata": {"name": image, "namespace": "ns", "labels": {"app": "web"},
                "annotations": {"deployment.kubernetes.io/revision": (place + 1).to_string(),
                    "deployment.kubernetes.io/desired-replicas": replicas.to_string(),
                    "deployment.kubernetes.io/max-replicas": (replicas + 1).to_string()},
                "ownerReferences": [{"apiVersion": "apps/v1", "kind": "Deployment", "name": "web",
                    "uid": "Deployment-web", "controller": true}]},
            "spec": {"replicas": want, "selector": {"matchLabels": {"app": "web"}},
                "template": template},
            "status": {"replicas": want, "readyReplicas": available,
                "availableReplicas": available, "observedGeneration": 1},
        }));
    }
    world
}

fn rolling(surge: Value, unavailable: Value) -> Value {
    json!({"type": "RollingUpdate",
        "rollingUpdate": {"maxSurge": surge, "maxUnavailable": unavailable}})
}

/// The sizes that `ReplicaSets` get.
fn sizes(plan: &Plan) -> Vec<(String, i32)> {
    let sized = plan.actions.iter().filter_map(|action| match action {
        Action::Create { object, .. } | Action::Update { object, .. } => {
            let set = object.downcast::<ReplicaSet>()?;
            let image = set.spec.template.as_ref()?.spec.as_ref()?.containers[0].image.clone()?;
            Some((image, set.spec.replicas?))
        }
        _ => None,
    });
    sized.collect()
}

#[track_caller]
fn check(replicas: i32, strategy: &Value, sets: &[(&str, i32, i32)], expected: &[(&str, i32)]) {
    let plan = plan(&Deployments, &world(replicas, strategy, sets), "ns/web");
    let seen = sizes(&plan);
    let seen: Vec<(&str, i32)> = seen.iter().map(|(image, size)| (image.as_str(), *size)).collect();
    assert_eq!(seen, expected, "{}", told(&plan));
}

#[test]
fn a_rollout_keeps_within_surge_and_unavailability() {
    let quarter = rolling(json!("25%"), json!("25%"));
    check(4, &quarter, &[], &[("new", 4)]);
    check(4, &quarter, &[("old", 4, 4)], &[("old", 3), ("new", 1)]);
    check(4, &quarter, &[("old", 4, 4), ("new", 1, 0)], &[("old", 3)]);
    check(4, &quarter, &[("old", 3, 3), ("new", 2, 2)], &[("old", 1)]);
    let in_place = rolling(json!(0), json!(2));
    check(4, &in_place, &[("old", 4, 4)], &[("old", 2), ("new", 0)]);
    check(4, &in_place, &[("old", 4, 4), ("new", 0, 0)], &[("old", 2)]);
    // Old Pods that do not serve go first.
    check(4, &quarter, &[("old", 4, 2), ("new", 1, 1)], &[("old", 2)]);
}

#[test]
fn recreate_ends_the_old_before_it_begins_the_new() {
    let recreate = json!({"type": "Recreate"});
    check(2, &recreate, &[("old", 2, 2)], &[("old", 0)]);
    check(2, &recreate, &[("old", 0, 0)], &[("new", 2)]);
}

#[test]
fn conditions_tell_the_story() {
    let quarter = rolling(json!("25%"), json!("25%"));
    let reasons = |sets: &[(&str, i32, i32)]| {
        let plan = plan(&Deployments, &world(2, &quarter, sets), "ns/web");
        let status = status::<Deployment>(&plan);
        let conditions = status["conditions"].as_array().expect("a list").clone();
        conditions
            .iter()
            .map(|c| c["reason"].as_str().expect("text").to_owned())
            .collect::<Vec<_>>()
    };
    assert_eq!(reasons(&[]), ["NewReplicaSetCreated", "MinimumReplicasUnavailable"]);
    assert_eq!(reasons(&[("new", 2, 0)]), ["MinimumReplicasUnavailable", "ReplicaSetUpdated"]);
    assert_eq!(reasons(&[("new", 2, 2)]), ["MinimumReplicasAvailable", "NewReplicaSetAvailable"]);
}
