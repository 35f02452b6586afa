//! What every cluster has from its first start: four namespaces, the default roles, the Service of the API server with its endpoints.
//!
//! Everything is created through the chain like any other object, at once and without an order where none is needed. What exists is left as it
//! is, but for the endpoints of the API server, which follow its address.

use std::sync::Arc;

use futures::future::try_join_all;
use http::header::{CONTENT_TYPE, USER_AGENT};
use http::{Method, Request, StatusCode};
use meta::{GroupResource, Key, StatusError, Tree};
use serde_json::json;

use crate::authorization;
use crate::body::Body;
use crate::seams::{Identity, Peer};
use crate::service::Service;

const NAMESPACES: [&str; 4] = ["default", "kube-system", "kube-public", "kube-node-lease"];
const AGENT: &str = "kube-apiserver";
/// Answers of the server to itself are short.
const MAX_ANSWER_BYTES: usize = 1024 * 1024;

/// An object that must exist.
struct Needed {
    /// `/api/v1`, `/apis/rbac.authorization.k8s.io/v1`
    version_path: String,
    resource: GroupResource,
    namespace: &'static str,
    tree: Tree,
    /// Whether an existing one is made equal.
    follows: bool,
}

pub(crate) async fn run(service: &Service) -> Result<(), StatusError> {
    let identity = Arc::new(Identity::system("system:apiserver"));
    let namespaces = NAMESPACES.iter().map(|name| {
        core("Namespace", "namespaces", "", json!({ "metadata": { "name": name } }), false)
    });
    let roles = authorization::bootstrap::trees().into_iter().map(role);
    ensure(service, &identity, namespaces.chain(roles.filter(|role| role.namespace.is_empty())))
        .await?;
    let roles = authorization::bootstrap::trees()
        .into_iter()
        .map(role)
        .filter(|role| !role.namespace.is_empty());
    ensure(service, &identity, roles.chain(own_service(service))).await
}

async fn ensure(
    service: &Service,
    identity: &Arc<Identity>,
    needed: impl Iterator<Item = Needed>,
) -> Result<(), StatusError> {
    let snapshot = service.state().store.snapshot();
    let missing = needed.filter(|needed| {
        let name = needed.tree.pointer("/metadata/name").and_then(Tree::as_str).unwrap_or_default();
        needed.follows
            || snapshot.get(Key::new(&needed.resource, needed.namespace, name).as_str()).is_none()
    });
    let served = missing.filter(|needed| is_served(service, needed));
    try_join_all(served.map(|needed| create(service, identity, needed))).await?;
    Ok(())
}

fn is_served(service: &Service, needed: &Needed) -> bool {
    let version = needed.version_path.rsplit('/').next().unwrap_or_default();
    service.state().kinds.find(&needed.resource.group, version, &needed.resource.resource).is_some()
}

async fn create(
    service: &Service,
    identity: &Arc<Identity>,
    needed: Needed,
) -> Result<(), StatusError> {
    let place = if needed.namespace.is_empty() {
        String::new()
    } else {
        format!("/namespaces/{}", needed.namespace)
    };
    let path = format!("{}{place}/{}", needed.version_path, needed.resource.resource);
    let (code, text) = send(service, identity, Method::POST, &path, &needed.tree).await?;
    match code {
        StatusCode::CONFLICT if needed.follows => {
            let name =
                needed.tree.pointer("/metadata/name").and_then(Tree::as_str).unwrap_or_default();
            let (code, text) =
                send(service, identity, Method::PUT, &format!("{path}/{name}"), &needed.tree)
                    .await?;
            if code.is_success() {
                Ok(())
            } else {
                Err(StatusError::internal(format!("PUT {path}/{name}: {text}")))
            }
        }
        code if code.is_success() || code == StatusCode::CONFLICT => Ok(()),
        _ => Err(StatusError::internal(format!("POST {path}: {text}"))),
    }
}

