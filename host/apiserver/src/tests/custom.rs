use http::Request;

use super::*;
use crate::body::Body;
use crate::seams::Peer;
use crate::testing::Reply;

const DEFINITIONS: &str = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";
const LAMPS: &str = "/apis/x.io/v1/namespaces/default/lamps";
const LAMP: &str = "/apis/x.io/v1/namespaces/default/lamps/a";

fn spec_schema() -> Value {
    json!({
        "type": "object",
        "properties": {
            "spec": { "type": "object", "properties": {
                "colour": { "type": "string", "description": "What it shines in." },
                "bulbs": { "type": "integer", "default": 1, "minimum": 0 },
                "parts": { "type": "array", "x-kubernetes-list-type": "map",
                    "x-kubernetes-list-map-keys": ["name"],
                    "items": { "type": "object", "required": ["name"], "properties": {
                        "name": { "type": "string" }, "size": { "type": "integer" } } } },
            } },
            "status": { "type": "object", "properties": {
                "lit": { "type": "integer" }, "selector": { "type": "string" } } },
        },
    })
}

fn definition() -> Value {
    let version = |name: &str, storage: bool| {
        json!({
            "name": name, "served": true, "storage": storage,
            "schema": { "openAPIV3Schema": spec_schema() },
            "subresources": { "status": {}, "scale": {
                "specReplicasPath": ".spec.bulbs", "statusReplicasPath": ".status.lit",
                "labelSelectorPath": ".status.selector" } },
            "selectableFields": [{ "jsonPath": ".spec.colour" }],
            "additionalPrinterColumns": [
                { "name": "Colour", "type": "string", "jsonPath": ".spec.colour" },
                { "name": "Bulbs", "type": "integer", "jsonPath": ".spec.bulbs", "priority": 1 },
            ],
        })
    };
    let mut old = version("v1beta1", false);
    old["deprecated"] = true.into();
    json!({
        "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
        "metadata": { "name": "lamps.x.io" },
        "spec": {
            "group": "x.io", "scope": "Namespaced",
            "names": { "plural": "lamps", "singular": "lamp", "kind": "Lamp", "shortNames": ["lp"] },
            "versions": [version("v1", true), old],
        },
    })
}

/// Does what the controller of definitions does.
async fn establish(server: &Server, name: &str) {
    let path = format!("{DEFINITIONS}/{name}");
    let names = server.get(&path).await.expect(200).at("/spec/names");
    let status = json!({ "status": { "acceptedNames": names, "conditions": [
        { "type": "NamesAccepted", "status": "True", "reason": "NoConflicts" },
        { "type": "Established", "status": "True", "reason": "InitialNamesAccepted" },
    ] } });
    server.patch(&format!("{path}/status"), "merge", &status).await.expect(200);
}

async fn with_lamps() -> Server {
    let server = Server::start().await;
    server.post(DEFINITIONS, &definition()).await.expect(201);
    establish(&server, "lamps.x.io").await;
    server
}

fn lamp(name: &str, spec: Value) -> Value {
    json!({ "apiVersion": "x.io/v1", "kind": "Lamp", "metadata": { "name": name }, "spec": spec })
}

async fn with_lamp() -> Server {
    let server = with_lamps().await;
    server.post(LAMPS, &lamp("a", json!({ "colour": "red" }))).await.expect(201);
    server
}

async fn as_table(server: &Server, path: &str) -> Reply {
    let accept = ("accept", "application/json;as=Table;v=v1;g=meta.k8s.io");
    server.send("GET", path, &[accept], "").await.expect(200)
}

fn texts(list: &Value) -> Vec<&str> {
    list.as_array().into_iter().flatten().filter_map(Value::as_str).collect()
}

