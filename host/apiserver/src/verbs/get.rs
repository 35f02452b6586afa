//! GET of one object: the stored bytes, as they are.

use http::{Response, StatusCode};
use kinds::KindInfo;
use meta::{Revision, StatusError};

use super::Context;
use crate::body::Body;
use crate::status;

pub(crate) fn handle(context: &Context) -> Result<Response<Body>, StatusError> {
    let query = &context.call.info.query;
    if query.flag("export") {
        return Err(StatusError::bad_request(
            "the export parameter, deprecated since v1.14, is no longer supported",
        ));
    }
    let snapshot = context.state.store.snapshot();
    if let Some(text) = query.text("resourceVersion") {
        let info = context.info();
        let asked = revision(text).map_err(|wrong| {
            if info.watch_cache { StatusError::unknown(wrong) } else { invalid_revision(&wrong) }
        })?;
        if asked > snapshot.revision() {
            return Err(from_future(info, asked, snapshot.revision()));
        }
    }
    let entry = context.entry(&snapshot, &context.resource.name)?;
    context.answer(StatusCode::OK, &context.served(&entry.body)?)
}

/// Refuses a `resourceVersion` that is no number.
pub(super) fn invalid_revision(wrong: &str) -> StatusError {
    StatusError::bad_request(format!("invalid resource version: {wrong}"))
}

/// Refuses a `resourceVersion` that is yet to come.
pub(super) fn from_future(info: &KindInfo, asked: Revision, current: Revision) -> StatusError {
    let error = status::too_large_resource_version(asked, current);
    if info.watch_cache { error } else { error.with_retry_after(0) }
}

/// A `resourceVersion` as a number; the text says what is wrong with it.
pub(crate) fn revision(text: &str) -> Result<Revision, String> {
    if text.is_empty() {
        return Ok(Revision::ZERO);
    }
    text.parse::<Revision>().map_err(|error| {
        let why = if *error.kind() == std::num::IntErrorKind::PosOverflow {
            "value out of range"
        } else {
            "invalid syntax"
        };
        let quoted = meta::quote(text);
        format!(
            "resourceVersion: Invalid value: {quoted}: strconv.ParseUint: parsing {quoted}: {why}"
        )
    })
}
