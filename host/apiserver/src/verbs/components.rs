//! `ComponentStatus`: no component is listed, since all of them are parts of this server, whose health has paths of its own.
//!
//! What is asked of a list counts for nothing but its selectors: it comes from no store, in no version.
//! See <https://kubernetes.io/docs/reference/using-api/health-checks/>.

use http::Response;
use kinds::KindInfo;
use meta::{GroupResource, StatusError};

use super::Context;
use super::list::{self, Page, Range};
use crate::body::Body;
use crate::options::ListOptions;

pub(super) fn are_meant(info: &KindInfo) -> bool {
    info.group.is_empty() && info.plural == "componentstatuses"
}

/// Clients are told of one component that is missing, not of a missing object of the resource.
pub(super) fn not_found(name: &str) -> StatusError {
    StatusError::not_found(&GroupResource::new("", "componentstatus"), name)
}

pub(super) async fn list(context: &Context) -> Result<Response<Body>, StatusError> {
    Range::new(context, &ListOptions::read(&context.call.info.query, false)?)?;
    list::answer(context, &Page::default()).await
}
