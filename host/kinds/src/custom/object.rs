//! One object of a custom kind: typed metadata, and the rest as a tree.

use std::any::Any;
use std::borrow::Cow;
use std::sync::{Arc, OnceLock};

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use meta::field::{FieldError, Path};
use meta::{Attributes, Key, Tree};
use serde::Deserialize as _;
use serde_json::Map;

use super::schema::Found;
use super::version::Version;
use super::{columns, scale, warnings};
use crate::info::KindInfo;
use crate::metadata;
use crate::object::Object;

/// An object.
#[derive(Clone, Debug)]
pub(super) struct CustomObject {
    version: Arc<Version>,
    metadata: ObjectMeta,
    /// Everything but the metadata.
    rest: Map<String, Tree>,
    /// What validation had to say beside errors. It is asked for when the object was found valid, and costs as much as that.
    advice: OnceLock<Vec<String>>,
}

impl CustomObject {
    pub(super) fn new(version: Arc<Version>, tree: Tree) -> serde_json::Result<Self> {
        let mut rest = match tree {
            Tree::Object(map) => map,
            _ => Map::new(),
        };
        let given = rest.remove("metadata").filter(|given| !given.is_null());
        let metadata = given.map(ObjectMeta::deserialize).transpose()?.unwrap_or_default();
        Ok(Self { version, metadata, rest, advice: OnceLock::new() })
    }

    fn noted(&self, found: Found) -> Vec<FieldError> {
        // Whoever validates an object a second time learns nothing new.
        let _ = self.advice.set(found.warnings);
        found.errors
    }

    fn advice(&self) -> Vec<String> {
        self.advice.get().cloned().unwrap_or_default()
    }

    /// What the object calls itself, which a client may have chosen.
    fn wrong_kind(&self) -> Option<FieldError> {
        let given = self.rest.get("kind").and_then(Tree::as_str).unwrap_or_default();
        let own = self.version.info.kind;
        let error = || FieldError::invalid(&Path::new("kind"), given, format!("must be {own}"));
        (given != own).then(error)
    }

    /// What is wrong with metadata that replaces that of `old`. Kubernetes asks this in three places, of which each tells what it finds.
    fn changed_metadata(&self, old: &dyn Object) -> Vec<FieldError> {
        let info = &self.version.info;
        let mut errors = metadata::validate(info, &self.metadata);
        let changes = metadata::validate_update(info, &self.metadata, old.metadata());
        errors.extend(changes.clone());
        errors.extend(changes);
        errors
    }

    /// Updates are of the same kind, and versions of a kind hold their objects alike.
    fn old(object: &dyn Object) -> &Self {
        object.as_any().downcast_ref().expect("both objects of an update are of the same kind")
    }
}

impl Object for CustomObject {
    fn info(&self) -> &KindInfo {
        &self.version.info
    }

    fn metadata(&self) -> &ObjectMeta {
        &self.metadata
    }

    fn metadata_mut(&mut self) -> &mut ObjectMeta {
        &mut self.metadata
    }

    fn set_defaults(&mut self) {
        let mut tree = Tree::Object(std::mem::take(&mut self.rest));
        self.version.schema.set_defaults(&mut tree);
        if let Tree::Object(rest) = tree {
            self.rest = rest;
        }
    }

    fn on_create(&mut self) {}

    fn on_update(&mut self, _: &dyn Object) {}

    fn on_status_update(&mut self, old: &dyn Object) {
        metadata::keep_all(&mut self.metadata, old.metadata());
    }

    fn on_subresource_update(&mut self, _: &str, _: &dyn Object) {}

    fn validate(&self) -> Vec<FieldError> {
        if let Some(error) = self.wrong_kind() {
            return vec![error];
        }
        let tree = self.tree();
        let info = &self.version.info;
        let mut errors = metadata::validate(info, &self.metadata);
        errors.extend(scale::spec_errors(info, &tree));
        errors.extend(scale::status_errors(info, &tree));
        self.noted(self.version.schema.validate_after(errors, &tree, None))
    }

    fn validate_update(&self, old: &dyn Object) -> Vec<FieldError> {
        if let Some(error) = self.wrong_kind() {
            return vec![error];
        }
        let tree = self.tree();
        let info = &self.version.info;
        let mut errors = self.changed_metadata(old);
        errors.extend(scale::spec_errors(info, &tree));
        errors.extend(scale::status_errors(info, &tree));
        self.noted(self.version.schema.validate_after(errors, &tree, Some(&old.tree())))
    }

    fn validate_status(&self, old: &dyn Object) -> Vec<FieldError> {
        let tree = self.tree();
        let info = &self.version.info;
        let mut errors = self.changed_metadata(old);
        errors.extend(scale::status_errors(info, &tree));
        self.noted(self.version.schema.validate_status_after(errors, &tree, &old.tree()))
    }

    fn validate_subresource(&self, _: &str, old: &dyn Object) -> Vec<FieldError> {
        self.validate_status(old)
    }

    fn warnings(&self, old: Option<&dyn Object>) -> Vec<String> {
        let mut all = warnings::of_finalizers(&self.metadata, old.map(Object::metadata));
        all.extend(self.advice());
        all
    }

    fn status_warnings(&self) -> Vec<String> {
        self.advice()
    }

    fn attributes(&self) -> Attributes {
        let tree = self.version.selectable.first().map(|_| self.tree());
        let fields = self.version.selectable.iter().map(|(name, path)| {
            let found = tree.as_ref().and_then(|tree| path.find(tree).into_iter().next());
            (*name, found.map(columns::text).unwrap_or_default())
        });
        metadata::attributes(&self.version.info, &self.metadata, fields.collect())
    }

    fn row(&self, now: Timestamp) -> Vec<Tree> {
        self.version.printer.row(&self.metadata, &self.tree(), now)
    }

    fn row_rank(&self) -> i64 {
        0
    }

    fn row_conditions(&self) -> Vec<Tree> {
        Vec::new()
    }

    fn grace_secs(&self, _: Option<i64>) -> i64 {
        0
    }

    fn tree(&self) -> Tree {
        let mut map = self.rest.clone();
        map.insert("metadata".to_owned(), self.metadata_tree());
        Tree::Object(map)
    }

    fn same(&self, other: &dyn Object) -> bool {
        let other = Self::old(other);
        self.metadata == other.metadata && self.rest == other.rest
    }

    fn boxed_clone(&self) -> Box<dyn Object> {
        Box::new(self.clone())
    }

    fn as_any(&self) -> &dyn Any {
        self
    }

    fn as_any_mut(&mut self) -> &mut dyn Any {
        self
    }

    fn into_any(self: Box<Self>) -> Box<dyn Any + Send + Sync> {
        self
    }

    fn into_any_arc(self: Box<Self>) -> Arc<dyn Any + Send + Sync> {
        Arc::new(*self)
    }
}

/// What selectors look at in a stored object of whichever custom kind, whose definition may be unknown: its labels and what its key says. The
/// fields of its kind are read from the object when somebody asks.
#[must_use]
pub fn stored_attributes(key: &Key, body: &[u8]) -> Option<Attributes> {
    let metadata: ObjectMeta = serde_json::from_slice(meta::member(body, "metadata")?).ok()?;
    let namespace = Some(key.namespace()).filter(|namespace| !namespace.is_empty());
    let fields = std::iter::once(("metadata.name", key.name()))
        .chain(namespace.map(|namespace| ("metadata.namespace", namespace)));
    let fields = fields.map(|(name, value)| (Cow::Borrowed(name), value.to_owned()));
    Some(Attributes::new(metadata.labels.as_ref(), fields))
}
