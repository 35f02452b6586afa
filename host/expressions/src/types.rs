//! Types of expressions, as the checker sees them and as messages write them.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

/// A type. What is only known at run time is [`Type::Dyn`].
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::enum_variant_names, reason = "a type of a type is one")]
pub enum Type {
    Dyn,
    Null,
    Bool,
    Int,
    Uint,
    Double,
    String,
    Bytes,
    Duration,
    Timestamp,
    List(Arc<Type>),
    Map(Arc<Type>, Arc<Type>),
    Optional(Arc<Type>),
    /// The type of a type.
    Type(Arc<Type>),
    /// A record with named fields.
    Struct(Arc<Struct>),
    /// A value that only functions look into, by its name.
    Opaque(&'static str),
    /// A parameter of a declared function, or a place that the checker has not filled yet.
    Param(usize),
}

/// A record type: its name, and which fields it has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Struct {
    pub name: Arc<str>,
    pub fields: Fields,
}

impl Struct {
    /// With any fields.
    pub(crate) fn open(name: &str) -> Self {
        Self { name: Arc::from(name), fields: Fields::Any }
    }
}

/// The fields of a record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fields {
    /// These and no others.
    Known(BTreeMap<Arc<str>, Type>),
    /// Any field of any type.
    Any,
}

impl Type {
    pub fn list(of: Self) -> Self {
        Self::List(Arc::new(of))
    }

    pub fn map(key: Self, value: Self) -> Self {
        Self::Map(Arc::new(key), Arc::new(value))
    }

    pub fn optional(of: Self) -> Self {
        Self::Optional(Arc::new(of))
    }

    /// A record with exactly these fields.
    pub fn record(name: &str, fields: impl IntoIterator<Item = (&'static str, Self)>) -> Self {
        let fields = fields.into_iter().map(|(name, ty)| (Arc::from(name), ty)).collect();
        Self::Struct(Arc::new(Struct { name: Arc::from(name), fields: Fields::Known(fields) }))
    }

    /// A record with any fields.
    pub fn open_record(name: &str) -> Self {
        Self::Struct(Arc::new(Struct::open(name)))
    }

    /// The name by which Kubernetes' own texts call the type.
    pub fn long_name(&self) -> String {
        match self {
            Self::Null => "null_type".to_owned(),
            Self::Duration => "google.protobuf.Duration".to_owned(),
            Self::Timestamp => "google.protobuf.Timestamp".to_owned(),
            Self::List(of) => format!("list({})", of.long_name()),
            Self::Map(key, value) => format!("map({}, {})", key.long_name(), value.long_name()),
            Self::Optional(of) => format!("optional_type({})", of.long_name()),
            Self::Type(of) => format!("type({})", of.long_name()),
            other => other.to_string(),
        }
    }
}

impl fmt::Display for Type {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Dyn | Self::Param(_) => f.write_str("dyn"),
            Self::Null => f.write_str("null"),
            Self::Bool => f.write_str("bool"),
            Self::Int => f.write_str("int"),
            Self::Uint => f.write_str("uint"),
            Self::Double => f.write_str("double"),
            Self::String => f.write_str("string"),
            Self::Bytes => f.write_str("bytes"),
            Self::Duration => f.write_str("duration"),
            Self::Timestamp => f.write_str("timestamp"),
            Self::List(of) => write!(f, "list({of})"),
            Self::Map(key, value) => write!(f, "map({key}, {value})"),
            Self::Optional(of) => write!(f, "optional_type({of})"),
            Self::Type(of) => write!(f, "type({of})"),
            Self::Struct(record) => f.write_str(&record.name),
            Self::Opaque(name) => f.write_str(name),
        }
    }
}

impl Struct {
    /// The type of a field, if the record has it.
    pub fn field(&self, name: &str) -> Option<Type> {
        match &self.fields {
            Fields::Known(fields) => fields.get(name).cloned(),
            Fields::Any => Some(Type::Dyn),
        }
    }
}
