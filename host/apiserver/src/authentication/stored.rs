//! The few facts about stored objects that tokens depend on, read from their bytes.

use jiff::Timestamp;
use meta::{GroupResource, Key};
use serde::Deserialize;
use store::Snapshot;

#[derive(Debug, Deserialize)]
pub(super) struct Stored {
    pub(super) metadata: Metadata,
    #[serde(default)]
    pub(super) spec: Spec,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Metadata {
    #[serde(default)]
    pub(super) uid: String,
    pub(super) deletion_timestamp: Option<Timestamp>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Spec {
    #[serde(default)]
    pub(super) service_account_name: String,
    #[serde(default)]
    pub(super) node_name: String,
}

/// The object of the core group, if it is there.
pub(super) fn core(
    snapshot: &Snapshot,
    resource: &'static str,
    namespace: &str,
    name: &str,
) -> Option<Stored> {
    let key = Key::new(&GroupResource::new("", resource), namespace, name);
    let entry = snapshot.get(key.as_str())?;
    serde_json::from_slice(&entry.body).ok()
}
