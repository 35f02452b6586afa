//! Looking into trees, and writing them.

use std::io::Write as _;

use crate::Tree;

/// A text of an object's metadata; empty where there is none.
pub fn metadata_text<'a>(object: &'a Tree, name: &str) -> &'a str {
    let metadata = object.get("metadata");
    metadata.and_then(|metadata| metadata.get(name)).and_then(Tree::as_str).unwrap_or_default()
}

/// What JSON calls a value, which is how Go's decoder names it in its messages.
pub fn json_kind(value: &Tree) -> &'static str {
    match value {
        Tree::Null => "null",
        Tree::Bool(_) => "bool",
        Tree::Number(_) => "number",
        Tree::String(_) => "string",
        Tree::Array(_) => "array",
        Tree::Object(_) => "object",
    }
}

/// Whether there is a list or a map in a tree that has nothing in it.
pub fn has_empty(tree: &Tree) -> bool {
    match tree {
        Tree::Array(items) => items.is_empty() || items.iter().any(has_empty),
        Tree::Object(map) => map.is_empty() || map.values().any(has_empty),
        Tree::Null | Tree::Bool(_) | Tree::Number(_) | Tree::String(_) => false,
    }
}

/// Appends a tree as compact JSON: what `serde_json` writes, but that texts without anything to escape are copied whole.
pub fn write_json(tree: &Tree, out: &mut Vec<u8>) {
    match tree {
        Tree::Null => out.extend_from_slice(b"null"),
        Tree::Bool(true) => out.extend_from_slice(b"true"),
        Tree::Bool(false) => out.extend_from_slice(b"false"),
        // Writing to memory cannot fail.
        Tree::Number(number) => write!(out, "{number}").unwrap_or_default(),
        Tree::String(text) => write_json_text(text, out),
        Tree::Array(items) => {
            out.push(b'[');
            for (index, item) in items.iter().enumerate() {
                if index > 0 {
                    out.push(b',');
                }
                write_json(item, out);
            }
            out.push(b']');
        }
        Tree::Object(map) => {
            out.push(b'{');
            for (index, (name, value)) in map.iter().enumerate() {
                if index > 0 {
                    out.push(b',');
                }
                write_json_text(name, out);
                out.push(b':');
                write_json(value, out);
            }
            out.push(b'}');
        }
    }
}

/// Appends a text as JSON.
pub fn write_json_text(text: &str, out: &mut Vec<u8>) {
    if has_byte(text.as_bytes(), |byte| byte < 0x20 || byte == b'"' || byte == b'\\') {
        // Writing to memory cannot fail.
        serde_json::to_writer(out, text).unwrap_or_default();
    } else {
        out.reserve(text.len() + 2);
        out.push(b'"');
        out.extend_from_slice(text.as_bytes());
        out.push(b'"');
    }
}

/// Whether any byte is of a kind. Pieces are looked at as a whole, which the compiler does in a few steps where it can; the first such byte would
/// be looked for one by one.
pub(crate) fn has_byte(bytes: &[u8], is: impl Fn(u8) -> bool) -> bool {
    let any = |bytes: &[u8]| bytes.iter().fold(false, |any, &byte| any | is(byte));
    let (pieces, rest) = bytes.as_chunks::<32>();
    let (small, rest) = rest.as_chunks::<8>();
    pieces.iter().any(|piece| any(piece)) || small.iter().any(|piece| any(piece)) || any(rest)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn trees() -> impl Strategy<Value = Tree> {
        let leaf = prop_oneof![
            Just(Tree::Null),
            any::<bool>().prop_map(Tree::from),
            any::<i64>().prop_map(Tree::from),
            any::<u64>().prop_map(Tree::from),
            any::<f64>().prop_map(Tree::from),
            any::<String>().prop_map(Tree::from),
            "[a-z\"\\\\\n\u{7f}\u{1}]{0,80}".prop_map(Tree::from),
        ];
        leaf.prop_recursive(4, 40, 6, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..6).prop_map(Tree::from),
                prop::collection::btree_map("[a-z\"\\\\]{0,8}", inner, 0..6)
                    .prop_map(|map| Tree::Object(map.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn json_is_what_the_library_writes(tree in trees()) {
            let mut own = Vec::new();
            write_json(&tree, &mut own);
            prop_assert_eq!(own, serde_json::to_vec(&tree).expect("a tree has text keys only"));
        }
    }

    #[test]
    fn what_is_empty_is_seen_however_deep() {
        for tree in [json!({}), json!([]), json!({"a": [1, {"b": {}}]}), json!([[[]]])] {
            assert!(has_empty(&tree), "{tree}");
        }
        for tree in [json!(null), json!(""), json!({"a": [0, "", null, {"b": false}]})] {
            assert!(!has_empty(&tree), "{tree}");
        }
    }

    #[test]
    fn what_is_no_text_reads_as_empty() {
        let object = json!({"metadata": {"name": "a", "generation": 3}});
        assert_eq!(metadata_text(&object, "name"), "a");
        assert_eq!(metadata_text(&object, "generation"), "");
        assert_eq!(metadata_text(&object, "uid"), "");
        assert_eq!(metadata_text(&json!([]), "name"), "");
    }
}
