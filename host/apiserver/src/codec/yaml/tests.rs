use proptest::prelude::*;
use serde_json::json;

use super::*;

#[test]
fn reads_scalars_as_version_1_1_has_them() {
    for (text, expected) in [
        ("y", json!(true)),
        ("No", json!(false)),
        ("off", json!(false)),
        ("yep", json!("yep")),
        ("~", json!(null)),
        ("\"y\"", json!("y")),
        ("'12'", json!("12")),
        ("12", json!(12)),
        ("-5", json!(-5)),
        ("0o17", json!(15)),
        ("017", json!(15)),
        ("0x1F", json!(31)),
        ("1_000", json!(1000)),
        ("1.5", json!(1.5)),
        ("1e3", json!(1000.0)),
        ("1.2.3", json!("1.2.3")),
        ("2001-12-14", json!("2001-12-14")),
        ("!!str 12", json!("12")),
        ("1h", json!("1h")),
        ("-", json!([null])),
    ] {
        assert_eq!(parse(text).expect(text).tree, expected, "{text}");
    }
}

#[test]
fn reads_the_first_document_only() {
    assert_eq!(parse("a: 1\n---\nb: 2\n").expect("valid").tree, json!({ "a": 1 }));
    assert_eq!(parse("").expect("valid").tree, json!(null));
    assert_eq!(parse("# nothing\n").expect("valid").tree, json!(null));
}

#[test]
fn makes_texts_of_keys() {
    assert_eq!(
        parse("{y: a, 1: b, ~: c}").expect("valid").tree,
        json!({ "true": "a", "1": "b", "null": "c" })
    );
}

#[test]
fn reports_duplicates_with_their_lines() {
    let document = parse("data:\n  a: b\n  a: c\n").expect("valid");
    assert_eq!(document.tree, json!({ "data": { "a": "c" } }));
    assert_eq!(document.duplicates, ["line 3: key \"a\" already set in map"]);
}

#[test]
fn expands_aliases_and_merges() {
    let document =
        parse("base: &b {x: 1, y1: 2}\nmore:\n  <<: *b\n  x: 3\nagain: *b\n").expect("valid");
    assert_eq!(document.tree["more"], json!({ "x": 3, "y1": 2 }));
    assert_eq!(document.tree["again"], json!({ "x": 1, "y1": 2 }));
}

#[test]
fn refuses_what_would_explode() {
    let mut text = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
    for level in 1..9 {
        let before = level - 1;
        let items = vec![format!("*a{before}"); 10].join(", ");
        text.extend(["a", &level.to_string(), ": &a", &level.to_string(), " [", &items, "]\n"]);
    }
    assert!(parse(&text).is_err());
    assert!(parse(&"[".repeat(DEPTH_MAX + 1)).is_err());
    let mut text = "a0: &a0 [x]\n".to_owned();
    for level in 1..=DEPTH_MAX {
        let (own, before) = (level.to_string(), (level - 1).to_string());
        text.extend(["a", &own, ": &a", &own, " [*a", &before, "]\n"]);
    }
    assert_eq!(parse(&text).err(), Some(too_deep()));
    assert!(parse("a: ]").is_err());
}

#[test]
fn writes_what_it_reads() {
    for tree in [
        json!({ "a": { "b": [1, "two", { "c": null, "d": true }], "e": [], "f": {} } }),
        json!({ "yes": "no", "1": "1", "date": "2001-12-14", "multi": "a\nb", "empty": "", "colon": "a: b" }),
        json!([[1, [2]], { "x": "y" }]),
        json!("plain"),
        json!({ "quantity": "100m", "path": "/a/b", "star": "*" }),
    ] {
        let text = write(&tree);
        assert_eq!(parse(&text).expect("what is written can be read").tree, tree, "{text}");
    }
}

#[test]
fn quotes_as_kubernetes_does() {
    let tree = json!({
        "a": "12", "b": "", "c": "yes", "d": "a: b", "e": "2020-01-01T00:00:00Z", "f": "*", "g": "1:30", "h": "v1", "y": "~",
    });
    let text = "a: \"12\"\nb: \"\"\nc: \"yes\"\nd: 'a: b'\ne: \"2020-01-01T00:00:00Z\"\nf: '*'\ng: \"1:30\"\nh: v1\n\"y\": \"~\"\n";
    assert_eq!(write(&tree), text);
}

fn json_trees() -> impl Strategy<Value = Tree> {
    let leaf = prop_oneof![
        Just(Tree::Null),
        any::<bool>().prop_map(Tree::from),
        any::<i64>().prop_map(Tree::from),
        any::<u64>().prop_map(Tree::from),
        any::<f64>().prop_map(Tree::from),
        // Texts that would be something else without their quotes, and all characters that YAML knows.
        prop_oneof![
            "y", "~", "0o17", "1_000", "!!str a", "&a", "\\*a", "# a", "- a", "a: b", "\\|"
        ]
        .prop_map(Tree::from),
        "[ -~]{0,40}".prop_map(Tree::from),
    ];
    leaf.prop_recursive(4, 40, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Tree::from),
            prop::collection::btree_map("([ -~]{0,8}|<<|y|~|12)", inner, 0..6)
                .prop_map(|map| Tree::Object(map.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn json_reads_as_the_yaml_that_it_is(tree in json_trees(), pretty in any::<bool>()) {
        let tree = json!({ "a": tree });
        let text = if pretty {
            serde_json::to_string_pretty(&tree)
        } else {
            serde_json::to_string(&tree)
        }
        .expect("a tree has text keys only");
        if let Some(fast) = json(&text) {
            prop_assert_eq!(read(&text).expect("it is YAML").tree, fast);
        }
    }
}

#[test]
fn what_json_and_yaml_may_differ_in_is_read_as_yaml() {
    let long = format!("{{\"{}\": 1}}", "a".repeat(KEY_MAX_BYTES + 1));
    for text in
        ["[]", "{a: b}", r#"{"a": "\u0041"}"#, r#"{"a": 1.0}"#, "{\"a\": \"\u{e9}\"}", &long]
    {
        assert_eq!(json(text), None, "{text}");
    }
    assert_eq!(json(r#"{"<<": {"a": 1}}"#), None);
    assert_eq!(json(r#"{"a": 1, "a": 2}"#), None);
    assert_eq!(json("{\"a\":\n 1}"), Some(json!({ "a": 1 })));
}
