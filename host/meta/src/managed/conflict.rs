//! Fields that an applier wants and others own.

use std::collections::BTreeMap;
use std::fmt;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::StatusCause;

use super::{Element, Entry, Operation};
use crate::{StatusError, quote};

/// One field of another manager that an apply would change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Conflict {
    /// The manager as it is told: `"kubectl" using apps/v1`.
    pub manager: String,
    pub path: Vec<Element>,
}

impl Conflict {
    pub(super) fn new(owner: &Entry, path: Vec<Element>) -> Self {
        let mut manager = quote(&owner.manager);
        if !owner.subresource.is_empty() {
            manager = format!("{manager} with subresource {}", quote(&owner.subresource));
        }
        if owner.operation == Operation::Update {
            manager = format!("{manager} using {}", owner.api_version);
        }
        Self { manager, path }
    }

    fn field(&self) -> String {
        self.path.iter().map(ToString::to_string).collect()
    }
}

impl fmt::Display for Conflict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "conflict with {}: {}", self.manager, self.field())
    }
}

/// The message about all conflicts, by manager.
pub(super) fn message(conflicts: &[Conflict]) -> String {
    if let [only] = conflicts {
        return format!("Apply failed with 1 conflict: {only}");
    }
    let mut managers: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for conflict in conflicts {
        managers.entry(&conflict.manager).or_default().push(format!("- {}", conflict.field()));
    }
    let managers: Vec<_> = managers
        .into_iter()
        .map(|(manager, fields)| format!("conflicts with {manager}:\n{}", fields.join("\n")))
        .collect();
    format!("Apply failed with {} conflicts: {}", conflicts.len(), managers.join("\n"))
}

/// How the API server answers.
pub(super) fn status(conflicts: &[Conflict]) -> StatusError {
    let causes = conflicts.iter().map(|conflict| StatusCause {
        field: Some(conflict.field()),
        message: Some(format!("conflict with {}", conflict.manager)),
        reason: Some("FieldManagerConflict".to_owned()),
    });
    StatusError::apply_conflict(message(conflicts), causes.collect())
}
