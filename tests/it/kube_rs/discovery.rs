//! Discovery, aggregated and by group, and objects of kinds found by it.

use kube::{
    Api,
    api::{DynamicObject, Patch, PatchParams},
    core::{GroupVersionKind, gvk::GroupVersion},
    discovery::{self, Discovery, Scope, verbs},
};
use serde_json::json;

use crate::harness::Cluster;

#[tokio::test(flavor = "multi_thread")]
async fn aggregated_and_by_group_agree() {
    let cluster = Cluster::with(&["--disable", "node"]).await;
    let client = cluster.client().await;
    let aggregated = Discovery::new(client.clone()).run_aggregated().await.unwrap();
    let walked = Discovery::new(client.clone()).run().await.unwrap();
    let lines = |discovery: &Discovery| {
        let mut lines = Vec::new();
        for group in discovery.groups_alphabetical() {
            for version in group.versions() {
                for (resource, capabilities) in group.versioned_resources(version) {
                    let subresources = capabilities.subresources.iter().map(|(sub, _)| &sub.plural);
                    let subresources: Vec<&String> = subresources.collect();
                    let mut operations = capabilities.operations.clone();
                    operations.sort();
                    let namespaced = capabilities.scope == Scope::Namespaced;
                    lines.push(format!(
                        "{} {} {} {namespaced} {operations:?} {subresources:?}",
                        resource.api_version, resource.kind, resource.plural
                    ));
                }
            }
        }
        lines
    };
    let (aggregated, walked) = (lines(&aggregated), lines(&walked));
    assert!(aggregated.len() > 50, "{aggregated:#?}");
    assert_eq!(aggregated, walked);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_object_of_a_kind_that_was_looked_up() {
    let cluster = Cluster::with(&["--disable", "node"]).await;
    let client = cluster.client().await;
    let kind = GroupVersionKind::gvk("batch", "v1", "CronJob");
    let (resource, capabilities) = discovery::pinned_kind(&client, &kind).await.unwrap();
    assert_eq!((resource.plural.as_str(), capabilities.scope), ("cronjobs", Scope::Namespaced));
    let api: Api<DynamicObject> = Api::default_namespaced_with(client.clone(), &resource);
    let pod =
        json!({ "restartPolicy": "Never", "containers": [{ "name": "main", "image": "one:1" }] });
    let job = json!({ "spec": { "template": { "spec": pod } } });
    let wanted = json!({ "apiVersion": "batch/v1", "kind": "CronJob", "metadata": { "name": "yearly" },
        "spec": { "schedule": "0 0 1 1 *", "jobTemplate": job } });
    let made =
        api.patch("yearly", &PatchParams::apply("test"), &Patch::Apply(wanted)).await.unwrap();
    assert_eq!(made.data["spec"]["concurrencyPolicy"], "Allow");

    let group = discovery::pinned_group(&client, &GroupVersion::gv("apps", "v1")).await.unwrap();
    let (resource, capabilities) = group.recommended_kind("Deployment").unwrap();
    assert_eq!(resource.api_version, "apps/v1");
    assert!(capabilities.supports_operation(verbs::WATCH));
    let missing =
        discovery::pinned_kind(&client, &GroupVersionKind::gvk("apps", "v1", "Pot")).await;
    assert!(missing.is_err(), "{missing:?}");
    assert!(discovery::group(&client, "example.com").await.is_err());
}
