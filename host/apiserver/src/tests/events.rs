use super::*;

const OLD: &str = "/api/v1/namespaces/default/events";
const NEW: &str = "/apis/events.k8s.io/v1/namespaces/default/events";

fn event(name: &str, about: &str) -> Value {
    json!({
        "apiVersion": "events.k8s.io/v1", "kind": "Event", "metadata": { "name": name },
        "eventTime": "2026-01-01T00:00:00.000000Z", "reportingController": "example.com/c", "reportingInstance": "i",
        "action": "A", "reason": "R", "type": "Normal", "note": "n",
        "regarding": { "kind": "Pod", "namespace": "default", "name": about },
    })
}

#[tokio::test]
async fn both_groups_show_the_same_events() {
    let server = Server::start().await;
    server.post(NEW, &event("a", "p")).await.expect(201);
    let old = server.get(&format!("{OLD}/a")).await.expect(200);
    assert_eq!((old.at("/apiVersion"), old.at("/message")), (json!("v1"), json!("n")));
    assert_eq!(old.at("/involvedObject/name"), "p");
    assert_eq!(old.at("/reportingComponent"), "example.com/c");
    assert_eq!(old.at("/source"), json!({}));

    let counted = json!({
        "apiVersion": "v1", "kind": "Event", "metadata": { "name": "b" }, "count": 3, "message": "m",
        "source": { "component": "k" }, "lastTimestamp": "2026-01-01T00:00:00Z",
        "involvedObject": { "kind": "Pod", "namespace": "default", "name": "q" },
    });
    server.post(OLD, &counted).await.expect(201);
    let new = server.get(&format!("{NEW}/b")).await.expect(200);
    assert_eq!((new.at("/note"), new.at("/deprecatedCount")), (json!("m"), json!(3)));
    assert_eq!(new.at("/deprecatedSource"), json!({ "component": "k" }));
    assert_eq!(new.at("/reportingController"), Value::Null);
    let list = server.get(NEW).await.expect(200);
    assert_eq!(list.at("/kind"), "EventList");
    assert_eq!(list.at("/items/1/regarding/name"), "q");
}

#[tokio::test]
async fn a_write_through_one_group_ends_what_was_owned_through_the_other() {
    let server = Server::start().await;
    server.post(NEW, &event("a", "p")).await.expect(201);
    let counted = json!({ "count": 3 });
    let old = server.patch(&format!("{OLD}/a"), "merge", &counted).await.expect(200);
    let owners = old.at("/metadata/managedFields");
    assert_eq!(owners[0]["fieldsV1"], json!({ "f:count": {} }));
    assert_eq!(owners[1], Value::Null);
    let applied = json!({
        "apiVersion": "events.k8s.io/v1", "kind": "Event", "metadata": { "name": "a", "labels": { "l": "m" } },
    });
    let path = format!("{NEW}/a?fieldManager=me");
    let new = server.patch(&path, "apply", &applied).await.expect(200);
    let owners = new.at("/metadata/managedFields");
    assert_eq!(owners[0]["apiVersion"], "events.k8s.io/v1");
    assert_eq!(owners[1], Value::Null);
}

#[tokio::test]
async fn an_event_is_refused_under_the_name_of_the_older_kind() {
    let server = Server::start().await;
    let mut empty = event("a", "p");
    empty["series"] = json!({ "count": 2 });
    let refused = server.post(NEW, &empty).await.expect(422);
    assert_eq!(
        refused.message(),
        "Event \"a\" is invalid: series.lastObservedTime: Required value"
    );
}

#[tokio::test]
async fn each_group_selects_by_its_own_names() {
    let server = Server::start().await;
    for (name, about) in [("a", "p"), ("b", "q")] {
        server.post(NEW, &event(name, about)).await.expect(201);
    }
    for path in [
        format!("{NEW}?fieldSelector=regarding.name=q,reportingController=example.com/c"),
        format!("{OLD}?fieldSelector=involvedObject.name=q,reportingComponent=example.com/c"),
    ] {
        let list = server.get(&path).await.expect(200);
        assert_eq!(list.at("/items/0/metadata/name"), "b", "{path}");
        assert_eq!(list.at("/items/1"), Value::Null, "{path}");
    }
    let refused = server.get(&format!("{NEW}?fieldSelector=involvedObject.name=q")).await;
    assert_eq!(refused.expect(400).message(), "field label not supported: involvedObject.name");
}

#[tokio::test]
async fn a_series_may_go_on() {
    let server = Server::start().await;
    server.post(NEW, &event("a", "p")).await.expect(201);
    let path = format!("{NEW}/a");
    let series =
        json!({ "series": { "count": 2, "lastObservedTime": "2026-01-01T00:00:01.000000Z" } });
    server.patch(&path, "merge", &series).await.expect(200);
    let old = server.get(&format!("{OLD}/a")).await;
    assert_eq!(old.at("/series/count"), 2);
    let refused = server.patch(&path, "merge", &json!({ "note": "other" })).await.expect(422);
    assert!(refused.message().ends_with("message: Invalid value: \"other\": field is immutable"));
    let empty = json!({ "series": { "count": 3, "lastObservedTime": null } });
    let refused = server.patch(&path, "merge", &empty).await.expect(422);
    assert!(refused.message().ends_with("series.lastObservedTime: Required value"));
    // The older kind minds nothing of that.
    server.patch(&format!("{OLD}/a"), "merge", &json!({ "message": "other" })).await.expect(200);
}
