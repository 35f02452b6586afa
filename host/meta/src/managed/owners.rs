//! The owners of an object's fields apart from the object.
//!
//! They are often the larger part of it, and few steps of a write look at them: the others work on the object alone.

use std::borrow::Cow;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::ManagedFieldsEntry;
use serde::Deserialize;

use crate::{Tree, member_range};

/// The bytes of an object that is stored, with `null` in the place of its `managedFields`, and the [`heads`] of those.
pub fn without_owners(json: &[u8]) -> (Cow<'_, [u8]>, Option<Vec<ManagedFieldsEntry>>) {
    let found = member_range(json, "metadata").and_then(|outer| {
        let inner = member_range(json.get(outer.clone())?, "managedFields")?;
        let (begin, end) = (outer.start + inner.start, outer.start + inner.end);
        Some((json.get(..begin)?, json.get(begin..end)?, json.get(end..)?))
    });
    let Some((before, owners, after)) = found else { return (Cow::Borrowed(json), None) };
    let heads = serde_json::from_slice::<Vec<Head>>(owners).ok();
    let heads = heads.map(|heads| heads.into_iter().map(ManagedFieldsEntry::from).collect());
    (Cow::Owned([before, b"null", after].concat()), heads)
}

/// An entry as far as [`heads`] tell of it.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Head {
    manager: Option<String>,
    operation: Option<String>,
    api_version: Option<String>,
    subresource: Option<String>,
    fields_type: Option<String>,
}

impl From<Head> for ManagedFieldsEntry {
    fn from(head: Head) -> Self {
        let Head { manager, operation, api_version, subresource, fields_type } = head;
        Self { manager, operation, api_version, subresource, fields_type, ..Self::default() }
    }
}

/// The owners of an object's fields.
pub fn get(object: &Tree) -> Option<&Tree> {
    object.get("metadata")?.get("managedFields")
}

/// Takes the owners out of an object.
pub fn take(object: &mut Tree) -> Option<Tree> {
    object.get_mut("metadata")?.as_object_mut()?.remove("managedFields")
}

/// Puts owners as they are into an object, in place of those it had.
pub fn put(object: &mut Tree, owners: Tree) {
    if let Some(metadata) = object.get_mut("metadata").and_then(Tree::as_object_mut) {
        metadata.insert("managedFields".to_owned(), owners);
    }
}

/// The owners without the fields that they own, and without times: all that rules and controllers ask of them.
pub fn heads(owners: &Tree) -> Vec<ManagedFieldsEntry> {
    let head = |entry: &Tree| Head::deserialize(entry).unwrap_or_default().into();
    owners.as_array().into_iter().flatten().map(head).collect()
}
