//! The shape of every built-in wire type, from the generated table `facts/fields.tsv`.
//!
//! The table is parsed once, when the first reader asks. Typed structs and this table describe the same types; the tests of this room
//! compare the two over golden objects.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::OnceLock;

use meta::Tree;
use meta::field::BadValue;
use meta::schema::{Schema, Struct, TypeRef};
use serde::Serialize;

const FIELDS: &str = include_str!("../facts/fields.tsv");

/// The shapes of all built-in types.
#[must_use]
pub fn schema() -> &'static Schema {
    static SCHEMA: OnceLock<Schema> = OnceLock::new();
    SCHEMA.get_or_init(|| Schema::from_facts(FIELDS).expect("the generated table is well-formed"))
}

/// The shape of the type with this `OpenAPI` name. A name that the table lacks is a programming error.
pub(crate) fn type_ref(name: &str) -> &'static TypeRef {
    static REFERENCES: OnceLock<BTreeMap<&'static str, TypeRef>> = OnceLock::new();
    let references = REFERENCES.get_or_init(|| {
        let types = schema().types().iter();
        types
            .filter_map(|ty| Some((&*ty.openapi_name, schema().find(&ty.openapi_name)?)))
            .map(|(name, id)| (name, TypeRef::Struct(id)))
            .collect()
    });
    references.get(name).unwrap_or_else(|| panic!("{name} is in the table of types"))
}

/// The type of every object's metadata.
pub(crate) const OBJECT_META: &str = "io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta";

/// A typed value as JSON in the form in which Go would write it.
pub(crate) fn canonical_tree(value: &impl Serialize, type_name: &str) -> Tree {
    let mut tree = serde_json::to_value(value).expect("wire types have string keys only");
    meta::decode::emit(&mut tree, type_ref(type_name), schema());
    tree
}

/// A refused value as Go writes it: in the form of the wire, with its fields in the order of the type.
pub(crate) fn shown(value: &impl Serialize, type_name: &str) -> BadValue {
    let mut text = String::new();
    write_value(&mut text, &canonical_tree(value, type_name), type_ref(type_name));
    BadValue::Json(text)
}

/// [`shown`] for a list.
pub(crate) fn shown_list(values: &[impl Serialize], type_name: &str) -> BadValue {
    let mut text = String::new();
    let ty = type_ref(type_name);
    write_list(&mut text, ['[', ']'], values.iter(), |text, value| {
        write_value(text, &canonical_tree(value, type_name), ty);
    });
    BadValue::Json(text)
}

fn write_value(text: &mut String, tree: &Tree, ty: &TypeRef) {
    match (tree, ty) {
        (Tree::Object(map), TypeRef::Struct(_)) => {
            let fields = schema().resolve(ty).map(Struct::fields).unwrap_or_default();
            let given = fields.iter().filter_map(|field| Some((field, map.get(&*field.name)?)));
            write_list(text, ['{', '}'], given, |text, (field, value)| {
                // Writing to a String cannot fail.
                let _ = write!(text, "\"{}\":", field.name);
                write_value(text, value, &field.ty);
            });
        }
        (Tree::Array(items), TypeRef::List(item)) => {
            write_list(text, ['[', ']'], items.iter(), |text, value| {
                write_value(text, value, item);
            });
        }
        _ => text.push_str(&meta::quote::json(tree)),
    }
}

fn write_list<T>(
    text: &mut String,
    [open, close]: [char; 2],
    items: impl Iterator<Item = T>,
    item: impl Fn(&mut String, T),
) {
    text.push(open);
    for (index, value) in items.enumerate() {
        text.push_str(if index == 0 { "" } else { "," });
        item(text, value);
    }
    text.push(close);
}
