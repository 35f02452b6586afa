use serde_json::json;

use super::{json as compact, plain, quote, quote_all};

#[test]
fn texts() {
    let check = |text: &str, expected: &str| assert_eq!(quote(text), expected);
    check("a b", r#""a b""#);
    check("a\"b\\c", r#""a\"b\\c""#);
    check("\n\t\r\u{7}\u{0}\u{7f}", r#""\n\t\r\a\x00\x7f""#);
    check("é😀", "\"é😀\"");
    check("\u{200b}\u{a0}\u{feff}", r#""\u200b\u00a0\ufeff""#);
    check("\u{e0001}", r#""\U000e0001""#);
    assert_eq!(quote_all(["a", "b"]), r#""a", "b""#);
}

#[test]
fn values() {
    assert_eq!(
        compact(&json!({"a": "<&>", "b": [1, null]})),
        r#"{"a":"\u003c\u0026\u003e","b":[1,null]}"#
    );
    assert_eq!(
        plain(&json!({"b": [1, "x", null], "a": {"c": true}})),
        "map[a:map[c:true] b:[1 x <nil>]]"
    );
}
