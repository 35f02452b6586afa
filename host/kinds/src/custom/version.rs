//! One version of a custom kind: what its definition says about it, ready for use.

use std::collections::BTreeMap;
use std::sync::Arc;

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::{
    CustomResourceDefinitionVersion, JSONSchemaProps,
};

use super::JsonPath;
use super::columns::Printer;
use super::schema::CustomSchema;
use crate::info::KindInfo;

/// The schemas of all versions of a kind, served or not, by name.
pub(super) type Schemas = BTreeMap<String, Arc<CustomSchema>>;

/// What a kind and its objects share.
#[derive(Debug)]
pub(super) struct Version {
    pub(super) info: KindInfo,
    pub(super) schema: Arc<CustomSchema>,
    /// Of all versions in which objects may be stored.
    pub(super) schemas: Arc<Schemas>,
    /// `apiVersion` of what is stored.
    pub(super) stored_api_version: String,
    pub(super) printer: Printer,
    /// The fields of [`KindInfo::selectable`], in the same order.
    pub(super) selectable: Vec<(&'static str, JsonPath)>,
    /// The schema as the definition gives it, for documents.
    pub(super) published: Option<JSONSchemaProps>,
    pub(super) fingerprint: u64,
}

/// The schema that a version gives.
pub(super) fn schema_of(version: &CustomResourceDefinitionVersion) -> Option<&JSONSchemaProps> {
    version.schema.as_ref()?.open_api_v3_schema.as_ref()
}
