//! `ComponentStatus`: no component is listed, since all of them are parts of this server, whose health has paths of its own.
//!
//! See <https://kubernetes.io/docs/reference/using-api/health-checks/>.

use kinds::KindInfo;
use meta::{GroupResource, StatusError};

pub(super) fn are_meant(info: &KindInfo) -> bool {
    info.group.is_empty() && info.plural == "componentstatuses"
}

/// Clients are told of one component that is missing, not of a missing object of the resource.
pub(super) fn not_found(name: &str) -> StatusError {
    StatusError::not_found(&GroupResource::new("", "componentstatus"), name)
}
