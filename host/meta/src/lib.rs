//! The object model that every room shares: names of things, errors as Kubernetes shows them,
//! selectors, the shapes of types, and the algorithms on object trees (decoding, patches, field
//! ownership).
//!
//! Everything here is pure: no clock, no network, no disk. Time comes in through [`Clock`] or as an
//! argument. It knows no API kind: the shapes of the built-in kinds are data that `kinds` hands
//! over as a [`schema::Schema`], and custom types build theirs at run time.
//!
//! Start from [`Key`] (what an object is called in the store), [`StatusError`] (how a request
//! fails) and [`schema::Schema`] (what drives [`decode`], [`patch`] and [`managed`]).

mod attributes;
mod clock;
pub mod decode;
pub mod field;
mod identity;
mod key;
pub mod managed;
mod member;
pub mod names;
pub mod patch;
pub mod quantity;
pub mod quote;
pub mod schema;
pub mod selector;
pub mod status;
mod tree;

pub use attributes::Attributes;
pub use clock::Clock;
pub use field::{ErrorKind, FieldError, Path};
pub use identity::{
    GroupKind, GroupResource, GroupVersion, GroupVersionKind, GroupVersionResource, Name, Revision,
};
pub use k8s_openapi::apimachinery::pkg::apis::meta::v1::{
    LabelSelector, ObjectMeta, OwnerReference, Time,
};
pub use key::Key;
pub use member::{member, member_range, value_len};
pub use quantity::Quantity;
pub use quote::quote;
pub use status::StatusError;
pub use tree::{has_empty, json_kind, metadata_text, write_json, write_json_text};

/// An object as a JSON tree. It exists only while decoding, patching, tracking fields and encoding.
pub type Tree = serde_json::Value;
