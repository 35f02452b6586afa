//! The Pod that a connection is for: where it runs, which container is meant, where it listens.

use std::net::IpAddr;

use k8s_openapi::api::core::v1::Pod as Stored;
use meta::{GroupResource, Key, StatusError};
use store::Snapshot;

#[derive(Debug)]
pub(super) struct Pod {
    stored: Stored,
    /// Whether the node that it is bound to is there.
    has_node: bool,
}

pub(super) fn find(snapshot: &Snapshot, namespace: &str, name: &str) -> Result<Pod, StatusError> {
    let resource = GroupResource::new("", "pods");
    let key = Key::new(&resource, namespace, name);
    let Some(entry) = snapshot.get(key.as_str()).filter(|_| !name.contains('/')) else {
        return Err(StatusError::not_found(&resource, name));
    };
    let stored: Stored = serde_json::from_slice(&entry.body)
        .map_err(|error| StatusError::internal(format!("a stored Pod is damaged: {error}")))?;
    let mut pod = Pod { stored, has_node: false };
    pod.has_node = pod
        .node()
        .is_some_and(|node| snapshot.get(Key::new(&nodes(), "", node).as_str()).is_some());
    Ok(pod)
}

fn nodes() -> GroupResource {
    GroupResource::new("", "nodes")
}

impl Pod {
    pub(super) fn name(&self) -> &str {
        self.stored.metadata.name.as_deref().unwrap_or_default()
    }

    pub(super) fn uid(&self) -> &str {
        self.stored.metadata.uid.as_deref().unwrap_or_default()
    }

    /// The node it is bound to; nothing before that.
    pub(super) fn node(&self) -> Option<&str> {
        let node = self.stored.spec.as_ref()?.node_name.as_deref()?;
        (!node.is_empty()).then_some(node)
    }

    /// The node, for what its agent serves.
    pub(super) fn agent(&self) -> Result<&str, StatusError> {
        let node = self.host()?;
        if self.has_node { Ok(node) } else { Err(StatusError::not_found(&nodes(), node)) }
    }

    /// The node, for what needs one.
    pub(super) fn host(&self) -> Result<&str, StatusError> {
        self.node().ok_or_else(|| {
            StatusError::bad_request(format!("pod {} does not have a host assigned", self.name()))
        })
    }

    /// The container that is asked for; without a name the only one.
    pub(super) fn container(&self, asked: &str) -> Result<&str, StatusError> {
        let spec = self.stored.spec.as_ref();
        let init = spec.iter().flat_map(|spec| spec.init_containers.iter().flatten());
        let main = || spec.iter().flat_map(|spec| spec.containers.iter());
        let ephemeral = spec.iter().flat_map(|spec| spec.ephemeral_containers.iter().flatten());
        let names = || {
            let init = init.clone().map(|container| container.name.as_str());
            let main = main().map(|container| container.name.as_str());
            init.chain(main).chain(ephemeral.clone().map(|container| container.name.as_str()))
        };
        if !asked.is_empty() {
            return names().find(|name| *name == asked).ok_or_else(|| {
                StatusError::bad_request(format!(
                    "container {asked} is not valid for pod {}",
                    self.name()
                ))
            });
        }
        let text = format!("a container name must be specified for pod {}", self.name());
        let mut containers = main();
        match (containers.next(), containers.next()) {
            (Some(only), None) => Ok(&only.name),
            (None, _) => Err(StatusError::bad_request(text)),
            _ => {
                let names: Vec<&str> = names().collect();
                Err(StatusError::bad_request(format!(
                    "{text}, choose one of: [{}]",
                    names.join(" ")
                )))
            }
        }
    }

    /// The first port that a container declares.
    pub(super) fn first_port(&self) -> Option<u16> {
        let spec = self.stored.spec.as_ref()?;
        let mut ports =
            spec.containers.iter().flat_map(|container| container.ports.iter().flatten());
        ports.next().and_then(|port| u16::try_from(port.container_port).ok())
    }

    /// Its address. One that could lead elsewhere than to a Pod is refused.
    pub(super) fn address(&self) -> Result<IpAddr, StatusError> {
        let text = self.stored.status.as_ref().and_then(|status| status.pod_ip.as_deref());
        let address: Option<IpAddr> = text.and_then(|text| text.parse().ok());
        let is_allowed = |address: &IpAddr| {
            let link_local = match address {
                IpAddr::V4(address) => address.is_link_local() || address.is_broadcast(),
                IpAddr::V6(address) => address.is_unicast_link_local(),
            };
            !(address.is_loopback()
                || address.is_unspecified()
                || address.is_multicast()
                || link_local)
        };
        address.filter(is_allowed).ok_or_else(|| StatusError::bad_request("address not allowed"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pod(text: serde_json::Value) -> Pod {
        Pod { stored: serde_json::from_value(text).expect("a Pod"), has_node: true }
    }

    #[test]
    fn the_container_is_the_only_one_or_the_one_asked_for() {
        let one = pod(serde_json::json!({
            "metadata": { "name": "p" },
            "spec": { "containers": [{ "name": "a" }], "initContainers": [{ "name": "i" }] },
        }));
        let two = pod(serde_json::json!({
            "metadata": { "name": "p" },
            "spec": { "containers": [{ "name": "a" }, { "name": "b" }], "initContainers": [{ "name": "i" }] },
        }));
        let of = |pod: &Pod, name: &str| match pod.container(name) {
            Ok(name) => name.to_owned(),
            Err(error) => error.message().to_owned(),
        };
        assert_eq!(of(&one, ""), "a");
        assert_eq!(of(&one, "i"), "i");
        assert_eq!(of(&one, "x"), "container x is not valid for pod p");
        assert_eq!(of(&two, "b"), "b");
        assert_eq!(
            of(&two, ""),
            "a container name must be specified for pod p, choose one of: [i a b]"
        );
    }

    #[test]
    fn only_addresses_of_pods_are_connected_to() {
        let of = |address: &str| {
            pod(serde_json::json!({ "status": { "podIP": address } })).address().is_ok()
        };
        assert!(of("100.64.0.7") && of("fd00::7"));
        for address in
            ["", "127.0.0.1", "::1", "0.0.0.0", "169.254.169.254", "fe80::1", "224.0.0.1", "x"]
        {
            assert!(!of(address), "{address}");
        }
    }
}
