//! The shape that a schema gives to objects, by which configurations are applied and the owners of fields are tracked.
//!
//! See <https://kubernetes.io/docs/reference/using-api/server-side-apply/#custom-resources>.

use std::collections::BTreeMap;

use meta::schema::{Facts, Field, ListType, Presence, Schema, Struct, StructId, TypeRef, Unknown};

use super::node::{ListKind, Node, Rest, Type};
use crate::facts;

/// The shape of objects with this schema, or of any object without one.
pub(crate) fn build(node: Option<&Node>) -> (Schema, TypeRef) {
    let mut builder = Builder { schema: Schema::default(), copied: BTreeMap::new() };
    let open = Node { preserve: true, ..Node::default() };
    let root = builder.object(node.unwrap_or(&open), false, true);
    (builder.schema, root)
}

struct Builder {
    schema: Schema,
    /// Built-in types by their name there, and where they are here.
    copied: BTreeMap<Box<str>, StructId>,
}

impl Builder {
    /// `keeps` says whether an object further out keeps fields that are not declared, which holds for those within it.
    fn ty(&mut self, node: &Node, keeps: bool) -> TypeRef {
        let format = node.checks.format.is_some();
        let keeps = keeps || node.preserve;
        match node.ty {
            // What has a format may be a value of another kind some day, and what has no type is what it is.
            None => TypeRef::Any,
            Some(Type::String) if format => TypeRef::Any,
            Some(Type::String) => TypeRef::String,
            Some(Type::Boolean) => TypeRef::Bool,
            Some(Type::Integer | Type::Number) => TypeRef::Number,
            Some(Type::Array) => {
                let item = node.items.as_deref().map(|item| self.ty(item, keeps));
                TypeRef::list(item.unwrap_or(TypeRef::Any))
            }
            Some(Type::Object) => match &node.rest {
                Rest::Schema(value) if node.properties.is_empty() && !node.embedded => {
                    TypeRef::map(self.ty(value, keeps))
                }
                _ => self.object(node, keeps, node.embedded),
            },
        }
    }

    fn object(&mut self, node: &Node, keeps: bool, is_resource: bool) -> TypeRef {
        let keeps = keeps || node.preserve;
        let mut fields = Vec::new();
        if is_resource {
            let metadata = self.built_in(facts::OBJECT_META);
            fields.push(given("apiVersion", TypeRef::String));
            fields.push(given("kind", TypeRef::String));
            fields.push(given("metadata", metadata));
        }
        for (name, property) in &node.properties {
            if is_resource && super::prune::is_common(name) {
                continue;
            }
            let ty = self.ty(property, keeps);
            let field = given(name, ty).with_facts(facts_of(property));
            fields.push(field.with_default(property.default.clone()));
        }
        let unknown = match &node.rest {
            Rest::Schema(value) => Unknown::Typed(self.ty(value, keeps)),
            Rest::Any => Unknown::Keep,
            // An object of which nothing is declared may be anything until it is pruned.
            Rest::Unsaid if keeps || node.properties.is_empty() => Unknown::Keep,
            Rest::Forbidden | Rest::Unsaid => Unknown::Prune,
        };
        let object =
            Struct::new("", fields).with_unknown(unknown).with_atomic(node.atomic == Some(true));
        TypeRef::Struct(self.schema.push(object))
    }

    /// A built-in type, copied from the table of all of them with what it refers to.
    fn built_in(&mut self, name: &str) -> TypeRef {
        let known = facts::schema();
        match known.find(name).and_then(|id| known.get(id)) {
            Some(found) => TypeRef::Struct(self.copy(found)),
            None => TypeRef::Any,
        }
    }

    fn copy(&mut self, of: &Struct) -> StructId {
        if let Some(id) = self.copied.get(&of.openapi_name) {
            return *id;
        }
        let fields = of.fields().iter().map(|field| {
            let ty = self.rewritten(&field.ty);
            Field { ty, ..field.clone() }
        });
        let fields = fields.collect();
        let id = self.schema.push(of.clone().with_fields(fields));
        self.copied.insert(of.openapi_name.clone(), id);
        id
    }

    fn rewritten(&mut self, ty: &TypeRef) -> TypeRef {
        match ty {
            TypeRef::Struct(id) => match facts::schema().get(*id) {
                Some(found) => TypeRef::Struct(self.copy(found)),
                None => TypeRef::Any,
            },
            TypeRef::List(item) => TypeRef::list(self.rewritten(item)),
            TypeRef::Map(value) => TypeRef::map(self.rewritten(value)),
            other => other.clone(),
        }
    }
}

fn given(name: &str, ty: TypeRef) -> Field {
    Field::new(name, ty).with_presence(Presence::AsGiven)
}

fn facts_of(node: &Node) -> Facts {
    let list = match node.list {
        Some(ListKind::Set) => ListType::Set,
        Some(ListKind::Map) => ListType::Map(node.keys.clone().into()),
        Some(ListKind::Atomic) | None => ListType::Atomic,
    };
    // A value of no type is a map if it happens to be one.
    let atomic = if node.ty.is_none() { Some(false) } else { node.atomic };
    Facts { list, atomic, ..Facts::default() }
}
