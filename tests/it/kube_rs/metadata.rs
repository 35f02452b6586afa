//! Objects without what is in them: reading, listing, watching and patching by metadata alone.

use futures::TryStreamExt as _;
use k8s_openapi::api::core::v1::Secret;
use kube::{
    Api, ResourceExt,
    api::{DeleteParams, ListParams, Patch, PatchParams, PostParams, WatchEvent, WatchParams},
    core::{ObjectMeta, PartialObjectMeta, PartialObjectMetaExt as _},
    runtime::watcher,
};
use serde_json::json;

use crate::harness::Cluster;

fn secret(name: &str) -> Secret {
    serde_json::from_value(
        json!({ "metadata": { "name": name, "labels": { "part": "metadata" } }, "stringData": { "a": "hidden" } }),
    )
    .unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn reading_and_patching() {
    let cluster = Cluster::with(&["--disable", "node"]).await;
    let api: Api<Secret> = Api::default_namespaced(cluster.client().await);
    api.create(&PostParams::default(), &secret("one")).await.unwrap();
    let read = api.get_metadata("one").await.unwrap();
    let types = read.types.clone().unwrap();
    assert_eq!(
        (types.api_version.as_str(), types.kind.as_str()),
        ("meta.k8s.io/v1", "PartialObjectMetadata")
    );
    assert_eq!(read.labels()["part"], "metadata");
    assert!(api.get_metadata_opt("nobody").await.unwrap().is_none());
    let list = api.list_metadata(&ListParams::default().labels("part=metadata")).await.unwrap();
    assert_eq!(list.types.kind, "PartialObjectMetadataList");
    assert_eq!(list.items.iter().map(ResourceExt::name_any).collect::<Vec<_>>(), ["one"]);

    let label = ObjectMeta {
        labels: Some([("applied".to_owned(), "yes".to_owned())].into()),
        ..ObjectMeta::default()
    };
    let label: PartialObjectMeta<Secret> = label.into_request_partial();
    let params = PatchParams::apply("test");
    let patched = api.patch_metadata("one", &params, &Patch::Apply(&label)).await.unwrap();
    assert_eq!(patched.labels()["applied"], "yes");
    assert_eq!(api.get("one").await.unwrap().data.unwrap().len(), 1, "the rest stays");
}

#[tokio::test(flavor = "multi_thread")]
async fn watching() {
    let cluster = Cluster::with(&["--disable", "node"]).await;
    let client = cluster.client().await;
    let api: Api<Secret> = Api::default_namespaced(client.clone());
    let partial: Api<PartialObjectMeta<Secret>> = Api::default_namespaced(client);
    api.create(&PostParams::default(), &secret("early")).await.unwrap();
    let chosen = "part=metadata";
    for config in [watcher::Config::default(), watcher::Config::default().streaming_lists()] {
        let mut events = Box::pin(watcher(partial.clone(), config.labels(chosen)));
        let mut seen = Vec::new();
        while let Some(event) = events.try_next().await.unwrap() {
            let gone = matches!(event, watcher::Event::Delete(_));
            match event {
                watcher::Event::Init => seen.push("init".to_owned()),
                watcher::Event::InitApply(it) => seen.push(format!("init {}", it.name_any())),
                watcher::Event::InitDone => {
                    seen.push("done".to_owned());
                    api.create(&PostParams::default(), &secret("late")).await.unwrap();
                    api.delete("late", &DeleteParams::default()).await.unwrap();
                }
                watcher::Event::Apply(it) => seen.push(format!("apply {}", it.name_any())),
                watcher::Event::Delete(it) => seen.push(format!("delete {}", it.name_any())),
            }
            if gone {
                break;
            }
        }
        assert_eq!(seen, ["init", "init early", "done", "apply late", "delete late"]);
    }
}

/// A watch that begins with the state tells where that ends, and goes on from there.
#[tokio::test(flavor = "multi_thread")]
async fn a_streamed_list_ends_with_a_bookmark() {
    let cluster = Cluster::with(&["--disable", "node"]).await;
    let api: Api<Secret> = Api::default_namespaced(cluster.client().await);
    let early = api.create(&PostParams::default(), &secret("early")).await.unwrap();
    let params = WatchParams::default().labels("part=metadata").initial_events();
    let mut events = Box::pin(api.watch_metadata(&params, "0").await.unwrap());
    let first = events.try_next().await.unwrap().unwrap();
    assert!(matches!(&first, WatchEvent::Added(it) if it.name_any() == "early"), "{first:?}");
    let Some(WatchEvent::Bookmark(bookmark)) = events.try_next().await.unwrap() else {
        panic!("no bookmark follows")
    };
    assert_eq!(bookmark.metadata.annotations["k8s.io/initial-events-end"], "true");
    let version = |text: &str| text.parse::<u64>().unwrap();
    let of_object = version(&early.resource_version().unwrap());
    assert!(version(&bookmark.metadata.resource_version) >= of_object);
    api.delete("early", &DeleteParams::default()).await.unwrap();
    let last = events.try_next().await.unwrap().unwrap();
    assert!(matches!(&last, WatchEvent::Deleted(it) if it.name_any() == "early"), "{last:?}");
}
