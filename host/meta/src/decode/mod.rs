//! From bytes to an object in canonical form: what Kubernetes would print after decoding them into
//! its own structs.
//!
//! [`parse_json`] reads bytes into a tree. [`canonicalize`] walks the tree once beside the shape of
//! its type: it drops and reports unknown fields, refuses values of the wrong type with the texts
//! that clients know, rewrites quantities, times and bytes as they are printed, and makes fields
//! present or absent as [`Presence`] says. [`emit`] applies the same rules to a tree that came from
//! typed values. [`strict_errors`] lists unknown and duplicate fields in the order of the source,
//! for `fieldValidation`.
//!
//! [`Presence`]: crate::schema::Presence

mod canonical;
mod error;
mod parse;
mod reader;
mod scalar;
mod strict;
mod time;

pub use canonical::{Findings, canonicalize, emit};
pub use error::{DecodeError, ParseError};
pub use parse::{Parsed, parse_json};
pub use strict::{duplicate_field, strict_errors, unknown_field};
pub use time::{format_duration, format_micro_time, format_time, parse_duration};

/// Deeper nesting is refused.
pub const DEPTH_MAX: usize = 10_000;

/// A thread that handles trees needs this much stack: a tree as deep as the limit is copied,
/// compared, printed and dropped level by level.
pub const STACK_BYTES: usize = 8 << 20;

/// More unknown or duplicate fields than these are not reported.
pub const REPORTED_MAX: usize = 100;

#[cfg(test)]
mod tests;
