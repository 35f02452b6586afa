//! How rules of kinds are written: a path that costs nothing while all is well, and a list that collects errors.
//!
//! Validation runs on every write and nearly always finds nothing, so a path is a chain of borrowed steps on the stack and becomes text
//! only inside an error.

use std::fmt;

use meta::field::{BadValue, FieldError, Path};
use serde::Serialize;

/// Where in the object a rule looks.
#[derive(Clone, Copy, Debug)]
pub struct At<'a> {
    parent: Option<&'a At<'a>>,
    step: Step<'a>,
}

#[derive(Clone, Copy, Debug)]
enum Step<'a> {
    Field(&'a str),
    Index(usize),
    Key(&'a str),
}

impl<'a> At<'a> {
    /// A field of the object itself.
    #[must_use]
    pub const fn root(name: &'a str) -> Self {
        Self { parent: None, step: Step::Field(name) }
    }

    #[must_use]
    pub const fn field(&'a self, name: &'a str) -> Self {
        Self { parent: Some(self), step: Step::Field(name) }
    }

    #[must_use]
    pub const fn index(&'a self, index: usize) -> Self {
        Self { parent: Some(self), step: Step::Index(index) }
    }

    #[must_use]
    pub const fn key(&'a self, key: &'a str) -> Self {
        Self { parent: Some(self), step: Step::Key(key) }
    }
}

impl fmt::Display for At<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(parent) = self.parent {
            parent.fmt(f)?;
        }
        match self.step {
            // An error about the object as a whole names a field without a name.
            Step::Field("") if self.parent.is_none() => f.write_str("[]"),
            Step::Field(name) if self.parent.is_none() || name.is_empty() => f.write_str(name),
            Step::Field(name) => write!(f, ".{name}"),
            Step::Index(index) => write!(f, "[{index}]"),
            Step::Key(key) => write!(f, "[{key}]"),
        }
    }
}

/// What is wrong with an object so far.
#[derive(Debug, Default)]
pub struct Errors {
    list: Vec<FieldError>,
}

impl Errors {
    #[must_use]
    pub const fn new() -> Self {
        Self { list: Vec::new() }
    }

    #[must_use]
    pub fn into_list(self) -> Vec<FieldError> {
        self.list
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    #[must_use]
    pub fn len(&self) -> usize {
        self.list.len()
    }

    pub fn extend(&mut self, errors: impl IntoIterator<Item = FieldError>) {
        self.list.extend(errors);
    }

    pub fn invalid(&mut self, at: &At<'_>, value: impl Into<BadValue>, detail: impl Into<String>) {
        self.list.push(FieldError::invalid(&path(at), value, detail));
    }

    /// One [`Errors::invalid`] for each message.
    pub fn invalid_each(&mut self, at: &At<'_>, value: &str, messages: Vec<String>) {
        for message in messages {
            self.invalid(at, value, message);
        }
    }

    pub fn required(&mut self, at: &At<'_>, detail: impl Into<String>) {
        self.list.push(FieldError::required(&path(at), detail));
    }

    pub fn forbidden(&mut self, at: &At<'_>, detail: impl Into<String>) {
        self.list.push(FieldError::forbidden(&path(at), detail));
    }

    pub fn duplicate(&mut self, at: &At<'_>, value: impl Into<BadValue>) {
        self.list.push(FieldError::duplicate(&path(at), value));
    }

    /// [`Errors::duplicate`] with a text that says what must be unique.
    pub fn duplicate_with(&mut self, at: &At<'_>, value: impl Into<BadValue>, detail: &str) {
        self.list.push(FieldError::duplicate(&path(at), value).with_detail(detail));
    }

    pub fn not_found(&mut self, at: &At<'_>, value: impl Into<BadValue>) {
        self.list.push(FieldError::not_found(&path(at), value));
    }

    /// [`Errors::not_found`] with a text that says where the value should be.
    pub fn not_found_with(
        &mut self,
        at: &At<'_>,
        value: impl Into<BadValue>,
        detail: impl Into<String>,
    ) {
        self.list.push(FieldError::not_found(&path(at), value).with_detail(detail));
    }

    pub fn not_supported(&mut self, at: &At<'_>, value: impl Into<BadValue>, allowed: &[&str]) {
        self.list.push(FieldError::not_supported(&path(at), value, allowed.iter().copied()));
    }

    pub fn internal(&mut self, at: &At<'_>, detail: impl Into<String>) {
        self.list.push(FieldError::internal(&path(at), detail));
    }

    pub fn too_long(&mut self, at: &At<'_>, max_bytes: usize) {
        self.list.push(FieldError::too_long(&path(at), max_bytes));
    }

    /// [`Errors::too_long`] where characters are counted.
    pub fn too_long_characters(&mut self, at: &At<'_>, max: usize) {
        self.list.push(FieldError::too_long_characters(&path(at), max));
    }

    pub fn too_many(&mut self, at: &At<'_>, actual: usize, max: usize) {
        self.list.push(FieldError::too_many(&path(at), actual, max));
    }

    /// Refuses a value that is not in `allowed`.
    pub fn one_of(&mut self, at: &At<'_>, value: &str, allowed: &[&str]) {
        if !allowed.contains(&value) {
            self.not_supported(at, value, allowed);
        }
    }

    /// Refuses a missing value and one that is not in `allowed`. Returns whether the value is good.
    pub fn required_one_of(&mut self, at: &At<'_>, value: &str, allowed: &[&str]) -> bool {
        if value.is_empty() {
            self.required(at, "");
        } else if !allowed.contains(&value) {
            self.not_supported(at, value, allowed);
        } else {
            return true;
        }
        false
    }

    pub fn not_negative(&mut self, at: &At<'_>, value: i64) {
        if value < 0 {
            self.invalid(at, value, NEGATIVE);
        }
    }

    /// Refuses any difference between the new and the old value.
    pub fn immutable<T: PartialEq + Serialize>(&mut self, at: &At<'_>, new: &T, old: &T) {
        if new != old {
            self.invalid(at, json(new), IMMUTABLE);
        }
    }
}

pub const NEGATIVE: &str = "must be greater than or equal to 0";
pub const IMMUTABLE: &str = "field is immutable";

/// A refused value that is no plain text or number.
#[must_use]
pub fn json(value: &impl Serialize) -> BadValue {
    // Wire types have string keys only, so they cannot fail to serialise.
    serde_json::to_value(value).map_or(BadValue::Omitted, BadValue::from)
}

fn path(at: &At<'_>) -> Path {
    Path::new(at.to_string())
}
