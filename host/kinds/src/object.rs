//! Kinds and objects with their types erased, so that each verb is written once for all of them.
//!
//! [`AnyKind`] stands for a kind, [`Object`] for one decoded object. Built-in kinds implement both through [`Of`]; custom kinds bring
//! their own implementations, driven by their schema.

use std::any::Any;
use std::fmt::Debug;
use std::marker::PhantomData;
use std::sync::Arc;

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use meta::decode::{self, Findings};
use meta::field::FieldError;
use meta::schema::{Schema, TypeRef};
use meta::{Attributes, Tree};
use schemars::SchemaGenerator;

use crate::custom::CustomKind;
use crate::info::KindInfo;
use crate::kind::Kind;
use crate::{facts, metadata};

/// The tree does not have the shape of the kind.
#[derive(Debug, thiserror::Error)]
#[error("cannot decode {kind}")]
pub struct DecodeError {
    pub kind: &'static str,
    #[source]
    pub source: serde_json::Error,
}

/// A kind, whatever its type.
pub trait AnyKind: Send + Sync + Debug {
    fn info(&self) -> &KindInfo;

    /// The shape of its objects.
    fn type_ref(&self) -> &TypeRef;

    /// The types that [`AnyKind::type_ref`] refers into.
    fn schema(&self) -> &Schema {
        facts::schema()
    }

    /// The kind as one that users define, if it is.
    fn custom(&self) -> Option<&CustomKind> {
        None
    }

    /// Brings a decoded tree into canonical form (see `meta::decode`).
    fn canonicalize(&self, tree: &mut Tree) -> Result<Findings, decode::DecodeError> {
        decode::canonicalize(tree, self.type_ref(), self.schema())
    }

    /// What strict decoding objects to in JSON, of which `found` was found, in the order in which clients are told.
    fn strict_errors(&self, source: &[u8], _found: &Findings) -> Vec<String> {
        decode::strict_errors(source, Some(self.type_ref()), self.schema()).unwrap_or_default()
    }

    /// Brings a tree that the server made into canonical form.
    fn emit(&self, tree: &mut Tree) {
        decode::emit(tree, self.type_ref(), self.schema());
    }

    /// Adds the published schema of the type, with its descriptions, to a collection of schemas. Costly: for documents only.
    fn describe(&self, schemas: &mut SchemaGenerator);

    /// Types a canonical tree (see `meta::decode`).
    fn object(&self, tree: &Tree) -> Result<Box<dyn Object>, DecodeError>;

    /// Whether [`Object::tree`] of an object that [`AnyKind::object`] has typed is the tree that it was typed from, in the form that
    /// [`AnyKind::emit`] gives it.
    fn prints_as_read(&self) -> bool {
        true
    }

    /// Types the stored bytes of an object of this kind. Of the owners of its fields it has the names, and not the fields: nobody asks a typed
    /// object for those, and they would be the larger part of it.
    fn parse(&self, body: &[u8]) -> Result<Box<dyn Object>, DecodeError>;

    /// The metadata of an object of this kind that readers share (see [`Object::into_any_arc`]); none if it is of another.
    fn metadata_of<'a>(&self, shared: &'a dyn Any) -> Option<&'a ObjectMeta>;

    /// The name under which the stored kind knows a field that selectors look at.
    fn stored_field<'a>(&self, field: &'a str) -> &'a str {
        field
    }

    /// Whether stored objects are served as they are.
    fn is_stored_as_served(&self) -> bool {
        self.info().stored_as.is_none()
    }

    /// Rewrites a tree of this kind into the form in which it is stored.
    fn rewrite_to_stored(&self, tree: &mut Tree);

    /// The inverse of [`AnyKind::rewrite_to_stored`].
    fn rewrite_to_served(&self, tree: &mut Tree);
}

/// One decoded object, whatever its kind. The methods mirror [`Kind`] and add what holds for every kind.
pub trait Object: Any + Send + Sync + Debug {
    fn info(&self) -> &KindInfo;
    fn metadata(&self) -> &ObjectMeta;
    fn metadata_mut(&mut self) -> &mut ObjectMeta;

    fn set_defaults(&mut self);
    fn on_create(&mut self);
    fn on_update(&mut self, old: &dyn Object);
    fn on_status_update(&mut self, old: &dyn Object);
    fn on_subresource_update(&mut self, subresource: &str, old: &dyn Object);

