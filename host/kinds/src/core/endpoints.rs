//! `Endpoints`: the addresses behind a service, in the old form.
//!
//! See <https://kubernetes.io/docs/reference/kubernetes-api/service-resources/endpoints-v1/>.

use jiff::Timestamp;
use k8s_openapi::api::core::v1::{EndpointAddress, EndpointPort, EndpointSubset, Endpoints};
use meta::field::FieldError;
use meta::{Tree, names};

use super::pod::validate::port_number;
use crate::address;
use crate::check::{At, Errors};
use crate::columns::{self, Column, NONE};
use crate::wire::{OrEmpty, default_text};
use crate::{Kind, KindInfo};

impl Kind for Endpoints {
    const INFO: KindInfo = KindInfo {
        singular: "endpoints",
        short_names: &["ep"],
        type_name: "io.k8s.api.core.v1.Endpoints",
        create_on_update: true,
        deprecated: Some(
            "v1 Endpoints is deprecated in v1.33+; use discovery.k8s.io/v1 EndpointSlice",
        ),
        columns: &[columns::NAME, Column::of::<Self>("Endpoints", "subsets"), columns::AGE],
        ..KindInfo::namespaced::<Self>()
    };

    fn set_defaults(&mut self) {
        let ports = self.subsets.iter_mut().flatten().filter_map(|subset| subset.ports.as_mut());
        for port in ports.flatten() {
            default_text(&mut port.protocol, "TCP");
        }
    }

    fn validate(&self) -> Vec<FieldError> {
        let mut errors = Errors::new();
        let all = At::root("subsets");
        for (index, subset) in self.subsets.or_empty().iter().enumerate() {
            validate_subset(&mut errors, &all.index(index), subset);
        }
        errors.into_list()
    }

    fn validate_update(&self, old: &Self) -> Vec<FieldError> {
        // What older servers accepted can still be carried along.
        if self.subsets == old.subsets { Vec::new() } else { self.validate() }
    }

    fn warnings(&self, _old: Option<&Self>) -> Vec<String> {
        let mut warnings = Vec::new();
        let labels = self.metadata.labels.or_empty();
        if labels.get(MANAGED_BY).is_some_and(|manager| manager == "endpoint-controller") {
            return warnings;
        }
        let all = At::root("subsets");
        for (index, subset) in self.subsets.or_empty().iter().enumerate() {
            let at = all.index(index);
            for (field, addresses) in [
                ("addresses", subset.addresses.or_empty()),
                ("notReadyAddresses", subset.not_ready_addresses.or_empty()),
            ] {
                let addresses_at = at.field(field);
                for (index, address) in addresses.iter().enumerate() {
                    let at = addresses_at.index(index);
                    address::warn(&mut warnings, &at.field("ip"), &address.ip);
                }
            }
        }
        warnings
    }

    fn row(&self, now: Timestamp) -> Vec<Tree> {
        vec![
            columns::name(&self.metadata),
            Tree::from(shown(self.subsets.or_empty())),
            columns::age(&self.metadata, now),
        ]
    }
}

const MANAGED_BY: &str = "endpoints.kubernetes.io/managed-by";

fn validate_subset(errors: &mut Errors, at: &At<'_>, subset: &EndpointSubset) {
    let (ready, others) = (subset.addresses.or_empty(), subset.not_ready_addresses.or_empty());
    if ready.is_empty() && others.is_empty() {
        errors.required(at, "must specify `addresses` or `notReadyAddresses`");
    }
    for (field, addresses) in [("addresses", ready), ("notReadyAddresses", others)] {
        let all = at.field(field);
        for (index, address) in addresses.iter().enumerate() {
            validate_address(errors, &all.index(index), address);
        }
    }
    let (all, ports) = (at.field("ports"), subset.ports.or_empty());
    for (index, port) in ports.iter().enumerate() {
        validate_port(errors, &all.index(index), port, ports.len() > 1);
    }
}

fn validate_address(errors: &mut Errors, at: &At<'_>, address: &EndpointAddress) {
    let ip_at = at.field("ip");
    address::validate(errors, &ip_at, &address.ip);
    let host = address.hostname.or_empty();
    if !host.is_empty() {
        errors.invalid_each(&at.field("hostname"), host, names::is_dns1123_label(host));
    }
    if let Some(node) = &address.node_name {
        errors.invalid_each(&at.field("nodeName"), node, names::is_dns1123_subdomain(node));
    }
    address::validate_endpoint(errors, &ip_at, &address.ip);
}

fn validate_port(errors: &mut Errors, at: &At<'_>, port: &EndpointPort, needs_name: bool) {
    let name = port.name.or_empty();
    if !name.is_empty() {
        errors.invalid_each(&at.field("name"), name, names::is_dns1123_label(name));
    } else if needs_name {
        errors.required(&at.field("name"), "");
    }
    port_number(errors, &at.field("port"), port.port);
    let protocol = port.protocol.or_empty();
    errors.required_one_of(&at.field("protocol"), protocol, &["SCTP", "TCP", "UDP"]);
    if let Some(protocol) = &port.app_protocol {
        let messages = names::is_qualified_name(protocol);
        errors.invalid_each(&at.field("appProtocol"), protocol, messages);
    }
}

const SHOWN_MAX: usize = 3;

fn shown(subsets: &[EndpointSubset]) -> String {
    if subsets.is_empty() {
        return NONE.to_owned();
    }
    let mut all: Vec<String> = Vec::new();
    for subset in subsets {
        let addresses = subset.addresses.or_empty();
        let ports = subset.ports.or_empty();
        if ports.is_empty() {
            all.extend(addresses.iter().map(|address| address.ip.clone()));
        }
        for port in ports {
            all.extend(addresses.iter().map(|address| {
                let ip = &address.ip;
                let number = port.port;
                if ip.contains(':') { format!("[{ip}]:{number}") } else { format!("{ip}:{number}") }
            }));
        }
    }
    let count = all.len();
    all.truncate(SHOWN_MAX);
    let list = all.join(",");
    if count > SHOWN_MAX { format!("{list} + {} more...", count - SHOWN_MAX) } else { list }
}
