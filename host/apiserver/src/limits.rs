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
use crate::request::{RequestInfo, Target, Verb};
use crate::state::State;

/// Subresources and verbs whose answers go on for as long as the client wants.
pub(crate) fn is_long_running(info: &RequestInfo) -> bool {
    match &info.target {
        Target::Path => false,
        Target::Resource(resource) => {
            resource.verb == Verb::Watch
                || matches!(resource.subresource.as_str(), "log" | "exec" | "attach" | "portforward" | "proxy")
        }
    }
}

/// Takes a place among the running requests. Watches take theirs when they start, and keep it as long as they run.
pub(crate) fn enter(state: &State, call: &Call) -> Result<Option<OwnedSemaphorePermit>, StatusError> {
    if call.peer.identity.is_some() || is_long_running(&call.info) {
        return Ok(None);
    }
    let reading = matches!(call.info.method, Method::GET | Method::HEAD | Method::OPTIONS);
    let places = if reading { &state.limits.reads } else { &state.limits.writes };
    take(places).map(Some)
}

/// Takes one place or refuses.
pub(crate) fn take(places: &Arc<Semaphore>) -> Result<OwnedSemaphorePermit, StatusError> {
    Arc::clone(places)
        .try_acquire_owned()
        .map_err(|_| StatusError::too_many_requests("Too many requests, please try again later.", 1))
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
        Err(_) => Err(StatusError::timeout("request did not complete within the allowed timeout", 0)),
    }
}
