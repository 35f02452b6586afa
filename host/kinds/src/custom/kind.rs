//! A version of a definition as a kind like any other.

use std::any::Any;
use std::sync::Arc;

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::JSONSchemaProps;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use meta::decode::{self, Findings};
use meta::schema::{Schema, TypeRef};
use meta::{GroupVersion, Tree, managed};
use schemars::SchemaGenerator;

use super::object::CustomObject;
use super::version::Version;
use crate::facts;
use crate::info::KindInfo;
use crate::object::{AnyKind, DecodeError, Object};

/// A kind that users define, in one of its versions. Copies share everything.
#[derive(Clone, Debug)]
pub struct CustomKind(Arc<Version>);

impl CustomKind {
    pub(super) fn new(version: Version) -> Self {
        Self(Arc::new(version))
    }

    /// The schema as the definition gives it; none if it gives none.
    #[must_use]
    pub fn published(&self) -> Option<&JSONSchemaProps> {
        self.0.published.as_ref()
    }

    /// Changes with the published schema.
    #[must_use]
    pub fn fingerprint(&self) -> u64 {
        self.0.fingerprint
    }

    /// Whether both come from a definition that says the same, even if it is on its way out by now.
    #[must_use]
    pub fn is_defined_as(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0.schemas, &other.0.schemas)
    }

    /// Reads a stored object as this version shows it: with the defaults of the version that it is stored in as they are today, and without
    /// what either schema does not have.
    fn show(&self, tree: &mut Tree) {
        let version = &self.0;
        let stored = tree.get("apiVersion").and_then(Tree::as_str).and_then(GroupVersion::parse);
        let stored = stored.and_then(|stored| version.schemas.get(&*stored.version));
        let stored = stored.unwrap_or(&version.schema);
        stored.prune(tree);
        stored.set_defaults(tree);
        call(tree, version.info.api_version());
        if !Arc::ptr_eq(stored, &version.schema) {
            version.schema.prune(tree);
        }
    }

    fn typed(&self, tree: Tree) -> Result<Box<dyn Object>, DecodeError> {
        match CustomObject::new(Arc::clone(&self.0), tree) {
            Ok(object) => Ok(Box::new(object)),
            Err(source) => Err(DecodeError { kind: self.0.info.kind, source }),
        }
    }
}

fn call(tree: &mut Tree, api_version: String) {
    if let Some(object) = tree.as_object_mut() {
        object.insert("apiVersion".to_owned(), api_version.into());
    }
}

impl AnyKind for CustomKind {
    fn info(&self) -> &KindInfo {
        &self.0.info
    }

    fn type_ref(&self) -> &TypeRef {
        self.0.schema.shape().1
    }

    fn schema(&self) -> &Schema {
        self.0.schema.shape().0
    }

    fn custom(&self) -> Option<&CustomKind> {
        Some(self)
    }

    /// Only the metadata has a type whose values must fit before anything else is asked. Values of other types are refused by validation.
    fn canonicalize(&self, tree: &mut Tree) -> Result<Findings, decode::DecodeError> {
        let mut found = metadata(tree)?;
        decode::canonicalize(tree, &TypeRef::Any, facts::schema())?;
        let schema = &self.0.schema;
        found.unknown.extend(schema.prune(tree));
        let embedded = schema.coerce_embedded(tree);
        let embedded = embedded.map_err(|error| decode::DecodeError::value(error.to_string()))?;
        found.unknown.extend(embedded);
        found.unknown.sort();
        found.unknown.truncate(decode::REPORTED_MAX);
        Ok(found)
    }

    fn strict_errors(&self, source: &[u8], found: &Findings) -> Vec<String> {
        let duplicates = decode::strict_errors(source, None, facts::schema()).unwrap_or_default();
        let unknown = found.unknown.iter().map(|path| decode::unknown_field(path));
        duplicates.into_iter().chain(unknown).collect()
    }

    /// What the server makes of a custom kind has no fields but those of every object.
    fn emit(&self, _: &mut Tree) {}

    /// Descriptions come with the published schema.
    fn describe(&self, _: &mut SchemaGenerator) {}

    fn object(&self, tree: &Tree) -> Result<Box<dyn Object>, DecodeError> {
        self.typed(tree.clone())
    }

    fn parse(&self, body: &[u8]) -> Result<Box<dyn Object>, DecodeError> {
        let (body, heads) = managed::without_owners(body);
        let tree = serde_json::from_slice(&body);
        let tree = tree.map_err(|source| DecodeError { kind: self.0.info.kind, source })?;
        let mut object = self.typed(tree)?;
        object.metadata_mut().managed_fields = heads;
        Ok(object)
    }

    fn metadata_of<'a>(&self, shared: &'a dyn Any) -> Option<&'a ObjectMeta> {
        shared.downcast_ref::<CustomObject>().map(Object::metadata)
    }

    /// The definition may have changed since an object was stored, and the version in which they are stored too.
    fn is_stored_as_served(&self) -> bool {
        false
    }

    fn rewrite_to_stored(&self, tree: &mut Tree) {
        call(tree, self.0.stored_api_version.clone());
    }

    fn rewrite_to_served(&self, tree: &mut Tree) {
        self.show(tree);
    }
}

/// Brings the metadata of an object into canonical form.
fn metadata(tree: &mut Tree) -> Result<Findings, decode::DecodeError> {
    let Some(given) = tree.get_mut("metadata").map(Tree::take) else {
        return Ok(Findings::default());
    };
    // A map of metadata, so that paths begin as they do in an object.
    let mut map = serde_json::Map::new();
    map.insert("metadata".to_owned(), given);
    let mut map = Tree::Object(map);
    let ty = TypeRef::map(facts::type_ref(facts::OBJECT_META).clone());
    let found = decode::canonicalize(&mut map, &ty, facts::schema())?;
    tree["metadata"] = map["metadata"].take();
    Ok(found)
}
