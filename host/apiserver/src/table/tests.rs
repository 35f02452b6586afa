#![expect(clippy::unwrap_used, reason = "tests")]

use super::*;

const V1: ViewVersion = ViewVersion::V1;

fn body() -> Bytes {
    let text = r#"{"apiVersion":"v1","kind":"ConfigMap","metadata":{"resourceVersion":"7","name":"a","annotations":{"x":"}\"{"}},"data":{"k":"v"}}"#;
    Bytes::from_static(text.as_bytes())
}

fn kind() -> &'static dyn AnyKind {
    kinds::find("", "v1", "configmaps").unwrap()
}

fn rows(include: Include) -> Tree {
    let now = "2026-01-01T00:00:00Z".parse().unwrap();
    let body = body();
    let rows = vec![row(kind(), &body, now)];
    let text = table(kind(), rows, b"{}", V1, include, Shown::Object);
    serde_json::from_slice::<Tree>(&text).unwrap()["rows"].take()
}

#[test]
fn rows_carry_what_was_asked_for() {
    let object: Tree = serde_json::from_slice(&body()).unwrap();
    let partial = json!({
        "kind": "PartialObjectMetadata",
        "apiVersion": "meta.k8s.io/v1",
        "metadata": object["metadata"],
    });
    assert_eq!(rows(Include::None)[0]["object"], Tree::Null);
    assert_eq!(rows(Include::Metadata)[0]["object"], partial);
    assert_eq!(rows(Include::Object)[0]["object"], object);
    assert_eq!(rows(Include::None)[0]["cells"][0], "a");
}

#[test]
fn a_table_names_its_columns_once() {
    let of = |shown| -> Tree {
        let head = br#"{"resourceVersion":"3"}"#;
        let text = table(kind(), Vec::new(), head, ViewVersion::V1Beta1, Include::None, shown);
        serde_json::from_slice(&text).unwrap()
    };
    let first = of(Shown::List);
    assert_eq!(first["apiVersion"], "meta.k8s.io/v1beta1");
    assert_eq!(first["metadata"]["resourceVersion"], "3");
    assert_eq!(first["columnDefinitions"][0]["name"], "Name");
    assert_eq!(first["columnDefinitions"][0]["format"], "name");
    assert_eq!(of(Shown::LaterEvent)["columnDefinitions"], Tree::Null);
}

#[test]
fn what_to_include_has_four_spellings() {
    let of = |text: &str| include(&Query::parse(text));
    assert_eq!(of("").unwrap(), Include::Metadata);
    assert_eq!(of("includeObject=").unwrap(), Include::Metadata);
    assert_eq!(of("includeObject=Object").unwrap(), Include::Object);
    let error = of("includeObject=Half").unwrap_err();
    let text = "Unable to convert to Table as requested: includeObject: Invalid value: \"Half\": \
                must be 'Metadata', 'Object', 'None', or empty";
    assert_eq!((error.code(), error.message()), (400, text));
}

#[test]
fn a_list_marks_what_others_get_by_default() {
    let class = |name: &str, hour: u8, is_default: bool| {
        let object = json!({
            "apiVersion": "storage.k8s.io/v1",
            "kind": "StorageClass",
            "metadata": {
                "name": name,
                "creationTimestamp": format!("2026-01-01T{hour:02}:00:00Z"),
                "annotations": { "storageclass.kubernetes.io/is-default-class": is_default.to_string() },
            },
            "provisioner": "d.example",
        });
        Bytes::from(object.to_string())
    };
    let kind = kinds::find("storage.k8s.io", "v1", "storageclasses").unwrap();
    let names = |shown, classes: &[Bytes]| -> Tree {
        let now = "2026-01-01T00:00:00Z".parse().unwrap();
        let rows = classes.iter().map(|class| row(kind, class, now)).collect();
        let text = table(kind, rows, b"{}", V1, Include::None, shown);
        let table: Tree = serde_json::from_slice(&text).unwrap();
        table["rows"].as_array().unwrap().iter().map(|row| row["cells"][0].clone()).collect()
    };
    let classes =
        [class("d", 2, false), class("c", 1, true), class("b", 1, true), class("a", 0, true)];
    assert_eq!(names(Shown::List, &classes), json!(["d", "c", "b (default)", "a"]));
    assert_eq!(names(Shown::List, &classes[..1]), json!(["d"]));
    assert_eq!(names(Shown::Object, &classes[1..2]), json!(["c"]));
}
