//! What objects of custom kinds look like: their schemas, compiled for use.
//!
//! Start from [`CustomSchema`]. The kind that defines custom kinds is in `apiextensions`.

pub mod schema;

pub use schema::{CustomSchema, Found};
