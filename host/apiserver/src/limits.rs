//! How much runs at once, and for how long.
//!
//! Reads, writes and watches have bounds of their own, so that a storm of one kind leaves room for the others. A request over the bound is
//! refused with 429 at once: the client's retry is cheaper than a queue here.

use std::sync::Arc;

use futures::Future;
use http::Method;
use meta::StatusError;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::chain::Call;
use crate::query::Query;
use crate::request::{RequestInfo, Target, Verb};
use crate::state::State;

/// Subresources and verbs whose answers go on for as long as the client wants.
pub(crate) fn is_long_running(info: &RequestInfo) -> bool {
    match &info.target {
        Target::Path => false,
        Target::Resource(resource) => {
            resource.verb == Verb::Watch
                || matches!(
                    resource.subresource.as_str(),
                    "log" | "exec" | "attach" | "portforward" | "proxy"
                )
        }
    }
}

/// Takes a place among the running requests. Watches take theirs when they start, and keep it as long as they run.
pub(crate) fn enter(
    state: &State,
    call: &Call,
) -> Result<Option<OwnedSemaphorePermit>, StatusError> {
    if call.peer.identity.is_some() || is_long_running(&call.info) {
        return Ok(None);
    }
    let reading = matches!(call.info.method, Method::GET | Method::HEAD | Method::OPTIONS);
    let places = if reading { &state.limits.reads } else { &state.limits.writes };
    take(places).map(Some)
}

/// Takes one place or refuses.
pub(crate) fn take(places: &Arc<Semaphore>) -> Result<OwnedSemaphorePermit, StatusError> {
    Arc::clone(places).try_acquire_owned().map_err(|_| {
        StatusError::too_many_requests("Too many requests, please try again later.", 1)
    })
}

/// A client may say how long it waits; what is no duration is refused.
pub(crate) fn check_timeout(query: &Query) -> Result<(), StatusError> {
    match query.text("timeout") {
        Some(text) if !is_duration(text) => {
            let quoted = meta::quote(text);
            let message = format!(
                "invalid timeout specified in the request URL - time: invalid duration {quoted}"
            );
            Err(StatusError::bad_request(message))
        }
        _ => Ok(()),
    }
}

/// Whether a text is a duration as Go writes it: `1h30m`, `-1.5s`, `0`.
fn is_duration(text: &str) -> bool {
    const UNITS: [&str; 8] = ["ns", "us", "\u{b5}s", "\u{3bc}s", "ms", "s", "m", "h"];
    let mut rest = text.strip_prefix(['-', '+']).unwrap_or(text);
    if rest == "0" {
        return true;
    }
    if rest.is_empty() {
        return false;
    }
    while !rest.is_empty() {
        let after = rest
            .trim_start_matches(|character: char| character.is_ascii_digit() || character == '.');
        let number = &rest[..rest.len() - after.len()];
        let unit_len = after
            .find(|character: char| character.is_ascii_digit() || character == '.')
            .unwrap_or(after.len());
        let (unit, next) = after.split_at(unit_len);
        let is_number =
            number.bytes().any(|byte| byte.is_ascii_digit()) && number.matches('.').count() <= 1;
        if !is_number || !UNITS.contains(&unit) {
            return false;
        }
        rest = next;
    }
    true
}

/// Runs a handler, unless it takes longer than requests may.
pub(crate) async fn within_time<T>(
    state: &State,
    long_running: bool,
    work: impl Future<Output = Result<T, StatusError>>,
) -> Result<T, StatusError> {
    if long_running {
        return work.await;
    }
    let limit = state.config.request_timeout;
    match tokio::time::timeout(limit, work).await {
        Ok(answer) => answer,
        Err(_) => {
            Err(StatusError::timeout("request did not complete within the allowed timeout", 0))
        }
    }
}

#[cfg(test)]
mod tests;
