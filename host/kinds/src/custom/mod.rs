//! Kinds that users define: what they are to the verbs, and what their objects look like.
//!
//! A [`Definition`] is made of a `CustomResourceDefinition` and holds a [`CustomKind`] for each version that is served; these stand beside the
//! built-in kinds wherever an [`crate::AnyKind`] is asked for. All versions show the same stored objects. What objects look like is in
//! [`schema`]; the kind that defines custom kinds is in `apiextensions`.

mod columns;
mod definition;
pub(crate) mod field_path;
mod json_path;
mod kind;
mod object;
pub(crate) mod rules;
mod scale;
pub mod schema;
mod version;
mod warnings;

pub use definition::Definition;
pub use json_path::JsonPath;
pub use kind::CustomKind;
pub use object::stored_attributes;
pub use schema::{CustomSchema, Found};

#[cfg(test)]
mod tests;
