//! What users see.

use std::time::Instant;

use api::{DeleteParams, Patch, Propagation, WriteParams};
use k8s_openapi::api::apps::v1::{Deployment, ReplicaSet};
use k8s_openapi::api::batch::v1::Job;
use k8s_openapi::api::core::v1::{
    ConfigMap, Event, Namespace, Node, Pod, ResourceQuota, Service, ServiceAccount,
};
use k8s_openapi::api::discovery::v1::EndpointSlice;
use serde_json::{Value, json};

use crate::cluster::Cluster;

async fn with_namespace(disabled: &[&str]) -> Cluster {
    let cluster = Cluster::start(disabled).await;
    cluster.create::<Namespace>(json!({"metadata": {"name": "ns"}})).await;
    cluster.wait::<ServiceAccount>("default", |_| true).await;
    cluster
}

async fn add_node(cluster: &Cluster, name: &str, pods: &str) {
    let node: Node = serde_json::from_value(json!({
        "metadata": {"name": name},
        "status": {
            "allocatable": {"cpu": "64", "memory": "64Gi", "pods": pods},
            "capacity": {"cpu": "64", "memory": "64Gi", "pods": pods},
            "conditions": [{"type": "Ready", "status": "True"}],
        },
    }))
    .expect("a node");
    let nodes = cluster.client.api::<Node>(None);
    nodes.create(&node, &WriteParams::default()).await.expect("it is created");
    let status = json!({"status": node.status});
    let patched = nodes.patch_status(name, &Patch::Merge(status), &WriteParams::default()).await;
    patched.expect("the status is taken");
    // A new node begins tainted; here nobody judges nodes.
    let clean = json!({"spec": {"taints": null}});
    nodes.patch(name, &Patch::Merge(clean), &WriteParams::default()).await.expect("it is clean");
}

fn deployment(replicas: i32, image: &str) -> Value {
    json!({
        "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web"},
        "spec": {"replicas": replicas, "selector": {"matchLabels": {"app": "web"}},
            "template": {"metadata": {"labels": {"app": "web"}},
                "spec": {"containers": [{"name": "c", "image": image}]}}},
    })
}

fn is_bound(pod: &Pod) -> bool {
    pod.spec.as_ref().is_some_and(|spec| spec.node_name.is_some())
}

