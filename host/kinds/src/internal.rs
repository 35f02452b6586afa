//! Values as Kubernetes holds them inside its API server.
//!
//! A few error messages show such a value as JSON, or the difference of two. Its types have Go's names for fields, and every field is
//! there, `null` where it is unset. Names and order come from the generated table `facts/internal.tsv`:
//!
//! ```text
//! T  type
//! F  name  name on the wire  type  always|filled
//! ```
//!
//! The wire has some fields in an inner object: `metadata/labels`.
//! A type is `s` (text), `i` (number), `b` (boolean), `q` (quantity), `a` (as it is), `n` (time), or `@Name`; `*`, `[` and `{` before it
//! mark pointers, lists and maps. A `filled` field vanishes when it is empty.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use meta::Tree;
use meta::field::BadValue;
use serde::Serialize;

use crate::line_diff;

const TABLE: &str = include_str!("../facts/internal.tsv");

/// The unified diff of two values of the type.
pub(crate) fn diff(type_name: &str, old: &impl Serialize, new: &impl Serialize) -> String {
    let text = |value: &Tree| {
        let mut text = String::new();
        node(&format!("@{type_name}"), Some(value)).pretty(&mut text, 0);
        text
    };
    line_diff::unified(&text(&wire(old)), &text(&wire(new)))
}

/// A refused value of the type, which may have the marks of the table in front: `[@Volume`.
pub(crate) fn value(type_: &str, value: &impl Serialize) -> BadValue {
    let mut text = String::new();
    node(type_, Some(&wire(value))).compact(&mut text);
    BadValue::Json(text)
}

fn wire(value: &impl Serialize) -> Tree {
    serde_json::to_value(value).expect("wire types have string keys only")
}

struct Field {
    name: &'static str,
    wire_name: &'static str,
    type_: &'static str,
    is_always_shown: bool,
}

fn table() -> &'static BTreeMap<&'static str, Vec<Field>> {
    static TYPES: OnceLock<BTreeMap<&'static str, Vec<Field>>> = OnceLock::new();
    TYPES.get_or_init(|| {
        let mut types: BTreeMap<&str, Vec<Field>> = BTreeMap::new();
        let mut current = "";
        for line in TABLE.lines() {
            let mut columns = line.split('\t');
            let mut column = || columns.next().unwrap_or_default();
            if column() == "T" {
                current = column();
                types.insert(current, Vec::new());
                continue;
            }
            let field = Field {
                name: column(),
                wire_name: column(),
                type_: column(),
                is_always_shown: column() == "always",
            };
            types.entry(current).or_default().push(field);
        }
        types
    })
}

enum Node {
    Scalar(String),
    Object(Vec<(String, Node)>),
    List(Vec<Node>),
}

fn scalar(text: &str) -> Node {
    Node::Scalar(text.to_owned())
}

/// The internal form of a value on the wire.
fn node(type_: &str, value: Option<&Tree>) -> Node {
    let value = value.filter(|value| !value.is_null());
    let (mark, rest) = type_.split_at(type_.len().min(1));
    match (mark, value) {
        ("*" | "[" | "{" | "n", None) => scalar("null"),
        ("*", value) => node(rest, value),
        // An empty list on the wire is mostly one that is not there: typed objects have required lists anyway.
        ("[", Some(Tree::Array(items))) if items.is_empty() => scalar("null"),
        ("[", Some(Tree::Array(items))) => {
            Node::List(items.iter().map(|item| node(rest, Some(item))).collect())
        }
        ("{", Some(Tree::Object(map))) => {
            let entry = |(key, value): (&String, &Tree)| (key.clone(), node(rest, Some(value)));
            Node::Object(map.iter().map(entry).collect())
        }
        ("@", value) => object(rest, value),
        ("s", None) => scalar("\"\""),
        ("i" | "a", None) => scalar("0"),
        ("b", None) => scalar("false"),
        ("q", None) => scalar("\"0\""),
        (_, value) => Node::Scalar(value.map(meta::quote::json).unwrap_or_default()),
    }
}

fn object(type_name: &str, value: Option<&Tree>) -> Node {
    let fields = table().get(type_name).map(Vec::as_slice).unwrap_or_default();
    let entry = |field: &Field| {
        let mut steps = field.wire_name.split('/');
        let value = value.and_then(|value| steps.try_fold(value, |value, step| value.get(step)));
        let is_shown = field.is_always_shown || value.is_some_and(|value| is_filled(field, value));
        is_shown.then(|| (field.name.to_owned(), node(field.type_, value)))
    };
    Node::Object(fields.iter().filter_map(entry).collect())
}

fn is_filled(field: &Field, value: &Tree) -> bool {
    match value {
        Tree::Null => false,
        _ if field.type_.starts_with('*') => true,
        Tree::Array(items) => !items.is_empty(),
        Tree::Object(map) => !map.is_empty() || !field.type_.starts_with('{'),
        Tree::String(text) => !text.is_empty(),
        Tree::Bool(flag) => *flag,
        Tree::Number(number) => number.as_i64() != Some(0),
    }
}

impl Node {
    fn compact(&self, text: &mut String) {
        match self {
            Self::Scalar(scalar) => text.push_str(scalar),
            Self::List(items) => {
                text.push('[');
                for (index, item) in items.iter().enumerate() {
                    text.push_str(if index == 0 { "" } else { "," });
                    item.compact(text);
                }
                text.push(']');
            }
            Self::Object(entries) => {
                text.push('{');
                for (index, (name, value)) in entries.iter().enumerate() {
                    text.push_str(if index == 0 { "" } else { "," });
                    text.push_str(&meta::quote::json(&Tree::from(name.as_str())));
                    text.push(':');
                    value.compact(text);
                }
                text.push('}');
            }
        }
    }

    /// One value in a line, each level one blank further in.
    fn pretty(&self, text: &mut String, depth: usize) {
        let indent = |text: &mut String, depth: usize| {
            text.push('\n');
            text.extend(std::iter::repeat_n(' ', depth));
        };
        match self {
            Self::Scalar(scalar) => text.push_str(scalar),
            Self::List(items) if items.is_empty() => text.push_str("[]"),
            Self::Object(entries) if entries.is_empty() => text.push_str("{}"),
            Self::List(items) => {
                text.push('[');
                for (index, item) in items.iter().enumerate() {
                    text.push_str(if index == 0 { "" } else { "," });
                    indent(text, depth + 1);
                    item.pretty(text, depth + 1);
                }
                indent(text, depth);
                text.push(']');
            }
            Self::Object(entries) => {
                text.push('{');
                for (index, (name, value)) in entries.iter().enumerate() {
                    text.push_str(if index == 0 { "" } else { "," });
                    indent(text, depth + 1);
                    text.push_str(&meta::quote::json(&Tree::from(name.as_str())));
                    text.push_str(": ");
                    value.pretty(text, depth + 1);
                }
                indent(text, depth);
                text.push('}');
            }
        }
    }
}

#[cfg(test)]
mod tests;
