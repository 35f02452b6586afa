use serde_json::json;

use super::*;
use crate::tests::read;

const NOW: &str = "2026-01-01T00:00:00Z";

fn check(object: meta::Tree, expected: &str) {
    let usage = usage(&*read(object.clone()), NOW.parse().expect("a time"));
    let shown: Vec<String> =
        usage.iter().map(|(name, amount)| format!("{name}={amount}")).collect();
    assert_eq!(shown.join(" "), expected, "{object}");
}

fn pod(spec: &meta::Tree, status: &meta::Tree, metadata: &meta::Tree) -> meta::Tree {
    json!({ "apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec, "status": status })
}

#[test]
fn pods_use_what_their_containers_ask_for() {
    let none = json!({});
    let check = |spec: meta::Tree, expected| check(pod(&spec, &none, &none), expected);
    check(json!({ "containers": [{ "name": "c" }] }), "count/pods=1 pods=1");
    check(
        json!({ "containers": [
            { "name": "a", "resources": { "requests": { "cpu": "100m", "memory": "64Mi" }, "limits": { "cpu": "1" } } },
            { "name": "b", "resources": { "requests": { "cpu": "250m", "ephemeral-storage": "1Gi" }, "limits": { "cpu": "1", "ephemeral-storage": "2Gi" } } },
        ] }),
        "count/pods=1 cpu=350m ephemeral-storage=1Gi limits.cpu=2 limits.ephemeral-storage=2Gi memory=64Mi pods=1 requests.cpu=350m \
         requests.ephemeral-storage=1Gi requests.memory=64Mi",
    );
    check(
        json!({
            "overhead": { "cpu": "50m" },
            "initContainers": [{ "name": "i", "resources": { "requests": { "cpu": "2" } } }],
            "containers": [{ "name": "c", "resources": { "limits": { "cpu": "1" } } }],
        }),
        "count/pods=1 cpu=2050m limits.cpu=1050m pods=1 requests.cpu=2050m",
    );
    check(
        json!({ "containers": [{ "name": "c", "resources": { "limits": { "nvidia.com/gpu": "2", "hugepages-2Mi": "4Mi" } } }] }),
        "count/pods=1 hugepages-2Mi=4Mi pods=1 requests.hugepages-2Mi=4Mi requests.nvidia.com/gpu=2",
    );
    check(
        json!({
            "resources": { "requests": { "cpu": "3" }, "limits": { "memory": "1Gi" } },
            "containers": [{ "name": "c", "resources": { "requests": { "cpu": "1" } } }],
        }),
        "count/pods=1 cpu=3 limits.memory=1Gi pods=1 requests.cpu=3",
    );
}

#[test]
fn pods_that_are_over_are_only_counted() {
    let spec = json!({ "containers": [{ "name": "c" }] });
    let none = json!({});
    for (status, metadata, expected) in [
        (json!({ "phase": "Succeeded" }), &none, "count/pods=1"),
        (json!({ "phase": "Failed" }), &none, "count/pods=1"),
        (json!({ "phase": "Running" }), &none, "count/pods=1 pods=1"),
        (
            json!({}),
            &json!({ "deletionTimestamp": "2025-12-31T23:59:00Z", "deletionGracePeriodSeconds": 30 }),
            "count/pods=1",
        ),
        (
            json!({}),
            &json!({ "deletionTimestamp": "2025-12-31T23:59:50Z", "deletionGracePeriodSeconds": 30 }),
            "count/pods=1 pods=1",
        ),
    ] {
        check(pod(&spec, &status, metadata), expected);
    }
}

#[test]
fn a_resize_counts_from_its_wish_until_its_end() {
    let spec =
        json!({ "containers": [{ "name": "c", "resources": { "requests": { "cpu": "1" } } }] });
    let has = |amount: &str, reason: &str| {
        json!({
            "conditions": [{ "type": "PodResizePending", "status": "True", "reason": reason }],
            "containerStatuses": [{
                "name": "c", "image": "", "imageID": "", "ready": true, "restartCount": 0,
                "allocatedResources": { "cpu": amount },
            }],
        })
    };
    for (status, expected) in [
        (has("2", "Deferred"), "count/pods=1 cpu=2 pods=1 requests.cpu=2"),
        (has("500m", "Deferred"), "count/pods=1 cpu=1 pods=1 requests.cpu=1"),
        (has("500m", "Infeasible"), "count/pods=1 cpu=500m pods=1 requests.cpu=500m"),
    ] {
        check(pod(&spec, &status, &json!({})), expected);
    }
}

#[test]
fn claims_use_storage_of_their_class() {
    let claim = |spec: meta::Tree, status: meta::Tree| json!({ "apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {}, "spec": spec, "status": status });
    check(
        claim(json!({ "resources": { "requests": { "storage": "1Gi" } } }), json!({})),
        "count/persistentvolumeclaims=1 persistentvolumeclaims=1 requests.storage=1Gi",
    );
    check(
        claim(
            json!({ "storageClassName": "gold", "resources": { "requests": { "storage": "1500m" } } }),
            json!({ "allocatedResources": { "storage": "3" } }),
        ),
        "count/persistentvolumeclaims=1 gold.storageclass.storage.k8s.io/persistentvolumeclaims=1 \
         gold.storageclass.storage.k8s.io/requests.storage=3 persistentvolumeclaims=1 requests.storage=3",
    );
}

#[test]
fn claims_for_devices_use_those_of_each_class() {
    let claim = |requests: meta::Tree| json!({ "apiVersion": "resource.k8s.io/v1", "kind": "ResourceClaim", "metadata": {}, "spec": { "devices": { "requests": requests } } });
    let wish = |class: &str, mode: &str, count: meta::Tree| json!({ "name": "w", "deviceClassName": class, "allocationMode": mode, "count": count });
    let exactly = |wish: meta::Tree| json!({ "name": "r", "exactly": wish });
    let counted = "count/resourceclaims.resource.k8s.io=1";
    let none = json!(null);
    check(claim(json!([])), counted);
    check(
        claim(json!([
            exactly(wish("gpu", "ExactCount", json!(2))),
            exactly(wish("gpu", "ExactCount", json!(1))),
            exactly(wish("nic", "All", none)),
        ])),
        &format!(
            "{counted} gpu.deviceclass.resource.k8s.io/devices=3 \
             nic.deviceclass.resource.k8s.io/devices=32"
        ),
    );
    let either = json!([
        wish("gpu", "ExactCount", json!(4)),
        wish("gpu", "ExactCount", json!(2)),
        wish("nic", "ExactCount", json!(1)),
    ]);
    check(
        claim(json!([{ "name": "r", "firstAvailable": either }])),
        &format!(
            "{counted} gpu.deviceclass.resource.k8s.io/devices=4 \
             nic.deviceclass.resource.k8s.io/devices=1"
        ),
    );
}

#[test]
fn services_use_node_ports_and_balancers() {
    let service = |spec: meta::Tree| json!({ "apiVersion": "v1", "kind": "Service", "metadata": {}, "spec": spec });
    let ports = json!([{ "port": 1 }, { "port": 2, "nodePort": 30000 }]);
    for (spec, ports, balancers) in [
        (json!({ "ports": ports }), 0, 0),
        (json!({ "type": "NodePort", "ports": ports }), 2, 0),
        (json!({ "type": "LoadBalancer", "ports": ports }), 2, 1),
        (
            json!({ "type": "LoadBalancer", "allocateLoadBalancerNodePorts": false, "ports": ports }),
            1,
            1,
        ),
    ] {
        check(
            service(spec),
            &format!(
                "count/services=1 services=1 services.loadbalancers={balancers} services.nodeports={ports}"
            ),
        );
    }
}

#[test]
fn everything_else_is_counted() {
    check(
        json!({ "apiVersion": "v1", "kind": "Secret", "metadata": {} }),
        "count/secrets=1 secrets=1",
    );
    check(
        json!({ "apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": {} }),
        "count/leases.coordination.k8s.io=1",
    );
}

#[test]
fn scopes_select_objects() {
    let plain = json!({ "containers": [{ "name": "c" }] });
    let ends = json!({ "containers": [{ "name": "c" }], "activeDeadlineSeconds": 5 });
    let asks = json!({ "containers": [{ "name": "c", "resources": { "requests": { "cpu": "1" } } }], "priorityClassName": "high" });
    let far = json!({ "containers": [{ "name": "c" }], "affinity": { "podAntiAffinity": {
        "preferredDuringSchedulingIgnoredDuringExecution": [
            { "weight": 1, "podAffinityTerm": { "topologyKey": "z", "namespaces": ["other"] } },
        ],
    } } });
    let class = |operator: &str, values: &[&str]| json!({ "scopeName": "PriorityClass", "operator": operator, "values": values });
    let named = |scope: &str| json!({ "scopeName": scope, "operator": "Exists" });
    for (scope, expected) in [
        (named("Terminating"), [false, true, false, false]),
        (named("NotTerminating"), [true, false, true, true]),
        (named("BestEffort"), [true, true, false, true]),
        (named("NotBestEffort"), [false, false, true, false]),
        (named("CrossNamespacePodAffinity"), [false, false, false, true]),
        (named("VolumeAttributesClass"), [false, false, false, false]),
        (class("Exists", &[]), [false, false, true, false]),
        (class("DoesNotExist", &[]), [true, true, false, true]),
        (class("In", &["high", "low"]), [false, false, true, false]),
        (class("NotIn", &["high"]), [true, true, false, true]),
    ] {
        let quota: ResourceQuotaSpec =
            serde_json::from_value(json!({ "scopeSelector": { "matchExpressions": [scope] } }))
                .expect("a quota");
        let none = json!({});
        let selected = [&plain, &ends, &asks, &far]
            .map(|spec| selects(&quota, &*read(pod(spec, &none, &none))));
        assert_eq!(selected, expected, "{scope}");
    }
}

#[test]
fn claims_are_selected_by_their_attributes() {
    let claim = |spec: &str, status: &str| {
        json!({
            "apiVersion": "v1",
            "kind": "PersistentVolumeClaim",
            "metadata": {},
            "spec": { "volumeAttributesClassName": spec },
            "status": { "currentVolumeAttributesClassName": status },
        })
    };
    let quota: ResourceQuotaSpec =
        serde_json::from_value(json!({ "scopeSelector": { "matchExpressions": [
        { "scopeName": "VolumeAttributesClass", "operator": "In", "values": ["gold"] },
    ] } }))
        .expect("a quota");
    for (wanted, current, expected) in
        [("gold", "", true), ("silver", "gold", true), ("silver", "", false), ("", "", false)]
    {
        assert_eq!(selects(&quota, &*read(claim(wanted, current))), expected, "{wanted} {current}");
    }
}

#[test]
fn demands_name_resources_and_containers() {
    let object = read(pod(
        &json!({
            "initContainers": [{ "name": "i" }],
            "containers": [
                { "name": "a", "resources": { "requests": { "cpu": "1" } } },
                { "name": "b", "resources": { "limits": { "memory": "1Gi" } } },
            ],
        }),
        &json!({}),
        &json!({}),
    ));
    for (resources, expected) in [
        (&["pods", "requests.ephemeral-storage"][..], None),
        (&["requests.cpu"], Some("must specify requests.cpu for: b,i")),
        (
            &["limits.memory", "cpu", "pods"],
            Some("must specify cpu for: b,i; limits.memory for: a,i"),
        ),
    ] {
        assert_eq!(missing(&*object, resources.iter().copied()).as_deref(), expected);
    }
}
