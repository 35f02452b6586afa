//! Errors become answers here and nowhere else.

use http::header::{CONTENT_TYPE, HeaderValue, RETRY_AFTER};
use http::{Response, StatusCode};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::StatusCause;
use meta::{Revision, StatusError};
use store::{CommitError, SnapshotError};

use crate::body::{self, Body};
use crate::codec::negotiate::Accepted;

/// The answer that carries an error as a `Status` object.
pub(crate) fn response(error: &StatusError, accepted: Accepted) -> Response<Body> {
    let code = StatusCode::from_u16(error.code()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let bytes = crate::codec::encode::value(&status(error), accepted);
    let mut response = Response::new(Body::full(bytes));
    *response.status_mut() = code;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(accepted.format.media_type()));
    if let Some(seconds) = error.0.details.as_ref().and_then(|details| details.retry_after_seconds)
    {
        headers.insert(RETRY_AFTER, HeaderValue::from(seconds));
    }
    response
}

/// The `Status` object of an error, as clients see it in an answer or an ERROR event.
pub(crate) fn status(error: &StatusError) -> meta::Tree {
    let mut tree = serde_json::to_value(&*error.0).unwrap_or_default();
    if let Some(object) = tree.as_object_mut() {
        object.entry("metadata").or_insert_with(|| meta::Tree::Object(serde_json::Map::new()));
        object.insert("kind".to_owned(), "Status".into());
        object.insert("apiVersion".to_owned(), "v1".into());
    }
    tree
}

/// What a request's broken or over-long body means.
pub(crate) fn from_read(error: &body::ReadError) -> StatusError {
    match error {
        body::ReadError::TooLong { limit } => StatusError::too_large(&format!("limit is {limit}")),
        body::ReadError::Broken { source } => {
            StatusError::bad_request(format!("unable to read the body: {source}"))
        }
    }
}

/// What a failed commit means once preconditions are out of the question.
pub(crate) fn from_commit(error: &CommitError) -> StatusError {
    match error {
        CommitError::Failed { .. } => {
            StatusError::internal("a write's precondition failed unexpectedly")
        }
        error => {
            tracing::error!(error = %chain(error), "commit failed");
            StatusError::internal(format!("the write could not be stored: {error}"))
        }
    }
}

/// What a revision that cannot be read means.
pub(crate) fn from_snapshot(error: &SnapshotError, asked: Revision) -> StatusError {
    match error {
        SnapshotError::Expired { .. } => {
            StatusError::expired("The resourceVersion for the provided list is too old.")
        }
        SnapshotError::Future { current } => too_large_resource_version(asked, *current),
    }
}

/// A revision was asked for that is not written yet.
pub(crate) fn too_large_resource_version(asked: Revision, current: Revision) -> StatusError {
    let mut error = StatusError::timeout(
        &format!("Too large resource version: {asked}, current: {current}"),
        1,
    );
    error.details_mut().causes = Some(vec![StatusCause {
        reason: Some("ResourceVersionTooLarge".to_owned()),
        message: Some("Too large resource version".to_owned()),
        field: None,
    }]);
    error
}

/// An error with its causes, for the log.
pub(crate) fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        text.push_str(": ");
        text.push_str(&error.to_string());
        source = error.source();
    }
    text
}
