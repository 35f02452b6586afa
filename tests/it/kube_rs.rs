//! kube-rs: typed verbs, watchers and a reflector; server-side apply, discovery, metadata and subresources.

mod apply;
mod discovery;
mod metadata;
mod subresources;

use futures::{StreamExt as _, TryStreamExt as _};
use k8s_openapi::api::{apps::v1::Deployment, core::v1::ConfigMap};
use kube::{
    Api, ResourceExt as _,
    api::{DeleteParams, ListParams, Patch, PatchParams, PostParams},
    runtime::{WatchStreamExt as _, reflector, watcher},
};
use serde_json::json;

use crate::harness::{Cluster, until};

#[tokio::test(flavor = "multi_thread")]
async fn typed_verbs() {
    let cluster = Cluster::with(&["--disable", "node,deployment"]).await;
    let api: Api<Deployment> = Api::default_namespaced(cluster.client().await);
    let template = json!({ "metadata": { "labels": { "a": "b" } }, "spec": { "containers": [{ "name": "c", "image": "i" }] } });
    let spec =
        json!({ "replicas": 1, "selector": { "matchLabels": { "a": "b" } }, "template": template });
    let new =
        serde_json::from_value(json!({ "metadata": { "name": "web" }, "spec": spec })).unwrap();
    let created = api.create(&PostParams::default(), &new).await.unwrap();
    assert_eq!(created.spec.revision_history_limit, Some(10), "defaults are filled in");
    let twice = api.create(&PostParams::default(), &new).await.unwrap_err();
    assert!(
        matches!(&twice, kube::Error::Api(status) if status.code == 409 && status.reason == "AlreadyExists"),
        "{twice:?}"
    );

    let mut changed = api.get("web").await.unwrap();
    changed.spec.replicas = Some(2);
    let stale = changed.clone();
    let replaced = api.replace("web", &PostParams::default(), &changed).await.unwrap();
    assert!(replaced.metadata.generation > created.metadata.generation);
    let conflict = api.replace("web", &PostParams::default(), &stale).await.unwrap_err();
    assert!(matches!(&conflict, kube::Error::Api(status) if status.code == 409), "{conflict:?}");

    let apply = json!({ "apiVersion": "apps/v1", "kind": "Deployment", "metadata": { "name": "web", "labels": { "applied": "yes" } } });
    let params = PatchParams::apply("test");
    let applied = api.patch("web", &params, &Patch::Apply(&apply)).await.unwrap();
    assert_eq!(applied.labels().get("applied").map(String::as_str), Some("yes"));
    let merged = api
        .patch("web", &PatchParams::default(), &Patch::Merge(json!({ "spec": { "replicas": 0 } })))
        .await
        .unwrap();
    assert_eq!(merged.spec.replicas, Some(0));
    let found = api.list(&ListParams::default().labels("applied=yes")).await.unwrap();
    assert_eq!(found.items.len(), 1);
    api.delete("web", &DeleteParams::default()).await.unwrap();
    until("it is gone", async || match api.get_opt("web").await.unwrap() {
        None => Ok(()),
        Some(still) => Err(still),
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reflector_follows_with_and_without_streamed_lists() {
    let cluster = Cluster::with(&["--disable", "node"]).await;
    for (name, config) in [
        ("listed", watcher::Config::default()),
        ("streamed", watcher::Config::default().streaming_lists()),
    ] {
        let api: Api<ConfigMap> = Api::default_namespaced(cluster.client().await);
        let map = |suffix: &str| -> ConfigMap {
            serde_json::from_value(json!({ "metadata": { "name": format!("{name}-{suffix}") } }))
                .unwrap()
        };
        api.create(&PostParams::default(), &map("early")).await.unwrap();
        let (store, writer) = reflector::store();
        let events = reflector(writer, watcher(api.clone(), config)).applied_objects().boxed();
        let follow = tokio::spawn(events.try_for_each(|_| async { Ok(()) }));
        store.wait_until_ready().await.unwrap();
        api.create(&PostParams::default(), &map("late")).await.unwrap();
        api.delete(&map("early").name_any(), &DeleteParams::default()).await.unwrap();
        until("the reflector has caught up", async || {
            let mut names: Vec<String> = store.state().iter().map(|map| map.name_any()).collect();
            names.retain(|found| found.starts_with(name));
            if names == [format!("{name}-late")] { Ok(()) } else { Err(names) }
        })
        .await;
        follow.abort();
    }
}
