//! A connection of this server itself to a Service: to one of its Pods through the Pod's node, or to an endpoint outside.

use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;

use k8s_openapi::api::core::v1::Service;
use k8s_openapi::api::discovery::v1::EndpointSlice;
use meta::{GroupResource, Key};
use rand::seq::IndexedRandom as _;
use store::Snapshot;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;

use super::address::{Endpoint, endpoints};
use super::node;
use crate::state::State;

/// A connection, whatever carries it.
pub(crate) trait Io: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Io for T {}

/// A connection, whatever carries it.
pub(crate) type BoxIo = Box<dyn Io>;

impl fmt::Debug for dyn Io {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a connection")
    }
}

/// Where a connection goes.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Way {
    Pod { node: String, namespace: String, pod: String, uid: String, port: u16 },
    Address(IpAddr, u16),
    Name(String, u16),
}

/// Connects to a port of a Service; the error says why that is not possible.
pub(crate) async fn to_service(
    state: &Arc<State>,
    namespace: &str,
    name: &str,
    port: u16,
) -> Result<BoxIo, String> {
    let dialled = |error: std::io::Error| format!("dial tcp: {error}");
    match way(&state.store.snapshot(), namespace, name, port)? {
        Way::Address(address, port) => {
            Ok(Box::new(TcpStream::connect((address, port)).await.map_err(dialled)?))
        }
        Way::Name(host, port) => {
            Ok(Box::new(TcpStream::connect((host.as_str(), port)).await.map_err(dialled)?))
        }
        Way::Pod { node, namespace, pod, uid, port } => {
            let (namespace, pod) = (node::escape(&namespace), node::escape(&pod));
            let path = format!("/port-forward/{namespace}/{pod}/{port}");
            let resource = GroupResource::new("", "pods/portforward");
            let io = node::upgrade(state, &node, &path, "tcp", &uid, &resource).await;
            Ok(Box::new(io.map_err(|error| error.to_string())?))
        }
    }
}

/// One of the ways to a Service, by chance.
fn way(snapshot: &Snapshot, namespace: &str, name: &str, port: u16) -> Result<Way, String> {
    let damaged = |error: serde_json::Error| format!("a stored object is damaged: {error}");
    let service = find(snapshot, namespace, name).map_err(damaged)?;
    let service = service.ok_or_else(|| format!("service {} not found", meta::quote(name)))?;
    let spec = service.spec.as_ref();
    if spec.and_then(|spec| spec.type_.as_deref()) == Some("ExternalName") {
        let host = spec.and_then(|spec| spec.external_name.clone());
        return Ok(Way::Name(host.unwrap_or_default(), port));
    }
    let slices = slices(snapshot, namespace, name).map_err(damaged)?;
    let port = port.to_string();
    let found = endpoints(&service, &port, &slices).ok_or_else(|| no_port(name, &port))?;
    let chosen = found.choose(&mut rand::rng()).cloned();
    Ok(way_to(chosen.ok_or_else(|| no_endpoint(name))?))
}

/// A Service, if it is there.
pub(super) fn find(
    snapshot: &Snapshot,
    namespace: &str,
    name: &str,
) -> Result<Option<Service>, serde_json::Error> {
    let key = Key::new(&GroupResource::new("", "services"), namespace, name);
    let entry = snapshot.get(key.as_str()).filter(|_| !name.contains('/'));
    entry.map(|entry| serde_json::from_slice(&entry.body)).transpose()
}

/// The slices of a Service's endpoints.
pub(super) fn slices(
    snapshot: &Snapshot,
    namespace: &str,
    name: &str,
) -> Result<Vec<EndpointSlice>, serde_json::Error> {
    let prefix =
        Key::prefix(&GroupResource::new("discovery.k8s.io", "endpointslices"), Some(namespace));
    snapshot
        .range(&prefix, None)
        .filter(|entry| entry.attributes.label("kubernetes.io/service-name") == Some(name))
        .map(|entry| serde_json::from_slice(&entry.body))
        .collect()
}

/// Says that a Service has no such port.
pub(super) fn no_port(name: &str, port: &str) -> String {
    format!("no service port {port} found for service {}", meta::quote(name))
}

/// Says that nothing is ready behind a Service.
pub(super) fn no_endpoint(shown: &str) -> String {
    format!("no endpoints available for service {}", meta::quote(shown))
}

/// Pods are reached through their nodes, everything else by its address.
fn way_to(endpoint: Endpoint) -> Way {
    let Endpoint { node, target, address, port } = endpoint;
    match (node, target.filter(|target| target.kind.as_deref() == Some("Pod"))) {
        (Some(node), Some(pod)) => Way::Pod {
            node,
            namespace: pod.namespace.unwrap_or_default(),
            pod: pod.name.unwrap_or_default(),
            uid: pod.uid.unwrap_or_default(),
            port,
        },
        _ => Way::Address(address, port),
    }
}

#[cfg(test)]
mod tests {
    use k8s_openapi::api::core::v1::ObjectReference;

    use super::*;

    fn check(node: Option<&str>, kind: &str, expected: &Way) {
        let target = ObjectReference {
            kind: Some(kind.to_owned()),
            namespace: Some("n".to_owned()),
            name: Some("p".to_owned()),
            uid: Some("u".to_owned()),
            ..ObjectReference::default()
        };
        let node = node.map(str::to_owned);
        let address = [192, 0, 2, 7].into();
        let way = way_to(Endpoint { node, target: Some(target), address, port: 8443 });
        assert_eq!(way, *expected, "{kind}");
    }

    #[test]
    fn pods_are_reached_through_their_nodes() {
        let pod = Way::Pod {
            node: "n1".to_owned(),
            namespace: "n".to_owned(),
            pod: "p".to_owned(),
            uid: "u".to_owned(),
            port: 8443,
        };
        let outside = Way::Address([192, 0, 2, 7].into(), 8443);
        check(Some("n1"), "Pod", &pod);
        check(None, "Pod", &outside);
        check(Some("n1"), "Node", &outside);
    }
}