async fn send(
    service: &Service,
    identity: &Arc<Identity>,
    method: Method,
    path: &str,
    tree: &Tree,
) -> Result<(StatusCode, String), StatusError> {
    let body = serde_json::to_vec(tree).map_err(StatusError::internal)?;
    let request = Request::builder()
        .method(method)
        .uri(path)
        .header(USER_AGENT, AGENT)
        .header(CONTENT_TYPE, "application/json")
        .body(Body::full(body))
        .map_err(StatusError::internal)?;
    let response = service.handle(request, Peer::internal(Arc::clone(identity))).await;
    let (parts, body) = response.into_parts();
    let bytes = body.read(MAX_ANSWER_BYTES).await.map_err(StatusError::internal)?;
    Ok((parts.status, String::from_utf8_lossy(&bytes).into_owned()))
}

fn core(
    kind: &str,
    plural: &'static str,
    namespace: &'static str,
    mut tree: Tree,
    follows: bool,
) -> Needed {
    tree["apiVersion"] = "v1".into();
    tree["kind"] = kind.into();
    Needed {
        version_path: "/api/v1".to_owned(),
        resource: GroupResource::new("", plural),
        namespace,
        tree,
        follows,
    }
}

fn role((plural, tree): (&'static str, Tree)) -> Needed {
    let namespace = match tree.pointer("/metadata/namespace").and_then(Tree::as_str) {
        Some("kube-system") => "kube-system",
        Some("kube-public") => "kube-public",
        _ => "",
    };
    Needed {
        version_path: "/apis/rbac.authorization.k8s.io/v1".to_owned(),
        resource: GroupResource::new("rbac.authorization.k8s.io", plural),
        namespace,
        tree,
        follows: false,
    }
}

/// Where the API is expected while nobody knows its address.
const DEFAULT_PORT: u16 = 6443;

/// The Service by which Pods reach the API server, and where it is.
fn own_service(service: &Service) -> Vec<Needed> {
    let config = &service.state().config;
    let port = config.advertise.map_or(DEFAULT_PORT, |(_, port)| port);
    let first = config.service_ranges.first().and_then(|range| range.hosts().next());
    let ports = |target: bool| {
        let mut own =
            json!({ "name": "https", "port": if target { 443 } else { port }, "protocol": "TCP" });
        if target {
            own["targetPort"] = port.into();
        }
        json!([own])
    };
    let service = json!({
        "metadata": { "name": "kubernetes", "labels": { "component": "apiserver", "provider": "kubernetes" } },
        "spec": {
            "type": "ClusterIP",
            "clusterIP": first.map(|address| address.to_string()),
            "ipFamilyPolicy": "SingleStack",
            "ports": ports(true),
            "sessionAffinity": "None",
        },
    });
    let cidrs: Vec<String> = config.service_ranges.iter().map(ToString::to_string).collect();
    let ranges = json!({
        "apiVersion": "networking.k8s.io/v1",
        "kind": "ServiceCIDR",
        "metadata": { "name": "kubernetes" },
        "spec": { "cidrs": cidrs },
    });
    let mut needed = vec![
        core("Service", "services", "default", service, false),
        Needed {
            version_path: "/apis/networking.k8s.io/v1".to_owned(),
            resource: GroupResource::new("networking.k8s.io", "servicecidrs"),
            namespace: "",
            tree: ranges,
            follows: false,
        },
    ];
    let Some((address, _)) = config.advertise else { return needed };
    let endpoints = json!({
        "metadata": { "name": "kubernetes", "labels": { "endpointslice.kubernetes.io/skip-mirror": "true" } },
        "subsets": [{ "addresses": [{ "ip": address.to_string() }], "ports": ports(false) }],
    });
    let slice = json!({
        "apiVersion": "discovery.k8s.io/v1",
        "kind": "EndpointSlice",
        "metadata": { "name": "kubernetes", "labels": { "kubernetes.io/service-name": "kubernetes" } },
        "addressType": if address.is_ipv6() { "IPv6" } else { "IPv4" },
        "endpoints": [{ "addresses": [address.to_string()], "conditions": { "ready": true } }],
        "ports": ports(false),
    });
    needed.extend([
        core("Endpoints", "endpoints", "default", endpoints, true),
        Needed {
            version_path: "/apis/discovery.k8s.io/v1".to_owned(),
            resource: GroupResource::new("discovery.k8s.io", "endpointslices"),
            namespace: "default",
            tree: slice,
            follows: true,
        },
    ]);
    needed
}
