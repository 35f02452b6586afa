//! One error about one field: what is wrong, where, with which value, and why.

use std::fmt;

use crate::quote::{json, quote, quote_all};
use crate::{Path, Tree};

/// What is wrong with a field. The names are the `reason` of a status cause.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ErrorKind {
    NotFound,
    Required,
    Duplicate,
    Invalid,
    NotSupported,
    Forbidden,
    TooLong,
    TooShort,
    TooMany,
    TooFew,
    Internal,
    TypeInvalid,
}

impl ErrorKind {
    /// The `reason` of the cause.
    pub const fn reason(self) -> &'static str {
        match self {
            Self::NotFound => "FieldValueNotFound",
            Self::Required => "FieldValueRequired",
            Self::Duplicate => "FieldValueDuplicate",
            Self::Invalid => "FieldValueInvalid",
            Self::NotSupported => "FieldValueNotSupported",
            Self::Forbidden => "FieldValueForbidden",
            Self::TooLong => "FieldValueTooLong",
            Self::TooShort => "FieldValueTooShort",
            Self::TooMany => "FieldValueTooMany",
            Self::TooFew => "FieldValueTooFew",
            Self::Internal => "InternalError",
            Self::TypeInvalid => "FieldValueTypeInvalid",
        }
    }

    /// How a message begins.
    pub const fn text(self) -> &'static str {
        match self {
            Self::NotFound => "Not found",
            Self::Required => "Required value",
            Self::Duplicate => "Duplicate value",
            Self::Invalid | Self::TypeInvalid => "Invalid value",
            Self::NotSupported => "Unsupported value",
            Self::Forbidden => "Forbidden",
            Self::TooLong => "Too long",
            Self::TooShort => "Too short",
            Self::TooMany => "Too many",
            Self::TooFew => "Too few",
            Self::Internal => "Internal error",
        }
    }

    const fn shows_value(self) -> bool {
        !matches!(
            self,
            Self::Required | Self::Forbidden | Self::TooLong | Self::TooShort | Self::Internal
        )
    }
}

/// The value that was refused, as it is shown.
#[derive(Clone, Debug, PartialEq)]
pub enum BadValue {
    /// The message leaves the value out.
    Omitted,
    Text(String),
    /// Anything else, already printed as compact JSON.
    Json(String),
}

impl BadValue {
    pub const fn null() -> Self {
        // An empty JSON text cannot occur otherwise; a constant needs no allocation.
        Self::Json(String::new())
    }
}

impl fmt::Display for BadValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Omitted => Ok(()),
            Self::Text(text) => f.write_str(&quote(text)),
            Self::Json(text) if text.is_empty() => f.write_str("null"),
            Self::Json(text) => f.write_str(text),
        }
    }
}

impl From<&str> for BadValue {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<&String> for BadValue {
    fn from(text: &String) -> Self {
        Self::Text(text.clone())
    }
}

impl From<String> for BadValue {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<&Tree> for BadValue {
    fn from(value: &Tree) -> Self {
        match value {
            Tree::String(text) => Self::Text(text.clone()),
            other => Self::Json(json(other)),
        }
    }
}

impl From<Tree> for BadValue {
    fn from(value: Tree) -> Self {
        Self::from(&value)
    }
}

impl From<&[String]> for BadValue {
    fn from(texts: &[String]) -> Self {
        Self::from(Tree::from(texts))
    }
}

impl<T: Into<Self>> From<Option<T>> for BadValue {
    fn from(value: Option<T>) -> Self {
        value.map_or_else(Self::null, Into::into)
    }
}

macro_rules! shown_plainly {
    ($($number:ty),*) => {$(
        impl From<$number> for BadValue {
            fn from(value: $number) -> Self {
                Self::Json(value.to_string())
            }
        }
    )*};
}
shown_plainly!(bool, i32, i64, u16, u32, u64, usize, f64);

/// One error about one field.
#[derive(Clone, Debug, PartialEq)]
pub struct FieldError {
    pub kind: ErrorKind,
    pub path: String,
    pub detail: String,
    pub value: BadValue,
}

impl FieldError {
    fn new(
        kind: ErrorKind,
        path: &Path,
        value: impl Into<BadValue>,
        detail: impl Into<String>,
    ) -> Self {
        Self { kind, path: path.to_string(), detail: detail.into(), value: value.into() }
    }

