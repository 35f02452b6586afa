//! The owners of an object's fields apart from the object.
//!
//! They are often the larger part of it, and few steps of a write look at them: the others work on the object alone.

use std::borrow::Cow;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::ManagedFieldsEntry;

use crate::{Tree, member_range};

/// The bytes of an object that is stored, with `null` in the place of its `managedFields`.
pub fn without_owners(json: &[u8]) -> Cow<'_, [u8]> {
    let found = member_range(json, "metadata").and_then(|outer| {
        let inner = member_range(json.get(outer.clone())?, "managedFields")?;
        let (begin, end) = (outer.start + inner.start, outer.start + inner.end);
        Some((json.get(..begin)?, json.get(end..)?))
    });
    match found {
        Some((before, after)) => Cow::Owned([before, b"null", after].concat()),
        None => Cow::Borrowed(json),
    }
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

/// The owners without the fields that they own: what can be wrong with them once the fields have been read.
pub fn heads(owners: &Tree) -> Vec<ManagedFieldsEntry> {
    let head = |entry: &Tree| {
        let text = |name| entry.get(name).and_then(Tree::as_str).map(str::to_owned);
        ManagedFieldsEntry {
            manager: text("manager"),
            operation: text("operation"),
            api_version: text("apiVersion"),
            subresource: text("subresource"),
            fields_type: text("fieldsType"),
            ..ManagedFieldsEntry::default()
        }
    };
    owners.as_array().into_iter().flatten().map(head).collect()
}
