//! No object of a custom kind comes into being after its definition began to end: whoever empties the definition has seen all of them.

use meta::StatusError;
use store::{Op, Precondition, Snapshot};

use super::Context;
use crate::registry;

/// What must still be so when a new object is committed; nothing for kinds that are always there.
pub(super) fn still(
    context: &Context,
    snapshot: &Snapshot,
    name: &str,
) -> Result<Option<Op>, StatusError> {
    if context.kind.custom().is_none() {
        return Ok(None);
    }
    let key = registry::definition_key(context.info());
    let Some(entry) = snapshot.get(key.as_str()) else { return Err(StatusError::no_such_path()) };
    if is_ending(&entry.body)? {
        let text = "create not allowed while custom resource definition is terminating";
        return Err(StatusError::forbidden(&context.group_resource(), name, text));
    }
    Ok(Some(Op::Check { key, precondition: Precondition::At(entry.revision) }))
}

fn is_ending(body: &[u8]) -> Result<bool, StatusError> {
    #[derive(Default, serde::Deserialize)]
    #[serde(rename_all = "camelCase", default)]
    struct Metadata {
        deletion_timestamp: Option<String>,
    }
    let metadata = meta::member(body, "metadata").unwrap_or(b"{}");
    let metadata: Metadata = serde_json::from_slice(metadata).map_err(|error| {
        StatusError::internal(format!("a stored definition is damaged: {error}"))
    })?;
    Ok(metadata.deletion_timestamp.is_some())
}
