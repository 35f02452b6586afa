//! JSON patch: a list of operations on places of the document.
//!
//! See RFC 6902. As in Kubernetes, `replace` sets a missing key, `copy` from a missing key sets
//! null, negative indexes count from the end, whatever stands before the first slash of a path is
//! ignored, and the patch `null` does nothing.

use serde_json::Map;
use thiserror::Error;

use crate::decode::{DEPTH_MAX, canonicalize, depth, strict_errors};
use crate::schema::{Field, Schema, Struct, StructId, TypeRef, Unknown};
use crate::{StatusError, Tree};

/// More operations than these are refused.
pub const OPERATIONS_MAX: usize = 10_000;

/// The operations of one patch may copy this much, counted in bytes of JSON.
pub const COPIED_BYTES_MAX: usize = 3 << 20;

#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum Error {
    #[error(transparent)]
    NotJson(#[from] super::NotJson),
    #[error("error decoding patch: {0}")]
    Malformed(String),
    #[error("The allowed maximum operations in a JSON patch is {OPERATIONS_MAX}, got {0}")]
    TooManyOperations(usize),
    /// An operation does not fit the document.
    #[error("{0}")]
    Failed(String),
    /// A `test` found something else.
    #[error("{0}")]
    TestFailed(String),
}

impl Error {
    /// How the API server answers.
    pub fn status(&self) -> StatusError {
        match self {
            Self::NotJson(error) => error.status(),
            Self::Malformed(_) => StatusError::bad_request(self.to_string()),
            Self::TooManyOperations(_) => StatusError::too_large(&self.to_string()),
            Self::Failed(_) | Self::TestFailed(_) => super::unprocessable(),
        }
    }
}

/// Reads a patch and applies it. After an error the document is in a state between.
pub fn apply(document: &mut Tree, patch: &[u8]) -> Result<(), Error> {
    Patch::parse(patch)?.apply(document)
}

/// A parsed patch.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Patch {
    operations: Vec<Operation>,
}

#[derive(Clone, Debug, PartialEq)]
struct Operation {
    kind: String,
    path: Option<String>,
    from: Option<String>,
    /// Null where none is given.
    value: Tree,
}

impl Patch {
    pub fn parse(source: &[u8]) -> Result<Self, Error> {
        Self::from_tree(super::parse(source)?.tree, source)
    }

    /// Takes a patch that is a tree already. The source is only used to word errors.
    pub fn from_tree(mut tree: Tree, source: &[u8]) -> Result<Self, Error> {
        if tree.is_null() {
            return Ok(Self::default());
        }
        let (schema, ty) = shape();
        canonicalize(&mut tree, &ty, &schema)
            .map_err(|error| Error::Malformed(error.with_source(source).to_string()))?;
        let Tree::Array(operations) = tree else { return Ok(Self::default()) };
        if operations.len() > OPERATIONS_MAX {
            return Err(Error::TooManyOperations(operations.len()));
        }
        let operations = operations.into_iter().map(|operation| {
            let mut members = match operation {
                Tree::Object(members) => members,
                _ => Map::new(),
            };
            let mut text = |name| match members.remove(name) {
                Some(Tree::String(text)) => Some(text),
                _ => None,
            };
            let (kind, path, from) = (text("op"), text("path"), text("from"));
            Operation {
                kind: kind.unwrap_or_else(|| "unknown".to_owned()),
                path,
                from,
                value: members.remove("value").unwrap_or_default(),
            }
        });
        Ok(Self { operations: operations.collect() })
    }

    /// What strict decoding objects to: members that no operation has, and duplicates.
    pub fn strict_errors(source: &[u8]) -> Vec<String> {
        let (schema, ty) = shape();
        let errors = strict_errors(source, Some(&ty), &schema).unwrap_or_default();
        errors.into_iter().map(|error| format!("json patch {error}")).collect()
    }

    /// Applies the operations in order, up to the first that fails.
    pub fn apply(self, document: &mut Tree) -> Result<(), Error> {
        let mut copied = 0;
        for operation in self.operations {
            let failed = if operation.kind == "test" { Error::TestFailed } else { Error::Failed };
            operation.apply(document, &mut copied).map_err(failed)?;
        }
        Ok(())
    }
}

/// A list of operations as decoding sees it.
fn shape() -> (Schema, TypeRef) {
    let text = |name| Field::new(name, TypeRef::String);
    // The value may be anything, and strict decoding looks for duplicates inside.
    let value = Field::new("value", TypeRef::Any);
    let operation = Struct::new("jsonPatchOp", vec![text("op"), text("path"), text("from"), value])
        .with_package("handlers")
        .with_unknown(Unknown::Prune);
    (Schema::new(vec![operation]), TypeRef::list(TypeRef::Struct(StructId(0))))
}

