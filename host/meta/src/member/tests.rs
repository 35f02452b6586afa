#![expect(clippy::unwrap_used, reason = "tests")]

use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::Tree;

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
