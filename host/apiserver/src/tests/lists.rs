use super::*;

fn names(list: &Value) -> Vec<&str> {
    let items = list["items"].as_array().expect("a list has items");
    items.iter().map(|item| item["metadata"]["name"].as_str().expect("a name")).collect()
}

#[tokio::test]
async fn lists_without_the_type_of_items() {
    let server = with_config_maps(&["b", "a"]).await;
    let reply = server.get(CONFIG_MAPS).await.expect(200);
    let list = reply.json();
    assert_eq!((&list["kind"], &list["apiVersion"]), (&json!("ConfigMapList"), &json!("v1")));
    assert_eq!(names(&list), ["a", "b"]);
    assert_eq!(list["items"][0]["kind"], Value::Null);
    assert_eq!(list["metadata"]["resourceVersion"], server.store.revision().to_string());
    let length = reply.headers.get("content-length");
    assert!(
        length.is_none_or(|length| length.to_str().ok() == Some(&reply.text.len().to_string()))
    );
    assert_eq!(
        server.get("/api/v1/namespaces/kube-public/configmaps").await.json()["items"],
        json!([])
    );
}

#[tokio::test]
async fn pages_through_one_snapshot() {
    let server = with_config_maps(&["a", "b", "c", "d", "e"]).await;
    let first = server.get(&format!("{CONFIG_MAPS}?limit=2")).await.expect(200).json();
    assert_eq!(names(&first), ["a", "b"]);
    assert_eq!(first["metadata"]["remainingItemCount"], 3);
    server.delete(&format!("{CONFIG_MAPS}/c")).await.expect(200);
    let token = first["metadata"]["continue"].as_str().expect("a token");
    let second =
        server.get(&format!("{CONFIG_MAPS}?limit=2&continue={token}")).await.expect(200).json();
    assert_eq!(names(&second), ["c", "d"]);
    assert_eq!(second["metadata"]["resourceVersion"], first["metadata"]["resourceVersion"]);
    let token = second["metadata"]["continue"].as_str().expect("a token");
    let third =
        server.get(&format!("{CONFIG_MAPS}?limit=2&continue={token}")).await.expect(200).json();
    assert_eq!(names(&third), ["e"]);
    assert_eq!(third["metadata"]["continue"], Value::Null);
}

#[tokio::test]
async fn goes_on_inconsistently_when_the_snapshot_is_gone() {
    let server = with_config_maps(&["a", "b", "c"]).await;
    let first = server.get(&format!("{CONFIG_MAPS}?limit=1")).await.json();
    let token = first["metadata"]["continue"].as_str().expect("a token");
    server.delete(&format!("{CONFIG_MAPS}/b")).await.expect(200);
    server.store.compact(server.store.revision()).await;
    let expired = server.get(&format!("{CONFIG_MAPS}?limit=1&continue={token}")).await.expect(410);
    assert_eq!(expired.at("/reason"), "Expired");
    let token = expired.at("/metadata/continue");
    let token = token.as_str().expect("a token");
    let rest = server.get(&format!("{CONFIG_MAPS}?continue={token}")).await.expect(200).json();
    assert_eq!(names(&rest), ["c"]);
    let reply = server.get(&format!("{CONFIG_MAPS}?continue=abc")).await.expect(400);
    assert!(
        reply.message().starts_with("invalid continue token: continue key is not valid"),
        "{}",
        reply.message()
    );
}

#[tokio::test]
async fn selects() {
    let server = Server::start().await;
    for (name, label) in [("a", "x"), ("b", "y"), ("c", "x")] {
        let mut body = config_map(name);
        body["metadata"]["labels"] = json!({ "l": label });
        server.post(CONFIG_MAPS, &body).await.expect(201);
    }
    for (query, expected) in [
        ("labelSelector=l%3Dx", &["a", "c"][..]),
        ("labelSelector=l%20in%20(y,z)", &["b"]),
        ("labelSelector=!l", &[]),
        ("fieldSelector=metadata.name%3Db", &["b"]),
        ("fieldSelector=metadata.name%3Db&labelSelector=l%3Dx", &[]),
        ("fieldSelector=metadata.name!%3Db", &["a", "c"]),
        ("labelSelector=l%3Dx&limit=1", &["a"]),
    ] {
        let list = server.get(&format!("{CONFIG_MAPS}?{query}")).await.expect(200).json();
        assert_eq!(names(&list), expected, "{query}");
    }
    let everywhere =
        "/api/v1/configmaps?fieldSelector=metadata.namespace%3Ddefault,metadata.name%3Da";
    assert_eq!(names(&server.get(everywhere).await.json()), ["a"]);
    for (path, message) in [
        (
            "/api/v1/configmaps?fieldSelector=status.x%3Db",
            "\"status.x\" is not a known field selector: only \"metadata.name\", \"metadata.namespace\"",
        ),
        ("/api/v1/pods?fieldSelector=status.x%3Db", "field label not supported: status.x"),
        (
            "/api/v1/nodes?fieldSelector=metadata.namespace%3Db",
            "field label not supported: metadata.namespace",
        ),
        (
            "/api/v1/pods?labelSelector=a%20b",
            "unable to parse requirement: found 'b', expected: in, notin, =, ==, !=, gt, lt",
        ),
    ] {
        assert_eq!(server.get(path).await.expect(400).message(), message);
    }
}

