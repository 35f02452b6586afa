//! What goes on to a node: logs, proxies, port forwarding, exec and attach.
//!
//! This server finds the Pod and its node, checks the options, speaks the client's protocol (plain HTTP, WebSocket, SPDY), and passes bytes on
//! through the gateway. It never connects to a node itself: nodes connect to it.
//!
//! See <https://kubernetes.io/docs/concepts/architecture/control-plane-node-communication/>.

mod address;
mod channels;
mod exec;
mod log;
mod multiplex;
mod node;
mod pod;
mod port_forward;
mod proxy;
mod rewrite;
mod service;
mod spdy;
mod upgrade;
mod websocket;

use std::sync::Arc;

use http::{Method, Response};
use meta::StatusError;

pub(crate) use service::{BoxIo, to_service};

use crate::admission::hooks;
use crate::body::Body;
use crate::chain::Call;
use crate::registry::KindRef;
use crate::request::ResourceRequest;
use crate::routes;
use crate::state::State;

/// Answers a request for a subresource that a node serves.
pub(crate) async fn handle(
    state: &Arc<State>,
    call: Call,
    kind: &KindRef,
) -> Result<Response<Body>, StatusError> {
    let Some(request) = call.info.resource().cloned() else {
        return Err(StatusError::no_such_path());
    };
    if !has_method(&request.subresource, &call.info.method) {
        return Err(routes::method_not_allowed());
    }
    // What happens over a connection cannot be taken back.
    if request.subresource != "log" && call.info.query.first("dryRun").is_some() {
        return Err(StatusError::bad_request("dryRun is not supported"));
    }
    hooks::connect(state, &call, &request, kind).await?;
    match (kind.info().kind, request.subresource.as_str()) {
        ("Pod", "log") => log::handle(state, &call, &request).await,
        ("Pod", "exec") => exec::handle(state, call, &request, exec::Action::Exec).await,
        ("Pod", "attach") => exec::handle(state, call, &request, exec::Action::Attach).await,
        ("Pod", "portforward") => port_forward::handle(state, call, &request).await,
        ("Pod" | "Service" | "Node", "proxy") => proxy::handle(state, call, &request).await,
        _ => Err(StatusError::no_such_path()),
    }
}

/// Whether a path is served by a method. What a proxy leads to has methods of its own.
fn has_method(subresource: &str, method: &Method) -> bool {
    match subresource {
        "proxy" => true,
        "log" => *method == Method::GET,
        _ => matches!(*method, Method::GET | Method::POST),
    }
}

/// The Pod of a request, or why there is none.
fn find_pod(state: &State, request: &ResourceRequest, name: &str) -> Result<pod::Pod, StatusError> {
    pod::find(&state.store.snapshot(), &request.namespace, name)
}

#[cfg(test)]
mod tests;