impl Operation {
    fn apply(self, document: &mut Tree, copied: &mut usize) -> Result<(), String> {
        let Self { kind, path, from, value } = self;
        let path = || path.ok_or_else(|| format!("{kind} operation failed to decode path"));
        let from = || from.ok_or_else(|| format!("{kind} operation failed to decode from"));
        match kind.as_str() {
            "add" => add(document, &path()?, value),
            "remove" => remove(document, &path()?).map(drop),
            "replace" => replace(document, &path()?, value),
            "test" => test(document, &path()?, &value),
            "move" => {
                let moved = remove(document, &from()?)?;
                add(document, &path()?, moved)
            }
            "copy" => {
                let value = get(document, &from()?)?.cloned().unwrap_or_default();
                *copied += value.to_string().len();
                if *copied > COPIED_BYTES_MAX {
                    return Err(format!("copies more than {COPIED_BYTES_MAX} bytes"));
                }
                add(document, &path()?, value)
            }
            other => Err(format!("Unexpected kind: {other}")),
        }
    }
}

/// The container that a path ends in, and the name or index within.
fn container<'a>(document: &'a mut Tree, path: &str) -> Result<(&'a mut Tree, String), String> {
    let missing = || format!("doc is missing path: {path:?}");
    let (parents, last) = path.rsplit_once('/').ok_or_else(missing)?;
    let mut place = document;
    for step in parents.split('/').skip(1) {
        let step = unescape(step);
        place = match place {
            Tree::Object(map) => map.get_mut(&step),
            Tree::Array(items) => {
                let at = index(&step, items.len())?;
                items.get_mut(at)
            }
            _ => None,
        }
        .ok_or_else(missing)?;
    }
    match place {
        Tree::Object(_) | Tree::Array(_) => Ok((place, unescape(last))),
        _ => Err(missing()),
    }
}

/// The value at a path. A missing key is no error, a missing index is one.
fn get<'a>(document: &'a mut Tree, path: &str) -> Result<Option<&'a Tree>, String> {
    match container(document, path)? {
        (Tree::Object(map), key) => Ok(map.get(&key)),
        (Tree::Array(items), key) => {
            let at = index(&key, items.len())?;
            items.get(at).map(Some).ok_or_else(|| invalid_index(&key))
        }
        _ => Ok(None),
    }
}

/// Each copy may double how deep a document is.
fn check_depth(path: &str, value: &Tree) -> Result<(), String> {
    let above = path.matches('/').count();
    if above + depth(value) > DEPTH_MAX { Err("exceeded max depth".to_owned()) } else { Ok(()) }
}

fn add(document: &mut Tree, path: &str, value: Tree) -> Result<(), String> {
    check_depth(path, &value)?;
    match container(document, path)? {
        (Tree::Object(map), key) => {
            map.insert(key, value);
        }
        (Tree::Array(items), key) if key == "-" => items.push(value),
        (Tree::Array(items), key) => {
            let at = index(&key, items.len() + 1)?;
            if at > items.len() {
                return Err(invalid_index(&key));
            }
            items.insert(at, value);
        }
        _ => {}
    }
    Ok(())
}

fn remove(document: &mut Tree, path: &str) -> Result<Tree, String> {
    match container(document, path)? {
        (Tree::Object(map), key) => {
            map.remove(&key).ok_or_else(|| format!("Unable to remove nonexistent key: {key}"))
        }
        (Tree::Array(items), key) => {
            let at = index(&key, items.len())?;
            if at >= items.len() {
                return Err(invalid_index(&key));
            }
            Ok(items.remove(at))
        }
        _ => Ok(Tree::Null),
    }
}

fn replace(document: &mut Tree, path: &str, value: Tree) -> Result<(), String> {
    check_depth(path, &value)?;
    if path.is_empty() {
        if !matches!(value, Tree::Object(_) | Tree::Array(_)) {
            return Err("replace operation value must be object or array".to_owned());
        }
        *document = value;
        return Ok(());
    }
    match container(document, path)? {
        (Tree::Object(map), key) => {
            map.insert(key, value);
        }
        (Tree::Array(items), key) => {
            let at = index(&key, items.len())?;
            *items.get_mut(at).ok_or_else(|| invalid_index(&key))? = value;
        }
        _ => {}
    }
    Ok(())
}

/// A missing key equals null.
fn test(document: &mut Tree, path: &str, value: &Tree) -> Result<(), String> {
    let equal = if path.is_empty() {
        document == value
    } else {
        get(document, path)?.unwrap_or(&Tree::Null) == value
    };
    if equal { Ok(()) } else { Err(format!("testing value {path} failed")) }
}

fn index(step: &str, length: usize) -> Result<usize, String> {
    let number: i64 =
        step.parse().map_err(|_| format!("value was not a proper array index: '{step}'"))?;
    let length = i64::try_from(length).unwrap_or(i64::MAX);
    let at = if number < 0 { length.checked_add(number) } else { Some(number) };
    at.and_then(|at| usize::try_from(at).ok()).ok_or_else(|| invalid_index(step))
}

fn invalid_index(step: &str) -> String {
    format!("Unable to access invalid index: {step}")
}

fn unescape(step: &str) -> String {
    // One pass, so that `~01` is `~1` and no slash.
    let mut out = String::with_capacity(step.len());
    let mut rest = step;
    while let Some(at) = rest.find('~') {
        let (before, escape) = rest.split_at(at);
        out.push_str(before);
        rest = if let Some(rest) = escape.strip_prefix("~1") {
            out.push('/');
            rest
        } else if let Some(rest) = escape.strip_prefix("~0") {
            out.push('~');
            rest
        } else {
            out.push('~');
            &escape[1..]
        };
    }
    out.push_str(rest);
    out
}
