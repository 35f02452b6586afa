//! Values of expressions: cheap to clone, compared as the language says.

mod json;
mod key;
mod list;
mod order;

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;

use ipnet::IpNet;
use jiff::{SignedDuration, Timestamp};
use meta::Quantity;

pub use json::ToJsonError;
pub use key::Key;
pub use list::{List, ListKind};

use crate::eval::TOTAL_COST_MAX;
use crate::library::authorizer::Check;
use crate::library::formats::Format;

/// A value.
#[derive(Clone, Debug)]
pub enum Value {
    Null,
    Bool(bool),
    Int(i64),
    Uint(u64),
    Double(f64),
    String(Arc<str>),
    Bytes(Arc<[u8]>),
    Duration(SignedDuration),
    Timestamp(Timestamp),
    List(Arc<List>),
    Map(Arc<BTreeMap<Key, Value>>),
    Optional(Option<Arc<Value>>),
    /// A type as a value, by its name.
    Type(Arc<str>),
    /// A record that an expression made.
    Record(Arc<Record>),
    Quantity(Arc<Quantity>),
    Url(Arc<url::Url>),
    Ip(IpAddr),
    Cidr(IpNet),
    Semver(Arc<semver::Version>),
    Format(&'static Format),
    /// A step on the way to a question whether something is permitted.
    Check(Arc<Check>),
}

/// More than an evaluation may cost.
pub(crate) const WEIGHT_MAX: u64 = TOTAL_COST_MAX + 1;

/// A record: the name of its type and the fields that were set.
#[derive(Clone, Debug, Default)]
pub struct Record {
    pub name: Arc<str>,
    pub fields: BTreeMap<Arc<str>, Value>,
}

impl Value {
    pub fn text(text: impl AsRef<str>) -> Self {
        Self::String(Arc::from(text.as_ref()))
    }

    pub fn list(items: Vec<Self>) -> Self {
        Self::List(Arc::new(List::new(items, ListKind::Ordered)))
    }

    pub fn some(value: Self) -> Self {
        Self::Optional(Some(Arc::new(value)))
    }

    /// A map with texts as keys.
    pub fn map<K: AsRef<str>>(entries: impl IntoIterator<Item = (K, Self)>) -> Self {
        let entries = entries.into_iter().map(|(key, value)| (Key::text(key.as_ref()), value));
        Self::Map(Arc::new(entries.collect()))
    }

    pub fn as_str(&self) -> Option<&str> {
        match self {
            Self::String(text) => Some(text),
            _ => None,
        }
    }

    pub fn as_bool(&self) -> Option<bool> {
        match self {
            Self::Bool(value) => Some(*value),
            _ => None,
        }
    }

    /// The name of the value's type.
    pub fn type_name(&self) -> &str {
        match self {
            Self::Null => "null_type",
            Self::Bool(_) => "bool",
            Self::Int(_) => "int",
            Self::Uint(_) => "uint",
            Self::Double(_) => "double",
            Self::String(_) => "string",
            Self::Bytes(_) => "bytes",
            Self::Duration(_) => "google.protobuf.Duration",
            Self::Timestamp(_) => "google.protobuf.Timestamp",
            Self::List(_) => "list",
            Self::Map(_) => "map",
            Self::Optional(_) => "optional_type",
            Self::Type(_) => "type",
            Self::Record(record) => &record.name,
            Self::Quantity(_) => "kubernetes.Quantity",
            Self::Url(_) => "kubernetes.URL",
            Self::Ip(_) => "net.IP",
            Self::Cidr(_) => "net.CIDR",
            Self::Semver(_) => "kubernetes.Semver",
            Self::Format(_) => "kubernetes.NamedFormat",
            Self::Check(check) => check.type_name(),
        }
    }

    /// How much there is of the value, by which the cost of looking at all of it is counted.
    pub(crate) fn size(&self) -> u64 {
        let len = match self {
            Self::String(text) => text.len(),
            Self::Bytes(bytes) => bytes.len(),
            Self::List(items) => items.len(),
            Self::Map(entries) => entries.len(),
            _ => 1,
        };
        u64::try_from(len).unwrap_or(u64::MAX)
    }

    /// How much there is of the value through and through, which is what comparing it costs. Lists that share their parts can be larger than
    /// any memory: nobody counts beyond [`WEIGHT_MAX`].
    pub(crate) fn weight(&self) -> u64 {
        let mut left = WEIGHT_MAX;
        self.weigh(&mut left);
        WEIGHT_MAX - left
    }

    fn weigh(&self, left: &mut u64) {
        let own = match self {
            Self::String(_) | Self::Bytes(_) => self.size().div_ceil(10).max(1),
            _ => 1,
        };
        *left = left.saturating_sub(own);
        if *left == 0 {
            return;
        }
        match self {
            Self::List(items) => items.iter().for_each(|item| item.weigh(left)),
            Self::Map(entries) => entries.values().for_each(|value| value.weigh(left)),
            Self::Record(record) => record.fields.values().for_each(|value| value.weigh(left)),
            Self::Optional(Some(value)) => value.weigh(left),
            _ => {}
        }
    }
}

impl From<bool> for Value {
    fn from(value: bool) -> Self {
        Self::Bool(value)
    }
}

impl From<i64> for Value {
    fn from(value: i64) -> Self {
        Self::Int(value)
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::text(text)
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::String(Arc::from(text))
    }
}

#[cfg(test)]
mod tests;
