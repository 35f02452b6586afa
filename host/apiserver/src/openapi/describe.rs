//! The descriptions of types and fields, taken from the wire types.
//!
//! The wire types describe themselves as JSON Schema. Only the texts are kept, for as long as a document is made.

use std::collections::HashMap;

use k8s_openapi::api::{authentication, autoscaling, core, policy};
use k8s_openapi::apimachinery::pkg::api::resource::Quantity;
use k8s_openapi::apimachinery::pkg::apis::meta::v1 as machinery;
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;
use k8s_openapi::schemars::SchemaGenerator;
use k8s_openapi::schemars::generate::SchemaSettings;
use serde_json::Value;

use crate::registry::KindRef;

/// What is said about one type.
#[derive(Debug, Default)]
pub(super) struct Texts {
    pub(super) about: Option<String>,
    fields: HashMap<String, String>,
}

impl Texts {
    pub(super) fn field(&self, name: &str) -> Option<&str> {
        self.fields.get(name).map(String::as_str)
    }
}

/// Texts by the name of the type.
#[derive(Debug, Default)]
pub(super) struct Descriptions(HashMap<String, Texts>);

impl Descriptions {
    /// Those of the kinds, of everything in them, and of what is sent to subresources.
    pub(super) fn of<'a>(kinds: impl Iterator<Item = &'a KindRef>) -> Self {
        let mut schemas = SchemaSettings::default().into_generator();
        for kind in kinds {
            kind.describe(&mut schemas);
        }
        bodies(&mut schemas);
        let definitions = schemas.take_definitions(true);
        let texts = definitions.into_iter().map(|(name, schema)| {
            // Names are fragments of a URL, and those of Kubernetes need no escapes.
            (name, texts(schema))
        });
        Self(texts.collect())
    }

    pub(super) fn find(&self, name: &str) -> Option<&Texts> {
        self.0.get(name)
    }
}

fn bodies(schemas: &mut SchemaGenerator) {
    schemas.subschema_for::<authentication::v1::TokenRequest>();
    schemas.subschema_for::<autoscaling::v1::Scale>();
    schemas.subschema_for::<core::v1::Binding>();
    schemas.subschema_for::<policy::v1::Eviction>();
    schemas.subschema_for::<machinery::APIResourceList>();
    schemas.subschema_for::<machinery::DeleteOptions>();
    schemas.subschema_for::<machinery::ListMeta>();
    schemas.subschema_for::<machinery::MicroTime>();
    schemas.subschema_for::<machinery::Status>();
    schemas.subschema_for::<machinery::Time>();
    schemas.subschema_for::<IntOrString>();
    schemas.subschema_for::<Quantity>();
}

fn texts(schema: Value) -> Texts {
    let Value::Object(mut schema) = schema else { return Texts::default() };
    let about = text(&mut schema);
    let fields = match schema.remove("properties") {
        Some(Value::Object(fields)) => fields
            .into_iter()
            .filter_map(|(name, field)| match field {
                Value::Object(mut field) => Some((name, text(&mut field)?)),
                _ => None,
            })
            .collect(),
        _ => HashMap::new(),
    };
    Texts { about, fields }
}

fn text(schema: &mut serde_json::Map<String, Value>) -> Option<String> {
    match schema.remove("description") {
        Some(Value::String(text)) => Some(text),
        _ => None,
    }
}