    /// Errors of a new object, metadata included.
    fn validate(&self) -> Vec<FieldError>;
    /// Errors of an object that replaces `old`, metadata included.
    fn validate_update(&self, old: &dyn Object) -> Vec<FieldError>;
    /// Errors of a status that replaces that of `old`, metadata included.
    fn validate_status(&self, old: &dyn Object) -> Vec<FieldError>;
    /// Errors of an object that replaces `old` through another subresource, metadata included.
    fn validate_subresource(&self, subresource: &str, old: &dyn Object) -> Vec<FieldError>;
    fn warnings(&self, old: Option<&dyn Object>) -> Vec<String>;
    fn status_warnings(&self) -> Vec<String> {
        Vec::new()
    }

    /// What selectors look at.
    fn attributes(&self) -> Attributes;
    fn row(&self, now: Timestamp) -> Vec<Tree>;
    fn row_rank(&self) -> i64;
    fn row_conditions(&self) -> Vec<Tree>;
    fn grace_secs(&self, asked: Option<i64>) -> i64;

    /// The object as JSON in its canonical form.
    fn tree(&self) -> Tree;

    /// Its metadata in the same form.
    fn metadata_tree(&self) -> Tree {
        facts::canonical_tree(self.metadata(), facts::OBJECT_META)
    }

    fn same(&self, other: &dyn Object) -> bool;
    fn boxed_clone(&self) -> Box<dyn Object>;
    fn as_any(&self) -> &dyn Any;
    fn as_any_mut(&mut self) -> &mut dyn Any;
    fn into_any(self: Box<Self>) -> Box<dyn Any + Send + Sync>;
    fn into_any_arc(self: Box<Self>) -> Arc<dyn Any + Send + Sync>;
}

/// The built-in kind `K` as an [`AnyKind`].
pub struct Of<K>(PhantomData<fn() -> K>);

impl<K> Of<K> {
    /// The only value there is.
    #[must_use]
    pub const fn new() -> Self {
        Self(PhantomData)
    }
}

impl<K> Default for Of<K> {
    fn default() -> Self {
        Self::new()
    }
}

impl<K: Kind> Of<K> {
    const INFO: &'static KindInfo = &K::INFO;
}

impl<K: Kind> Debug for Of<K> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Of<{}>", K::INFO.type_name)
    }
}

impl<K: Kind> AnyKind for Of<K> {
    fn info(&self) -> &KindInfo {
        Self::INFO
    }

    fn type_ref(&self) -> &TypeRef {
        facts::type_ref(K::INFO.type_name)
    }

    fn describe(&self, schemas: &mut SchemaGenerator) {
        schemas.subschema_for::<K>();
    }

    fn object(&self, tree: &Tree) -> Result<Box<dyn Object>, DecodeError> {
        let Some(prepare) = K::BEFORE_TYPING else {
            return boxed(<K as serde::Deserialize>::deserialize(tree));
        };
        let mut tree = tree.clone();
        prepare(&mut tree);
        boxed(serde_json::from_value::<K>(tree))
    }

    fn prints_as_read(&self) -> bool {
        K::BEFORE_TYPING.is_none()
    }

    fn parse(&self, body: &[u8]) -> Result<Box<dyn Object>, DecodeError> {
        let (body, heads) = meta::managed::without_owners(body);
        let mut object = if K::BEFORE_TYPING.is_none() {
            boxed(serde_json::from_slice::<K>(&body))?
        } else {
            let tree = serde_json::from_slice(&body);
            self.object(&tree.map_err(|source| DecodeError { kind: K::KIND, source })?)?
        };
        object.metadata_mut().managed_fields = heads;
        Ok(object)
    }

    fn metadata_of<'a>(&self, shared: &'a dyn Any) -> Option<&'a ObjectMeta> {
        shared.downcast_ref::<K>().map(k8s_openapi::Metadata::metadata)
    }

    fn stored_field<'a>(&self, field: &'a str) -> &'a str {
        K::stored_field(field)
    }

    fn rewrite_to_stored(&self, tree: &mut Tree) {
        K::rewrite_to_stored(tree);
    }

    fn rewrite_to_served(&self, tree: &mut Tree) {
        K::rewrite_to_served(tree);
    }
}

fn boxed<K: Kind>(typed: serde_json::Result<K>) -> Result<Box<dyn Object>, DecodeError> {
    match typed {
        Ok(object) => Ok(Box::new(object)),
        Err(source) => Err(DecodeError { kind: K::KIND, source }),
    }
}

