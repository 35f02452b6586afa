//! Advice about ports that several containers claim.

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::{ContainerPort, PodSpec};
use meta::quote;

use crate::check::At;
use crate::core::pod::visit;
use crate::wire::OrEmpty;

/// Ports by number.
pub(super) fn numbers(warnings: &mut Vec<String>, at: &At<'_>, spec: &PodSpec) {
    let mut all: BTreeMap<(i32, String), Vec<(String, ContainerPort)>> = BTreeMap::new();
    visit::containers(spec, at, |container, at| {
        let ports_at = at.field("ports");
        for (index, port) in container.ports.or_empty().iter().enumerate() {
            let at = ports_at.index(index);
            let (ip, host_port) = (port.host_ip.or_empty(), port.host_port.unwrap_or_default());
            if !ip.is_empty() && host_port == 0 {
                warnings.push(format!("{at}: hostIP set without hostPort: {}", shown(port)));
            }
            let key = (port.container_port, port.protocol.or_empty().to_owned());
            let others = all.entry(key).or_default();
            for (other_at, other) in others.iter() {
                let other_ip = other.host_ip.or_empty();
                let other_port = other.host_port.unwrap_or_default();
                let what = if ip == other_ip && host_port == other_port {
                    "duplicate"
                } else if host_port == 0 || other_port == 0 {
                    "overlapping"
                } else if host_port == other_port && ip.is_empty() != other_ip.is_empty() {
                    "dangerously ambiguous"
                } else {
                    continue;
                };
                warnings.push(format!("{at}: {what} port definition with {other_at}"));
            }
            others.push((at.to_string(), port.clone()));
        }
    });
}

/// A port as the fields of a struct.
fn shown(port: &ContainerPort) -> String {
    format!(
        "{{Name:{} HostPort:{} ContainerPort:{} Protocol:{} HostIP:{}}}",
        port.name.or_empty(),
        port.host_port.unwrap_or_default(),
        port.container_port,
        port.protocol.or_empty(),
        port.host_ip.or_empty()
    )
}

/// Ports by name.
pub(super) fn names(warnings: &mut Vec<String>, at: &At<'_>, spec: &PodSpec) {
    let mut seen: BTreeMap<String, String> = BTreeMap::new();
    visit::containers(spec, at, |container, at| {
        let ports_at = at.field("ports");
        for (index, port) in container.ports.or_empty().iter().enumerate() {
            let (at, name) = (ports_at.index(index), port.name.or_empty());
            if name.is_empty() {
                continue;
            }
            if let Some(other) = seen.get(name) {
                let name = quote(name);
                warnings.push(format!(
                    "{at}: duplicate port name {name} with {other}, services and probes that \
                     select ports by name will use {other}"
                ));
            } else {
                seen.insert(name.to_owned(), at.to_string());
            }
        }
    });
}
