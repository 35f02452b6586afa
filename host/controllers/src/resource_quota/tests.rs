use serde_json::{Value, json};

use super::*;
use crate::laws::told::{plan, status, told};
use crate::laws::world::World;

const NOW: i64 = 1_800_000_000;

fn empty() -> World {
    World::new(Timestamp::from_second(NOW).expect("in range"))
}

fn quota(world: &mut World, spec: &Value, status: &Value) {
    world.put::<ResourceQuota>(json!({"metadata": {"name": "q", "namespace": "ns"},
        "spec": spec, "status": status}));
}

fn pod(world: &mut World, name: &str, cpu: &str, more: &Value) {
    let mut pod = json!({"metadata": {"name": name, "namespace": "ns"},
        "spec": {"containers": [{"name": "c", "resources": {"requests": {"cpu": cpu}}}]},
        "status": {"phase": "Running"}});
    for (section, fields) in more.as_object().into_iter().flatten() {
        for (field, value) in fields.as_object().into_iter().flatten() {
            pod[section][field] = value.clone();
        }
    }
    world.put::<Pod>(pod);
}

/// Pods that run, have ended and end by themselves, a claim, a Service and a `ConfigMap`.
fn world() -> World {
    let mut world = empty();
    pod(&mut world, "a", "250m", &json!({}));
    pod(&mut world, "b", "1", &json!({"status": {"phase": "Succeeded"}}));
    pod(&mut world, "c", "1", &json!({"spec": {"activeDeadlineSeconds": 9}}));
    world.put::<PersistentVolumeClaim>(json!({"metadata": {"name": "c", "namespace": "ns"},
        "spec": {"storageClassName": "fast", "resources": {"requests": {"storage": "5Gi"}}}}));
    world.put::<Service>(json!({"metadata": {"name": "s", "namespace": "ns"},
        "spec": {"type": "NodePort", "ports": [{"port": 1}, {"port": 2}]}}));
    world.put::<k8s_openapi::api::core::v1::ConfigMap>(
        json!({"metadata": {"name": "m", "namespace": "ns"}}),
    );
    pod(&mut world, "elsewhere", "1", &json!({"metadata": {"namespace": "other"}}));
    world
}

fn check(spec: &Value, expected: &Value) {
    let mut world = world();
    quota(&mut world, spec, &json!({}));
    let plan = plan(&ResourceQuotas, &world, "ns");
    let hard = &spec["hard"];
    assert_eq!(status::<ResourceQuota>(&plan), json!({"hard": hard, "used": expected}), "{spec}");
    assert_eq!(plan.wake_after, Some(RECOUNT));
}

#[test]
fn everything_that_is_limited_is_counted() {
    check(
        &json!({"hard": {
            "pods": "9", "count/pods": "9", "requests.cpu": "9", "limits.memory": "9",
            "requests.storage": "1Ti", "fast.storageclass.storage.k8s.io/requests.storage": "1Ti",
            "slow.storageclass.storage.k8s.io/persistentvolumeclaims": "9",
            "services": "9", "services.nodeports": "9", "services.loadbalancers": "9",
            "configmaps": "9", "count/configmaps": "9", "count/things.example.com": "9",
        }}),
        &json!({
            "pods": "2", "count/pods": "3", "requests.cpu": "1250m", "limits.memory": "0",
            "requests.storage": "5Gi", "fast.storageclass.storage.k8s.io/requests.storage": "5Gi",
            "slow.storageclass.storage.k8s.io/persistentvolumeclaims": "0",
            "services": "1", "services.nodeports": "2", "services.loadbalancers": "0",
            "configmaps": "1", "count/configmaps": "1",
        }),
    );
}

#[test]
fn scopes_leave_out_what_is_not_in_them() {
    check(
        &json!({"hard": {"pods": "9", "cpu": "9"}, "scopes": ["Terminating"]}),
        &json!({"pods": "1", "cpu": "1"}),
    );
    check(
        &json!({"hard": {"pods": "9", "count/configmaps": "9"}, "scopes": ["NotTerminating"]}),
        &json!({"pods": "1", "count/configmaps": "0"}),
    );
}