#[tokio::test]
async fn a_kind_is_served_once_its_definition_is_established() {
    let server = Server::start().await;
    for path in [LAMPS, "/apis/x.io", "/apis/x.io/v1"] {
        assert_eq!(server.get(path).await.expect(404).text, "404 page not found\n", "{path}");
    }
    server.post(DEFINITIONS, &definition()).await.expect(201);
    server.get(LAMPS).await.expect(404);
    establish(&server, "lamps.x.io").await;
    let list = server.get(LAMPS).await.expect(200);
    assert_eq!((list.at("/kind"), list.at("/items")), (json!("LampList"), json!([])));

    let group = server.get("/apis/x.io").await.expect(200);
    assert_eq!(group.at("/preferredVersion/version"), "v1");
    assert_eq!(group.at("/versions/1/version"), "v1beta1");
    let resources = server.get("/apis/x.io/v1").await.expect(200).at("/resources");
    assert_eq!(resources[0]["shortNames"], json!(["lp"]));
    let names: Vec<&Value> =
        resources.as_array().into_iter().flatten().map(|resource| &resource["name"]).collect();
    assert_eq!(names, ["lamps", "lamps/status", "lamps/scale"]);

    for path in ["/apis/x.io/v2/lamps", "/apis/x.io/v1/nothing", "/apis/x.io/v1/lamps/a"] {
        assert_eq!(server.get(path).await.expect(404).text, "404 page not found\n", "{path}");
    }
    let old = server.get("/apis/x.io/v1beta1/lamps").await.expect(200);
    assert!(old.warnings()[0].contains("x.io/v1beta1 Lamp is deprecated; use x.io/v1 Lamp"));
}

#[tokio::test]
async fn objects_are_made_read_and_shown() {
    let server = with_lamps().await;
    let made = server.post(LAMPS, &lamp("a", json!({ "colour": "red" }))).await.expect(201);
    assert_eq!(made.at("/spec"), json!({ "colour": "red", "bulbs": 1 }));
    assert_eq!(made.at("/metadata/generation"), 1);
    let read = server.get(LAMP).await.expect(200);
    assert_eq!(read.json(), made.json());
    let list = server.get(LAMPS).await.expect(200);
    assert_eq!(list.at("/items/0"), made.json());
    assert_eq!(list.at("/metadata/continue"), "");

    let table = as_table(&server, LAMPS).await;
    assert_eq!(table.at("/rows/0/cells"), json!(["a", "red", 1]));
    assert_eq!(table.at("/columnDefinitions/2/priority"), 1);
    let watched = server.get(&format!("{LAMPS}?watch=1&timeoutSeconds=1")).await.expect(200);
    assert_eq!(watched.events(), [("ADDED".to_owned(), made.json())]);
    server.delete(LAMP).await.expect(200);
    server.get(LAMP).await.expect(404);
}

