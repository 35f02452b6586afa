//! From a schema to the type that expressions see, and to how large its values may be.
//!
//! What a request can hold bounds everything that the schema does not.

use std::collections::BTreeMap;
use std::sync::Arc;

use expressions::{Extent, Fields, Parts, Struct, Type};
use meta::Tree;

use super::names::escape;
use crate::custom::schema::node::{self, Node, Rest};

/// The bytes of the largest request that Kubernetes takes, by which costs are told.
pub(crate) const REQUEST_BYTES_MAX: u64 = 3 << 20;
/// A name is no longer than this, and one that is generated has an end of its own.
const NAME_MAX: u64 = 253;
/// A character may have so many bytes.
const CHARACTER_BYTES_MAX: u64 = 4;
const DURATION_BYTES: (u64, u64) = (3, 32);
const DATE_BYTES: u64 = 12;
const DATE_TIME_BYTES: (u64, u64) = (21, 32);

/// A type, the size of its values, and how few bytes one takes in a request.
#[derive(Clone, Debug)]
pub(crate) struct Declared {
    pub(crate) ty: Type,
    pub(crate) extent: Extent,
    pub(crate) bytes_min: u64,
}

/// Declares what a schema describes; nothing where it does not say enough. `name` is what the type is called in messages.
pub(crate) fn declare(node: &Node, is_resource: bool, name: &str) -> Option<Declared> {
    if node.int_or_string {
        let max = text_max(node).unwrap_or(REQUEST_BYTES_MAX - 2);
        return Some(Declared::scalar(Type::Dyn, max, 1));
    }
    Some(match node.ty? {
        node::Type::Boolean => Declared::scalar(Type::Bool, 0, 4),
        node::Type::Number => Declared::scalar(Type::Double, 0, 1),
        node::Type::Integer => Declared::scalar(Type::Int, 0, 1),
        node::Type::String => text(node),
        node::Type::Array => list(node, name)?,
        node::Type::Object => match &node.rest {
            Rest::Schema(value) => map(node, value, name)?,
            _ => object(node, is_resource, name),
        },
    })
}

impl Declared {
    fn scalar(ty: Type, max: u64, bytes_min: u64) -> Self {
        Self { ty, extent: Extent { max, parts: Parts::None }, bytes_min }
    }
}

fn positive(value: i64) -> u64 {
    u64::try_from(value).unwrap_or_default()
}

fn text_max(node: &Node) -> Option<u64> {
    node.checks.max_length.map(|max| positive(max).saturating_mul(CHARACTER_BYTES_MAX))
}

fn text(node: &Node) -> Declared {
    let format = node.checks.format.as_ref().map(|(name, _)| &**name);
    match format {
        Some("byte") => {
            let max = node.checks.max_length.map_or(REQUEST_BYTES_MAX - 2, positive);
            Declared::scalar(Type::Bytes, max, 2)
        }
        Some("duration") => Declared::scalar(Type::Duration, DURATION_BYTES.1, DURATION_BYTES.0),
        Some("date") => Declared::scalar(Type::Timestamp, DATE_BYTES, DATE_BYTES),
        Some("date-time") => {
            Declared::scalar(Type::Timestamp, DATE_TIME_BYTES.1, DATE_TIME_BYTES.0)
        }
        _ => {
            let max = text_max(node).or_else(|| longest_option(node));
            Declared::scalar(Type::String, max.unwrap_or(REQUEST_BYTES_MAX - 2), 2)
        }
    }
}

fn longest_option(node: &Node) -> Option<u64> {
    let options = &node.checks.options;
    let lengths = options.iter().filter_map(Tree::as_str).map(str::len);
    let longest = lengths.max().unwrap_or_default();
    (!options.is_empty()).then(|| u64::try_from(longest).unwrap_or(u64::MAX))
}

