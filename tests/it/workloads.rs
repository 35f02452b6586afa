//! What the controllers of workloads do, as clients see it. No node runs: the test says how the Pods fare.

use k8s_openapi::api::batch::v1::Job;
use k8s_openapi::api::core::v1::{PersistentVolumeClaim, Pod};
use kube::api::{DeleteParams, ListParams, Patch, PatchParams};
use kube::{Api, Resource, ResourceExt};
use serde::de::DeserializeOwned;
use serde_json::json;

use crate::harness::{Cluster, until};

const SET: &str = "\
apiVersion: apps/v1
kind: StatefulSet
metadata: {name: db}
spec:
  replicas: 2
  serviceName: db
  selector: {matchLabels: {app: db}}
  persistentVolumeClaimRetentionPolicy: {whenScaled: Delete, whenDeleted: Delete}
  template:
    metadata: {labels: {app: db}}
    spec: {containers: [{name: main, image: 'db:1'}]}
  volumeClaimTemplates:
  - metadata: {name: data}
    spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Gi}}}
";

const JOB: &str = "\
apiVersion: batch/v1
kind: Job
metadata: {name: once}
spec:
  template:
    spec: {restartPolicy: Never, containers: [{name: main, image: 'once:1'}]}
";

async fn names<K>(of: &Api<K>) -> Vec<String>
where
    K: Resource + Clone + DeserializeOwned + std::fmt::Debug,
{
    let found = of.list(&ListParams::default()).await.unwrap();
    found.iter().map(ResourceExt::name_any).collect()
}

async fn until_there_are<K>(of: &Api<K>, expected: &[&str])
where
    K: Resource + Clone + DeserializeOwned + std::fmt::Debug,
{
    until(&format!("there are {expected:?}"), async || {
        let seen = names(of).await;
        if seen == expected { Ok(()) } else { Err(seen) }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn claims_go_with_the_pods_and_the_set_that_they_are_for() {
    let cluster = Cluster::with(&["--disable", "node,scheduler"]).await;
    let client = cluster.client().await;
    let pods: Api<Pod> = Api::default_namespaced(client.clone());
    let claims: Api<PersistentVolumeClaim> = Api::default_namespaced(client);
    cluster.apply(SET);
    for pods_so_far in [&["db-0"][..], &["db-0", "db-1"]] {
        until_there_are(&pods, pods_so_far).await;
        let ready = json!({"status": {"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}]}});
        let patch = Patch::Strategic(ready);
        let newest = pods_so_far.last().unwrap();
        pods.patch_status(newest, &PatchParams::default(), &patch).await.unwrap();
    }
    until_there_are(&claims, &["data-db-0", "data-db-1"]).await;
    cluster.skiff(&["scale", "statefulset/db", "--replicas=1"]);
    until_there_are(&claims, &["data-db-0"]).await;
    cluster.skiff(&["delete", "statefulset/db"]);
    until_there_are(&claims, &[]).await;
    until_there_are(&pods, &[]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pod_that_outlives_its_job_can_be_deleted() {
    let cluster = Cluster::with(&["--disable", "node,scheduler"]).await;
    let client = cluster.client().await;
    let pods: Api<Pod> = Api::default_namespaced(client.clone());
    let jobs: Api<Job> = Api::default_namespaced(client);
    cluster.apply(JOB);
    let pod = until("it has a Pod", async || names(&pods).await.pop().ok_or("no Pod")).await;
    jobs.delete("once", &DeleteParams::orphan()).await.unwrap();
    until_there_are(&jobs, &[]).await;
    pods.delete(&pod, &DeleteParams::default()).await.unwrap();
    until_there_are(&pods, &[]).await;
}
