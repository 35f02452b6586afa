//! A connection of this server itself to a Service: to one of its Pods through the Pod's node, or to an endpoint outside.

use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;

use k8s_openapi::api::core::v1::Service;
use k8s_openapi::api::discovery::v1::{Endpoint, EndpointSlice};
use meta::{GroupResource, Key};
use rand::seq::IndexedRandom as _;
use store::Snapshot;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;

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
    let quoted = meta::quote(name);
    let key = Key::new(&GroupResource::new("", "services"), namespace, name);
    let entry = snapshot.get(key.as_str()).filter(|_| !name.contains('/'));
    let entry = entry.ok_or_else(|| format!("service {quoted} not found"))?;
    let service: Service = serde_json::from_slice(&entry.body).map_err(damaged)?;
    let spec = service.spec.unwrap_or_default();
    if spec.type_.as_deref() == Some("ExternalName") {
        return Ok(Way::Name(spec.external_name.unwrap_or_default(), port));
    }
    let ports = spec.ports.unwrap_or_default();
    let own = ports.iter().find(|own| own.port == i32::from(port));
    let own = own.ok_or_else(|| format!("no service port {port} found for service {quoted}"))?;
    let port_name = own.name.as_deref().unwrap_or_default();
    let prefix =
        Key::prefix(&GroupResource::new("discovery.k8s.io", "endpointslices"), Some(namespace));
    let slices = snapshot
        .range(&prefix, None)
        .filter(|entry| entry.attributes.label("kubernetes.io/service-name") == Some(name));
    let mut ways = Vec::new();
    for entry in slices {
        let slice: EndpointSlice = serde_json::from_slice(&entry.body).map_err(damaged)?;
        ways.extend(ways_of(&slice, port_name));
    }
    let chosen = ways.choose(&mut rand::rng()).cloned();
    chosen.ok_or_else(|| format!("no endpoints available for service {quoted}"))
}

fn ways_of(slice: &EndpointSlice, port_name: &str) -> Vec<Way> {
    let ports = slice.ports.iter().flatten();
    let fitting = ports.filter(|own| own.name.as_deref().unwrap_or_default() == port_name);
    let numbers: Vec<u16> = fitting.filter_map(|own| u16::try_from(own.port?).ok()).collect();
    let endpoints = slice.endpoints.iter().flatten().filter(|endpoint| is_ready(endpoint));
    endpoints
        .flat_map(|endpoint| numbers.iter().filter_map(|port| way_to(endpoint, *port)))
        .collect()
}

fn is_ready(endpoint: &Endpoint) -> bool {
    endpoint.conditions.as_ref().and_then(|conditions| conditions.ready).unwrap_or(true)
}

/// Pods are reached through their nodes, everything else by its address.
fn way_to(endpoint: &Endpoint, port: u16) -> Option<Way> {
    let target =
        endpoint.target_ref.as_ref().filter(|target| target.kind.as_deref() == Some("Pod"));
    if let (Some(pod), Some(node)) = (target, &endpoint.node_name) {
        return Some(Way::Pod {
            node: node.clone(),
            namespace: pod.namespace.clone().unwrap_or_default(),
            pod: pod.name.clone().unwrap_or_default(),
            uid: pod.uid.clone().unwrap_or_default(),
            port,
        });
    }
    Some(Way::Address(endpoint.addresses.first()?.parse().ok()?, port))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pods_are_reached_through_their_nodes() {
        let slice = serde_json::from_value(serde_json::json!({
            "addressType": "IPv4",
            "metadata": {},
            "ports": [{ "name": "w", "port": 8443 }, { "name": "x", "port": 1 }],
            "endpoints": [
                { "addresses": ["100.64.0.1"], "nodeName": "n1", "targetRef": { "kind": "Pod", "namespace": "n", "name": "p", "uid": "u" } },
                { "addresses": ["100.64.0.2"], "conditions": { "ready": false } },
                { "addresses": ["192.0.2.7"] },
            ],
        }));
        let ways = ways_of(&slice.expect("a slice"), "w");
        let pod = Way::Pod {
            node: "n1".to_owned(),
            namespace: "n".to_owned(),
            pod: "p".to_owned(),
            uid: "u".to_owned(),
            port: 8443,
        };
        assert_eq!(ways, [pod, Way::Address([192, 0, 2, 7].into(), 8443)]);
    }
}