fn list(node: &Node, name: &str) -> Option<Declared> {
    let item = node.items.as_deref()?;
    let item = declare(item, item.embedded, &format!("{name}.@idx"))?;
    let max =
        node.checks.max_items.map_or((REQUEST_BYTES_MAX - 2) / (item.bytes_min + 1), positive);
    let parts = Parts::Items(Arc::new(item.extent));
    Some(Declared { ty: Type::list(item.ty), extent: Extent { max, parts }, bytes_min: 2 })
}

fn map(node: &Node, value: &Node, name: &str) -> Option<Declared> {
    let value = declare(value, value.embedded, &format!("{name}.@elem"))?;
    let max = node
        .checks
        .max_properties
        .map_or((REQUEST_BYTES_MAX - 2) / (value.bytes_min + 6), positive);
    let parts = Parts::Entries(Arc::default(), Arc::new(value.extent));
    let ty = Type::map(Type::String, value.ty);
    Some(Declared { ty, extent: Extent { max, parts }, bytes_min: 2 })
}

fn object(node: &Node, is_resource: bool, name: &str) -> Declared {
    let mut fields = BTreeMap::new();
    let mut extents = BTreeMap::new();
    let mut bytes_min = 2;
    let mut add = |property: &str, declared: Declared| {
        if let Some(escaped) = escape(property) {
            let escaped: Arc<str> = Arc::from(escaped);
            extents.insert(Arc::clone(&escaped), declared.extent);
            fields.insert(escaped, declared.ty);
        }
    };
    let replaced = is_resource && !declares_common(node);
    for (property, inner) in &node.properties {
        if replaced && matches!(&**property, "kind" | "apiVersion" | "metadata") {
            continue;
        }
        let inside = format!("{name}.{property}");
        let Some(declared) = declare(inner, inner.embedded, &inside) else { continue };
        if node.checks.required.contains(property) && inner.default.is_none() {
            let name = u64::try_from(property.len()).unwrap_or(u64::MAX);
            bytes_min += name + declared.bytes_min + 4;
        }
        add(property, declared);
    }
    if replaced {
        for property in ["kind", "apiVersion"] {
            add(property, Declared::scalar(Type::String, REQUEST_BYTES_MAX - 2, 2));
        }
        add("metadata", metadata(node, name));
    }
    let ty = record(name, fields);
    let extent = Extent { max: 0, parts: Parts::Fields(extents) };
    Declared { ty, extent, bytes_min }
}

/// Whether a resource says itself what every object has.
fn declares_common(node: &Node) -> bool {
    let is = |node: &Node, name: &str, ty| {
        node.properties.get(name).is_some_and(|property| property.ty == Some(ty))
    };
    let metadata = node.properties.get("metadata");
    is(node, "kind", node::Type::String)
        && is(node, "apiVersion", node::Type::String)
        && is(node, "metadata", node::Type::Object)
        && metadata.is_some_and(|metadata| {
            is(metadata, "name", node::Type::String)
                && is(metadata, "generateName", node::Type::String)
        })
}

/// Of the metadata, rules see the names.
fn metadata(node: &Node, name: &str) -> Declared {
    let declared = node.properties.get("metadata");
    let (mut fields, mut extents) = (BTreeMap::new(), BTreeMap::new());
    for (field, most) in [("name", NAME_MAX), ("generateName", NAME_MAX - 1)] {
        let own = declared.and_then(|metadata| metadata.properties.get(field));
        let own = own.and_then(|own| own.checks.max_length).map(positive);
        let max = own.unwrap_or(most).min(most) * CHARACTER_BYTES_MAX;
        fields.insert(Arc::from(field), Type::String);
        extents.insert(Arc::from(field), Extent { max, parts: Parts::None });
    }
    let ty = record(&format!("{name}.metadata"), fields);
    let extent = Extent { max: 0, parts: Parts::Fields(extents) };
    Declared { ty, extent, bytes_min: 2 }
}

fn record(name: &str, fields: BTreeMap<Arc<str>, Type>) -> Type {
    Type::Struct(Arc::new(Struct { name: Arc::from(name), fields: Fields::Known(fields) }))
}
