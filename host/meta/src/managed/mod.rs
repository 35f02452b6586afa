//! Who owns which fields of an object: `metadata.managedFields`, kept for every write, and
//! server-side apply.
//!
//! A [`FieldSet`] is a set of paths (`fieldsV1`). [`track_update`] attributes what a create, update
//! or patch changed to its manager; [`apply`] merges the configuration of an applier into the
//! object, refuses to overwrite fields of others unless forced, and removes fields that the applier
//! no longer lists. Which values are owned as a whole and how items of lists are told apart are
//! facts of the schema.
//!
//! See <https://kubernetes.io/docs/reference/using-api/server-side-apply/>.

mod apply;
mod compare;
mod configure;
mod conflict;
mod element;
mod entry;
mod fields_v1;
mod from_tree;
mod last_applied;
mod merge;
mod owners;
mod raw;
mod remove;
mod scale;
mod set;
mod shape;
mod times;
mod update;
mod upgrade;
mod validate;

use jiff::Timestamp;

pub use apply::{Applied, ApplyError, apply, described};
pub use configure::configure;
pub use conflict::Conflict;
pub use element::{Element, Scalar};
pub use entry::{Entry, EntryError, Operation, decode_entries, encode_entries, is_reset};
pub use owners::{get, heads, put, take, without_owners};
pub use scale::{from_scale, to_scale};
pub use set::FieldSet;
pub use times::keep_times;
pub use update::track_update;
pub use upgrade::upgrade_client_side_apply;

use crate::Tree;
use crate::schema::{Schema, TypeRef};

/// The annotation in which client-side apply keeps the last configuration.
pub const LAST_APPLIED: &str = "kubectl.kubernetes.io/last-applied-configuration";

/// More entries of updates than these are merged into one.
pub const UPDATE_MANAGERS_MAX: usize = 10;

/// The name of the manager that such entries are merged into.
pub const ANCIENT_CHANGES: &str = "ancient-changes";

/// Beyond this depth values are owned as a whole, and sets are not read.
const DEPTH_MAX: usize = 1_000;

/// One write, as far as ownership depends on it.
#[derive(Clone, Copy, Debug)]
pub struct Context<'a> {
    /// The field manager; empty is `unknown`.
    pub manager: &'a str,
    /// The version that the request is made in: `apps/v1`.
    pub api_version: &'a str,
    /// `status`, `scale` and so on, or empty.
    pub subresource: &'a str,
    pub now: Timestamp,
    pub ty: &'a TypeRef,
    pub schema: &'a Schema,
    /// Fields that this request cannot write, with all below them: `status` for the resource
    /// itself.
    pub reset: Option<&'a FieldSet>,
}

impl Context<'_> {
    /// All fields of an object.
    pub fn fields_of(&self, tree: &Tree) -> FieldSet {
        from_tree::field_set(tree, self.ty, self.schema)
    }
}

impl FieldSet {
    /// All fields of a value of the given type.
    pub fn from_tree(tree: &Tree, ty: &TypeRef, schema: &Schema) -> Self {
        from_tree::field_set(tree, ty, schema)
    }
}

#[cfg(test)]
mod tests;
