use std::sync::Arc;

use http::Request;
use http::header::ACCEPT;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;

use super::*;
use crate::codec::decode::Expected;
use crate::codec::protobuf;
use crate::registry::KindRef;
use crate::seams::Identity;
use crate::service::{EventKind, Payload};
use crate::state::Config;

fn shown(events: &[(String, Value)]) -> Vec<String> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    events
        .iter()
        .map(|(kind, object)| format!("{kind} {}", text(&object["metadata"]["name"])))
        .collect()
}

#[tokio::test]
async fn begins_with_what_is_there() {
    let server = with_config_maps(&["a", "b"]).await;
    let path = format!("{CONFIG_MAPS}?watch=1&timeoutSeconds=1");
    let plain = server.get(&path).await.expect(200).events();
    assert_eq!(shown(&plain), ["ADDED a", "ADDED b"]);
    let marked = server.get(&format!("{path}&allowWatchBookmarks=1")).await.expect(200).events();
    assert_eq!(shown(&marked), ["ADDED a", "ADDED b", "BOOKMARK "]);
    let bookmark = &marked[2].1;
    assert_eq!(bookmark["kind"], "ConfigMap");
    assert_eq!(bookmark["metadata"]["annotations"], json!({ "k8s.io/initial-events-end": "true" }));
    assert_eq!(bookmark["metadata"]["resourceVersion"], server.store.revision().to_string());
    let listed = format!(
        "{path}&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true"
    );
    assert_eq!(
        shown(&server.get(&listed).await.expect(200).events()),
        ["ADDED a", "ADDED b", "BOOKMARK "]
    );
    let silent = format!("{path}&sendInitialEvents=false&resourceVersionMatch=NotOlderThan");
    assert!(server.get(&silent).await.expect(200).events().is_empty());
}

#[tokio::test]
async fn the_older_path_is_for_reading_and_takes_options_of_lists() {
    let server = with_config_maps(&["a"]).await;
    let path = "/api/v1/watch/namespaces/default/configmaps?timeoutSeconds=1";
    assert_eq!(shown(&server.get(path).await.expect(200).events()), ["ADDED a"]);
    // A continue token means nothing to a watch, and is none of its options.
    let continued = format!("{path}&continue=e30");
    assert_eq!(shown(&server.get(&continued).await.expect(200).events()), ["ADDED a"]);
    let refused = server.get(&format!("{path}&sendInitialEvents=true")).await.expect(422);
    assert!(refused.message().contains("sendInitialEvents is forbidden for list"));
    server.put(path, &json!({})).await.expect(405);
    server.delete(path).await.expect(405);
}

#[tokio::test]
async fn tells_every_change_after_a_revision() {
    let server = with_config_maps(&["a"]).await;
    let from = server.store.revision();
    let path = format!("{CONFIG_MAPS}/a");
    server.patch(&path, "merge", &json!({ "data": { "a": "c" } })).await.expect(200);
    server.delete(&path).await.expect(200);
    server.post(CONFIG_MAPS, &config_map("a")).await.expect(201);
    let watch = format!("{CONFIG_MAPS}?watch=1&timeoutSeconds=1&resourceVersion={from}");
    let events = server.get(&watch).await.expect(200).events();
    assert_eq!(shown(&events), ["MODIFIED a", "DELETED a", "ADDED a"]);
    let revision = |event: &(String, Value)| {
        event.1["metadata"]["resourceVersion"].as_str().and_then(|text| text.parse().ok())
    };
    let revisions: Vec<Option<u64>> = events.iter().map(revision).collect();
    assert_eq!(revisions, [Some(from.0 + 1), Some(from.0 + 2), Some(from.0 + 3)]);
    assert_eq!(events[1].1["data"]["a"], "c");
}

#[tokio::test]
async fn follows_selectors() {
    let server = Server::start().await;
    let from = server.store.revision();
    let path = format!("{CONFIG_MAPS}/a");
    server.post(CONFIG_MAPS, &config_map("a")).await.expect(201);
    let label = |value: Value| json!({ "metadata": { "labels": { "l": value } } });
    server.patch(&path, "merge", &label(json!("x"))).await.expect(200);
    server.patch(&path, "merge", &json!({ "data": { "a": "c" } })).await.expect(200);
    server.patch(&path, "merge", &label(Value::Null)).await.expect(200);
    server.delete(&path).await.expect(200);
    let watch =
        format!("{CONFIG_MAPS}?watch=1&timeoutSeconds=1&resourceVersion={from}&labelSelector=l");
    let events = server.get(&watch).await.expect(200).events();
    assert_eq!(shown(&events), ["ADDED a", "MODIFIED a", "DELETED a"]);
    // What is told of an object that leaves is how it was seen last, at the revision of leaving.
    assert_eq!(events[2].1["metadata"]["labels"]["l"], "x");
    assert_eq!(events[2].1["metadata"]["resourceVersion"], (from.0 + 4).to_string());
}