#[test]
fn what_is_right_is_not_written_again() {
    let spec = json!({"hard": {"cpu": "2", "example.com/x": "3"}});
    for (status, expected) in [
        (json!({"hard": {"cpu": "2000m", "example.com/x": "3"}, "used": {"cpu": "1.25"}}), ""),
        (json!({"hard": {"cpu": "1", "example.com/x": "3"}, "used": {"cpu": "1250m"}}), "status"),
        (json!({"hard": {"cpu": "2", "example.com/x": "3"}, "used": {"cpu": "1"}}), "status"),
    ] {
        let mut world = world();
        quota(&mut world, &spec, &status);
        assert_eq!(told(&plan(&ResourceQuotas, &world, "ns")), expected, "{status}");
    }
}

#[test]
fn what_nobody_can_count_stays() {
    let mut world = world();
    let spec = json!({"hard": {"cpu": "2", "count/things.example.com": "3"}});
    let used = json!({"cpu": "0", "count/things.example.com": "1", "memory": "1"});
    quota(&mut world, &spec, &json!({"hard": {"cpu": "1"}, "used": used}));
    let plan = plan(&ResourceQuotas, &world, "ns");
    let expected =
        json!({"hard": spec["hard"], "used": {"cpu": "1250m", "count/things.example.com": "1"}});
    assert_eq!(status::<ResourceQuota>(&plan), expected);
}

#[test]
fn a_pod_that_should_have_ended_is_given_back() {
    let going = |secs: i64| {
        let at = Timestamp::from_second(NOW + secs).expect("in range").to_string();
        let mut world = empty();
        let ends = json!({"metadata":
            {"deletionTimestamp": at, "deletionGracePeriodSeconds": 30}});
        pod(&mut world, "a", "1", &ends);
        let hard = json!({"pods": "1"});
        quota(&mut world, &json!({"hard": hard}), &json!({"hard": hard, "used": {"pods": "1"}}));
        let plan = plan(&ResourceQuotas, &world, "ns");
        (told(&plan), plan.wake_after.map(|wait| wait.as_secs()))
    };
    assert_eq!(going(10), (String::new(), Some(41)));
    assert_eq!(going(-30), (String::new(), Some(1)));
    assert_eq!(going(-31), ("status".to_owned(), Some(5)));
}

/// Which namespaces a change of a Pod wakes.
fn woken(before: Option<&Value>, after: Option<&Value>) -> Vec<String> {
    let mut world = empty();
    quota(&mut world, &json!({"hard": {"pods": "1"}}), &json!({}));
    let read = |tree: Option<&Value>| {
        tree.map(|tree| {
            let mut tree = tree.clone();
            tree["metadata"]["namespace"] = json!("ns");
            serde_json::from_value::<Pod>(tree).expect("a Pod")
        })
    };
    let (before, after) = (read(before), read(after));
    world.look(0, |look| {
        let keys = counted_anew(look.sources, before.as_ref(), after.as_ref());
        keys.iter().map(ToString::to_string).collect()
    })
}

#[test]
fn only_what_changes_a_count_wakes() {
    let pending = json!({"spec": {"containers": []}, "status": {"phase": "Pending"}});
    let running = json!({"spec": {"containers": []}, "status": {"phase": "Running"}});
    let failed = json!({"spec": {"containers": []}, "status": {"phase": "Failed"}});
    let going = json!({"spec": {"containers": []}, "status": {"phase": "Running"},
        "metadata": {"deletionTimestamp": "2027-01-15T08:00:00Z"}});
    for (before, after, expected) in [
        (None, Some(&pending), 0),
        (Some(&pending), Some(&running), 0),
        (Some(&running), Some(&going), 1),
        (Some(&going), None, 1),
        (Some(&running), Some(&failed), 1),
    ] {
        assert_eq!(woken(before, after).len(), expected, "{before:?} {after:?}");
    }
}