#[tokio::test]
async fn reads_the_revision_that_is_meant() {
    let server = with_config_maps(&["a"]).await;
    let then = server.store.revision();
    server.post(CONFIG_MAPS, &config_map("b")).await.expect(201);
    let list = |query: String| {
        let server = &server;
        async move { server.get(&format!("{CONFIG_MAPS}?{query}")).await }
    };
    let exact = list(format!("resourceVersion={then}&resourceVersionMatch=Exact")).await.json();
    assert_eq!(
        (names(&exact), &exact["metadata"]["resourceVersion"]),
        (vec!["a"], &json!(then.to_string()))
    );
    let limited = list(format!("resourceVersion={then}&limit=5")).await.json();
    assert_eq!(names(&limited), ["a"]);
    let newer = list(format!("resourceVersion={then}")).await.json();
    assert_eq!(names(&newer), ["a", "b"]);
    let any = list("resourceVersion=0&limit=1".to_owned()).await.json();
    assert_eq!(names(&any), ["a", "b"]);
    let future = list("resourceVersion=999999".to_owned()).await.expect(504);
    assert!(future.message().starts_with("Timeout: Too large resource version: 999999, current: "));
    let wrong = list("resourceVersion=abc".to_owned()).await.expect(400);
    assert_eq!(
        wrong.message(),
        "invalid resource version: resourceVersion: Invalid value: \"abc\": strconv.ParseUint: parsing \"abc\": invalid syntax"
    );
    server.get(&format!("{CONFIG_MAPS}/a?resourceVersion=abc")).await.expect(500);
}

#[tokio::test]
async fn shows_tables_and_metadata() {
    let server = with_config_maps(&["a"]).await;
    let table = "application/json;as=Table;v=v1;g=meta.k8s.io";
    let reply = server.send("GET", CONFIG_MAPS, &[("accept", table)], "").await.expect(200);
    assert_eq!(reply.at("/kind"), "Table");
    assert_eq!(reply.at("/rows/0/cells/0"), "a");
    assert_eq!(reply.at("/metadata/resourceVersion"), server.store.revision().to_string());
    let partial = "application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io";
    let reply = server.send("GET", CONFIG_MAPS, &[("accept", partial)], "").await.expect(200);
    assert_eq!(reply.at("/items/0/kind"), "PartialObjectMetadata");
    let of_one = "application/json;as=PartialObjectMetadata;v=v1;g=meta.k8s.io";
    let reply = server.send("GET", CONFIG_MAPS, &[("accept", of_one)], "").await.expect(406);
    assert_eq!(
        reply.message(),
        "you requested PartialObjectMetadata, but the requested object is a list"
    );
    let empty = server
        .send("GET", &format!("{CONFIG_MAPS}?labelSelector=x"), &[("accept", partial)], "")
        .await
        .expect(200);
    assert_eq!(empty.at("/items"), Value::Null);
}

#[tokio::test]
async fn compresses_long_lists_for_those_who_ask() {
    let server = Server::start().await;
    let mut body = config_map("big");
    body["data"]["a"] = "x".repeat(200_000).into();
    server.post(CONFIG_MAPS, &body).await.expect(201);
    let reply =
        server.send("GET", CONFIG_MAPS, &[("accept-encoding", "gzip")], "").await.expect(200);
    assert_eq!(reply.headers.get("content-encoding").expect("compressed"), "gzip");
    assert!(reply.headers.get("vary").is_some());
    let plain = server.get(CONFIG_MAPS).await.expect(200);
    assert!(plain.headers.get("content-encoding").is_none());
    assert!(plain.text.len() > 200_000);
}
