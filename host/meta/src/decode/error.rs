//! Why bytes are no JSON, or a tree is no object of its type, in the words of Kubernetes' decoder.

use std::fmt;

use thiserror::Error;

use super::reader::{Event, Reader};

/// The bytes are no JSON.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[error("{message}")]
pub struct ParseError {
    pub message: String,
    /// How many bytes were read when the error was met.
    pub offset: usize,
}

/// A value does not fit its type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DecodeError {
    /// JSON of the wrong kind, or a number out of range.
    Type {
        /// `string`, `object`, `number 1.5`
        value: String,
        /// `int32`, `v1.PodSpec`
        expected: String,
        place: Place,
    },
    /// A text that its type cannot read; the message says it all.
    Value { message: String, place: Place },
}

/// Where in the tree an error is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Place {
    /// The innermost struct, empty outside of any.
    pub(super) strukt: String,
    /// From the innermost step outwards.
    pub(super) steps: Vec<Step>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Step {
    Field(Box<str>),
    Key(Box<str>),
    Index(usize),
}

impl Place {
    /// The fields on the way, without keys and indexes: `spec.template.spec.containers`.
    pub fn fields(&self) -> String {
        let fields = self.steps.iter().rev().filter_map(|step| match step {
            Step::Field(name) => Some(&**name),
            Step::Key(_) | Step::Index(_) => None,
        });
        fields.collect::<Vec<_>>().join(".")
    }
}

impl DecodeError {
    pub(super) fn wrong_type(value: impl Into<String>, expected: impl Into<String>) -> Self {
        Self::Type { value: value.into(), expected: expected.into(), place: Place::default() }
    }

    /// A value that its type cannot read, for the reason that the message gives.
    pub fn value(message: impl Into<String>) -> Self {
        Self::Value { message: message.into(), place: Place::default() }
    }

    /// Where the value is.
    pub fn place(&self) -> &Place {
        match self {
            Self::Type { place, .. } | Self::Value { place, .. } => place,
        }
    }

    fn place_mut(&mut self) -> &mut Place {
        match self {
            Self::Type { place, .. } | Self::Value { place, .. } => place,
        }
    }

    /// The error seen from one level further out.
    pub(super) fn within(mut self, step: Step) -> Self {
        self.place_mut().steps.push(step);
        self
    }

    pub(super) fn within_field(mut self, strukt: &str, field: &str) -> Self {
        let place = self.place_mut();
        if place.strukt.is_empty() {
            strukt.clone_into(&mut place.strukt);
        }
        place.steps.push(Step::Field(field.into()));
        self
    }

    /// Shows a refused number as the source has it (`1e2`), which the tree no longer knows.
    #[must_use]
    pub fn with_source(mut self, source: &[u8]) -> Self {
        if let Self::Type { value, place, .. } = &mut self
            && value.starts_with("number ")
            && let Some(literal) = number_at(source, &place.steps)
        {
            *value = format!("number {literal}");
        }
        self
    }
}

impl fmt::Display for DecodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Value { message, .. } => f.write_str(message),
            Self::Type { value, expected, place } if place.strukt.is_empty() => {
                write!(f, "json: cannot unmarshal {value} into Go value of type {expected}")
            }
            Self::Type { value, expected, place } => write!(
                f,
                "json: cannot unmarshal {value} into Go struct field {}.{} of type {expected}",
                place.strukt,
                place.fields()
            ),
        }
    }
}

impl std::error::Error for DecodeError {}

/// The last number that the source has at a place.
fn number_at(source: &[u8], steps: &[Step]) -> Option<String> {
    let source = String::from_utf8_lossy(source);
    let mut reader = Reader::new(&source);
    let wanted: Vec<_> = steps.iter().rev().collect();
    // How many of the wanted steps the open containers have matched, for each container; and its
    // position.
    let mut open: Vec<(Option<usize>, usize)> = Vec::new();
    let mut here = Some(0);
    let mut found = None;
    while let Ok(Some(event)) = reader.next() {
        match &event {
            Event::Key(key) => {
                let parent = open.last().and_then(|(matched, _)| *matched);
                here = parent.filter(|at| match wanted.get(*at) {
                    Some(Step::Field(name) | Step::Key(name)) => **name == **key,
                    _ => false,
                });
                here = here.map(|at| at + 1);
                continue;
            }
            Event::EndObject | Event::EndArray => {
                open.pop();
                continue;
            }
            _ => {}
        }
        if let Some((matched, Some(index))) =
            open.last_mut().map(|(matched, index)| (*matched, (*index > 0).then_some(index)))
        {
            here = matched
                .filter(|at| matches!(wanted.get(*at), Some(Step::Index(i)) if i + 1 == *index))
                .map(|at| at + 1);
            *index += 1;
        }
        match event {
            Event::BeginObject => open.push((here, 0)),
            // Positions in arrays count from one, so that zero tells an object.
            Event::BeginArray => open.push((here, 1)),
            Event::Number(literal) if here == Some(wanted.len()) => {
                found = Some(literal.to_owned());
            }
            _ => {}
        }
    }
    found
}