fn progressing(deployment: &Deployment) -> Option<String> {
    let conditions = deployment.status.as_ref()?.conditions.as_ref()?;
    let found = conditions.iter().find(|c| c.type_.as_deref() == Some("Progressing"))?;
    found.reason.clone()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_deployment_rolls_out_and_its_pods_serve() {
    let mut cluster = with_namespace(&["node-lifecycle"]).await;
    cluster.play_node();
    add_node(&cluster, "n1", "110").await;
    let map = cluster.wait::<ConfigMap>("kube-root-ca.crt", |_| true).await;
    assert_eq!(map.data.expect("data")["ca.crt"], "PEM");
    cluster
        .create::<Service>(json!({"metadata": {"name": "web"},
            "spec": {"selector": {"app": "web"}, "ports": [{"port": 80, "targetPort": 8080}]}}))
        .await;
    cluster.create::<Deployment>(deployment(2, "registry.example/app:1")).await;
    let done = |d: &Deployment| progressing(d).as_deref() == Some("NewReplicaSetAvailable");
    let web = cluster.wait::<Deployment>("web", done).await;
    let status = web.status.expect("a status");
    assert_eq!((status.ready_replicas, status.available_replicas), (Some(2), Some(2)));
    let set = cluster.wait::<ReplicaSet>("web-6c55b65c49", |_| true).await;
    assert_eq!(set.metadata.annotations.expect("notes")["deployment.kubernetes.io/revision"], "1");
    let slices = cluster.wait_list::<EndpointSlice>(|slices| {
        slices.iter().any(|slice| slice.endpoints.iter().flatten().count() == 2)
    });
    let name = slices.await[0].metadata.name.clone().expect("a name");
    assert!(name.starts_with("web-"), "{name}");

    // Another image: the old Pods make room as the new ones get ready.
    cluster
        .api::<Deployment>()
        .patch(
            "web",
            &Patch::Strategic(json!({"spec": {"template": {"spec": {"containers":
                [{"name": "c", "image": "registry.example/app:2"}]}}}})),
            &WriteParams::default(),
        )
        .await
        .expect("patched");
    let rolled = |d: &Deployment| {
        let status = d.status.as_ref();
        status.is_some_and(|s| {
            s.updated_replicas == Some(2)
                && s.replicas == Some(2)
                && s.available_replicas == Some(2)
        })
    };
    cluster.wait::<Deployment>("web", rolled).await;
    cluster.wait::<ReplicaSet>("web-64b99868", |_| true).await;

    let events = cluster.wait_list::<Event>(|events| {
        events.iter().any(|event| event.reason.as_deref() == Some("Scheduled"))
            && events.iter().any(|event| event.reason.as_deref() == Some("SuccessfulCreate"))
    });
    let events = events.await;
    let scaled = events.iter().find(|event| event.reason.as_deref() == Some("ScalingReplicaSet"));
    let message = scaled.and_then(|event| event.message.as_deref());
    assert!(message.is_some_and(|text| text.starts_with("Scaled ")), "{message:?}");
    assert_eq!(cluster.report.counts().resync_found_work, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn owners_take_their_own_along_and_namespaces_end() {
    let cluster = with_namespace(&["scheduler", "node-lifecycle"]).await;
    cluster.create::<Deployment>(deployment(2, "app:1")).await;
    cluster.wait_list::<Pod>(|pods| pods.len() == 2).await;
    let foreground = DeleteParams {
        propagation_policy: Some(Propagation::Foreground),
        ..DeleteParams::default()
    };
    cluster.api::<Deployment>().delete("web", &foreground).await.expect("deleted");
    cluster.gone::<Deployment>("web").await;
    assert!(cluster.wait_list::<Pod>(<[Pod]>::is_empty).await.is_empty());
    cluster.create::<Deployment>(deployment(1, "app:1")).await;
    cluster.wait_list::<Pod>(|pods| pods.len() == 1).await;
    let namespaces = cluster.client.api::<Namespace>(None);
    namespaces.delete("ns", &DeleteParams::default()).await.expect("deleted");
    cluster.gone::<Namespace>("ns").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_job_counts_its_pods_once() {
    let cluster = with_namespace(&["scheduler", "node-lifecycle"]).await;
    cluster
        .create::<Job>(json!({"metadata": {"name": "job"}, "spec": {"completions": 2, "parallelism": 1,
            "template": {"spec": {"restartPolicy": "Never", "containers": [{"name": "c", "image": "app:1"}]}}}}))
        .await;
    for _ in 0..2 {
        let waiting =
            |pod: &Pod| pod.status.as_ref().is_some_and(|s| s.phase.as_deref() == Some("Pending"));
        let pods = cluster.wait_list::<Pod>(|pods| pods.iter().any(waiting)).await;
        let pod = pods.iter().find(|pod| waiting(pod)).expect("one waits");
        let name = pod.metadata.name.as_deref().expect("a name");
        let patch = Patch::Strategic(json!({"status": {"phase": "Succeeded"}}));
        cluster
            .api::<Pod>()
            .patch_status(name, &patch, &WriteParams::default())
            .await
            .expect("taken");
    }
    let job = cluster
        .wait::<Job>("job", |job| {
            let conditions = job.status.as_ref().and_then(|status| status.conditions.as_ref());
            conditions.is_some_and(|c| c.iter().any(|c| c.type_ == "Complete"))
        })
        .await;
    assert_eq!(job.status.expect("a status").succeeded, Some(2));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_pod_that_fits_nowhere_says_so_and_goes_when_there_is_room() {
    let cluster = with_namespace(&["node-lifecycle"]).await;
    cluster.create::<Pod>(json!({"metadata": {"name": "p"}, "spec": {"containers": [{"name": "c", "image": "app:1"}]}})).await;
    let refused = |pod: &Pod| {
        let conditions = pod.status.as_ref().and_then(|status| status.conditions.as_ref());
        conditions.is_some_and(|c| c.iter().any(|c| c.reason.as_deref() == Some("Unschedulable")))
    };
    cluster.wait::<Pod>("p", refused).await;
    add_node(&cluster, "n1", "1").await;
    cluster.wait::<Pod>("p", is_bound).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_quota_bounds_what_there_is_and_gets_back_what_goes() {
    let cluster = with_namespace(&["scheduler", "node-lifecycle"]).await;
    cluster.wait::<ConfigMap>("kube-root-ca.crt", |_| true).await;
    let hard = json!({"pods": "2", "count/configmaps": "9", "count/deployments.apps": "1"});
    cluster
        .create::<ResourceQuota>(json!({"metadata": {"name": "q"}, "spec": {"hard": hard}}))
        .await;
    let used = |pods: &str, maps: &str, deployments: &str| {
        let expected = json!({
            "pods": pods, "count/configmaps": maps, "count/deployments.apps": deployments,
        });
        move |quota: &ResourceQuota| {
            let status = quota.status.as_ref();
            status.is_some_and(|status| json!(status.used) == expected)
        }
    };
    cluster.wait::<ResourceQuota>("q", used("0", "1", "0")).await;
    cluster.create::<ConfigMap>(json!({"metadata": {"name": "m"}})).await;
    cluster.create::<Deployment>(deployment(3, "app:1")).await;
    cluster.wait::<ResourceQuota>("q", used("2", "2", "1")).await;
    let refused = |d: &Deployment| {
        let conditions = d.status.as_ref().and_then(|status| status.conditions.as_ref());
        conditions.is_some_and(|c| c.iter().any(|c| c.type_.as_deref() == Some("ReplicaFailure")))
    };
    cluster.wait::<Deployment>("web", refused).await;
    assert_eq!(cluster.wait_list::<Pod>(|pods| !pods.is_empty()).await.len(), 2);
    cluster.api::<ConfigMap>().delete("m", &DeleteParams::default()).await.expect("deleted");
    cluster.wait::<ResourceQuota>("q", used("2", "1", "1")).await;
    let background = DeleteParams {
        propagation_policy: Some(Propagation::Background),
        ..DeleteParams::default()
    };
    cluster.api::<Deployment>().delete("web", &background).await.expect("deleted");
    cluster.wait::<ResourceQuota>("q", used("0", "1", "0")).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_thousand_pods_come_quickly() {
    let cluster = with_namespace(&["node-lifecycle"]).await;
    for n in 0..20 {
        add_node(&cluster, &format!("n{n}"), "200").await;
    }
    let begun = Instant::now();
    cluster.create::<Deployment>(deployment(2000, "app:1")).await;
    let exist = |d: &Deployment| d.status.as_ref().is_some_and(|s| s.replicas == Some(2000));
    cluster.wait::<Deployment>("web", exist).await;
    let existed = begun.elapsed();
    cluster.wait_list::<Pod>(|pods| pods.iter().all(is_bound)).await;
    eprintln!(
        "2,000 Pods exist after {existed:?}, are bound after {:?}: {:?}",
        begun.elapsed(),
        cluster.report.counts()
    );
}
