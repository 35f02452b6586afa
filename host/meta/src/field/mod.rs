//! Errors about fields, with the texts and the machine-readable causes that Kubernetes gives for
//! them.
//!
//! Validation returns a list of [`FieldError`]; the API server turns the list into one `Invalid`
//! status ([`crate::StatusError::invalid`]), whose message and causes clients compare and people
//! read.

mod error;
mod path;

pub use error::{BadValue, ErrorKind, FieldError};
pub use path::Path;

#[cfg(test)]
mod tests;
