#![expect(clippy::unwrap_used, reason = "tests")]

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::{field, label};
use crate::Attributes;

fn labels(text: &str) -> BTreeMap<String, String> {
    text.split(',')
        .filter_map(|pair| pair.split_once('='))
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect()
}

#[test]
fn label_matches() {
    let check = |selector: &str, have: &str, expected: bool| {
        let selector = label::Selector::parse(selector).unwrap();
        let have = labels(have);
        assert_eq!(selector.matches_labels(&have), expected, "{selector} on {have:?}");
        let attributes = Attributes::new(Some(&have), []);
        assert_eq!(selector.matches(&attributes), expected, "{selector} on {have:?}");
    };
    check("", "", true);
    check("a=b", "a=b,c=d", true);
    check("a==b", "a=c", false);
    check("a!=b", "", true);
    check("a!=b", "a=b", false);
    check("a in (b, c)", "a=c", true);
    check("a in (b, c)", "", false);
    check("a notin (b,c)", "", true);
    check("a notin (b,c)", "a=b", false);
    check("a", "a=", true);
    check("!a", "a=", false);
    check("!a", "b=", true);
    check("a>1", "a=2", true);
    check("a<1", "a=2", false);
    check("a<1", "a=x", false);
    check("a=", "a=", true);
    check("a in ()", "a=", true);
    check("in in (in)", "in=in", true);
    check("x=y,a=b", "a=b,x=z", false);
}

#[test]
fn label_texts() {
    let check = |selector: &str, expected: &str| {
        let shown = label::Selector::parse(selector).map_or_else(|e| e, |s| s.to_string());
        assert_eq!(shown, expected, "{selector}");
    };
    check("x = y , a==b", "a==b,x=y");
    check("a in (c,b),!d,e", "a in (b,c),!d,e");
    check("a in (,)", "a in ()");
    check("a>1,b<2,c!=d,c notin (x)", "a>1,b<2,c!=d,c notin (x)");
    check("a,", "found '', expected: identifier after ','");
    check("=a", "found '=', expected: !, identifier, or 'end of string'");
    check("a b", "unable to parse requirement: found 'b', expected: in, notin, =, ==, !=, gt, lt");
    check("a=b c", "found 'c', expected: ',' or 'end of string'");
    check("!a=b", "found '=', expected: ',' or 'end of string'");
    check("a in b", "unable to parse requirement: found 'b' expected: '('");
    check("a in (b", "unable to parse requirement: found '', expected: ',' or ')'");
    check(
        "a>b",
        "unable to parse requirement: values[0]: Invalid value: \"b\": for 'Gt', 'Lt' operators, the value must be an integer",
    );
    check(
        "a=b$",
        "unable to parse requirement: values[0][a]: Invalid value: \"b$\": a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')",
    );
    check(
        "-a",
        "unable to parse requirement: <nil>: Invalid value: \"-a\": name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')",
    );
}

#[test]
fn structured_selectors() {
    let selector: crate::LabelSelector = serde_json::from_value(serde_json::json!({
        "matchLabels": {"app": "web"},
        "matchExpressions": [{"key": "tier", "operator": "NotIn", "values": ["db"]}],
    }))
    .unwrap();
    let selector = label::Selector::from(&selector).unwrap();
    assert_eq!(selector.to_string(), "app=web,tier notin (db)");
    assert!(selector.matches_labels(&labels("app=web")));
    assert!(!selector.matches_labels(&labels("app=web,tier=db")));
    assert!(!label::Selector::nothing().matches_labels(&labels("app=web")));
}

#[test]
fn fields() {
    let attributes = Attributes::new(
        None,
        [("status.phase".into(), "Running".to_owned()), ("spec.x".into(), "a,b".to_owned())],
    );
    let check = |selector: &str, expected: Result<bool, &str>| {
        let found = field::Selector::parse(selector).map(|s| s.matches(&attributes));
        assert_eq!(found, expected.map_err(str::to_owned), "{selector}");
    };
    check("", Ok(true));
    check("status.phase=Running", Ok(true));
    check("status.phase==Running,spec.x=a\\,b", Ok(true));
    check("status.phase!=Running", Ok(false));
    check("other=", Ok(true));
    check("other!=x", Ok(true));
    check("abc", Err("invalid selector: 'abc'; can't understand 'abc'"));
    check("a=b=c", Err("invalid field selector: unescaped character in value: 61"));
    check("a=b\\c", Err("invalid field selector: invalid escape sequence: \\c"));
    assert_eq!(field::Selector::parse("b=1,a!=x\\=y").unwrap().to_string(), "a!=x\\=y,b=1");
    assert_eq!(field::Selector::parse("a=1").unwrap().requires("a"), Some("1"));
}

proptest! {
    #[test]
    fn any_text_is_answered(text in "[a-c=!<>(), \\\\\0é]{0,24}") {
        if let Ok(selector) = label::Selector::parse(&text) {
            let shown = selector.to_string();
            // Printing an empty value within a set loses nothing: it parses to the same selector.
            prop_assert_eq!(label::Selector::parse(&shown).unwrap().to_string(), shown);
        }
        if let Ok(selector) = field::Selector::parse(&text) {
            let again = field::Selector::parse(&selector.to_string()).unwrap();
            prop_assert_eq!(again.to_string(), selector.to_string());
        }
    }
}
