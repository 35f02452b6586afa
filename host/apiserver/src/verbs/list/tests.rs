use super::*;

#[test]
fn shows_the_head_of_a_list() {
    let head = ListHead {
        resource_version: "7".to_owned(),
        continue_: "token".to_owned(),
        remaining: Some(3),
    };
    let expected =
        serde_json::json!({ "resourceVersion": "7", "continue": "token", "remainingItemCount": 3 });
    assert_eq!(head_tree(&head), expected);
    let last = ListHead { resource_version: "7".to_owned(), ..ListHead::default() };
    assert_eq!(head_tree(&last), serde_json::json!({ "resourceVersion": "7" }));
}

#[test]
fn takes_the_revision_of_an_object() {
    let body = Bytes::from_static(b"{\"metadata\":{\"resourceVersion\":\"12\"},\"data\":{}}");
    assert_eq!(head_of_object(&body), "{\"resourceVersion\":\"12\"}");
}
