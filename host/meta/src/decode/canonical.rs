//! The one walk that brings a tree into the canonical form of its type.
//!
//! Nothing is cloned: values are checked and rewritten where they stand. Paths are put together on
//! the way out of an error or finding, so that a walk without any costs nothing for them.

use super::error::Step;
use super::{DecodeError, REPORTED_MAX, scalar};
use crate::Tree;
use crate::schema::{Field, Presence, Schema, Struct, TypeRef, Unknown};

/// Only types that contain themselves have values that are nested as deep as this.
const TYPED_DEPTH_MAX: usize = 250;

/// What a walk found that is no error by itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Findings {
    /// The paths of fields that the type does not have, in the order of the tree:
    /// `spec.containers[0].imagee`.
    pub unknown: Vec<String>,
}

/// Brings a decoded tree into canonical form, or tells which value does not fit.
pub fn canonicalize(
    tree: &mut Tree,
    ty: &TypeRef,
    schema: &Schema,
) -> Result<Findings, DecodeError> {
    let mut walk = Walk { schema, lenient: false, depth: 0, unknown: Vec::new() };
    walk.value(tree, ty)?;
    for path in &mut walk.unknown {
        if path.starts_with('.') {
            path.remove(0);
        }
    }
    Ok(Findings { unknown: walk.unknown })
}

/// Brings a tree that typed values were printed to into the form that is stored and answered. Such
/// trees are right by construction; a value that is not is left as it is.
///
/// It differs from the decoded form in one thing: Kubernetes' storage keeps no difference between a
/// list or map that is empty and one that is absent, so that both are printed as null where they
/// are always printed.
pub fn emit(tree: &mut Tree, ty: &TypeRef, schema: &Schema) {
    let mut walk = Walk { schema, lenient: true, depth: 0, unknown: Vec::new() };
    // A lenient walk has no errors.
    let _ = walk.value(tree, ty);
}

/// Lets numbers that are too large for 32 bits wrap around, as Kubernetes does where it converts an object that it has put together from
/// others. Tells whether there were any.
#[expect(clippy::cast_possible_truncation, reason = "that is what it is for")]
pub fn wrap(tree: &mut Tree, ty: &TypeRef, schema: &Schema) -> bool {
    let mut wrapped = false;
    let mut rest = vec![(tree, ty)];
    while let Some((value, ty)) = rest.pop() {
        match (ty, value) {
            (TypeRef::Int32, value) => {
                let Some(number) = value.as_i64() else { continue };
                let low = number as i32;
                if i64::from(low) != number {
                    *value = low.into();
                    wrapped = true;
                }
            }
            (TypeRef::Struct(id), Tree::Object(map)) => {
                let Some(ty) = schema.get(*id) else { continue };
                let typed =
                    map.iter_mut().filter_map(|(name, value)| Some((value, &ty.field(name)?.ty)));
                rest.extend(typed);
            }
            (TypeRef::List(item), Tree::Array(items)) => {
                rest.extend(items.iter_mut().map(|value| (value, &**item)));
            }
            (TypeRef::Map(inner), Tree::Object(map)) => {
                rest.extend(map.values_mut().map(|value| (value, &**inner)));
            }
            _ => {}
        }
    }
    wrapped
}

struct Walk<'a> {
    schema: &'a Schema,
    lenient: bool,
    /// How many structs, lists and maps are open.
    depth: usize,
    unknown: Vec<String>,
}

