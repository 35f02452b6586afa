//! Unknown and duplicate fields in the order of the source, as strict decoding reports them.
//!
//! The tree is sorted and keeps one value for each key, so that this reads the source once more. It
//! runs only for requests in which something was found.

use std::fmt::Write as _;

use super::reader::{Event, Reader};
use super::{ParseError, REPORTED_MAX};
use crate::quote;
use crate::schema::{Schema, Struct, TypeRef, Unknown};

/// `unknown field "spec.foo"`
pub fn unknown_field(path: &str) -> String {
    format!("unknown field {}", quote(path))
}

/// `duplicate field "spec.foo"`
pub fn duplicate_field(path: &str) -> String {
    format!("duplicate field {}", quote(path))
}

/// The texts for what strict decoding of the source objects to. Without a type all duplicates are
/// told, and nothing is unknown.
pub fn strict_errors(
    source: &[u8],
    ty: Option<&TypeRef>,
    schema: &Schema,
) -> Result<Vec<String>, ParseError> {
    let source = String::from_utf8_lossy(source);
    let mut reader = Reader::new(&source);
    let mut walk = Walk { schema, open: Vec::new(), path: String::new(), errors: Vec::new() };
    let mut next = ty.map_or(Shape::Free, Shape::Typed);
    while let Some(event) = reader.next()? {
        walk.take(event, &mut next);
    }
    Ok(walk.errors)
}

/// What is known of the value that comes next.
#[derive(Clone, Copy)]
enum Shape<'a> {
    Typed(&'a TypeRef),
    /// Any value, in which duplicates are told.
    Free,
    /// Any value, into which decoding does not look.
    Opaque,
}

struct Open<'a> {
    /// How much of the path belongs to the containers around.
    path: usize,
    keys: Vec<String>,
    shape: Shape<'a>,
    index: Option<usize>,
}

struct Walk<'a> {
    schema: &'a Schema,
    open: Vec<Open<'a>>,
    path: String,
    errors: Vec<String>,
}

impl<'a> Walk<'a> {
    fn take(&mut self, event: Event<'_>, next: &mut Shape<'a>) {
        if let Some(open) = self.open.last_mut()
            && let Some(index) = &mut open.index
            && !matches!(event, Event::EndArray)
        {
            self.path.truncate(open.path);
            // Writing to a String cannot fail.
            let _ = write!(self.path, "[{index}]");
            *index += 1;
            *next = match open.shape {
                Shape::Typed(TypeRef::List(item)) => Shape::Typed(item),
                Shape::Free => Shape::Free,
                _ => Shape::Opaque,
            };
        }
        match event {
            Event::BeginObject => self.begin(*next, None),
            Event::BeginArray => self.begin(*next, Some(0)),
            Event::EndObject | Event::EndArray => {
                self.open.pop();
            }
            Event::Key(key) => *next = self.key(&key),
            Event::Text(_) | Event::Number(_) | Event::Bool(_) | Event::Null => {}
        }
    }

    fn begin(&mut self, shape: Shape<'a>, index: Option<usize>) {
        let shape = match shape {
            Shape::Typed(TypeRef::Any) => Shape::Opaque,
            other => other,
        };
        self.open.push(Open { path: self.path.len(), keys: Vec::new(), shape, index });
    }

    fn key(&mut self, key: &str) -> Shape<'a> {
        let Some(open) = self.open.last_mut() else { return Shape::Opaque };
        self.path.truncate(open.path);
        if !self.path.is_empty() {
            self.path.push('.');
        }
        self.path.push_str(key);
        let (shape, known) = match open.shape {
            Shape::Opaque => return Shape::Opaque,
            Shape::Free => (Shape::Free, true),
            Shape::Typed(TypeRef::Map(value)) => (Shape::Typed(value), true),
            Shape::Typed(ty) => match self.schema.resolve(ty) {
                Some(ty) => member(ty, key),
                None => return Shape::Opaque,
            },
        };
        let again = open.keys.iter().any(|seen| seen == key);
        if !known {
            self.report(unknown_field(&self.path));
        } else if again {
            self.report(duplicate_field(&self.path));
        } else {
            open.keys.push(key.to_owned());
        }
        shape
    }

    fn report(&mut self, error: String) {
        if self.errors.len() < REPORTED_MAX && !self.errors.contains(&error) {
            self.errors.push(error);
        }
    }
}

/// The shape of a member of a struct, and whether the struct has it.
fn member<'a>(ty: &'a Struct, key: &str) -> (Shape<'a>, bool) {
    match (ty.field(key), &ty.unknown) {
        (Some(field), _) => (Shape::Typed(&field.ty), true),
        (None, Unknown::Prune) => (Shape::Opaque, false),
        (None, Unknown::Keep) => (Shape::Free, true),
        (None, Unknown::Typed(ty)) => (Shape::Typed(ty), true),
    }
}
