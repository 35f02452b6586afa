//! Strategic merge patch: a merge patch that merges lists by the key that their type declares.
//!
//! Directives inside the patch refine it: `$patch: replace|delete` for maps and items,
//! `$retainKeys`, `$deleteFromPrimitiveList/<field>` and `$setElementOrder/<field>`. What lists
//! merge, and by which key, are facts of the schema. See
//! <https://kubernetes.io/docs/tasks/manage-kubernetes-objects/update-api-object-kubectl-patch/>.
//!
//! The merge goes as deep as the type goes, and values without a type are replaced, so that
//! recursion is bounded by the schema.

mod list;
mod order;

use std::collections::BTreeSet;

use serde_json::Map;
use thiserror::Error;

use crate::quote::{plain, quote};
use crate::schema::{Facts, Schema, TypeRef};
use crate::{StatusError, Tree};

const PATCH: &str = "$patch";
const RETAIN_KEYS: &str = "$retainKeys";
const SET_ORDER: &str = "$setElementOrder";
const DELETE_ITEMS: &str = "$deleteFromPrimitiveList";

#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum Error {
    #[error("json: cannot unmarshal {0} into Go value of type map[string]interface {{}}")]
    NotAnObject(&'static str),
    #[error("invalid patch format of primitive list")]
    DeleteList,
    #[error("invalid patch format of retainKeys")]
    RetainKeys,
    #[error("invalid patch format of setElementOrder list")]
    SetOrderList,
    #[error("lists of lists are not supported")]
    ListOfLists,
    #[error("map: {item} does not contain declared merge key: {key}")]
    NoMergeKey { item: String, key: String },
    #[error("The order in patch list:\n{list}\n doesn't match $setElementOrder list:\n{order}\n")]
    OrderMismatch { list: String, order: String },
    #[error("unknown patch type: {directive} in map: {map}")]
    UnknownDirective { directive: String, map: String },
    #[error("merging lists cannot yet be specified in the patch")]
    MergeDirective,
    #[error("cannot merge lists without merge key for {0}")]
    NoDeclaredKey(String),
    #[error("list element types are not identical: {0}")]
    MixedItems(String),
    #[error("no elements in any of the given slices")]
    NoItems,
    #[error("expected a {expected}, but received a {actual}")]
    WrongKind { expected: &'static str, actual: &'static str },
    #[error("unable to find api field in struct {strukt} for the json field {}", quote(field))]
    NoField { strukt: String, field: String },
    #[error("merging an object in json but data type is not struct, instead is: {0}")]
    NotAStruct(&'static str),
}

impl Error {
    /// How the API server answers: what the patch says of itself is its sender's fault, what does
    /// not fit the object is a failure without a reason.
    pub fn status(&self) -> StatusError {
        match self {
            Self::NotAnObject(_) | Self::DeleteList | Self::RetainKeys | Self::SetOrderList => {
                StatusError::bad_request(self.to_string())
            }
            Self::ListOfLists => super::unprocessable(),
            _ => StatusError::unknown(self.to_string()),
        }
    }
}

/// The document after the patch, both of the given type.
pub fn apply(document: Tree, patch: Tree, ty: &TypeRef, schema: &Schema) -> Result<Tree, Error> {
    let patch = match patch {
        Tree::Object(patch) => patch,
        Tree::Null => Map::new(),
        other => return Err(Error::NotAnObject(kind(&other))),
    };
    let document = match document {
        Tree::Object(document) => document,
        _ => Map::new(),
    };
    Merge { schema }.maps(document, patch, ty).map(Tree::Object)
}

type Object = Map<String, Tree>;

#[derive(Clone, Copy)]
struct Merge<'a> {
    schema: &'a Schema,
}

/// How the type treats one member.
#[derive(Clone, Copy)]
struct Member<'a> {
    ty: &'a TypeRef,
    facts: &'a Facts,
}

