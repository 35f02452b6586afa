//! Pages of a list: where one begins, what it holds, and the token that the next one begins with.
//!
//! A token holds the revision of the list and the place behind the last object, relative to the range. So it goes on in whatever range it is
//! sent to, as Kubernetes' tokens do.

use std::sync::Arc;

use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;
use base64::{DecodeError, Engine as _};
use meta::{Revision, StatusError};
use serde::{Deserialize, Serialize};
use store::{Entry, Snapshot};

use super::{ListHead, Page, Range};
use crate::options::ListOptions;

const VERSION: &str = "meta.k8s.io/v1";
/// The revision of a token that goes on with the current state.
const CURRENT: i64 = -1;

#[derive(Debug, Serialize, Deserialize)]
struct Token {
    #[serde(rename = "v", default)]
    version: String,
    #[serde(rename = "rv", default)]
    revision: i64,
    #[serde(default)]
    start: String,
}

/// Where a page begins.
#[derive(Debug, Default)]
pub(super) struct Start {
    /// Behind this key.
    after: Option<String>,
    /// The same, relative to the range, as tokens hold it.
    place: String,
    /// In the state at this revision; otherwise the options say which.
    pub(super) revision: Option<Revision>,
}

/// Reads where the page begins.
pub(super) fn start(options: &ListOptions, prefix: &str) -> Result<Start, StatusError> {
    if options.continue_.is_empty() {
        return Ok(Start::default());
    }
    let bad = |why: String| {
        StatusError::bad_request(format!("invalid continue token: continue key is not valid{why}"))
    };
    let bytes = BASE64.decode(&options.continue_).map_err(|error| {
        bad(format!(": illegal base64 data at input byte {}", place_of(&error, &options.continue_)))
    })?;
    let parsed = meta::decode::parse_json(&bytes).map_err(|error| bad(format!(": {error}")))?;
    let token: Token =
        serde_json::from_value(parsed.tree).map_err(|error| bad(format!(": {error}")))?;
    if token.version != VERSION {
        return Err(bad(format!(
            ": server does not recognize this encoded version {}",
            token.version
        )));
    }
    if token.revision == 0 {
        return Err(bad(
            ": incorrect encoded start resourceVersion (version meta.k8s.io/v1)".to_owned()
        ));
    }
    if token.start.is_empty() {
        return Err(bad(": encoded start key empty (version meta.k8s.io/v1)".to_owned()));
    }
    if token.start.split('/').any(|part| matches!(part, "" | "." | "..")) {
        return Err(bad(format!(": {}", token.start)));
    }
    if !matches!(options.revision.as_str(), "" | "0") {
        let text = "specifying resource version is not allowed when using continue";
        return Err(StatusError::bad_request(text));
    }
    let after = format!("{prefix}{}", token.start.trim_end_matches('\0'));
    let revision = u64::try_from(token.revision).ok().map(Revision);
    Ok(Start { after: Some(after), place: token.start, revision })
}

fn place_of(error: &DecodeError, text: &str) -> usize {
    match error {
        DecodeError::InvalidByte(place, _) | DecodeError::InvalidLastSymbol(place, _) => *place,
        DecodeError::InvalidLength(_) | DecodeError::InvalidPadding => text.len(),
    }
}

/// The state of the token is no longer kept; the new token goes on with the current one.
pub(super) fn expired(start: &Start) -> StatusError {
    let mut error = StatusError::expired(
        "The provided continue parameter is too old to display a consistent list result. You can start a new list without the continue \
         parameter, or use the continue token in this response to retrieve the remainder of the results. Continuing with the provided \
         token results in an inconsistent list - objects that were created, modified, or deleted between the time the first chunk was \
         returned and now may show up in the list.",
    );
    error.0.metadata.continue_ = Some(token(CURRENT, &start.place));
    error
}

fn token(revision: i64, place: &str) -> String {
    let token = Token { version: VERSION.to_owned(), revision, start: place.to_owned() };
    BASE64.encode(serde_json::to_vec(&token).expect("a token has text keys only"))
}

/// Reads a page of at most `limit` objects, or all of them if that is 0.
pub(super) fn collect(
    snapshot: &Snapshot,
    range: &Range,
    options: &ListOptions,
    start: &Start,
    limit: usize,
) -> Page {
    let resource_version = snapshot.revision().to_string();
    if let Some(only) = &range.only {
        let entries = snapshot
            .get(only.as_str())
            .filter(|entry| range.matches(entry))
            .cloned()
            .into_iter()
            .collect();
        return Page { head: ListHead { resource_version, ..ListHead::default() }, entries };
    }
    let after = start.after.as_deref();
    let mut rest = snapshot.range(&range.prefix, after);
    let mut entries: Vec<Arc<Entry>> = Vec::with_capacity(limit.min(1024));
    let all = range.is_unfiltered();
    for entry in rest.by_ref() {
        if all || range.matches(entry) {
            entries.push(Arc::clone(entry));
            if entries.len() == limit {
                break;
            }
        }
    }
    let more = limit > 0 && entries.len() == limit && rest.next().is_some();
    let mut head = ListHead { resource_version, ..ListHead::default() };
    if let Some(last) = entries.last().filter(|_| more) {
        let place = last.key.as_str().strip_prefix(range.prefix.as_str()).unwrap_or_default();
        head.continue_ =
            token(i64::try_from(snapshot.revision().0).unwrap_or(i64::MAX), &format!("{place}\0"));
        if options.labels.is_empty() && options.fields.is_empty() {
            head.remaining = Some(snapshot.count(&range.prefix, Some(last.key.as_str())));
        }
    }
    Page { head, entries }
}
