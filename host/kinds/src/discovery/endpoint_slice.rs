//! `EndpointSlice`: some of the addresses behind a service.
//!
//! See <https://kubernetes.io/docs/concepts/services-networking/endpoint-slices/>.

use std::collections::BTreeSet;
use std::net::IpAddr;

use jiff::Timestamp;
use k8s_openapi::api::discovery::v1::{Endpoint, EndpointHints, EndpointPort, EndpointSlice};
use meta::field::{BadValue, FieldError};
use meta::{Tree, names};

use crate::address;
use crate::check::{At, Errors, IMMUTABLE};
use crate::columns::{self, Column};
use crate::wire::OrEmpty;
use crate::{Generation, Kind, KindInfo};

impl Kind for EndpointSlice {
    const INFO: KindInfo = KindInfo {
        singular: "endpointslice",
        type_name: "io.k8s.api.discovery.v1.EndpointSlice",
        generation: Generation::SpecAndLabels,
        columns: &[
            columns::NAME,
            Column::of::<Self>("AddressType", "addressType"),
            Column::of::<Self>("Ports", "ports"),
            Column::of::<Self>("Endpoints", "endpoints"),
            columns::AGE,
        ],
        ..KindInfo::namespaced::<Self>()
    };

    fn set_defaults(&mut self) {
        for port in self.ports.iter_mut().flatten() {
            port.name.get_or_insert_default();
            port.protocol.get_or_insert_with(|| "TCP".to_owned());
        }
    }

    /// The old place for topology is read only.
    fn on_create(&mut self) {
        for endpoint in self.endpoints.iter_mut().flatten() {
            endpoint.deprecated_topology = None;
        }
    }

    fn on_update(&mut self, old: &Self) {
        if self.endpoints != old.endpoints {
            // What is dropped counts as a change.
            self.metadata.generation = Some(old.metadata.generation.unwrap_or_default() + 1);
            self.on_create();
        }
    }

    fn validate(&self) -> Vec<FieldError> {
        let mut errors = Errors::new();
        validate_slice(&mut errors, self, None);
        errors.into_list()
    }

    fn validate_update(&self, old: &Self) -> Vec<FieldError> {
        let mut errors = Errors::new();
        validate_slice(&mut errors, self, Some(old));
        if self.address_type != old.address_type {
            errors.invalid(&At::root("addressType"), BadValue::null(), IMMUTABLE);
        }
        errors.into_list()
    }

    fn warnings(&self, old: Option<&Self>) -> Vec<String> {
        let mut warnings = Vec::new();
        if old.is_none() && self.address_type == "FQDN" {
            warnings.push("spec.addressType: FQDN endpoints are deprecated".to_owned());
        }
        let manager = self.metadata.labels.or_empty().get(MANAGED_BY).map(String::as_str);
        if matches!(manager, Some(CONTROLLER | MIRRORING_CONTROLLER)) {
            return warnings;
        }
        let all = At::root("endpoints");
        for (index, endpoint) in self.endpoints.or_empty().iter().enumerate() {
            let at = all.index(index);
            let addresses_at = at.field("addresses");
            for (index, address) in endpoint.addresses.iter().enumerate() {
                address::warn(&mut warnings, &addresses_at.index(index), address);
            }
        }
        warnings
    }

    fn row(&self, now: Timestamp) -> Vec<Tree> {
        let ports = self.ports.or_empty().iter().map(|port| match (port.port, &port.name) {
            (Some(number), _) => number.to_string(),
            (None, Some(name)) => name.clone(),
            (None, None) => "*".to_owned(),
        });
        let addresses =
            self.endpoints.or_empty().iter().flat_map(|endpoint| endpoint.addresses.clone());
        vec![
            columns::name(&self.metadata),
            Tree::from(self.address_type.as_str()),
            Tree::from(columns::first_three(ports)),
            Tree::from(columns::first_three(addresses)),
            columns::age(&self.metadata, now),
        ]
    }
}

const MANAGED_BY: &str = "endpointslice.kubernetes.io/managed-by";
const CONTROLLER: &str = "endpointslice-controller.k8s.io";
const MIRRORING_CONTROLLER: &str = "endpointslicemirroring-controller.k8s.io";

const ENDPOINTS_MAX: usize = 1000;
const ADDRESSES_MAX: usize = 100;
const PORTS_MAX: usize = 20_000;
const HINTS_MAX: usize = 8;

fn validate_slice(errors: &mut Errors, slice: &EndpointSlice, old: Option<&EndpointSlice>) {
    let known = &["FQDN", "IPv4", "IPv6"];
    errors.required_one_of(&At::root("addressType"), &slice.address_type, known);
    ports(errors, &At::root("ports"), slice.ports.or_empty());
    // What older servers accepted can still be carried along.
    if old.is_none_or(|old| old.endpoints != slice.endpoints) {
        endpoints(errors, &At::root("endpoints"), slice);
    }
}

