//! GET of one object: the stored bytes, as they are.

use http::{Response, StatusCode};
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
        let asked = revision(text).map_err(StatusError::unknown)?;
        if asked > snapshot.revision() {
            return Err(status::too_large_resource_version(asked, snapshot.revision()));
        }
    }
    let entry = context.entry(&snapshot, &context.resource.name)?;
    context.answer(StatusCode::OK, &context.served(&entry.body)?)
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
