//! From an object to the values that expressions see.

use std::collections::BTreeMap;
use std::sync::Arc;

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE;
use expressions::{Key, List, ListKind, Value};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use meta::Tree;
use serde_json::Map;

use super::names::escape;
use crate::custom::schema::formats;
use crate::custom::schema::node::{self, Node, Rest};

/// A value as its schema says. What is not what the schema says is taken for what it is.
pub(crate) fn value(tree: &Tree, node: &Node, is_resource: bool) -> Value {
    match (tree, node.ty) {
        _ if node.int_or_string => Value::from(tree),
        (Tree::Object(fields), Some(node::Type::Object)) => match &node.rest {
            Rest::Schema(of) if node.properties.is_empty() && !is_resource => {
                let entries = fields
                    .iter()
                    .map(|(name, inner)| (Key::text(name), value(inner, of, of.embedded)));
                Value::Map(Arc::new(entries.collect()))
            }
            _ => object(fields, node, is_resource),
        },
        (Tree::Array(items), Some(node::Type::Array)) => list(items, node),
        (Tree::String(text), Some(node::Type::String)) => formatted(text, node),
        (Tree::Number(number), Some(node::Type::Number)) => {
            Value::Double(number.as_f64().unwrap_or_default())
        }
        _ => Value::from(tree),
    }
}

/// The fields by the names that expressions have for them. A null counts as absent. What no expression can name is there to be compared.
fn object(fields: &Map<String, Tree>, node: &Node, is_resource: bool) -> Value {
    let mut entries = BTreeMap::new();
    for (name, inner) in fields {
        let declared = node.properties.get(name.as_str());
        let visible = match (declared, name.as_str()) {
            (_, "metadata") if is_resource => Some(metadata(inner)),
            (None, "kind" | "apiVersion") if is_resource => Some(Value::from(inner)),
            (Some(_), _) if inner.is_null() => None,
            (Some(property), _) => Some(value(inner, property, property.embedded)),
            (None, _) => None,
        };
        let (key, value) = match (visible, escape(name)) {
            (Some(value), Some(escaped)) => (Key::text(&escaped), value),
            (visible, _) => {
                (Key::text(&format!("\0{name}")), visible.unwrap_or_else(|| Value::from(inner)))
            }
        };
        entries.insert(key, value);
    }
    Value::Map(Arc::new(entries))
}

/// Of the metadata, rules see the names.
fn metadata(tree: &Tree) -> Value {
    let fields = tree.as_object().into_iter().flatten();
    let entries = fields.map(|(name, inner)| {
        let key = match name.as_str() {
            "name" | "generateName" => Key::text(name),
            hidden => Key::text(&format!("\0{hidden}")),
        };
        (key, Value::from(inner))
    });
    Value::Map(Arc::new(entries.collect()))
}

fn list(items: &[Tree], node: &Node) -> Value {
    let Some(item) = &node.items else { return Value::from(&Tree::from(items.to_vec())) };
    let values = items.iter().map(|tree| value(tree, item, item.embedded)).collect();
    let kind = match node.list {
        Some(node::ListKind::Set) => ListKind::Set,
        Some(node::ListKind::Map) => {
            let keys = node.keys.iter().map(|key| match escape(key) {
                Some(escaped) => Arc::from(escaped),
                None => Arc::from(&**key),
            });
            ListKind::Keyed(keys.collect())
        }
        _ => ListKind::Ordered,
    };
    Value::List(Arc::new(List::new(values, kind)))
}

fn formatted(text: &str, node: &Node) -> Value {
    let format = node.checks.format.as_ref().map(|(name, _)| &**name);
    let found = match format {
        Some("duration") => formats::parse_duration(text).map(Value::Duration),
        Some("date") => formats::parse_date(text)
            .and_then(|date| date.to_zoned(TimeZone::UTC).ok())
            .map(|zoned| Value::Timestamp(Timestamp::from(zoned))),
        Some("date-time") => formats::parse_date_time(text).map(Value::Timestamp),
        Some("byte") => BASE64_URL_SAFE.decode(text).ok().map(|bytes| Value::Bytes(bytes.into())),
        _ => None,
    };
    found.unwrap_or_else(|| Value::text(text))
}
