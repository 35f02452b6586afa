//! Whether an applied configuration fits its type, with the messages of server-side apply.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use super::Element;
use super::shape::{Atom, Shape, shown};
use crate::Tree;
use crate::schema::{Schema, TypeRef};

/// The errors joined as they are shown, or nothing.
pub(super) fn validate(tree: &Tree, ty: &TypeRef, schema: &Schema) -> Result<(), String> {
    let mut walk = Walk { schema, path: String::new(), errors: Vec::new() };
    walk.value(tree, Shape::root(ty));
    match walk.errors.as_slice() {
        [] => Ok(()),
        [only] => Err(only.clone()),
        several => Err(format!("errors:\n  {}", several.join("\n  "))),
    }
}

/// More errors than these are not told.
const ERRORS_MAX: usize = 100;

struct Walk<'a> {
    schema: &'a Schema,
    path: String,
    errors: Vec<String>,
}

impl Walk<'_> {
    fn value(&mut self, value: &Tree, shape: Shape<'_>) {
        if value.is_null() || self.errors.len() >= ERRORS_MAX {
            return;
        }
        match (shape.ty, value) {
            (TypeRef::Any, _) => {}
            (TypeRef::Struct(_) | TypeRef::Map(_), Tree::Object(map)) => {
                // Values that are owned as a whole are checked inside as well.
                let granular = shape.inside();
                let Atom::Map(members) = granular.atom(self.schema, Some(value)) else { return };
                for (name, value) in map {
                    let element = Element::field(name.as_str());
                    if members.is_unknown(name) {
                        self.within(&element, |walk| walk.fail("field not declared in schema"));
                        // One is told for each object.
                        break;
                    }
                    let (shape, _) = members.member(name);
                    self.within(&element, |walk| walk.value(value, shape));
                }
            }
            (TypeRef::Struct(_) | TypeRef::Map(_), other) => {
                self.fail(&format!("expected map, got {}", shown(other)));
            }
            (TypeRef::List(item), Tree::Array(list)) => self.items(list, item, shape),
            (TypeRef::List(_), other) => {
                self.fail(&format!("expected list, got {}", shown(other)));
            }
            (ty, value) => self.scalar(value, ty),
        }
    }

    fn items(&mut self, list: &[Tree], item: &TypeRef, shape: Shape<'_>) {
        let mut seen = BTreeSet::new();
        let atom = shape.atom(self.schema, None);
        for (index, value) in list.iter().enumerate() {
            let element = match atom {
                Atom::List(items) => match items.element(value, self.schema) {
                    Ok(element) => element,
                    Err(error) => return self.fail(&format!("element {index}: {error}")),
                },
                _ => Element::Index(i64::try_from(index).unwrap_or(i64::MAX)),
            };
            self.within(&element, |walk| walk.value(value, shape.item(item)));
            if !seen.insert(element.clone()) {
                self.fail(&format!("duplicate entries for key {element}"));
            }
        }
    }

    fn scalar(&mut self, value: &Tree, ty: &TypeRef) {
        let kind = match value {
            Tree::Array(_) => "[]interface {}",
            Tree::Object(_) => "map[string]interface {}",
            Tree::String(_) => "string",
            Tree::Bool(_) => "bool",
            _ => "number",
        };
        let message = match ty {
            TypeRef::Bool if !value.is_boolean() => {
                format!("expected boolean, got {}", shown(value))
            }
            TypeRef::Int32
            | TypeRef::Int64
            | TypeRef::Uint32
            | TypeRef::Uint64
            | TypeRef::Float64
            | TypeRef::Float32
            | TypeRef::Number
                if !value.is_number() =>
            {
                format!("expected numeric (int or float), got {kind}")
            }
            TypeRef::Quantity | TypeRef::IntOrString if value.is_array() || value.is_object() => {
                format!("expected any scalar, got {}", shown(value))
            }
            TypeRef::String
            | TypeRef::Bytes
            | TypeRef::Time
            | TypeRef::MicroTime
            | TypeRef::Duration
                if !value.is_string() =>
            {
                format!("expected string, got {}", shown(value))
            }
            _ => return,
        };
        self.fail(&message);
    }

    fn within(&mut self, element: &Element, check: impl FnOnce(&mut Self)) {
        let length = self.path.len();
        // Writing to a String cannot fail.
        let _ = write!(self.path, "{element}");
        check(self);
        self.path.truncate(length);
    }

    fn fail(&mut self, message: &str) {
        self.errors.push(if self.path.is_empty() {
            message.to_owned()
        } else {
            format!("{}: {message}", self.path)
        });
    }
}