#[tokio::test]
async fn unknown_fields_are_dropped_and_told() {
    let server = with_lamps().await;
    let body = lamp("a", json!({ "colour": "red", "smell": "none" }));
    let path = |validation: &str| format!("{LAMPS}?dryRun=All&fieldValidation={validation}");
    let made = server.post(&path("Warn"), &body).await.expect(201);
    assert_eq!(made.at("/spec/smell"), Value::Null);
    assert!(
        made.warnings()[0].contains(r#"unknown field \"spec.smell\""#),
        "{:?}",
        made.warnings()
    );
    let refused = server.post(&path("Strict"), &body).await.expect(400);
    let told = r#"strict decoding error: unknown field "spec.smell""#;
    assert!(refused.message().ends_with(told), "{}", refused.message());
    assert!(server.post(&path("Ignore"), &body).await.expect(201).warnings().is_empty());
    let twice = r#"{"apiVersion":"x.io/v1","kind":"Lamp","metadata":{"name":"a"},"spec":{"colour":"a","colour":"b"}}"#;
    let refused = server.send("POST", &path("Strict"), &[], twice).await.expect(400);
    assert!(refused.message().ends_with(r#"duplicate field "spec.colour""#));
}

#[tokio::test]
async fn what_is_wrong_is_refused() {
    let server = with_lamps().await;
    let refused = server.post(LAMPS, &lamp("a", json!({ "bulbs": -1 }))).await.expect(422);
    assert_eq!(refused.at("/details/causes/0/field"), ".spec.bulbs");
    let told = "spec.bulbs in body should be greater than or equal to 0";
    assert!(refused.message().contains(told), "{}", refused.message());
    let mut other = lamp("a", json!({}));
    other["kind"] = "Torch".into();
    let refused = server.post(LAMPS, &other).await.expect(422);
    assert_eq!(refused.at("/details/causes/0/message"), "Invalid value: \"Torch\": must be Lamp");
    other["apiVersion"] = "v1".into();
    let refused = server.post(LAMPS, &other).await.expect(400);
    assert!(refused.message().contains("does not match the expected API version (x.io/v1)"));
    let refused = server.post(LAMPS, &json!({ "metadata": { "name": "a" } })).await.expect(400);
    assert!(refused.message().contains("Object 'Kind' is missing in"));
    let mut labelled = lamp("a", json!({}));
    labelled["metadata"]["labels"] = json!({ "a": 1 });
    let refused = server.post(LAMPS, &labelled).await.expect(400);
    let told =
        "json: cannot unmarshal number into Go struct field ObjectMeta.labels of type string";
    assert!(refused.message().ends_with(told), "{}", refused.message());
}

#[tokio::test]
async fn objects_are_patched_and_applied() {
    let server = with_lamp().await;
    let patched = server.patch(LAMP, "merge", &json!({ "spec": { "colour": "blue" } })).await;
    assert_eq!(patched.expect(200).at("/metadata/generation"), 2);
    let json_patch = json!([{ "op": "replace", "path": "/spec/bulbs", "value": 4 }]);
    assert_eq!(server.patch(LAMP, "json", &json_patch).await.expect(200).at("/spec/bulbs"), 4);
    let strategic = json!({ "spec": { "bulbs": 5 } });
    let refused = server.patch(LAMP, "strategic-merge", &strategic).await.expect(415);
    assert!(
        refused.message().ends_with("application/merge-patch+json, application/apply-patch+yaml")
    );

    let apply = |manager: &str, parts: Value| {
        let path = format!("{LAMPS}/b?fieldManager={manager}");
        let body = lamp("b", json!({ "parts": parts }));
        let server = &server;
        async move { server.patch(&path, "apply", &body).await }
    };
    apply("one", json!([{ "name": "x", "size": 1 }])).await.expect(201);
    let both = apply("two", json!([{ "name": "y", "size": 2 }])).await.expect(200);
    assert_eq!(
        both.at("/spec/parts"),
        json!([{ "name": "x", "size": 1 }, { "name": "y", "size": 2 }])
    );
    let refused = apply("two", json!([{ "name": "x", "size": 3 }])).await.expect(409);
    assert_eq!(refused.at("/details/causes/0/field"), ".spec.parts[name=\"x\"].size");
    let left = apply("one", json!([])).await.expect(200);
    assert_eq!(left.at("/spec/parts"), json!([{ "name": "y", "size": 2 }]));
}

#[tokio::test]
async fn status_and_scale_have_paths_of_their_own() {
    let server = with_lamp().await;
    let status = json!({ "status": { "lit": 1, "selector": "a=b" }, "spec": { "colour": "x" },
        "metadata": { "labels": { "not": "kept" } } });
    let told = server.patch(&format!("{LAMP}/status"), "merge", &status).await.expect(200);
    assert_eq!(told.at("/status/lit"), 1);
    assert_eq!((told.at("/spec/colour"), told.at("/metadata/labels")), (json!("red"), Value::Null));
    assert_eq!(told.at("/metadata/generation"), 1);
    let main = server.patch(LAMP, "merge", &json!({ "status": { "lit": 7 } })).await.expect(200);
    assert_eq!(main.at("/status/lit"), 1);

    let scale = server.get(&format!("{LAMP}/scale")).await.expect(200);
    assert_eq!(scale.at("/spec/replicas"), 1);
    assert_eq!(scale.at("/status"), json!({ "replicas": 1, "selector": "a=b" }));
    let more = json!({ "spec": { "replicas": 3 } });
    server.patch(&format!("{LAMP}/scale"), "merge", &more).await.expect(200);
    assert_eq!(server.get(LAMP).await.at("/spec/bulbs"), 3);
    let refused = server.delete(&format!("{LAMP}/status")).await.expect(405);
    assert!(refused.message().starts_with("delete is not supported on resources of kind"));
    let missing = server.get(&format!("{LAMP}/nothing")).await.expect(404);
    assert_eq!(missing.message(), "lamps.x.io \"a\" not found");
}

#[tokio::test]
async fn versions_show_the_same_objects() {
    let server = with_lamp().await;
    let old = "/apis/x.io/v1beta1/namespaces/default/lamps";
    let read = server.get(&format!("{old}/a")).await.expect(200);
    assert_eq!(
        (read.at("/apiVersion"), read.at("/spec/colour")),
        (json!("x.io/v1beta1"), json!("red"))
    );
    let mut body = lamp("b", json!({ "colour": "blue" }));
    body["apiVersion"] = "x.io/v1beta1".into();
    server.post(old, &body).await.expect(201);
    assert_eq!(server.get(&format!("{LAMPS}/b")).await.expect(200).at("/apiVersion"), "x.io/v1");
    let watched = server.get(&format!("{old}?watch=1&timeoutSeconds=1")).await.events();
    assert!(watched.iter().all(|(_, object)| object["apiVersion"] == "x.io/v1beta1"));
    // What is stored calls itself as the definition says.
    let stored = server.store.snapshot().get("lamps.x.io/default/b").cloned();
    let stored: Value =
        serde_json::from_slice(&stored.expect("it is stored").body).unwrap_or_default();
    assert_eq!(stored["apiVersion"], "x.io/v1");
}

#[tokio::test]
async fn stored_objects_follow_their_definition() {
    let server = with_lamp().await;
    let path = format!("{DEFINITIONS}/lamps.x.io");
    let mut changed = definition();
    for version in 0..2 {
        let spec = &mut changed["spec"]["versions"][version]["schema"]["openAPIV3Schema"]["properties"]
            ["spec"]["properties"];
        spec["late"] = json!({ "type": "string", "default": "later" });
        spec["colour"].take();
        spec.as_object_mut().map(|spec| spec.remove("colour"));
        changed["spec"]["versions"][version]["selectableFields"] =
            json!([{ "jsonPath": ".spec.late" }]);
    }
    server.patch(&path, "merge", &json!({ "spec": changed["spec"] })).await.expect(200);
    let read = server.get(LAMP).await.expect(200);
    assert_eq!(read.at("/spec"), json!({ "bulbs": 1, "late": "later" }));
    let found = server.get(&format!("{LAMPS}?fieldSelector=spec.late%3Dlater")).await.expect(200);
    assert_eq!(found.at("/items/0/spec/late"), "later");
}

#[tokio::test]
async fn fields_are_selected() {
    let server = with_lamp().await;
    server.post(LAMPS, &lamp("b", json!({ "colour": "blue" }))).await.expect(201);
    let names = async |selector: &str| {
        let list = server.get(&format!("{LAMPS}?fieldSelector={selector}")).await.expect(200);
        let items = list.at("/items");
        let names = items.as_array().into_iter().flatten();
        names.map(|item| item["metadata"]["name"].clone()).collect::<Vec<_>>()
    };
    assert_eq!(names("spec.colour%3Dblue").await, ["b"]);
    assert_eq!(names("spec.colour!%3Dblue").await, ["a"]);
    assert_eq!(names("metadata.name%3Da").await, ["a"]);
    let refused = server.get(&format!("{LAMPS}?fieldSelector=spec.bulbs%3D1")).await.expect(400);
    assert_eq!(refused.message(), "field label not supported: spec.bulbs");
    // A change that takes an object out of a watcher's reach is told as its end.
    let from = server.store.revision();
    server.patch(LAMP, "merge", &json!({ "spec": { "colour": "blue" } })).await.expect(200);
    let watch = format!(
        "{LAMPS}?watch=1&timeoutSeconds=1&resourceVersion={from}&fieldSelector=spec.colour%3D"
    );
    let red = server.get(&format!("{watch}red")).await.events();
    assert_eq!((red.len(), red[0].0.as_str()), (1, "DELETED"));
    let blue = server.get(&format!("{watch}blue")).await.events();
    assert_eq!((blue.len(), blue[0].0.as_str()), (1, "ADDED"));
}

#[tokio::test]
async fn nothing_knows_the_protobuf_form() {
    let server = with_lamp().await;
    let protobuf = "application/vnd.kubernetes.protobuf";
    server.send("GET", LAMP, &[("accept", protobuf)], "").await.expect(406);
    let either = format!("{protobuf}, application/json");
    let read = server.send("GET", LAMP, &[("accept", &either)], "").await.expect(200);
    assert_eq!(read.at("/kind"), "Lamp");
    server.send("POST", LAMPS, &[("content-type", protobuf)], "k8s\0").await.expect(415);
}

#[tokio::test]
async fn documents_describe_the_kind() {
    let server = with_lamps().await;
    let index = server.get("/openapi/v3").await.expect(200);
    let address = index.at("/paths/apis~1x.io~1v1/serverRelativeURL");
    let document = server.get(address.as_str().unwrap_or_default()).await.expect(200);
    let schema = document.at("/components/schemas/io.x.v1.Lamp");
    assert_eq!(
        schema["properties"]["spec"]["properties"]["colour"]["description"],
        "What it shines in."
    );
    let gvk = json!([{ "group": "x.io", "kind": "Lamp", "version": "v1" }]);
    assert_eq!(schema["x-kubernetes-group-version-kind"], gvk);
    let meta = "#/components/schemas/io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta";
    assert_eq!(schema["properties"]["metadata"]["allOf"][0]["$ref"], meta);
    let patch =
        document.at("/paths/~1apis~1x.io~1v1~1namespaces~1{namespace}~1lamps~1{name}/patch");
    let types: Vec<&String> = patch["requestBody"]["content"]
        .as_object()
        .into_iter()
        .flat_map(|map| map.keys())
        .collect();
    assert!(!types.iter().any(|name| name.contains("strategic")), "{types:?}");
    let second = server.get("/openapi/v2").await.expect(200);
    let fields = second.at("/definitions/io.x.v1.Lamp/properties/spec/properties");
    assert_eq!(fields["bulbs"], json!({ "type": "integer", "minimum": 0 }));
    let gnostic = ("accept", "application/com.github.proto-openapi.spec.v2.v1.0+protobuf");
    server.send("GET", "/openapi/v2", &[gnostic], "").await.expect(200);

    // Another schema has another address.
    let mut changed = definition();
    for version in 0..2 {
        let schema = &mut changed["spec"]["versions"][version]["schema"]["openAPIV3Schema"];
        schema["description"] = "Changed.".into();
    }
    let path = format!("{DEFINITIONS}/lamps.x.io");
    server.patch(&path, "merge", &json!({ "spec": changed["spec"] })).await.expect(200);
    let index = server.get("/openapi/v3").await.expect(200);
    assert_ne!(index.at("/paths/apis~1x.io~1v1/serverRelativeURL"), address);
}

#[tokio::test]
async fn a_definition_that_is_deleted_waits_for_its_objects() {
    let server = with_lamp().await;
    let path = format!("{DEFINITIONS}/lamps.x.io");
    let marked = server.delete(&path).await.expect(200);
    assert_eq!(marked.at("/kind"), "CustomResourceDefinition");
    assert_eq!(
        texts(&marked.at("/metadata/finalizers")),
        ["customresourcecleanup.apiextensions.k8s.io"]
    );
    assert_eq!(marked.at("/metadata/generation"), 1);
    assert_eq!(marked.at("/metadata/deletionGracePeriodSeconds"), Value::Null);
    assert_eq!(marked.at("/status/conditions/2/reason"), "InstanceDeletionPending");

    let refused = server.post(LAMPS, &lamp("b", json!({}))).await.expect(403);
    let told = "lamps.x.io \"b\" is forbidden: create not allowed while custom resource definition is terminating";
    assert_eq!(refused.message(), told);
    server.patch(LAMP, "merge", &json!({ "spec": { "bulbs": 2 } })).await.expect(200);
    let verbs = server.get("/apis/x.io/v1").await.at("/resources/0/verbs");
    assert_eq!(texts(&verbs), ["delete", "deletecollection", "get", "list", "watch"]);

    server.delete(LAMPS).await.expect(200);
    let release = json!({ "metadata": { "finalizers": null } });
    server.patch(&path, "merge", &release).await.expect(200);
    server.get(&path).await.expect(404);
    server.get(LAMPS).await.expect(404);
}

#[tokio::test]
async fn a_watch_ends_with_what_it_watches() {
    let server = with_lamp().await;
    // It has no end of its own within any test's patience.
    let path = format!("{LAMPS}?watch=1&resourceVersion={}", server.store.revision());
    let request = Request::get(path).body(Body::Empty).unwrap_or_default();
    let watch = server.service.handle(request, Peer::default()).await;
    server.patch(LAMP, "merge", &json!({ "spec": { "bulbs": 2 } })).await.expect(200);
    server.delete(LAMP).await.expect(200);
    let path = format!("{DEFINITIONS}/lamps.x.io");
    server.delete(&path).await.expect(200);
    server.patch(&path, "merge", &json!({ "metadata": { "finalizers": null } })).await.expect(200);
    let text = watch.into_body().read(1024 * 1024).await.unwrap_or_default();
    let text = String::from_utf8_lossy(&text).into_owned();
    let events = text.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let kinds: Vec<Value> = events.map(|event| event["type"].clone()).collect();
    assert_eq!(kinds, ["MODIFIED", "DELETED"]);
}

#[tokio::test]
async fn kinds_without_a_status_of_their_own_count_all_changes() {
    let server = Server::start().await;
    let mut plain = definition();
    plain["spec"]["versions"][0]["subresources"].take();
    plain["spec"]["versions"][1]["subresources"].take();
    server.post(DEFINITIONS, &plain).await.expect(201);
    establish(&server, "lamps.x.io").await;
    let mut body = lamp("a", json!({}));
    body["status"] = json!({ "lit": 1 });
    assert_eq!(server.post(LAMPS, &body).await.expect(201).at("/status/lit"), 1);
    let changed = server.patch(LAMP, "merge", &json!({ "status": { "lit": 2 } })).await.expect(200);
    assert_eq!(changed.at("/metadata/generation"), 2);
    let labelled = json!({ "metadata": { "labels": { "a": "b" } } });
    let labelled = server.patch(LAMP, "merge", &labelled).await.expect(200);
    assert_eq!(labelled.at("/metadata/generation"), 2);
    server.get(&format!("{LAMP}/scale")).await.expect(404);
}

#[tokio::test]
async fn built_in_kinds_keep_their_place() {
    let server = Server::start().await;
    let mut taken = definition();
    taken["metadata"]["name"] = "leases.coordination.k8s.io".into();
    taken["metadata"]["annotations"] = json!({ "api-approved.kubernetes.io": "unapproved" });
    taken["spec"]["group"] = "coordination.k8s.io".into();
    taken["spec"]["names"] = json!({ "plural": "leases", "kind": "Lamp" });
    server.post(DEFINITIONS, &taken).await.expect(201);
    establish(&server, "leases.coordination.k8s.io").await;
    let list = server.get("/apis/coordination.k8s.io/v1/leases").await.expect(200);
    assert_eq!(list.at("/kind"), "LeaseList");
}