impl Walk<'_> {
    /// The value is not null, or its zero is wanted.
    fn value(&mut self, value: &mut Tree, ty: &TypeRef) -> Result<(), DecodeError> {
        if self.depth == TYPED_DEPTH_MAX {
            return Err(DecodeError::value("exceeded max depth"));
        }
        self.depth += 1;
        let done = self.shallow(value, ty);
        self.depth -= 1;
        done
    }

    fn shallow(&mut self, value: &mut Tree, ty: &TypeRef) -> Result<(), DecodeError> {
        match (ty, &mut *value) {
            (TypeRef::Any, value) => {
                plain(value);
                Ok(())
            }
            (TypeRef::Struct(id), Tree::Object(_)) => match self.schema.get(*id) {
                Some(ty) => self.fields(value, ty),
                None => Ok(()),
            },
            (TypeRef::List(item), Tree::Array(items)) => {
                for (index, value) in items.iter_mut().enumerate() {
                    let known = self.unknown.len();
                    self.item(value, item).map_err(|e| e.within(Step::Index(index)))?;
                    self.prefix(known, |path| path.insert_str(0, &format!("[{index}]")));
                }
                Ok(())
            }
            (TypeRef::Map(inner), Tree::Object(map)) => {
                for (key, value) in map {
                    let known = self.unknown.len();
                    self.item(value, inner)
                        .map_err(|e| e.within(Step::Key(key.as_str().into())))?;
                    self.prefix(known, |path| path.insert_str(0, &format!(".{key}")));
                }
                Ok(())
            }
            (_, _) if self.lenient => {
                let _ = scalar::canonicalize(value, ty);
                Ok(())
            }
            (TypeRef::Struct(_) | TypeRef::List(_) | TypeRef::Map(_), value) => {
                Err(scalar::wrong_kind(value, scalar::type_name(ty, self.schema)))
            }
            (_, value) => scalar::canonicalize(value, ty),
        }
    }

    /// A null in a list or map is the zero of its type.
    fn item(&mut self, value: &mut Tree, ty: &TypeRef) -> Result<(), DecodeError> {
        if value.is_null() {
            *value = self.zero(ty);
            return Ok(());
        }
        self.value(value, ty)
    }

    fn fields(&mut self, value: &mut Tree, ty: &Struct) -> Result<(), DecodeError> {
        let Tree::Object(map) = value else { return Ok(()) };
        let mut failed = None;
        map.retain(|name, value| {
            if failed.is_some() {
                return true;
            }
            let known = self.unknown.len();
            let kept = match ty.field(name) {
                Some(field) => self.field(value, &field.ty, field.presence),
                None => self.undeclared(value, ty),
            };
            self.prefix(known, |path| path.insert_str(0, &format!(".{name}")));
            kept.unwrap_or_else(|error| {
                failed = Some(error.within_field(&ty.name, name));
                true
            })
        });
        if let Some(error) = failed {
            return Err(error);
        }
        for field in ty.always() {
            if !map.contains_key(&*field.name) {
                map.insert(field.name.to_string(), self.unset(field));
            }
        }
        Ok(())
    }

    /// Whether the field is printed as it is now.
    fn field(
        &mut self,
        value: &mut Tree,
        ty: &TypeRef,
        presence: Presence,
    ) -> Result<bool, DecodeError> {
        if value.is_null() {
            return Ok(presence == Presence::AsGiven);
        }
        self.value(value, ty)?;
        Ok(match presence {
            Presence::OmitZero => !is_zero(value),
            Presence::Always if self.lenient && is_hollow(value, ty) => false,
            Presence::OmitNull | Presence::Always => !value.is_null(),
            Presence::AsGiven => true,
        })
    }

    fn undeclared(&mut self, value: &mut Tree, ty: &Struct) -> Result<bool, DecodeError> {
        match &ty.unknown {
            Unknown::Prune => {
                if self.unknown.len() < REPORTED_MAX {
                    self.unknown.push(String::new());
                }
                Ok(false)
            }
            Unknown::Keep => {
                plain(value);
                Ok(true)
            }
            Unknown::Typed(ty) => self.item(value, ty).map(|()| true),
        }
    }

    fn prefix(&mut self, from: usize, with: impl Fn(&mut String)) {
        self.unknown.iter_mut().skip(from).for_each(with);
    }

    /// What Go prints for a field that was never set.
    fn unset(&self, field: &Field) -> Tree {
        if field.pointer { Tree::Null } else { self.zero(&field.ty) }
    }

    /// What Go prints for a value that was never set.
    fn zero(&self, ty: &TypeRef) -> Tree {
        match ty {
            TypeRef::Struct(id) => {
                let mut map = serde_json::Map::new();
                for field in self.schema.get(*id).into_iter().flat_map(Struct::always) {
                    map.insert(field.name.to_string(), self.unset(field));
                }
                Tree::Object(map)
            }
            TypeRef::List(_)
            | TypeRef::Map(_)
            | TypeRef::Bytes
            | TypeRef::Time
            | TypeRef::MicroTime
            | TypeRef::Any => Tree::Null,
            TypeRef::String => Tree::String(String::new()),
            TypeRef::Bool => Tree::Bool(false),
            TypeRef::Int32
            | TypeRef::Int64
            | TypeRef::Uint32
            | TypeRef::Uint64
            | TypeRef::Float64
            | TypeRef::Float32
            | TypeRef::IntOrString
            | TypeRef::Number => 0.into(),
            TypeRef::Quantity => "0".into(),
            TypeRef::Duration => "0s".into(),
        }
    }
}

/// A list or map without anything in it, as opposed to a struct, which is told by its type.
fn is_hollow(value: &Tree, ty: &TypeRef) -> bool {
    match (ty, value) {
        (TypeRef::List(_), Tree::Array(items)) => items.is_empty(),
        (TypeRef::Map(_), Tree::Object(map)) => map.is_empty(),
        _ => false,
    }
}

fn is_zero(value: &Tree) -> bool {
    match value {
        Tree::Null => true,
        Tree::Bool(value) => !value,
        Tree::Number(number) => number.as_f64() == Some(0.0),
        Tree::String(text) => text.is_empty(),
        Tree::Array(items) => items.is_empty(),
        Tree::Object(map) => map.is_empty(),
    }
}

/// Rewrites the numbers of a value that has no type.
fn plain(value: &mut Tree) {
    // The containers that are not yet seen stand on a list: such values may be nested as deep as
    // the limit allows.
    let mut rest = vec![value];
    while let Some(value) = rest.pop() {
        match value {
            Tree::Number(number) => scalar::shorten(number),
            Tree::Array(items) => rest.extend(items.iter_mut()),
            Tree::Object(map) => rest.extend(map.values_mut()),
            Tree::Null | Tree::Bool(_) | Tree::String(_) => {}
        }
    }
}
