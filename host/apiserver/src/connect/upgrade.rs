//! Connections that stop being HTTP: what is sent back to the client, and who moves the bytes afterwards.

use std::future::Future;
use std::sync::Arc;

use http::header::{CONNECTION, HeaderName, HeaderValue, UPGRADE};
use http::{Response, StatusCode};
use hyper::upgrade::{OnUpgrade, Upgraded};
use hyper_util::rt::TokioIo;
use meta::StatusError;

use crate::body::Body;
use crate::chain::Call;
use crate::limits;
use crate::state::State;

/// Which protocol a client wants instead of HTTP, in lower case.
pub(super) fn wanted(call: &Call) -> Option<String> {
    let names_upgrade = call.header(CONNECTION).is_some_and(|value| {
        value.split(',').any(|word| word.trim().eq_ignore_ascii_case("upgrade"))
    });
    let protocol = call.header(UPGRADE)?.to_ascii_lowercase();
    names_upgrade.then_some(protocol)
}

/// The client asked for something that needs another protocol and did not offer one.
pub(super) fn required() -> StatusError {
    StatusError::bad_request("Upgrade request required")
}

/// Accepts the client's wish. `serve` gets the connection; it takes a place among the long-running requests until it is done, and ends when
/// the server stops.
pub(super) fn accept<F>(
    state: &Arc<State>,
    call: &mut Call,
    protocol: &'static str,
    headers: impl IntoIterator<Item = (HeaderName, HeaderValue)>,
    serve: impl FnOnce(TokioIo<Upgraded>) -> F + Send + 'static,
) -> Result<Response<Body>, StatusError>
where
    F: Future<Output = ()> + Send + 'static,
{
    let Some(on_upgrade) = call.parts.extensions.remove::<OnUpgrade>() else {
        return Err(required());
    };
    let place = limits::take(&state.limits.watches)?;
    run(state, async move {
        match on_upgrade.await {
            Ok(upgraded) => serve(TokioIo::new(upgraded)).await,
            Err(error) => tracing::debug!(%error, "the client left before the protocol changed"),
        }
        drop(place);
    });
    let mut response = Response::new(Body::Empty);
    *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
    let own = response.headers_mut();
    own.insert(CONNECTION, HeaderValue::from_static("Upgrade"));
    own.insert(UPGRADE, HeaderValue::from_static(protocol));
    own.extend(headers);
    Ok(response)
}

/// Joins two connections that are both about to leave HTTP.
pub(super) fn pass_through(state: &Arc<State>, client: OnUpgrade, node: OnUpgrade) {
    run(state, async move {
        let (Ok(client), Ok(node)) = (client.await, node.await) else { return };
        let (mut client, mut node) = (TokioIo::new(client), TokioIo::new(node));
        if let Err(error) = tokio::io::copy_bidirectional(&mut client, &mut node).await {
            tracing::debug!(%error, "a proxied connection broke");
        }
    });
}

/// Runs until done or until the server stops.
fn run(state: &State, work: impl Future<Output = ()> + Send + 'static) {
    let stop = state.shutdown.clone();
    tokio::spawn(async move {
        tokio::select! {
            () = work => {}
            () = stop.cancelled() => {}
        }
    });
}