#[tokio::test]
async fn tells_watchers_of_the_past_and_the_future() {
    let server = with_config_maps(&["a", "b"]).await;
    server.store.compact(server.store.revision()).await;
    let old = server
        .get(&format!("{CONFIG_MAPS}?watch=1&timeoutSeconds=1&resourceVersion=1"))
        .await
        .expect(200)
        .events();
    assert_eq!(
        (old[0].0.as_str(), &old[0].1["code"], &old[0].1["reason"]),
        ("ERROR", &json!(410), &json!("Expired"))
    );
    let future = format!("{CONFIG_MAPS}?watch=1&timeoutSeconds=1&resourceVersion=99999");
    assert!(server.get(&future).await.expect(200).events().is_empty());
    let listed = format!("{future}&sendInitialEvents=true&resourceVersionMatch=NotOlderThan");
    let refused = server.get(&listed).await.expect(200).events();
    assert_eq!((refused[0].0.as_str(), &refused[0].1["code"]), ("ERROR", &json!(504)));
    server.get(&format!("{CONFIG_MAPS}?watch=1&resourceVersion=abc")).await.expect(500);
    server
        .send("GET", &format!("{CONFIG_MAPS}?watch=1"), &[("accept", "application/yaml")], "")
        .await
        .expect(406);
}

#[tokio::test]
async fn bookmarks_regularly() {
    let interval = std::time::Duration::from_millis(150);
    let server = Server::with(Config { bookmark_interval: interval, ..Config::default() }).await;
    let from = server.store.revision();
    let watch = format!(
        "{CONFIG_MAPS}?watch=1&timeoutSeconds=1&resourceVersion={from}&allowWatchBookmarks=true"
    );
    let events = server.get(&watch).await.expect(200).events();
    assert!(events.len() >= 2, "{events:?}");
    assert!(events.iter().all(|(kind, _)| kind == "BOOKMARK"));
    assert_eq!(events[0].1["metadata"], json!({ "resourceVersion": from.to_string() }));
}

#[tokio::test]
async fn shows_views() {
    let server = with_config_maps(&["a", "b"]).await;
    let path = format!("{CONFIG_MAPS}?watch=1&timeoutSeconds=1");
    let table = "application/json;as=Table;v=v1;g=meta.k8s.io";
    let events = server.send("GET", &path, &[("accept", table)], "").await.expect(200).events();
    assert!(events[0].1["columnDefinitions"].is_array());
    assert!(events[1].1["columnDefinitions"].is_null());
    assert_eq!(events[1].1["rows"][0]["cells"][0], "b");
    let partial = "application/json;as=PartialObjectMetadata;v=v1;g=meta.k8s.io";
    let events = server.send("GET", &path, &[("accept", partial)], "").await.expect(200).events();
    assert_eq!(
        (&events[0].1["kind"], &events[0].1["data"]),
        (&json!("PartialObjectMetadata"), &Value::Null)
    );
}

/// The events of a watch in protobuf: the type of each, and its object in its envelope.
fn framed(mut bytes: &[u8]) -> Vec<(String, Vec<u8>)> {
    let mut events = Vec::new();
    while let Some((len, rest)) = bytes.split_first_chunk() {
        let (event, rest) = rest.split_at(u32::from_be_bytes(*len) as usize);
        bytes = rest;
        let (name, object) = field(event, 1);
        let (raw, none) = field(object, 2);
        assert_eq!(none, b"");
        let (raw, none) = field(raw, 1);
        assert_eq!(none, b"");
        events.push((String::from_utf8(name.to_vec()).expect("a text"), raw.to_vec()));
    }
    assert_eq!(bytes, b"");
    events
}

/// A field of bytes, and what follows it.
fn field(message: &[u8], number: u8) -> (&[u8], &[u8]) {
    let (key, mut rest) = message.split_first().expect("a field");
    assert_eq!(*key, number << 3 | 2);
    let mut len = 0;
    for shift in (0..).step_by(7) {
        let (byte, after) = rest.split_first().expect("a length");
        rest = after;
        len |= usize::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            break;
        }
    }
    rest.split_at(len)
}

