//! What objects of custom kinds look like: their schemas, compiled for use.
//!
//! Start from [`CustomSchema`]. The kind that defines custom kinds is in `apiextensions`.

pub(crate) mod field_path;
pub(crate) mod rules;
pub mod schema;

pub use schema::{CustomSchema, Found};