fn typed<K: Kind>(object: &dyn Object) -> &K {
    object.as_any().downcast_ref().expect("both objects of an update are of the same kind")
}

/// Several rules may find the same error; it is told once.
fn once(errors: Vec<FieldError>) -> Vec<FieldError> {
    let mut kept: Vec<FieldError> = Vec::with_capacity(errors.len());
    for error in errors {
        if !kept.contains(&error) {
            kept.push(error);
        }
    }
    kept
}

fn update_errors<K: Kind>(new: &K, old: &K) -> Vec<FieldError> {
    let (new, old) = (k8s_openapi::Metadata::metadata(new), k8s_openapi::Metadata::metadata(old));
    let mut errors = metadata::validate_update(&K::INFO, new, old);
    errors.extend(metadata::known_finalizers(&K::INFO, new));
    errors
}

impl<K: Kind> Object for K {
    fn info(&self) -> &KindInfo {
        Of::<K>::INFO
    }

    fn metadata(&self) -> &ObjectMeta {
        k8s_openapi::Metadata::metadata(self)
    }

    fn metadata_mut(&mut self) -> &mut ObjectMeta {
        k8s_openapi::Metadata::metadata_mut(self)
    }

    fn set_defaults(&mut self) {
        Kind::set_defaults(self);
    }

    fn on_create(&mut self) {
        Kind::on_create(self);
    }

    fn on_update(&mut self, old: &dyn Object) {
        Kind::on_update(self, typed::<K>(old));
    }

    fn on_status_update(&mut self, old: &dyn Object) {
        if K::INFO.status_keeps_metadata {
            metadata::keep_all(Object::metadata_mut(self), old.metadata());
        }
        Kind::on_status_update(self, typed::<K>(old));
    }

    fn on_subresource_update(&mut self, subresource: &str, old: &dyn Object) {
        Kind::on_subresource_update(self, subresource, typed::<K>(old));
    }

    fn validate(&self) -> Vec<FieldError> {
        let metadata = k8s_openapi::Metadata::metadata(self);
        let own = Kind::validate(self);
        if K::INFO.metadata_last && !own.is_empty() {
            return once(own);
        }
        let mut errors = metadata::validate(&K::INFO, metadata);
        errors.extend(metadata::known_finalizers(&K::INFO, metadata));
        errors.extend(own);
        once(errors)
    }

    fn validate_update(&self, old: &dyn Object) -> Vec<FieldError> {
        let old = typed::<K>(old);
        let mut errors = update_errors(self, old);
        errors.extend(metadata::prefix_again(&K::INFO, Object::metadata(self)));
        errors.extend(Kind::validate_update(self, old));
        once(errors)
    }

    fn validate_status(&self, old: &dyn Object) -> Vec<FieldError> {
        let old = typed::<K>(old);
        let mut errors = update_errors(self, old);
        errors.extend(Kind::validate_status(self, old));
        once(errors)
    }

    fn validate_subresource(&self, subresource: &str, old: &dyn Object) -> Vec<FieldError> {
        let old = typed::<K>(old);
        let mut errors = update_errors(self, old);
        errors.extend(Kind::validate_subresource(self, subresource, old));
        once(errors)
    }

    fn warnings(&self, old: Option<&dyn Object>) -> Vec<String> {
        Kind::warnings(self, old.map(typed::<K>))
    }

    fn status_warnings(&self) -> Vec<String> {
        Kind::status_warnings(self)
    }

    fn attributes(&self) -> Attributes {
        metadata::attributes(&K::INFO, k8s_openapi::Metadata::metadata(self), self.fields())
    }

    fn row(&self, now: Timestamp) -> Vec<Tree> {
        Kind::row(self, now)
    }

    fn row_rank(&self) -> i64 {
        Kind::row_rank(self)
    }

    fn row_conditions(&self) -> Vec<Tree> {
        Kind::row_conditions(self)
    }

    fn grace_secs(&self, asked: Option<i64>) -> i64 {
        Kind::grace_secs(self, asked)
    }

    fn tree(&self) -> Tree {
        facts::canonical_tree(self, K::INFO.type_name)
    }

    fn same(&self, other: &dyn Object) -> bool {
        other.as_any().downcast_ref::<K>() == Some(self)
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