impl<'a> Merge<'a> {
    fn maps(self, mut original: Object, mut patch: Object, ty: &TypeRef) -> Result<Object, Error> {
        if let Some(directive) = patch.get(PATCH) {
            return match directive.as_str() {
                Some("replace") => {
                    patch.remove(PATCH);
                    Ok(patch)
                }
                Some("delete") => Ok(Object::new()),
                _ => Err(unknown_directive(directive, &patch)),
            };
        }
        retain_keys(&mut original, &mut patch)?;
        self.ordered_lists(&mut original, &mut patch, ty)?;
        for (name, value) in patch {
            if name.starts_with(DELETE_ITEMS) {
                let name = directive_field(&name).ok_or(Error::DeleteList)?;
                self.delete_items(&mut original, name, value, ty)?;
                continue;
            }
            let merged = match (original.remove(&name), value) {
                (_, Tree::Null) => continue,
                (Some(Tree::Object(old)), Tree::Object(new)) => {
                    let member = self.member(ty, &name)?;
                    if member.facts.patch.replace {
                        Some(Tree::Object(new))
                    } else {
                        Some(Tree::Object(self.maps(old, new, member.ty)?))
                    }
                }
                (Some(Tree::Array(old)), Tree::Array(new)) => {
                    let member = self.items(ty, &name)?;
                    Some(Tree::Array(self.lists(old, new, member)?))
                }
                (Some(old), new) if kind(&old) == kind(&new) => without_directives(new),
                (_, new) => without_directives(without_nulls(new)),
            };
            if let Some(merged) = merged {
                original.insert(name, merged);
            }
        }
        Ok(original)
    }

    fn lists(
        self,
        original: Vec<Tree>,
        patch: Vec<Tree>,
        member: Member<'_>,
    ) -> Result<Vec<Tree>, Error> {
        if member.facts.patch.merge {
            list::merge(self, original, patch, member)
        } else {
            Ok(patch)
        }
    }

    /// A list that holds plain values loses those that are named.
    fn delete_items(
        self,
        original: &mut Object,
        name: &str,
        value: Tree,
        ty: &TypeRef,
    ) -> Result<(), Error> {
        match (original.get_mut(name), value) {
            (Some(_), Tree::Null) => {
                original.remove(name);
            }
            (Some(Tree::Array(items)), Tree::Array(named)) => {
                let member = self.items(ty, name)?;
                if items.is_empty() && named.is_empty() {
                    return Ok(());
                }
                if list::item_kind(&[items, &named])? == "map" {
                    *items = list::merge(self, std::mem::take(items), named, member)?;
                    return Ok(());
                }
                let named: BTreeSet<String> = named.iter().map(Tree::to_string).collect();
                items.retain(|item| !named.contains(&item.to_string()));
            }
            _ => {}
        }
        Ok(())
    }

    /// Lists whose order the patch gives are merged first, together with their items in the patch.
    fn ordered_lists(
        self,
        original: &mut Object,
        patch: &mut Object,
        ty: &TypeRef,
    ) -> Result<(), Error> {
        let directives: Vec<_> =
            patch.keys().filter(|name| name.starts_with(SET_ORDER)).cloned().collect();
        for directive in directives {
            let order = match patch.remove(&directive) {
                Some(Tree::Array(order)) => order,
                other => return Err(not_a_list(&other.unwrap_or_default())),
            };
            let name = directive_field(&directive).ok_or(Error::SetOrderList)?;
            let new = patch.remove(name).map(into_list).transpose()?;
            let old = match original.get(name) {
                Some(Tree::Array(_)) => original.remove(name).map(into_list).transpose()?,
                Some(other) => return Err(not_a_list(other)),
                None => None,
            };
            let member = self.items(ty, name)?;
            if let Some(list) = order::merge(self, old, new, &order, member)? {
                original.insert(name.to_owned(), Tree::Array(list));
            }
        }
        Ok(())
    }

