//! `pods|services|nodes/NAME/proxy`: HTTP to a Pod, a Service or a node's agent through this server.
//!
//! Headers that belong to one connection are dropped, credentials for this server are never passed on, and an upgrade (a WebSocket, say) is
//! passed through as bytes.
//!
//! See <https://kubernetes.io/docs/tasks/access-application-cluster/access-cluster-services/>.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use http::header::{
    AUTHORIZATION, CONNECTION, HOST, HeaderMap, HeaderName, HeaderValue, LOCATION, TE, TRAILER,
    TRANSFER_ENCODING, UPGRADE,
};
use http::{Method, Request, Response, StatusCode};
use hyper::upgrade::OnUpgrade;
use meta::{GroupResource, Key, StatusError};
use rand::seq::IndexedRandom as _;

use super::address::{Address, Scheme, endpoints};
use super::{find_pod, node, rewrite, service, upgrade};
use crate::body::Body;
use crate::chain::Call;
use crate::request::ResourceRequest;
use crate::state::State;

const HOP_BY_HOP: [HeaderName; 7] = [
    CONNECTION,
    UPGRADE,
    TE,
    TRAILER,
    TRANSFER_ENCODING,
    HeaderName::from_static("keep-alive"),
    HeaderName::from_static("proxy-connection"),
];

/// Where a proxied request goes.
#[derive(Debug)]
struct Target {
    node: String,
    /// Path of the node's service that stands for the target's root.
    root: String,
    /// The target as `Host` and `Location` name it.
    server: String,
}

pub(super) async fn handle(
    state: &Arc<State>,
    call: Call,
    request: &ResourceRequest,
) -> Result<Response<Body>, StatusError> {
    // Segments of the path before what is passed on: api, v1, [namespaces, NAMESPACE,] RESOURCE, NAME, proxy.
    let segments = if request.resource == "nodes" { 5 } else { 7 };
    let raw = call.parts.uri.path();
    let rest = rewrite::after_segments(raw, segments);
    let query = call.parts.uri.query().map(|query| format!("?{query}")).unwrap_or_default();
    let target = find(state, request)?;
    // Relative links of a root page work only below a path that ends in a slash.
    if rest.is_empty() && matches!(call.info.method, Method::GET | Method::HEAD) {
        return Ok(moved(&format!("{raw}/{query}")));
    }
    let prefix = raw.strip_suffix(rest).unwrap_or(raw).to_owned();
    let path = format!("{}{}{query}", target.root, if rest.is_empty() { "/" } else { rest });
    pass(state, call, &target, &path, &prefix).await
}

fn moved(location: &str) -> Response<Body> {
    let mut response = Response::new(Body::Empty);
    *response.status_mut() = StatusCode::MOVED_PERMANENTLY;
    if let Ok(location) = HeaderValue::from_str(location) {
        response.headers_mut().insert(LOCATION, location);
    }
    response
}

fn find(state: &State, request: &ResourceRequest) -> Result<Target, StatusError> {
    let wrong = |what: &str| {
        StatusError::bad_request(format!("invalid {what} request {}", meta::quote(&request.name)))
    };
    match request.resource.as_str() {
        "nodes" => {
            let address = Address::parse(&request.name).ok_or_else(|| wrong("node"))?;
            let nodes = GroupResource::new("", "nodes");
            let key = Key::new(&nodes, "", address.name);
            if state.store.snapshot().get(key.as_str()).is_none() {
                return Err(StatusError::not_found(&nodes, address.name));
            }
            let node = address.name.to_owned();
            Ok(Target { server: node.clone(), node, root: String::new() })
        }
        "pods" => {
            let address = Address::parse(&request.name).ok_or_else(|| wrong("pod"))?;
            plain(address.scheme)?;
            let pod = find_pod(state, request, address.name)?;
            let port = match address.port {
                "" => pod.first_port().unwrap_or(80),
                port => port.parse().map_err(|_| wrong("pod"))?,
            };
            let address = pod.address()?;
            Ok(at(pod.host()?, address, port))
        }
        _ => {
            let address = Address::parse(&request.name).ok_or_else(|| wrong("service"))?;
            plain(address.scheme)?;
            let (node, address, port) = pick(state, &request.namespace, &address)?;
            Ok(at(&node, address, port))
        }
    }
}

/// Nodes pass plain HTTP on. TLS to a Pod would be checked by nobody, so it is refused instead of pretended.
fn plain(scheme: Scheme) -> Result<(), StatusError> {
    match scheme {
        Scheme::Http => Ok(()),
        Scheme::Https => Err(StatusError::new(
            501,
            "NotImplemented",
            "the proxy speaks plain HTTP to Pods; use port-forward for TLS",
        )),
    }
}

fn at(node: &str, address: IpAddr, port: u16) -> Target {
    let server = SocketAddr::new(address, port).to_string();
    Target { node: node.to_owned(), root: format!("/proxy/{address}/{port}"), server }
}