    /// The value breaks a rule that `detail` states.
    pub fn invalid(path: &Path, value: impl Into<BadValue>, detail: impl Into<String>) -> Self {
        Self::new(ErrorKind::Invalid, path, value, detail)
    }

    /// The value is of the wrong type.
    pub fn type_invalid(
        path: &Path,
        value: impl Into<BadValue>,
        detail: impl Into<String>,
    ) -> Self {
        Self::new(ErrorKind::TypeInvalid, path, value, detail)
    }

    pub fn required(path: &Path, detail: impl Into<String>) -> Self {
        Self::new(ErrorKind::Required, path, "", detail)
    }

    pub fn forbidden(path: &Path, detail: impl Into<String>) -> Self {
        Self::new(ErrorKind::Forbidden, path, "", detail)
    }

    pub fn duplicate(path: &Path, value: impl Into<BadValue>) -> Self {
        Self::new(ErrorKind::Duplicate, path, value, "")
    }

    pub fn not_found(path: &Path, value: impl Into<BadValue>) -> Self {
        Self::new(ErrorKind::NotFound, path, value, "")
    }

    /// The value is none of those allowed, which are shown in the given order.
    pub fn not_supported<'a>(
        path: &Path,
        value: impl Into<BadValue>,
        allowed: impl IntoIterator<Item = &'a str>,
    ) -> Self {
        let allowed = quote_all(allowed);
        let detail =
            if allowed.is_empty() { String::new() } else { format!("supported values: {allowed}") };
        Self::new(ErrorKind::NotSupported, path, value, detail)
    }

    /// The value has more bytes than allowed.
    pub fn too_long(path: &Path, max_bytes: usize) -> Self {
        let unit = if max_bytes == 1 { "byte" } else { "bytes" };
        let detail = format!("may not be more than {max_bytes} {unit}");
        Self::new(ErrorKind::TooLong, path, "<value omitted>", detail)
    }

    /// The value has more characters than allowed.
    pub fn too_long_characters(path: &Path, max: usize) -> Self {
        let unit = if max == 1 { "character" } else { "characters" };
        let detail = format!("may not be more than {max} {unit}");
        Self::new(ErrorKind::TooLong, path, "<value omitted>", detail)
    }

    pub fn too_short(path: &Path, value: impl Into<BadValue>, min: usize) -> Self {
        let unit = if min == 1 { "character" } else { "characters" };
        Self::new(ErrorKind::TooShort, path, value, format!("must be at least {min} {unit}"))
    }

    pub fn too_many(path: &Path, actual: usize, max: usize) -> Self {
        let unit = if max == 1 { "item" } else { "items" };
        Self::new(ErrorKind::TooMany, path, actual, format!("must have at most {max} {unit}"))
    }

    pub fn too_few(path: &Path, actual: usize, min: usize) -> Self {
        let unit = if min == 1 { "item" } else { "items" };
        Self::new(ErrorKind::TooFew, path, actual, format!("must have at least {min} {unit}"))
    }

    pub fn internal(path: &Path, detail: impl Into<String>) -> Self {
        Self::new(ErrorKind::Internal, path, BadValue::Omitted, detail)
    }

    /// The same error with another text after the value.
    #[must_use]
    pub fn with_detail(mut self, detail: impl Into<String>) -> Self {
        self.detail = detail.into();
        self
    }

    /// What is wrong, without the path: the message of a cause.
    pub fn body(&self) -> String {
        let mut text = self.kind.text().to_owned();
        if self.kind.shows_value() && self.value != BadValue::Omitted {
            text.push_str(": ");
            text.push_str(&self.value.to_string());
        }
        if !self.detail.is_empty() {
            text.push_str(": ");
            text.push_str(&self.detail);
        }
        text
    }
}

impl fmt::Display for FieldError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.path, self.body())
    }
}

impl std::error::Error for FieldError {}