    fn member(self, ty: &TypeRef, name: &str) -> Result<Member<'a>, Error> {
        let strukt = match ty {
            TypeRef::Struct(id) => self.schema.get(*id),
            TypeRef::Map(_) => return Err(Error::NotAStruct("map")),
            TypeRef::Any => None,
            _ => return Err(Error::NotAStruct("string")),
        };
        let field = strukt.and_then(|ty| ty.field(name)).ok_or_else(|| Error::NoField {
            strukt: strukt.map_or_else(|| "RawExtension".to_owned(), |ty| ty.name.to_string()),
            field: name.to_owned(),
        })?;
        Ok(Member { ty: &field.ty, facts: &field.facts })
    }

    /// Like `member`, with the type of the items.
    fn items(self, ty: &TypeRef, name: &str) -> Result<Member<'a>, Error> {
        let member = self.member(ty, name)?;
        match member.ty {
            TypeRef::List(item) if matches!(**item, TypeRef::List(_)) => Err(Error::ListOfLists),
            TypeRef::List(item) => Ok(Member { ty: item, ..member }),
            _ => Ok(member),
        }
    }
}

/// `$retainKeys` lists the keys that the object has after the patch; those of the patch must be
/// among them.
fn retain_keys(original: &mut Object, patch: &mut Object) -> Result<(), Error> {
    let Some(keys) = patch.remove(RETAIN_KEYS) else { return Ok(()) };
    let Tree::Array(keys) = keys else { return Err(Error::RetainKeys) };
    let keys: BTreeSet<&str> = keys.iter().filter_map(Tree::as_str).collect();
    let stray = patch.iter().any(|(name, value)| {
        !(value.is_null()
            || name.starts_with(DELETE_ITEMS)
            || name.starts_with(SET_ORDER)
            || keys.contains(name.as_str()))
    });
    if stray {
        return Err(Error::RetainKeys);
    }
    original.retain(|name, _| keys.contains(name.as_str()));
    Ok(())
}

/// The field after the slash of `$setElementOrder/containers`.
fn directive_field(name: &str) -> Option<&str> {
    let (directive, field) = name.split_once('/')?;
    (directive == SET_ORDER || directive == DELETE_ITEMS).then_some(field)
}

/// A value that is new in the document: what carries a directive is left out.
fn without_directives(mut value: Tree) -> Option<Tree> {
    let carries = |value: &Tree| value.as_object().is_some_and(|map| map.contains_key(PATCH));
    if carries(&value) {
        return None;
    }
    let mut open = vec![&mut value];
    while let Some(place) = open.pop() {
        match place {
            Tree::Object(map) => {
                map.retain(|_, value| !carries(value));
                open.extend(map.values_mut());
            }
            Tree::Array(items) => {
                items.retain(|item| !carries(item));
                open.extend(items.iter_mut());
            }
            _ => {}
        }
    }
    Some(value)
}

fn without_nulls(mut value: Tree) -> Tree {
    let mut open = vec![&mut value];
    while let Some(place) = open.pop() {
        match place {
            Tree::Object(map) => {
                map.retain(|_, value| !value.is_null());
                open.extend(map.values_mut());
            }
            Tree::Array(items) => open.extend(items.iter_mut()),
            _ => {}
        }
    }
    value
}

fn into_list(value: Tree) -> Result<Vec<Tree>, Error> {
    match value {
        Tree::Array(items) => Ok(items),
        other => Err(not_a_list(&other)),
    }
}

fn not_a_list(value: &Tree) -> Error {
    Error::WrongKind { expected: "[]interface {}", actual: go_kind(value) }
}

fn unknown_directive(directive: &Tree, map: &Object) -> Error {
    Error::UnknownDirective { directive: plain(directive), map: plain(&Tree::Object(map.clone())) }
}

/// What JSON calls a value; numbers with and without a fraction differ.
fn kind(value: &Tree) -> &'static str {
    match value {
        Tree::Null => "null",
        Tree::Bool(_) => "bool",
        Tree::Number(number) if number.is_f64() => "number",
        Tree::Number(_) => "integer",
        Tree::String(_) => "string",
        Tree::Array(_) => "array",
        Tree::Object(_) => "map",
    }
}

/// What Go calls it in messages.
fn go_kind(value: &Tree) -> &'static str {
    match value {
        Tree::Null => "<nil>",
        Tree::Bool(_) => "bool",
        Tree::Number(number) if number.is_f64() => "float64",
        Tree::Number(_) => "int64",
        Tree::String(_) => "string",
        Tree::Array(_) => "[]interface {}",
        Tree::Object(_) => "map[string]interface {}",
    }
}