#[tokio::test]
async fn speaks_protobuf() {
    let server = with_config_maps(&["a"]).await;
    let from = server.store.revision();
    let long = json!({ "data": { "a": "x".repeat(1000) } });
    server.patch(&format!("{CONFIG_MAPS}/a"), "merge", &long).await.expect(200);
    let path = format!("{CONFIG_MAPS}?watch=1&timeoutSeconds=1&allowWatchBookmarks=true");
    let accept = "application/vnd.kubernetes.protobuf";
    let watch = async |path: &str, accept: &str| {
        let reply = server.send("GET", path, &[("accept", accept)], "").await.expect(200);
        assert_eq!(
            reply.headers["content-type"],
            "application/vnd.kubernetes.protobuf;stream=watch"
        );
        framed(&reply.bytes)
    };
    let read = |bytes: &[u8], kind| {
        let kind = KindRef::built_in("", "v1", kind).expect("a kind");
        let expected = Expected::of_kind(&*kind);
        protobuf::decode(bytes, &expected).expect("an object in its envelope")
    };
    let initial = watch(&path, accept).await;
    let names: Vec<&str> = initial.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["ADDED", "BOOKMARK"]);
    let added = read(&initial[0].1, "configmaps");
    assert_eq!((&added["kind"], &added["data"]), (&json!("ConfigMap"), &long["data"]));
    let bookmark = read(&initial[1].1, "configmaps");
    assert_eq!(bookmark["metadata"]["resourceVersion"], server.store.revision().to_string());

    let changes = watch(&format!("{path}&resourceVersion={from}"), accept).await;
    assert_eq!(changes[0].0, "MODIFIED");
    assert_eq!(read(&changes[0].1, "configmaps"), added);

    let partial = format!("{accept};as=PartialObjectMetadata;v=v1;g=meta.k8s.io");
    let shown = watch(&path, &partial).await;
    assert_eq!(
        protobuf::type_of(&shown[0].1).ok(),
        Some(("meta.k8s.io/v1".to_owned(), "PartialObjectMetadata".to_owned()))
    );

    server.store.compact(server.store.revision()).await;
    let expired = watch(&format!("{path}&resourceVersion=1"), accept).await;
    assert_eq!(expired[0].0, "ERROR");
    assert_eq!(protobuf::type_of(&expired[0].1).ok(), Some(("v1".to_owned(), "Status".to_owned())));
}

#[tokio::test]
async fn ends_where_metadata_is_asked_for_as_lists() {
    let server = with_config_maps(&["a"]).await;
    let path = format!("{CONFIG_MAPS}?watch=1&timeoutSeconds=20");
    let accept = "application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io";
    let reply = server.send("GET", &path, &[("accept", accept)], "").await.expect(200);
    assert_eq!(reply.text, "");
}

#[tokio::test]
async fn shares_typed_objects_in_this_process() {
    let server = Server::start().await;
    let request = Request::builder()
        .uri(format!("{CONFIG_MAPS}?watch=1&allowWatchBookmarks=true&sendInitialEvents=true&resourceVersionMatch=NotOlderThan"))
        .body(())
        .expect("a request");
    let identity = Arc::new(Identity::system("inside"));
    let mut watch = server.service.watch(request, identity).await.expect("a watch");
    let first = watch.next().await.expect("an event").expect("no error");
    assert_eq!(first.kind, EventKind::InitialEnd);
    server.post(CONFIG_MAPS, &config_map("a")).await.expect(201);
    let second = watch.next().await.expect("an event").expect("no error");
    let Payload::Typed(object, stored) = second.object else { panic!("typed") };
    let object = object.downcast::<k8s_openapi::api::core::v1::ConfigMap>().expect("a ConfigMap");
    assert_eq!(object.metadata.resource_version.as_deref(), Some(&*second.revision.to_string()));
    let again = stored.expect("stored as served").read().expect("readable");
    assert_eq!(again.downcast::<k8s_openapi::api::core::v1::ConfigMap>().expect("one"), object);
    server.service.shutdown();
    assert!(watch.next().await.is_none());
}

#[tokio::test]
async fn shares_metadata_alone_in_this_process() {
    let server = Server::start().await;
    let request = Request::builder()
        .uri(format!("{CONFIG_MAPS}?watch=1&resourceVersion=1"))
        .header(ACCEPT, "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1")
        .body(())
        .expect("a request");
    let identity = Arc::new(Identity::system("inside"));
    let mut watch = server.service.watch(request, identity).await.expect("a watch");
    server.post(CONFIG_MAPS, &config_map("a")).await.expect(201);
    let event = watch.next().await.expect("an event").expect("no error");
    let Payload::Typed(metadata, None) = event.object else { panic!("typed") };
    let metadata = metadata.downcast::<ObjectMeta>().expect("metadata");
    assert_eq!(metadata.name.as_deref(), Some("a"));
    assert_eq!(metadata.resource_version.as_deref(), Some(&*event.revision.to_string()));
    assert_eq!(metadata.managed_fields, None, "who owns which field is the larger part of it");
}
