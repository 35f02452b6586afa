//! Between values and JSON.

use std::collections::BTreeMap;
use std::sync::Arc;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use meta::Tree;

use super::{Key, Value, WEIGHT_MAX};
use crate::library::time;

/// The value has no form in JSON.
#[derive(Clone, Debug, thiserror::Error, PartialEq, Eq)]
pub enum ToJsonError {
    #[error("unsupported type: {0}")]
    Type(String),
    /// Values may share their parts, their texts do not.
    #[error("the value is too large")]
    TooLarge,
}

impl From<&Tree> for Value {
    fn from(tree: &Tree) -> Self {
        match tree {
            Tree::Null => Self::Null,
            Tree::Bool(value) => Self::Bool(*value),
            Tree::Number(number) => match (number.as_i64(), number.as_u64()) {
                (Some(value), _) => Self::Int(value),
                (None, Some(value)) => Self::Uint(value),
                (None, None) => Self::Double(number.as_f64().unwrap_or(f64::NAN)),
            },
            Tree::String(text) => Self::text(text),
            Tree::Array(items) => Self::list(items.iter().map(Self::from).collect()),
            Tree::Object(fields) => {
                let entries = fields.iter().map(|(key, value)| (Key::text(key), Self::from(value)));
                Self::Map(Arc::new(entries.collect::<BTreeMap<_, _>>()))
            }
        }
    }
}

impl Value {
    /// The value as JSON.
    pub fn to_json(&self) -> Result<Tree, ToJsonError> {
        if self.weight() == WEIGHT_MAX { Err(ToJsonError::TooLarge) } else { self.tree() }
    }

    fn tree(&self) -> Result<Tree, ToJsonError> {
        Ok(match self {
            Self::Null | Self::Optional(None) => Tree::Null,
            Self::Bool(value) => Tree::Bool(*value),
            Self::Int(value) => Tree::from(*value),
            Self::Uint(value) => Tree::from(*value),
            Self::Double(value) => Tree::from(*value),
            Self::String(text) => Tree::from(&**text),
            Self::Bytes(bytes) => Tree::from(BASE64_STANDARD.encode(bytes)),
            Self::Duration(duration) => Tree::from(time::duration_text(*duration)),
            Self::Timestamp(at) => Tree::from(time::timestamp_text(*at)),
            Self::List(items) => {
                Tree::Array(items.iter().map(Self::tree).collect::<Result<_, _>>()?)
            }
            Self::Map(entries) => {
                let fields =
                    entries.iter().map(|(key, value)| Ok((key.to_string(), value.tree()?)));
                Tree::Object(fields.collect::<Result<_, ToJsonError>>()?)
            }
            Self::Optional(Some(value)) => value.tree()?,
            Self::Record(record) => {
                let fields =
                    record.fields.iter().map(|(name, value)| Ok((name.to_string(), value.tree()?)));
                Tree::Object(fields.collect::<Result<_, ToJsonError>>()?)
            }
            Self::Quantity(quantity) => Tree::from(quantity.to_string()),
            Self::Url(_)
            | Self::Ip(_)
            | Self::Cidr(_)
            | Self::Semver(_)
            | Self::Format(_)
            | Self::Check(_)
            | Self::Type(_) => return Err(ToJsonError::Type(self.type_name().to_owned())),
        })
    }
}
