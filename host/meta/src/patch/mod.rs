//! The three kinds of patch that the API server accepts beside server-side apply.
//!
//! Each takes the object as a tree and gives the patched tree; the caller brings that into
//! canonical form again and validates it like any update. Errors are typed and know the status that
//! Kubernetes answers with. No patch costs more than in proportion to the sizes of patch and
//! object, apart from sorting.

pub mod json;
pub mod merge;
pub mod strategic;

use thiserror::Error;

use crate::StatusError;
use crate::decode::{Parsed, parse_json};

/// The body of a patch is no JSON at all.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
#[error("invalid JSON patch")]
pub struct NotJson;

impl NotJson {
    /// How the API server answers.
    pub fn status(self) -> StatusError {
        StatusError::bad_request(self.to_string())
    }
}

/// Reads the body of a patch.
pub fn parse(body: &[u8]) -> Result<Parsed, NotJson> {
    parse_json(body).map_err(|_| NotJson)
}

/// What clients are told when a patch is well formed and does not fit the object.
fn unprocessable() -> StatusError {
    let message = "the server rejected our request due to an error in our request";
    let mut error = StatusError::new(422, "Invalid", message);
    error.details_mut();
    error
}

#[cfg(test)]
mod tests;
