//! The entries of `metadata.managedFields`.

use serde_json::{Map, json};
use thiserror::Error;

use super::{FieldSet, owners};
use crate::{GroupVersion, Tree};

/// The fields that one manager owns through one way of writing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    pub manager: String,
    pub operation: Operation,
    pub api_version: String,
    /// RFC 3339 in whole seconds, or empty.
    pub time: String,
    pub subresource: String,
    pub fields: FieldSet,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Operation {
    Apply,
    Update,
}

/// Why entries cannot be read. Such entries are as good as none.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum EntryError {
    #[error("operation must be `Apply` or `Update`")]
    Operation,
    #[error("apiVersion must not be empty")]
    NoApiVersion,
    #[error("unexpected apiVersion {0:?}")]
    ApiVersion(String),
    #[error("missing fieldsType in managed fields entry {0}")]
    NoFieldsType(usize),
    #[error("invalid fieldsType {1:?} in managed fields entry {0}")]
    FieldsType(usize, String),
    #[error("error decoding set: {0}")]
    Fields(&'static str),
    #[error("managed fields are no list of objects")]
    Shape,
}

/// What makes two entries the same one. Appliers are the same in all versions.
pub(super) type Identity<'a> = (&'a str, Operation, &'a str, &'a str);

impl Entry {
    pub(super) fn identity(&self) -> Identity<'_> {
        let api_version = match self.operation {
            Operation::Apply => "",
            Operation::Update => self.api_version.as_str(),
        };
        (&self.manager, self.operation, api_version, &self.subresource)
    }
}

/// Reads the `managedFields` of an object, given the whole object.
pub fn decode_entries(object: &Tree) -> Result<Vec<Entry>, EntryError> {
    decode_list(owners::get(object))
}

pub(super) fn decode_list(list: Option<&Tree>) -> Result<Vec<Entry>, EntryError> {
    let list = match list {
        None | Some(Tree::Null) => return Ok(Vec::new()),
        Some(Tree::Array(list)) => list,
        Some(_) => return Err(EntryError::Shape),
    };
    let mut entries: Vec<Entry> = Vec::with_capacity(list.len());
    for (index, entry) in list.iter().enumerate() {
        let entry = decode(index, entry)?;
        // The last of several with one identity counts.
        match entries.iter_mut().find(|known| known.identity() == entry.identity()) {
            Some(known) => *known = entry,
            None => entries.push(entry),
        }
    }
    Ok(entries)
}

fn decode(index: usize, entry: &Tree) -> Result<Entry, EntryError> {
    let entry = entry.as_object().ok_or(EntryError::Shape)?;
    let text = |name| entry.get(name).and_then(Tree::as_str).unwrap_or_default();
    let operation = match text("operation") {
        "Apply" => Operation::Apply,
        "Update" => Operation::Update,
        _ => return Err(EntryError::Operation),
    };
    if text("apiVersion").is_empty() {
        return Err(EntryError::NoApiVersion);
    }
    if GroupVersion::parse(text("apiVersion")).is_none() {
        return Err(EntryError::ApiVersion(text("apiVersion").to_owned()));
    }
    match text("fieldsType") {
        "FieldsV1" => {}
        "" => return Err(EntryError::NoFieldsType(index)),
        other => return Err(EntryError::FieldsType(index, other.to_owned())),
    }
    let fields = entry.get("fieldsV1").unwrap_or(&Tree::Null);
    Ok(Entry {
        manager: text("manager").to_owned(),
        operation,
        api_version: text("apiVersion").to_owned(),
        time: text("time").to_owned(),
        subresource: text("subresource").to_owned(),
        fields: FieldSet::decode(fields).map_err(EntryError::Fields)?,
    })
}

/// Writes the entries into an object, in their canonical order.
pub fn encode_entries(mut entries: Vec<Entry>, object: &mut Tree) {
    entries.retain(|entry| !entry.fields.is_empty());
    entries.sort_by(|a, b| order(a).cmp(&order(b)));
    let Some(metadata) = object.get_mut("metadata").and_then(Tree::as_object_mut) else { return };
    if entries.is_empty() {
        metadata.remove("managedFields");
        return;
    }
    let entries: Vec<_> = entries.iter().map(encode).collect();
    metadata.insert("managedFields".to_owned(), Tree::Array(entries));
}

/// Times in whole seconds and UTC compare as texts, and a missing one is the earliest.
fn order(entry: &Entry) -> (Operation, &str, &str, &str, &str) {
    let Entry { manager, operation, api_version, time, subresource, .. } = entry;
    (*operation, time, manager, api_version, subresource)
}

fn encode(entry: &Entry) -> Tree {
    let mut out = Map::new();
    let mut text = |name: &str, value: &str| {
        if !value.is_empty() {
            out.insert(name.to_owned(), json!(value));
        }
    };
    text("manager", &entry.manager);
    text(
        "operation",
        match entry.operation {
            Operation::Apply => "Apply",
            Operation::Update => "Update",
        },
    );
    text("apiVersion", &entry.api_version);
    text("time", &entry.time);
    text("subresource", &entry.subresource);
    text("fieldsType", "FieldsV1");
    out.insert("fieldsV1".to_owned(), entry.fields.encode());
    Tree::Object(out)
}

/// Whether a client asks to forget all owners, by an empty list or one empty entry. It must be
/// asked before the object is brought into canonical form, where an empty list is gone.
pub fn is_reset(object: &Tree) -> bool {
    match owners::get(object) {
        Some(Tree::Array(entries)) => match entries.as_slice() {
            [] => true,
            [Tree::Object(only)] => only.is_empty(),
            _ => false,
        },
        _ => false,
    }
}
