//! The shapes of types: what fields a struct has, how they are printed when zero, and how lists
//! merge.
//!
//! One [`Schema`] drives decoding, patches, field ownership, protobuf and `OpenAPI`. That of the
//! built-in kinds is read from a table of facts ([`Schema::from_facts`]); custom types build theirs
//! from their `OpenAPI` schema at run time. A schema says how a type is shaped and never what
//! values are valid.

mod facts;

use std::borrow::Cow;
use std::collections::HashMap;

pub use facts::FactsError;

use crate::Tree;

/// Where a struct stands in its schema.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StructId(pub u32);

/// A set of types that refer to each other by [`StructId`].
#[derive(Clone, Debug, Default)]
pub struct Schema {
    types: Vec<Struct>,
    by_openapi_name: HashMap<Box<str>, StructId>,
}

/// A type with named fields.
#[derive(Clone, Debug, Default)]
pub struct Struct {
    /// As decoding errors name it: `DeploymentSpec`.
    pub name: Box<str>,
    /// `k8s.io/api/apps/v1`, empty for custom types.
    pub package: Box<str>,
    /// `io.k8s.api.apps.v1.DeploymentSpec`
    pub openapi_name: Box<str>,
    /// Owned and replaced as a whole by server-side apply.
    pub atomic: bool,
    /// What becomes of fields that are not declared.
    pub unknown: Unknown,
    fields: Vec<Field>,
    /// Indexes of `fields` in the order of their names, each behind what its name begins with.
    by_name: Box<[(Beginning, u32)]>,
    /// Indexes of the `fields` that are printed even if absent.
    always: Box<[u32]>,
}

/// What becomes of fields that a struct does not declare.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Unknown {
    /// They are dropped and reported.
    #[default]
    Prune,
    /// They are kept as they are (`x-kubernetes-preserve-unknown-fields`).
    Keep,
    /// They are kept and have this type (`additionalProperties` beside `properties`).
    Typed(TypeRef),
}

/// A field of a struct.
#[derive(Clone, Debug)]
pub struct Field {
    pub name: Box<str>,
    pub ty: TypeRef,
    pub presence: Presence,
    pub facts: Facts,
    /// The field number in protobuf, 0 if it has none.
    pub proto: u32,
    /// A pointer in Go: absent and zero are different.
    pub pointer: bool,
    /// Listed as required in the published schema.
    pub required: bool,
    /// In protobuf a list inside a message of its own, as named list types of Go are; of a map, each of its values.
    pub wrapped: bool,
    pub default: Option<Tree>,
    /// The values that the published schema lists for the text, or for each in a list or map, joined by commas.
    pub one_of: Option<Box<str>>,
}

/// The type of a value.
#[derive(Clone, Debug, PartialEq)]
pub enum TypeRef {
    Struct(StructId),
    List(Box<TypeRef>),
    /// From texts to values.
    Map(Box<TypeRef>),
    String,
    Bool,
    Int32,
    Int64,
    Uint32,
    Uint64,
    Float64,
    Float32,
    /// Base64 in JSON.
    Bytes,
    Quantity,
    IntOrString,
    /// RFC 3339 in whole seconds.
    Time,
    /// RFC 3339 with six digits of a second.
    MicroTime,
    /// Go's notation: `1m30s`.
    Duration,
    /// Any JSON, kept as it is. It is owned as a whole unless the field is declared granular.
    Any,
    /// Within custom types: a number that may be written as an integer or not.
    Number,
}

/// When a field is printed, as Go's `omitempty` decides it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Presence {
    /// Zero values vanish: empty texts, lists and maps, `0`, `false`.
    OmitZero,
    /// Only an absent or null value vanishes.
    #[default]
    OmitNull,
    /// Printed even if absent: as `""`, `0`, `false`, an empty struct, or `null` for lists and
    /// maps.
    Always,
    /// Printed as it was given, null included, as custom types do.
    AsGiven,
}

/// How the value of a field is merged by patches and owned by appliers.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Facts {
    pub list: ListType,
    /// Whether server-side apply owns a map or struct as a whole; where nothing is said, a struct's
    /// own flag holds.
    pub atomic: Option<bool>,
    pub patch: PatchStrategy,
    /// The field that identifies an item in a strategic merge.
    pub merge_key: Option<Box<str>>,
}

/// The `x-kubernetes-list-type` of a list.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum ListType {
    /// Owned as a whole. Lists that say nothing are atomic.
    #[default]
    Atomic,
    /// Of scalars, each owned by itself.
    Set,
    /// Of structs, identified by the values of these fields.
    Map(Box<[Box<str>]>),
}

/// The `x-kubernetes-patch-strategy` of a field.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PatchStrategy {
    /// A list is merged by its merge key, or item by item, instead of replaced.
    pub merge: bool,
    /// A map or struct is replaced instead of merged.
    pub replace: bool,
    /// A patch may name the keys that stay.
    pub retain_keys: bool,
}

impl Schema {
    pub fn new(types: Vec<Struct>) -> Self {
        let mut schema = Self::default();
        for ty in types {
            schema.push(ty);
        }
        schema
    }

    /// Adds a type and gives it its id. Ids count up from zero, so that types which refer to each
    /// other, or to themselves, can be numbered before they are added.
    pub fn push(&mut self, ty: Struct) -> StructId {
        let id = StructId(u32::try_from(self.types.len()).unwrap_or(u32::MAX));
        if !ty.openapi_name.is_empty() {
            self.by_openapi_name.insert(ty.openapi_name.clone(), id);
        }
        self.types.push(ty);
        id
    }

