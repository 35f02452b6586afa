//! One step of a path into an object.

use std::fmt;

use serde_json::Map;

use crate::Tree;
use crate::quote::{json, quote};

/// A step from a value to one inside it. Fields sort before items.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Element {
    /// A field of a struct or an entry of a map.
    Field(Box<str>),
    /// The item of a list with these values in its key fields, which are sorted by name.
    Key(Box<[(Box<str>, Scalar)]>),
    /// The item of a set.
    Value(Scalar),
    Index(i64),
}

/// A value that can tell items of a list apart.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Scalar {
    Int(i64),
    Text(Box<str>),
    Bool(bool),
    Null,
    /// Anything else, as compact JSON.
    Json(Box<str>),
}

impl Element {
    pub fn field(name: impl Into<Box<str>>) -> Self {
        Self::Field(name.into())
    }

    /// A path of fields.
    pub fn path<const N: usize>(names: [&str; N]) -> [Self; N] {
        names.map(Self::field)
    }

    /// Reads a step as `fieldsV1` has it: `f:spec`, `k:{"name":"x"}`, `v:"x"`, `i:0`. `Ok(None)` is
    /// a kind of step that is not known.
    pub(super) fn parse(text: &str) -> Result<Option<Self>, &'static str> {
        let (kind, rest) = text.split_once(':').ok_or("missing colon")?;
        let value = || serde_json::from_str::<Tree>(rest).map_err(|_| "value is no JSON");
        Ok(Some(match kind {
            "f" => Self::field(rest),
            "v" => Self::Value(Scalar::from(&value()?)),
            "k" => match value()? {
                Tree::Object(map) => {
                    Self::Key(map.iter().map(|(k, v)| (k.as_str().into(), v.into())).collect())
                }
                _ => return Err("key is no object"),
            },
            "i" => Self::Index(rest.parse().map_err(|_| "index is no number")?),
            _ if kind.len() == 1 => return Ok(None),
            _ => return Err("missing colon"),
        }))
    }

    /// The step as `fieldsV1` has it.
    pub(super) fn print(&self) -> String {
        match self {
            // Most steps are fields, and this is many times faster than a format.
            Self::Field(name) => ["f:", name].concat(),
            Self::Key(fields) => {
                let map: Map<_, _> =
                    fields.iter().map(|(name, value)| (name.to_string(), value.tree())).collect();
                format!("k:{}", json(&Tree::Object(map)))
            }
            Self::Value(value) => format!("v:{}", json(&value.tree())),
            Self::Index(index) => format!("i:{index}"),
        }
    }
}

impl Scalar {
    pub fn tree(&self) -> Tree {
        match self {
            Self::Int(number) => (*number).into(),
            Self::Text(text) => Tree::String(text.to_string()),
            Self::Bool(value) => (*value).into(),
            Self::Null => Tree::Null,
            Self::Json(text) => serde_json::from_str(text).unwrap_or_default(),
        }
    }
}

impl From<&Tree> for Scalar {
    fn from(value: &Tree) -> Self {
        match value {
            Tree::Null => Self::Null,
            Tree::Bool(value) => Self::Bool(*value),
            Tree::String(text) => Self::Text(text.as_str().into()),
            Tree::Number(number) => match number.as_i64() {
                Some(number) => Self::Int(number),
                None => Self::Json(number.to_string().into()),
            },
            container => Self::Json(container.to_string().into()),
        }
    }
}

impl From<&str> for Scalar {
    fn from(text: &str) -> Self {
        Self::Text(text.into())
    }
}

impl fmt::Display for Scalar {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Int(number) => number.fmt(f),
            Self::Text(text) => f.write_str(&quote(text)),
            Self::Bool(value) => value.fmt(f),
            Self::Null => f.write_str("null"),
            Self::Json(text) => f.write_str(text),
        }
    }
}

/// As conflicts show it: `.spec`, `[name="x"]`.
impl fmt::Display for Element {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Field(name) => write!(f, ".{name}"),
            Self::Key(fields) => {
                let fields: Vec<_> =
                    fields.iter().map(|(name, value)| format!("{name}={value}")).collect();
                write!(f, "[{}]", fields.join(","))
            }
            Self::Value(value) => write!(f, "[={value}]"),
            Self::Index(index) => write!(f, "[{index}]"),
        }
    }
}