fn ports(errors: &mut Errors, all: &At<'_>, ports: &[EndpointPort]) {
    if ports.len() > PORTS_MAX {
        errors.too_many(all, ports.len(), PORTS_MAX);
        return;
    }
    let mut seen = BTreeSet::new();
    for (index, port) in ports.iter().enumerate() {
        let at = all.index(index);
        let (name, name_at) = (port.name.or_empty(), at.field("name"));
        if !name.is_empty() {
            errors.invalid_each(&name_at, name, names::is_dns1123_label(name));
        }
        if !seen.insert(name) {
            errors.duplicate(&name_at, name);
        }
        let protocol_at = at.field("protocol");
        match &port.protocol {
            None => errors.required(&protocol_at, ""),
            Some(protocol) => errors.one_of(&protocol_at, protocol, &["SCTP", "TCP", "UDP"]),
        }
        if let Some(protocol) = &port.app_protocol {
            let messages = names::is_qualified_name(protocol);
            errors.invalid_each(&at.field("appProtocol"), protocol, messages);
        }
    }
}

fn endpoints(errors: &mut Errors, all: &At<'_>, slice: &EndpointSlice) {
    let endpoints = slice.endpoints.or_empty();
    if endpoints.len() > ENDPOINTS_MAX {
        errors.too_many(all, endpoints.len(), ENDPOINTS_MAX);
        return;
    }
    for (index, endpoint) in endpoints.iter().enumerate() {
        let at = all.index(index);
        addresses(errors, &at.field("addresses"), endpoint, &slice.address_type);
        if let Some(node) = &endpoint.node_name {
            errors.invalid_each(&at.field("nodeName"), node, names::is_dns1123_subdomain(node));
        }
        if let Some(host) = &endpoint.hostname {
            errors.invalid_each(&at.field("hostname"), host, names::is_dns1123_label(host));
        }
        if let Some(hints) = &endpoint.hints {
            validate_hints(errors, &at.field("hints"), hints);
        }
    }
}

fn addresses(errors: &mut Errors, all: &At<'_>, endpoint: &Endpoint, address_type: &str) {
    let count = endpoint.addresses.len();
    if count == 0 {
        errors.required(all, "");
    } else if count > ADDRESSES_MAX {
        errors.too_many(all, count, ADDRESSES_MAX);
    }
    for (index, address) in endpoint.addresses.iter().enumerate() {
        let at = all.index(index);
        let before = errors.len();
        match address_type {
            "IPv4" => address::validate(errors, &at, address),
            "IPv6" => address::validate_canonical(errors, &at, address),
            "FQDN" => domain(errors, &at, address),
            _ => {}
        }
        if errors.len() == before && matches!(address_type, "IPv4" | "IPv6") {
            let is_v4 = matches!(address.parse(), Ok(IpAddr::V4(_)));
            if is_v4 != (address_type == "IPv4") {
                errors.invalid(all, address, format!("must be an {address_type} address"));
            }
            address::validate_endpoint(errors, &at, address);
        }
    }
}

fn domain(errors: &mut Errors, at: &At<'_>, name: &str) {
    if name.is_empty() {
        errors.required(at, "");
        return;
    }
    let name = name.strip_suffix('.').unwrap_or(name);
    let messages = names::is_dns1123_subdomain(name);
    if !messages.is_empty() {
        errors.invalid(at, name, messages.join(","));
    } else if !name.contains('.') {
        let detail = "should be a domain with at least two segments separated by dots";
        errors.invalid(at, name, detail);
    }
}

fn validate_hints(errors: &mut Errors, at: &At<'_>, hints: &EndpointHints) {
    type Rule = fn(&str) -> Vec<String>;
    let zones = hints.for_zones.or_empty().iter().map(|zone| &zone.name).collect::<Vec<_>>();
    let nodes = hints.for_nodes.or_empty().iter().map(|node| &node.name).collect::<Vec<_>>();
    let lists: [(&str, Vec<&String>, Rule); 2] = [
        ("forZones", zones, names::is_label_value),
        ("forNodes", nodes, names::is_dns1123_subdomain),
    ];
    for (field, list, rule) in lists {
        let all = at.field(field);
        if list.len() > HINTS_MAX {
            errors.too_many(&all, list.len(), HINTS_MAX);
            return;
        }
        let mut seen = BTreeSet::new();
        for (index, name) in list.into_iter().enumerate() {
            let at = all.index(index);
            let at = at.field("name");
            if !seen.insert(name) {
                errors.duplicate(&at, name);
            }
            errors.invalid_each(&at, name, rule(name));
        }
    }
}