    pub fn get(&self, id: StructId) -> Option<&Struct> {
        self.types.get(id.0 as usize)
    }

    /// Looks a type up by its `OpenAPI` name.
    pub fn find(&self, openapi_name: &str) -> Option<StructId> {
        self.by_openapi_name.get(openapi_name).copied()
    }

    pub fn types(&self) -> &[Struct] {
        &self.types
    }

    pub fn len(&self) -> usize {
        self.types.len()
    }

    pub fn is_empty(&self) -> bool {
        self.types.is_empty()
    }

    /// The struct that a type is, if it is one.
    pub fn resolve(&self, ty: &TypeRef) -> Option<&Struct> {
        match ty {
            TypeRef::Struct(id) => self.get(*id),
            _ => None,
        }
    }
}

impl Struct {
    /// A struct for use outside the built-in kinds: pruning and granular.
    pub fn new(name: impl Into<Box<str>>, fields: Vec<Field>) -> Self {
        Self { name: name.into(), ..Self::default() }.with_fields(fields)
    }

    #[must_use]
    pub fn with_openapi_name(mut self, name: impl Into<Box<str>>) -> Self {
        self.openapi_name = name.into();
        self
    }

    #[must_use]
    pub fn with_package(mut self, package: impl Into<Box<str>>) -> Self {
        self.package = package.into();
        self
    }

    #[must_use]
    pub fn with_unknown(mut self, unknown: Unknown) -> Self {
        self.unknown = unknown;
        self
    }

    #[must_use]
    pub const fn with_atomic(mut self, atomic: bool) -> Self {
        self.atomic = atomic;
        self
    }

    #[must_use]
    pub fn with_fields(mut self, fields: Vec<Field>) -> Self {
        let mut by_name: Vec<(Beginning, u32)> =
            fields.iter().map(|field| beginning(&field.name)).zip(0..).collect();
        by_name.sort_by(|(_, a), (_, b)| fields[*a as usize].name.cmp(&fields[*b as usize].name));
        let is_always = |index: &u32| fields[*index as usize].presence == Presence::Always;
        self.always = by_name.iter().map(|(_, index)| *index).filter(is_always).collect();
        self.by_name = by_name.into();
        self.fields = fields;
        self
    }

    /// In the order in which they are declared.
    pub fn fields(&self) -> &[Field] {
        &self.fields
    }

    /// The fields that are printed even if absent.
    pub fn always(&self) -> impl Iterator<Item = &Field> {
        self.always.iter().map(|index| &self.fields[*index as usize])
    }

    pub fn field(&self, name: &str) -> Option<&Field> {
        let asked = beginning(name);
        let found = self.by_name.binary_search_by(|(own, index)| {
            own.cmp(&asked).then_with(|| (*self.fields[*index as usize].name).cmp(name))
        });
        found.ok().map(|at| &self.fields[self.by_name[at].1 as usize])
    }
}

/// The first bytes of a name, as a number that orders as they do: most names differ in them, and numbers are compared faster than texts.
type Beginning = u64;

fn beginning(name: &str) -> Beginning {
    const LENGTH: usize = size_of::<Beginning>();
    match name.as_bytes().first_chunk::<LENGTH>() {
        Some(bytes) => Beginning::from_be_bytes(*bytes),
        // What is too short for it ends in zeros.
        None => (0..LENGTH).fold(0, |number, index| {
            number << u8::BITS | Beginning::from(name.as_bytes().get(index).copied().unwrap_or(0))
        }),
    }
}

impl Field {
    /// A field that is printed when present, merges as a whole, and has no number.
    pub fn new(name: impl Into<Box<str>>, ty: TypeRef) -> Self {
        Self {
            name: name.into(),
            ty,
            presence: Presence::default(),
            facts: Facts::default(),
            proto: 0,
            pointer: false,
            required: false,
            wrapped: false,
            default: None,
            one_of: None,
        }
    }

    #[must_use]
    pub const fn with_presence(mut self, presence: Presence) -> Self {
        self.presence = presence;
        self
    }

    #[must_use]
    pub fn with_facts(mut self, facts: Facts) -> Self {
        self.facts = facts;
        self
    }

    #[must_use]
    pub fn with_default(mut self, default: Option<Tree>) -> Self {
        self.default = default;
        self
    }

    /// What stands for an absent value: the default, or for scalars that are always printed their zero, which is the default that
    /// Kubernetes publishes for them.
    pub fn default_or_zero(&self) -> Option<Cow<'_, Tree>> {
        if let Some(default) = &self.default {
            return Some(Cow::Borrowed(default));
        }
        if self.presence != Presence::Always || self.pointer {
            return None;
        }
        match self.ty {
            TypeRef::String => Some(Cow::Owned("".into())),
            TypeRef::Bool => Some(Cow::Owned(false.into())),
            TypeRef::Int32 | TypeRef::Int64 | TypeRef::Uint32 | TypeRef::Uint64 => {
                Some(Cow::Owned(0.into()))
            }
            _ => None,
        }
    }
}

impl TypeRef {
    #[must_use]
    pub fn list(item: Self) -> Self {
        Self::List(Box::new(item))
    }

    #[must_use]
    pub fn map(value: Self) -> Self {
        Self::Map(Box::new(value))
    }
}

#[cfg(test)]
mod tests;
