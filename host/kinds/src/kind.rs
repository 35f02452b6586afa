//! What a kind is: its facts, and the rules that look into an object.
//!
//! All rules are pure. Verbs call them in this order: decode, [`Kind::set_defaults`], then [`Kind::on_create`] or [`Kind::on_update`],
//! admission, then [`Kind::validate`] or its siblings, and [`Kind::warnings`] on what was accepted. Metadata, the split between spec and
//! status and the generation are no business of a kind: [`crate::metadata`] and the verbs handle them for all.

use std::fmt::Debug;

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use k8s_openapi::{Metadata, Resource};
use meta::Tree;
use meta::field::FieldError;
use schemars::JsonSchema;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::columns;
use crate::info::KindInfo;

/// A built-in kind of the API.
pub trait Kind:
    Resource
    + Metadata<Ty = ObjectMeta>
    + JsonSchema
    + Serialize
    + DeserializeOwned
    + Clone
    + Debug
    + PartialEq
    + Send
    + Sync
    + 'static
{
    const INFO: KindInfo;

    /// Keeps what the typed form cannot hold: runs on the canonical tree just before it is typed. Kinds without it are typed straight from
    /// their stored bytes.
    const BEFORE_TYPING: Option<fn(&mut Tree)> = None;

    /// Fills in what the client left out. Runs whenever an object is decoded, so it must be idempotent.
    fn set_defaults(&mut self) {}

    /// Puts a new object into its first state. The verbs have already cleared the status.
    fn on_create(&mut self) {}

    /// Carries over what an update of the main resource must not change. Status is already that of `old`.
    fn on_update(&mut self, _old: &Self) {}

    /// Carries over what an update of `/status` must not change. All but the status is already that of `old`.
    fn on_status_update(&mut self, _old: &Self) {}

    /// Carries over what an update of another subresource must not change. Everything comes from the client, so this says what counts.
    fn on_subresource_update(&mut self, _subresource: &str, _old: &Self) {}

    /// What is wrong with a new object.
    fn validate(&self) -> Vec<FieldError> {
        Vec::new()
    }

    /// What is wrong with an object that replaces `old`.
    fn validate_update(&self, _old: &Self) -> Vec<FieldError> {
        Vec::new()
    }

    /// What is wrong with the status of an object that replaces `old`.
    fn validate_status(&self, _old: &Self) -> Vec<FieldError> {
        Vec::new()
    }

    /// What is wrong with an object that replaces `old` through a subresource other than `status`.
    fn validate_subresource(&self, _subresource: &str, old: &Self) -> Vec<FieldError> {
        self.validate_status(old)
    }

    /// Advice for whoever writes the object, sent as `Warning` headers.
    fn warnings(&self, _old: Option<&Self>) -> Vec<String> {
        Vec::new()
    }

    /// Advice for whoever reports the status.
    fn status_warnings(&self) -> Vec<String> {
        Vec::new()
    }

    /// Values of [`KindInfo::selectable`], in the same order.
    fn fields(&self) -> Vec<(&'static str, String)> {
        Vec::new()
    }

    /// Cells of [`KindInfo::columns`].
    fn row(&self, now: Timestamp) -> Vec<Tree> {
        vec![columns::name(self.metadata()), columns::age(self.metadata(), now)]
    }

    /// Where its row stands among others: those of a lower rank first, those of one rank by their names.
    fn row_rank(&self) -> i64 {
        0
    }

    /// Conditions of the row, by which clients leave out objects that are over.
    fn row_conditions(&self) -> Vec<Tree> {
        Vec::new()
    }

    /// How long a graceful deletion waits if the client asks for `asked` seconds. 0 removes the object at once.
    fn grace_secs(&self, _asked: Option<i64>) -> i64 {
        0
    }

    /// The name under which the kind of [`KindInfo::stored_as`] knows a field of [`KindInfo::selectable`].
    fn stored_field(field: &str) -> &str {
        field
    }

    /// Rewrites an object of this kind into the form of [`KindInfo::stored_as`].
    fn rewrite_to_stored(_tree: &mut Tree) {}

    /// The inverse of [`Kind::rewrite_to_stored`].
    fn rewrite_to_served(_tree: &mut Tree) {}
}
