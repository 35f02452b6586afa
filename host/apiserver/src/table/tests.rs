#![expect(clippy::unwrap_used, reason = "tests")]

use proptest::prelude::*;

use super::*;

const V1: ViewVersion = ViewVersion::V1;

fn body() -> Bytes {
    let text = r#"{"apiVersion":"v1","kind":"ConfigMap","metadata":{"resourceVersion":"7","name":"a","annotations":{"x":"}\"{"}},"data":{"k":"v"}}"#;
    Bytes::from_static(text.as_bytes())
}

fn kind() -> KindRef {
    kinds::find("", "v1", "configmaps").unwrap()
}

fn rows(include: Include) -> Tree {
    let now = "2026-01-01T00:00:00Z".parse().unwrap();
    let text = table(kind(), &[&body()], b"{}", V1, include, true, now);
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
    let now = "2026-01-01T00:00:00Z".parse().unwrap();
    let of = |with_columns| -> Tree {
        let text = table(
            kind(),
            &[],
            br#"{"resourceVersion":"3"}"#,
            ViewVersion::V1Beta1,
            Include::None,
            with_columns,
            now,
        );
        serde_json::from_slice(&text).unwrap()
    };
    let first = of(true);
    assert_eq!(first["apiVersion"], "meta.k8s.io/v1beta1");
    assert_eq!(first["metadata"]["resourceVersion"], "3");
    assert_eq!(first["columnDefinitions"][0]["name"], "Name");
    assert_eq!(first["columnDefinitions"][0]["format"], "name");
    assert_eq!(of(false)["columnDefinitions"], Tree::Null);
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
fn members_are_found_behind_any_others() {
    let json = br#" { "a" : 1 , "b":[{"metadata":1},"]\\"], "c":null,"metadata" : {"x":"\"}"} , "d":true}"#;
    assert_eq!(member(json, "metadata"), Some(br#"{"x":"\"}"}"#.as_slice()));
    assert_eq!(member(json, "a"), Some(b"1".as_slice()));
    assert_eq!(member(json, "d"), Some(b"true".as_slice()));
    assert_eq!(member(json, "e"), None);
}

proptest! {
    #[test]
    fn no_bytes_make_the_search_panic(json in proptest::collection::vec(any::<u8>(), 0..64)) {
        let _ = member(&json, "metadata");
    }

    #[test]
    fn texts_with_brackets_and_quotes_are_skipped(text in "[{}\\[\\]\",:\\\\a-c]*") {
        let json = json!({ "a": text, "metadata": { "name": text } });
        let bytes = serde_json::to_vec(&json).unwrap();
        let found: Tree = serde_json::from_slice(member(&bytes, "metadata").unwrap()).unwrap();
        prop_assert_eq!(&found, &json["metadata"]);
    }
}
