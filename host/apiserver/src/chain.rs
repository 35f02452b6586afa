//! The way of every request, in one function: parse, request id, authenticate, impersonate, authorize, limit, route, answer, audit.
//!
//! What stands between routing and the answer of a write (decode, default, mutate, validate, commit, encode) continues in
//! [`crate::verbs`], in one function for all writes. No request comes to a handler by another way, whether it came over a socket or
//! from this process.

use std::sync::Arc;

use http::header::{CACHE_CONTROL, CONTENT_LENGTH, HeaderName, HeaderValue};
use http::request::Parts;
use http::{Request, Response};
use meta::StatusError;

use crate::body::Body;
use crate::codec::negotiate::{self, Accepted, Offers};
use crate::registry::Registry;
use crate::request::{RequestInfo, Target, Verb};
use crate::seams::{Attempt, Decision, Identity, Peer, ResourceAttempt};
use crate::state::State;
use crate::warnings::Warnings;
use crate::{at_once, authentication, limits, metrics, routes, status, verbs};

const AUDIT_ID: HeaderName = HeaderName::from_static("audit-id");
/// Ids of requests that clients choose may have this many bytes.
const MAX_AUDIT_ID_BYTES: usize = 64;

/// One request on its way, as handlers get it.
#[derive(Debug)]
pub(crate) struct Call {
    /// The first line, understood.
    pub(crate) info: RequestInfo,
    /// Method, URL, headers, extensions.
    pub(crate) parts: Parts,
    /// The body, not yet read.
    pub(crate) body: Body,
    /// Who sends it, after impersonation.
    pub(crate) identity: Arc<Identity>,
    /// Where it comes from.
    pub(crate) peer: Peer,
    /// Advice for the client, sent with the answer.
    pub(crate) warnings: Arc<Warnings>,
    /// The kinds that are served, as they were when the request came.
    pub(crate) kinds: Arc<Registry>,
}

impl Call {
    /// The agreed form of the answer.
    pub(crate) fn accepted(&self, offers: Offers) -> Result<Accepted, StatusError> {
        negotiate::accept(&self.parts.headers, &self.info.query, offers)
    }

    /// The text of a header.
    pub(crate) fn header(&self, name: impl http::header::AsHeaderName) -> Option<&str> {
        self.parts.headers.get(name).and_then(|value| value.to_str().ok())
    }
}

/// Answers one request.
pub(crate) async fn run(state: &Arc<State>, request: Request<Body>, peer: Peer) -> Response<Body> {
    let (parts, body) = request.into_parts();
    let request_id = request_id(&parts);
    let started = state.clock.now();
    let info = RequestInfo::parse(&parts.method, &parts.uri);
    let errors_as =
        negotiate::accept(&parts.headers, &errors_query(&info), Offers::Plain).unwrap_or_default();
    let warnings = Arc::new(Warnings::default());
    let kinds = state.kinds();
    let observed = Observed::new(&info, &parts, &kinds);

    let answer = match info {
        Err(text) => Err(StatusError::internal(text)),
        Ok(info) => {
            let warnings = Arc::clone(&warnings);
            let call = Unknown { info, parts, body, peer, warnings, kinds };
            admitted(state, call).await
        }
    };
    let mut response = answer.unwrap_or_else(|error| status::response(&error, errors_as));

    let headers = response.headers_mut();
    warnings.write(headers);
    headers.entry(CACHE_CONTROL).or_insert(HeaderValue::from_static("no-cache, private"));
    if let Ok(mut id) = HeaderValue::from_str(&request_id) {
        // No other answer has it: HTTP/2 need not remember it in place of headers that come again.
        id.set_sensitive(true);
        headers.insert(AUDIT_ID, id);
    }
    let only_head = observed.method == http::Method::HEAD;
    observed.finish(state, &request_id, started, response.status());
    if only_head { without_body(response) } else { response }
}

/// What a GET would answer, less its body. HTTP/2 takes a body here for a broken protocol.
fn without_body(mut response: Response<Body>) -> Response<Body> {
    if let Some(len) = response.body().len() {
        response.headers_mut().entry(CONTENT_LENGTH).or_insert(HeaderValue::from(len));
    }
    response.map(|_| Body::Empty)
}

/// A request whose sender is not known yet.
struct Unknown {
    info: RequestInfo,
    parts: Parts,
    body: Body,
    peer: Peer,
    warnings: Arc<Warnings>,
    kinds: Arc<Registry>,
}

/// From the sender's credentials to the answer.
async fn admitted(state: &Arc<State>, unknown: Unknown) -> Result<Response<Body>, StatusError> {
    let Unknown { info, parts, body, peer, warnings, kinds } = unknown;
    let sender = authenticate(state, &parts, &peer).await?;
    let identity = authentication::impersonate(state, &parts.headers, sender).await?;
    let call = Call { info, parts, body, identity, peer, warnings, kinds };
    authorize(state, &call).await?;
    let _permit = limits::enter(state, &call)?;
    let long_running = limits::is_long_running(&call.info);
    if !long_running {
        limits::check_timeout(&call.info.query)?;
    }
    // What stands on the heap is not copied each time when a future of a future is begun.
    limits::within_time(state, long_running, Box::pin(route(state, call))).await
}

