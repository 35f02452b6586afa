//! Scale, status, eviction and the others that lie below an object.

use k8s_openapi::api::{
    apps::v1::Deployment,
    core::v1::{Pod, ServiceAccount},
    policy::v1::PodDisruptionBudget,
};
use kube::{
    Api,
    api::{DeleteParams, EvictParams, Patch, PatchParams, PostParams},
};
use serde_json::{Value, json};

use crate::harness::{Cluster, until};

fn deployment() -> Deployment {
    let labels = json!({ "app": "web" });
    let template = json!({ "metadata": { "labels": labels }, "spec": { "containers": [{ "name": "main", "image": "one:1" }] } });
    let spec =
        json!({ "replicas": 1, "selector": { "matchLabels": labels }, "template": template });
    serde_json::from_value(json!({ "metadata": { "name": "web" }, "spec": spec })).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn scale_and_status() {
    let cluster = Cluster::with(&["--disable", "node,deployment"]).await;
    let api: Api<Deployment> = Api::default_namespaced(cluster.client().await);
    let created = api.create(&PostParams::default(), &deployment()).await.unwrap();
    let mut scale = api.get_scale("web").await.unwrap();
    assert_eq!(scale.spec.as_ref().unwrap().replicas, Some(1));
    assert_eq!(scale.status.as_ref().unwrap().selector.as_deref(), Some("app=web"));
    scale.spec.as_mut().unwrap().replicas = Some(4);
    let stale = scale.clone();
    api.replace_scale("web", &PostParams::default(), &scale).await.unwrap();
    let conflict = api.replace_scale("web", &PostParams::default(), &stale).await;
    assert!(
        matches!(&conflict, Err(kube::Error::Api(status)) if status.code == 409),
        "{conflict:?}"
    );
    let patch = Patch::Merge(json!({ "spec": { "replicas": 2 } }));
    api.patch_scale("web", &PatchParams::default(), &patch).await.unwrap();
    let wrong = Patch::Merge(json!({ "spec": { "replicas": -1 } }));
    let refused = api.patch_scale("web", &PatchParams::default(), &wrong).await;
    assert!(matches!(&refused, Err(kube::Error::Api(status)) if status.code == 422), "{refused:?}");

    // The status is written through its own door only, which leaves all else alone.
    let mut scaled = api.get("web").await.unwrap();
    assert_eq!(scaled.spec.replicas, Some(2));
    assert!(scaled.metadata.generation > created.metadata.generation);
    scaled.status = serde_json::from_value(json!({ "replicas": 2, "readyReplicas": 1 })).unwrap();
    scaled.spec.replicas = Some(9);
    let written = api.replace_status("web", &PostParams::default(), &scaled).await.unwrap();
    assert_eq!(written.spec.replicas, Some(2));
    assert_eq!(written.status.as_ref().unwrap().ready_replicas, Some(1));
    assert_eq!(written.metadata.generation, scaled.metadata.generation);
    let patch = Patch::Merge(json!({ "status": { "readyReplicas": 2 } }));
    api.patch("web", &PatchParams::default(), &patch).await.unwrap();
    assert_eq!(api.get_status("web").await.unwrap().status.unwrap().ready_replicas, Some(1));
    api.patch_status("web", &PatchParams::default(), &patch).await.unwrap();
    assert_eq!(api.get_status("web").await.unwrap().status.unwrap().ready_replicas, Some(2));
}

/// A Pod that is bound and running as far as its status says.
async fn running(api: &Api<Pod>, name: &str) {
    let pod = json!({ "metadata": { "name": name, "labels": { "app": "web" } },
        "spec": { "nodeName": "nowhere", "containers": [{ "name": "main", "image": "one:1" }] } });
    api.create(&PostParams::default(), &serde_json::from_value(pod).unwrap()).await.unwrap();
    let ready = json!([{ "type": "Ready", "status": "True" }]);
    let patch = Patch::Merge(json!({ "status": { "phase": "Running", "conditions": ready } }));
    api.patch_status(name, &PatchParams::default(), &patch).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn eviction_keeps_to_the_budget() {
    let cluster = Cluster::with(&["--disable", "node,pod-garbage-collector"]).await;
    let client = cluster.client_that_asks_once().await;
    let pods: Api<Pod> = Api::default_namespaced(client.clone());
    let budgets: Api<PodDisruptionBudget> = Api::default_namespaced(client);
    for name in ["one", "two"] {
        running(&pods, name).await;
    }
    let spec = json!({ "minAvailable": 1, "selector": { "matchLabels": { "app": "web" } } });
    let budget = json!({ "metadata": { "name": "web" }, "spec": spec });
    budgets.create(&PostParams::default(), &serde_json::from_value(budget).unwrap()).await.unwrap();
    until("the budget knows both Pods", async || {
        let status = budgets.get("web").await.unwrap().status.unwrap_or_default();
        if status.disruptions_allowed == Some(1) { Ok(()) } else { Err(status) }
    })
    .await;

    let missing = pods.evict("nobody", &EvictParams::default()).await;
    assert!(matches!(&missing, Err(kube::Error::Api(status)) if status.code == 404), "{missing:?}");
    let dry = EvictParams {
        post_options: PostParams { dry_run: true, ..PostParams::default() },
        ..EvictParams::default()
    };
    assert!(pods.evict("one", &dry).await.unwrap().is_success());
    assert!(pods.get("one").await.unwrap().metadata.deletion_timestamp.is_none());
    assert!(pods.evict("one", &EvictParams::default()).await.unwrap().is_success());
    let refused = pods.evict("two", &EvictParams::default()).await;
    let Err(kube::Error::Api(status)) = refused else { panic!("{refused:?}") };
    assert_eq!((status.code, status.reason.as_str()), (429, "TooManyRequests"));
    assert_eq!(status.details.unwrap().causes[0].reason, "DisruptionBudget");
    let one = pods.get("one").await.unwrap();
    let conditions = one.status.unwrap().conditions.unwrap();
    assert!(conditions.iter().any(|it| it.type_ == "DisruptionTarget" && it.status == "True"));
    pods.delete("one", &DeleteParams::default().grace_period(0)).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn tokens_and_ephemeral_containers() {
    let cluster = Cluster::with(&["--disable", "node,scheduler"]).await;
    let client = cluster.client().await;
    let accounts: Api<ServiceAccount> = Api::default_namespaced(client.clone());
    let request = json!({ "apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": { "audiences": ["a"], "expirationSeconds": 600 } });
    let request: k8s_openapi::api::authentication::v1::TokenRequest =
        serde_json::from_value(request).unwrap();
    let token =
        accounts.create_token_request("default", &PostParams::default(), &request).await.unwrap();
    let status = token.status.unwrap();
    assert_eq!(status.token.unwrap().matches('.').count(), 2);

    let pods: Api<Pod> = Api::default_namespaced(client);
    let pod = json!({ "metadata": { "name": "one" }, "spec": { "containers": [{ "name": "main", "image": "one:1" }] } });
    pods.create(&PostParams::default(), &serde_json::from_value(pod).unwrap()).await.unwrap();
    let tool: Value = json!({ "spec": { "ephemeralContainers": [{ "name": "tool", "image": "tool:1", "targetContainerName": "main" }] } });
    pods.patch_ephemeral_containers("one", &PatchParams::default(), &Patch::Strategic(tool))
        .await
        .unwrap();
    let got = pods.get_ephemeral_containers("one").await.unwrap();
    assert_eq!(got.spec.unwrap().ephemeral_containers.unwrap()[0].name, "tool");
}
