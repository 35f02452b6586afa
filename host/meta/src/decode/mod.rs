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

pub use canonical::{Findings, canonicalize, emit, wrap};
pub use error::{DecodeError, ParseError};
pub use parse::{Parsed, parse_json};
pub use strict::{duplicate_field, strict_errors, unknown_field};
pub use time::{format_duration, format_micro_time, format_time, parse_duration};

use crate::Tree;

/// Objects and lists are nested no deeper than this. What is stored is read again by parsers that go 127 levels deep, those of clients among
/// them, and lists and events put a few levels around it; copying, comparing and dropping a tree take stack for each.
pub const DEPTH_MAX: usize = 120;

/// How deep objects and lists are nested in a tree. A scalar has no depth.
pub fn depth(tree: &Tree) -> usize {
    let (mut deepest, mut rest) = (0, vec![(tree, 1)]);
    while let Some((value, depth)) = rest.pop() {
        match value {
            Tree::Array(items) => rest.extend(items.iter().map(|item| (item, depth + 1))),
            Tree::Object(fields) => rest.extend(fields.values().map(|value| (value, depth + 1))),
            _ => continue,
        }
        deepest = deepest.max(depth);
    }
    deepest
}

/// More unknown or duplicate fields than these are not reported.
pub const REPORTED_MAX: usize = 100;

#[cfg(test)]
mod tests;
