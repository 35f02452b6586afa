//! Server-side apply by several managers.

use k8s_openapi::api::{apps::v1::Deployment, core::v1::ConfigMap};
use kube::{
    Api,
    api::{Patch, PatchParams, PostParams},
};
use serde_json::{Value, json};

use crate::harness::Cluster;

fn wanted(image: &str, replicas: Option<i32>) -> Value {
    let labels = json!({ "app": "web" });
    let containers =
        json!([{ "name": "main", "image": image, "env": [{ "name": "A", "value": "1" }] }]);
    let template =
        json!({ "metadata": { "labels": labels }, "spec": { "containers": containers } });
    let mut spec = json!({ "selector": { "matchLabels": labels }, "template": template });
    if let Some(replicas) = replicas {
        spec["replicas"] = replicas.into();
    }
    json!({ "apiVersion": "apps/v1", "kind": "Deployment", "metadata": { "name": "web" }, "spec": spec })
}

#[tokio::test(flavor = "multi_thread")]
async fn a_conflict_names_each_field_and_its_manager() {
    let cluster = Cluster::with(&["--disable", "node,deployment"]).await;
    let api: Api<Deployment> = Api::default_namespaced(cluster.client().await);
    let first = PatchParams::apply("first");
    let second = PatchParams::apply("second");
    api.patch("web", &first, &Patch::Apply(wanted("one:1", Some(0)))).await.unwrap();
    let refused = api.patch("web", &second, &Patch::Apply(wanted("two:1", Some(3)))).await;
    let Err(kube::Error::Api(status)) = refused else { panic!("{refused:?}") };
    assert_eq!((status.code, status.reason.as_str()), (409, "Conflict"));
    let causes = status.details.unwrap().causes;
    let mut fields: Vec<&str> = causes.iter().map(|cause| cause.field.as_str()).collect();
    fields.sort_unstable();
    assert_eq!(
        fields,
        [".spec.replicas", ".spec.template.spec.containers[name=\"main\"].image"],
        "{causes:?}"
    );
    assert!(
        causes.iter().all(|cause| cause.reason == "FieldManagerConflict"
            && cause.message == "conflict with \"first\""),
        "{causes:?}"
    );

    // What the first gives up, the second holds without a conflict; by force it takes the rest.
    api.patch("web", &first, &Patch::Apply(wanted("one:1", None))).await.unwrap();
    let refused = api.patch("web", &second, &Patch::Apply(wanted("two:1", Some(3)))).await;
    let Err(kube::Error::Api(status)) = refused else { panic!("{refused:?}") };
    assert_eq!(status.details.unwrap().causes.len(), 1);
    let forced = second.clone().force();
    let taken = api.patch("web", &forced, &Patch::Apply(wanted("two:1", Some(3)))).await.unwrap();
    assert_eq!(taken.spec.replicas, Some(3));
    let managers = taken.metadata.managed_fields.unwrap();
    let first = managers.iter().find(|entry| entry.manager.as_deref() == Some("first")).unwrap();
    let fields = serde_json::to_value(&first.fields_v1).unwrap();
    let container = "/f:spec/f:template/f:spec/f:containers/k:{\"name\":\"main\"}";
    assert!(fields.pointer(&format!("{container}/f:image")).is_none(), "{fields:#}");
    assert!(fields.pointer(&format!("{container}/f:env")).is_some(), "{fields:#}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_nobody_wants_any_more_goes() {
    let cluster = Cluster::with(&["--disable", "node"]).await;
    let api: Api<ConfigMap> = Api::default_namespaced(cluster.client().await);
    let map = |data: Value| json!({ "apiVersion": "v1", "kind": "ConfigMap", "metadata": { "name": "map" }, "data": data });
    let (one, two) = (PatchParams::apply("one"), PatchParams::apply("two"));
    api.patch("map", &one, &Patch::Apply(map(json!({ "a": "1", "b": "1" })))).await.unwrap();
    api.patch("map", &two, &Patch::Apply(map(json!({ "b": "1", "c": "1" })))).await.unwrap();
    let left = api.patch("map", &one, &Patch::Apply(map(json!({})))).await.unwrap();
    let keys: Vec<String> = left.data.unwrap().into_keys().collect();
    assert_eq!(keys, ["b", "c"]);

    // A writer that does not apply becomes a manager of what it writes, by its user agent or the name it gives.
    let mut written = api.get("map").await.unwrap();
    written.data.as_mut().unwrap().insert("c".to_owned(), "2".to_owned());
    let params = PostParams { field_manager: Some("editor".to_owned()), ..PostParams::default() };
    api.replace("map", &params, &written).await.unwrap();
    let refused = api.patch("map", &two, &Patch::Apply(map(json!({ "b": "1", "c": "1" })))).await;
    let Err(kube::Error::Api(status)) = refused else { panic!("{refused:?}") };
    assert!(
        status.message.contains("conflict with \"editor\" using v1: .data.c"),
        "{}",
        status.message
    );

    let dry = PatchParams { dry_run: true, force: true, ..PatchParams::apply("two") };
    let tried = api.patch("map", &dry, &Patch::Apply(map(json!({ "c": "3" })))).await.unwrap();
    assert_eq!(tried.data.unwrap()["c"], "3");
    assert_eq!(api.get("map").await.unwrap().data.unwrap()["c"], "2");
}
