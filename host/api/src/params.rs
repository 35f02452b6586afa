//! Options of the verbs, typed once and rendered to a query or a body in one place each.

use meta::Revision;
use serde::Serialize;

use crate::wire::Query;

/// What a list may be narrowed by.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ListParams {
    /// Label selector in its text form; empty selects all.
    pub labels: String,
    /// Field selector in its text form; empty selects all.
    pub fields: String,
    /// Page size; none lets the server answer everything.
    pub limit: Option<u32>,
    /// The token of the page before.
    pub continuation: Option<String>,
}

impl ListParams {
    pub(crate) fn add_to(&self, query: &mut Query) {
        query.text("labelSelector", &self.labels);
        query.text("fieldSelector", &self.fields);
        if let Some(limit) = self.limit {
            query.text("limit", &limit.to_string());
        }
        query.text("continue", self.continuation.as_deref().unwrap_or(""));
    }
}

/// Options that creates, updates and patches share.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct WriteParams {
    /// Who the fields belong to; the server falls back to the User-Agent.
    pub manager: String,
    /// Go through the whole chain and store nothing.
    pub dry_run: bool,
    /// Take over fields of other managers (apply only).
    pub force: bool,
    /// `Strict`, `Warn` or `Ignore`; empty lets the server choose.
    pub validation: String,
}

impl WriteParams {
    pub(crate) fn add_to(&self, query: &mut Query) {
        query.text("fieldManager", &self.manager);
        query.text("dryRun", if self.dry_run { "All" } else { "" });
        query.text("force", if self.force { "true" } else { "" });
        query.text("fieldValidation", &self.validation);
    }
}

/// A patch and the algorithm it is meant for.
#[derive(Clone, Debug, PartialEq)]
pub enum Patch {
    /// RFC 6902.
    Json(serde_json::Value),
    /// RFC 7396.
    Merge(serde_json::Value),
    /// Kubernetes' merge that knows list keys.
    Strategic(serde_json::Value),
    /// Server-side apply.
    Apply(serde_json::Value),
}

impl Patch {
    pub(crate) fn content_type(&self) -> &'static str {
        match self {
            Self::Json(_) => "application/json-patch+json",
            Self::Merge(_) => "application/merge-patch+json",
            Self::Strategic(_) => "application/strategic-merge-patch+json",
            Self::Apply(_) => "application/apply-patch+yaml",
        }
    }

    pub(crate) fn body(&self) -> &serde_json::Value {
        match self {
            Self::Json(body) | Self::Merge(body) | Self::Strategic(body) | Self::Apply(body) => {
                body
            }
        }
    }
}

/// What happens to the objects that a deleted object owns.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub enum Propagation {
    /// They stay, without the owner.
    Orphan,
    /// The owner goes at once and they follow.
    Background,
    /// They go first.
    Foreground,
}

/// What must still hold for a delete to happen.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Preconditions {
    /// The object is still the one that was seen.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub uid: Option<String>,
    /// The object has not changed since it was seen.
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "as_text")]
    pub resource_version: Option<Revision>,
}

/// Options of a delete; sent as the body.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct DeleteParams {
    /// Seconds to end gracefully; none leaves it to the object.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub grace_period_seconds: Option<i64>,
    /// See [`Propagation`]; none leaves it to the kind.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub propagation_policy: Option<Propagation>,
    /// See [`Preconditions`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub preconditions: Option<Preconditions>,
    /// `["All"]` for a dry run.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub dry_run: Vec<String>,
}

impl DeleteParams {
    /// A delete of exactly the object that was seen.
    pub fn of_uid(uid: &str) -> Self {
        let preconditions = Preconditions { uid: Some(uid.to_owned()), resource_version: None };
        Self { preconditions: Some(preconditions), ..Self::default() }
    }
}

// serde's `serialize_with` passes the field by reference.
#[expect(clippy::ref_option, reason = "the signature is serde's")]
fn as_text<S: serde::Serializer>(value: &Option<Revision>, out: S) -> Result<S::Ok, S::Error> {
    match value {
        Some(revision) => out.collect_str(revision),
        None => out.serialize_none(),
    }
}
