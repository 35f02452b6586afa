//! What became of a claim: how large its volume is, and how far a change of it got.

use k8s_openapi::api::core::v1::{PersistentVolumeClaim, PersistentVolumeClaimStatus};
use meta::names;

use crate::check::{At, Errors};
use crate::resources;
use crate::wire::OrEmpty;

/// The health of volumes is not reported by default.
pub(super) fn prepare(claim: &mut PersistentVolumeClaim, old: &PersistentVolumeClaim) {
    let had_health = old.status.as_ref().is_some_and(|status| status.health_status.is_some());
    if let Some(status) = &mut claim.status
        && !had_health
    {
        status.health_status = None;
    }
}

const RESIZES: &[&str] = &[
    "ControllerResizeInProgress",
    "ControllerResizeInfeasible",
    "NodeResizeInProgress",
    "NodeResizeInfeasible",
    "NodeResizePending",
];

/// What is wrong with a status.
pub(super) fn validate(errors: &mut Errors, status: &PersistentVolumeClaimStatus) {
    let status_at = At::root("status");
    let at = status_at.field("capacity");
    for (name, quantity) in status.capacity.or_empty() {
        resources::check_basic(errors, &at.key(name), &resources::parse(quantity));
    }
    let at = status_at.field("allocatedResourceStatuses");
    for (name, resize) in status.allocated_resource_statuses.or_empty() {
        resource_name(errors, &at, name);
        if !RESIZES.contains(&resize.as_str()) {
            errors.not_supported(&at, name, RESIZES);
        }
    }
    let at = status_at.field("allocatedResources");
    for (name, quantity) in status.allocated_resources.or_empty() {
        if resource_name(errors, &at, name) {
            resources::check_basic(errors, &at.key(name), &resources::parse(quantity));
        }
    }
}

/// Storage is the only resource of Kubernetes that a claim can have.
fn resource_name(errors: &mut Errors, at: &At<'_>, name: &str) -> bool {
    let messages = names::is_qualified_name(name);
    let is_qualified = messages.is_empty();
    errors.invalid_each(at, name, messages);
    if is_qualified && resources::is_native(name) && name != "storage" {
        errors.not_supported(at, name, &["storage"]);
        return false;
    }
    is_qualified
}