async fn route(state: &Arc<State>, call: Call) -> Result<Response<Body>, StatusError> {
    if concerns_many(&call.info) {
        at_once::step_aside().await;
    }
    match call.info.target {
        Target::Path => routes::path(state, call).await,
        Target::Resource(_) => verbs::resource(state, call).await,
    }
}

/// Whether a request may have to do with more than one object, and so take long.
fn concerns_many(info: &RequestInfo) -> bool {
    info.resource().is_none_or(|resource| {
        matches!(resource.verb, Verb::List | Verb::Watch | Verb::DeleteCollection)
    })
}

async fn authenticate(
    state: &State,
    parts: &Parts,
    peer: &Peer,
) -> Result<Arc<Identity>, StatusError> {
    if let Some(identity) = &peer.identity {
        return Ok(Arc::clone(identity));
    }
    match state.authenticator.authenticate(parts, peer).await {
        Ok(Some(identity)) => Ok(identity),
        Ok(None) if state.config.anonymous => Ok(Arc::new(Identity {
            name: "system:anonymous".to_owned(),
            groups: vec!["system:unauthenticated".to_owned()],
            ..Identity::default()
        })),
        Ok(None) => Err(StatusError::unauthorized()),
        Err(reason) => {
            tracing::info!(%reason, peer = ?peer.address, "authentication failed");
            Err(StatusError::unauthorized())
        }
    }
}

/// Whether the sender may do what the call asks.
pub(crate) async fn authorize(state: &State, call: &Call) -> Result<(), StatusError> {
    let verb = call.info.verb();
    let resource = call.info.resource().map(|resource| {
        let selectable = matches!(resource.verb, Verb::List | Verb::Watch | Verb::DeleteCollection)
            && !resource.watch_prefix;
        let selector = |name| call.info.query.text(name).filter(|_| selectable);
        ResourceAttempt {
            group: &resource.group,
            version: &resource.version,
            resource: &resource.resource,
            subresource: &resource.subresource,
            namespace: &resource.namespace,
            name: &resource.name,
            field_selector: selector("fieldSelector"),
            label_selector: selector("labelSelector"),
        }
    });
    let attempt =
        Attempt { identity: &call.identity, verb: &verb, resource, path: &call.info.path };
    permit(state, &attempt).await
}

/// Asks the authorizer; its no becomes the error that the client gets.
pub(crate) async fn permit(state: &State, attempt: &Attempt<'_>) -> Result<(), StatusError> {
    match state.authorizer.authorize(attempt).await {
        Decision::Allow { .. } => Ok(()),
        Decision::Deny { reason } | Decision::NoOpinion { reason } => {
            Err(forbidden(attempt, &reason))
        }
    }
}

fn forbidden(attempt: &Attempt<'_>, reason: &str) -> StatusError {
    let user = meta::quote(&attempt.identity.name);
    let (message, group, resource, name) = match &attempt.resource {
        None => (
            format!("User {user} cannot {} path {}", attempt.verb, meta::quote(attempt.path)),
            "",
            "",
            "",
        ),
        Some(asked) => {
            let what = match asked.subresource {
                "" => asked.resource.to_owned(),
                subresource => format!("{}/{subresource}", asked.resource),
            };
            let place = match asked.namespace {
                "" => "at the cluster scope".to_owned(),
                namespace => format!("in the namespace {}", meta::quote(namespace)),
            };
            let (what, group) = (meta::quote(&what), meta::quote(asked.group));
            let message = format!(
                "User {user} cannot {} resource {what} in API group {group} {place}",
                attempt.verb
            );
            (message, asked.group, asked.resource, asked.name)
        }
    };
    // The text holds names that the client chose, and a browser must not take it for HTML.
    let message = message.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    let message = if reason.is_empty() { message } else { format!("{message}: {reason}") };
    StatusError::forbidden(
        &meta::GroupResource::new(group.to_owned(), resource.to_owned()),
        name,
        &message,
    )
}

fn request_id(parts: &Parts) -> String {
    let given = parts.headers.get(AUDIT_ID).and_then(|value| value.to_str().ok());
    match given {
        Some(id) if !id.is_empty() && id.len() <= MAX_AUDIT_ID_BYTES => id.to_owned(),
        _ => uuid::Uuid::new_v4().to_string(),
    }
}

fn errors_query(info: &Result<RequestInfo, String>) -> crate::query::Query {
    info.as_ref().map(|info| info.query.clone()).unwrap_or_default()
}

/// What the log and the metrics keep of a request until its answer is known.
struct Observed {
    method: http::Method,
    path: String,
    labels: metrics::Labels,
}

impl Observed {
    fn new(info: &Result<RequestInfo, String>, parts: &Parts, kinds: &Registry) -> Observed {
        let labels = info.as_ref().map(|info| metrics::Labels::of(info, kinds));
        Observed {
            method: parts.method.clone(),
            path: parts.uri.path().to_owned(),
            labels: labels.unwrap_or_default(),
        }
    }

    fn finish(
        self,
        state: &State,
        request_id: &str,
        started: jiff::Timestamp,
        code: http::StatusCode,
    ) {
        let took = state.clock.now().duration_since(started);
        state.metrics.observe(self.labels, code.as_u16(), took);
        tracing::debug!(
            request_id,
            method = %self.method,
            path = %self.path,
            verb = self.labels.verb,
            code = code.as_u16(),
            took_ms = took.as_millis(),
            "request"
        );
    }
}