/// One of the ready endpoints of a Service that stand on nodes, by chance: the node and the address there.
fn pick(
    state: &State,
    namespace: &str,
    address: &Address<'_>,
) -> Result<(String, IpAddr, u16), StatusError> {
    let snapshot = state.store.snapshot();
    let damaged = |error: serde_json::Error| {
        StatusError::internal(format!("a stored object is damaged: {error}"))
    };
    let Some(service) = service::find(&snapshot, namespace, address.name).map_err(damaged)? else {
        // Only to find a port by its number somebody has to look at the Service.
        return Err(match address.port.parse::<i32>() {
            Ok(_) => StatusError::not_found(&GroupResource::new("", "services"), address.name),
            Err(_) => no_endpoint(address),
        });
    };
    let slices = service::slices(&snapshot, namespace, address.name).map_err(damaged)?;
    let found = endpoints(&service, address.port, &slices).ok_or_else(|| {
        StatusError::service_unavailable(service::no_port(address.name, address.port))
    })?;
    let on_nodes: Vec<_> =
        found.into_iter().filter_map(|own| Some((own.node?, own.address, own.port))).collect();
    on_nodes.choose(&mut rand::rng()).cloned().ok_or_else(|| no_endpoint(address))
}

fn no_endpoint(address: &Address<'_>) -> StatusError {
    let id = match address.port {
        "" => address.name.to_owned(),
        port => format!("{}:{port}", address.name),
    };
    StatusError::service_unavailable(service::no_endpoint(&id))
}

async fn pass(
    state: &Arc<State>,
    mut call: Call,
    target: &Target,
    path: &str,
    prefix: &str,
) -> Result<Response<Body>, StatusError> {
    let on_client = call.parts.extensions.remove::<OnUpgrade>();
    let protocol = call.parts.headers.get(UPGRADE).cloned().filter(|_| on_client.is_some());
    let mut headers = passed_on(&call.parts.headers);
    forwarded(&mut headers, &call, prefix);
    if let Ok(host) = HeaderValue::from_str(&target.server) {
        headers.insert(HOST, host);
    }
    if let Some(protocol) = protocol {
        headers.insert(CONNECTION, HeaderValue::from_static("Upgrade"));
        headers.insert(UPGRADE, protocol);
    }
    let request =
        Request::builder().method(call.info.method.clone()).uri(path).body(call.body).map(
            |mut request| {
                *request.headers_mut() = headers;
                request
            },
        );
    let mut response = node::send(state, &target.node, request).await?;
    if response.status() == StatusCode::SWITCHING_PROTOCOLS {
        let on_node = response.extensions_mut().remove::<OnUpgrade>();
        if let (Some(on_client), Some(on_node)) = (on_client, on_node) {
            upgrade::pass_through(state, on_client, on_node);
        }
        return Ok(response.map(|_| Body::Empty));
    }
    for name in &HOP_BY_HOP {
        response.headers_mut().remove(name);
    }
    let location = response.headers().get(LOCATION).and_then(|value| value.to_str().ok());
    if let Some(Ok(location)) =
        location.map(|text| HeaderValue::from_str(&rewrite::location(text, &target.server, prefix)))
    {
        response.headers_mut().insert(LOCATION, location);
    }
    Ok(response)
}

/// The headers of a request that are meant for its target.
fn passed_on(headers: &HeaderMap) -> HeaderMap {
    let named = headers.get_all(CONNECTION).iter().filter_map(|value| value.to_str().ok());
    let named: Vec<String> = named
        .flat_map(|value| value.split(','))
        .map(|name| name.trim().to_ascii_lowercase())
        .collect();
    let mut passed = headers.clone();
    for name in headers.keys() {
        let ours = *name == AUTHORIZATION || name.as_str().starts_with("impersonate-");
        if ours || HOP_BY_HOP.contains(name) || named.iter().any(|named| named == name.as_str()) {
            passed.remove(name);
        }
    }
    passed
}

/// Tells the target how the client names it.
fn forwarded(headers: &mut HeaderMap, call: &Call, prefix: &str) {
    let host = call.header(HOST).unwrap_or_default().to_owned();
    let uri = call.parts.uri.path().to_owned();
    let client = call.peer.address.map(|address| address.ip().to_string()).unwrap_or_default();
    let lines = [
        ("x-forwarded-for", client),
        ("x-forwarded-host", host),
        ("x-forwarded-proto", "https".to_owned()),
        ("x-forwarded-uri", uri),
        ("x-forwarded-prefix", prefix.to_owned()),
    ];
    for (name, value) in lines {
        if let Ok(value) = HeaderValue::from_str(&value)
            && !value.is_empty()
        {
            headers.insert(HeaderName::from_static(name), value);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_and_headers_of_one_connection_stay_here() {
        let mut headers = HeaderMap::new();
        let lines = [
            ("authorization", "Bearer secret"),
            ("impersonate-user", "ann"),
            ("connection", "close, X-Mine"),
            ("x-mine", "1"),
            ("te", "trailers"),
            ("accept", "text/html"),
            ("cookie", "a=b"),
        ];
        for (name, value) in lines {
            headers.insert(name, HeaderValue::from_static(value));
        }
        let passed = passed_on(&headers);
        let mut names: Vec<&str> = passed.keys().map(HeaderName::as_str).collect();
        names.sort_unstable();
        assert_eq!(names, ["accept", "cookie"]);
    }
}
