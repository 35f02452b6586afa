//! `NetworkPolicy`: from where the selected Pods are reached, and what they may reach.
//!
//! See <https://kubernetes.io/docs/concepts/services-networking/network-policies/>.

use jiff::Timestamp;
use k8s_openapi::api::networking::v1::{
    IPBlock, NetworkPolicy, NetworkPolicyPeer, NetworkPolicyPort, NetworkPolicySpec,
};
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;
use meta::field::FieldError;
use meta::{Tree, names};

use crate::address;
use crate::check::{At, Errors, json};
use crate::columns::{self, Column};
use crate::wire::OrEmpty;
use crate::{Generation, Kind, KindInfo, PrefixRule, label_selector};

impl Kind for NetworkPolicy {
    const INFO: KindInfo = KindInfo {
        singular: "networkpolicy",
        short_names: &["netpol"],
        type_name: "io.k8s.api.networking.v1.NetworkPolicy",
        generation: Generation::Spec,
        columns: &[
            columns::NAME,
            Column::of::<NetworkPolicySpec>("Pod-Selector", "podSelector"),
            columns::AGE,
        ],
        prefix_rule: PrefixRule::OnCreate,
        ..KindInfo::namespaced::<Self>()
    };

    fn set_defaults(&mut self) {
        let spec = self.spec.get_or_insert_default();
        let ingress = spec.ingress.iter_mut().flatten().filter_map(|rule| rule.ports.as_mut());
        let egress = spec.egress.iter_mut().flatten().filter_map(|rule| rule.ports.as_mut());
        for port in ingress.chain(egress).flatten() {
            port.protocol.get_or_insert_with(|| "TCP".to_owned());
        }
        if spec.policy_types.is_unset() {
            let mut types = vec![INGRESS.to_owned()];
            if !spec.egress.is_unset() {
                types.push(EGRESS.to_owned());
            }
            spec.policy_types = Some(types);
        }
    }

    fn validate(&self) -> Vec<FieldError> {
        let mut errors = Errors::new();
        validate_spec(&mut errors, self, &[]);
        errors.into_list()
    }

    fn validate_update(&self, old: &Self) -> Vec<FieldError> {
        let mut errors = Errors::new();
        // Ranges that older servers accepted can still be carried along.
        let known: Vec<&str> = peers(old)
            .iter()
            .filter_map(|(_, peer)| peer.ip_block.as_ref())
            .flat_map(|block| std::iter::once(&block.cidr).chain(block.except.or_empty()))
            .map(String::as_str)
            .collect();
        validate_spec(&mut errors, self, &known);
        errors.into_list()
    }

    fn warnings(&self, _old: Option<&Self>) -> Vec<String> {
        let mut warnings = Vec::new();
        for (place, peer) in peers(self) {
            place.with_path(|at| {
                let Some(block) = &peer.ip_block else { return };
                let at = at.field("ipBlock");
                address::warn_range(&mut warnings, &at.field("cidr"), &block.cidr);
                let all = at.field("except");
                for (index, except) in block.except.or_empty().iter().enumerate() {
                    address::warn_range(&mut warnings, &all.index(index), except);
                }
            });
        }
        warnings
    }

    fn row(&self, now: Timestamp) -> Vec<Tree> {
        let spec = self.spec.clone().unwrap_or_default();
        let selector = spec.pod_selector.unwrap_or_default();
        vec![
            columns::name(&self.metadata),
            Tree::from(columns::selector(Some(&selector))),
            columns::age(&self.metadata, now),
        ]
    }
}

const SPEC: At<'static> = At::root("spec");
const INGRESS: &str = "Ingress";
const EGRESS: &str = "Egress";
const TYPES: &[&str] = &[INGRESS, EGRESS];

/// Where a peer stands: the list of rules, the rule, the list of peers, the peer.
struct Place {
    rules: &'static str,
    rule: usize,
    peers: &'static str,
    peer: usize,
}

impl Place {
    fn with_path(&self, visit: impl FnOnce(&At<'_>)) {
        let rules = SPEC.field(self.rules);
        let rule = rules.index(self.rule);
        let peers = rule.field(self.peers);
        visit(&peers.index(self.peer));
    }
}

/// All peers of a policy, those of incoming traffic first.
fn peers(policy: &NetworkPolicy) -> Vec<(Place, &NetworkPolicyPeer)> {
    let Some(spec) = &policy.spec else { return Vec::new() };
    let ingress = spec.ingress.or_empty().iter().map(|rule| rule.from.or_empty());
    let egress = spec.egress.or_empty().iter().map(|rule| rule.to.or_empty());
    let ingress = ingress.enumerate().map(|(index, peers)| ("ingress", index, "from", peers));
    let egress = egress.enumerate().map(|(index, peers)| ("egress", index, "to", peers));
    ingress
        .chain(egress)
        .flat_map(|(rules, rule, name, peers)| {
            peers
                .iter()
                .enumerate()
                .map(move |(peer, value)| (Place { rules, rule, peers: name, peer }, value))
        })
        .collect()
}

fn validate_spec(errors: &mut Errors, policy: &NetworkPolicy, known_ranges: &[&str]) {
    let Some(spec) = &policy.spec else { return };
    label_selector::validate(errors, &SPEC.field("podSelector"), spec.pod_selector.as_ref());
    let all = SPEC.field("ingress");
    for (index, rule) in spec.ingress.or_empty().iter().enumerate() {
        let at = all.index(index);
        ports(errors, &at.field("ports"), rule.ports.or_empty());
        validate_peers(errors, &at.field("from"), rule.from.or_empty(), known_ranges);
    }
    let all = SPEC.field("egress");
    for (index, rule) in spec.egress.or_empty().iter().enumerate() {
        let at = all.index(index);
        ports(errors, &at.field("ports"), rule.ports.or_empty());
        validate_peers(errors, &at.field("to"), rule.to.or_empty(), known_ranges);
    }
    let (types, all) = (spec.policy_types.or_empty(), SPEC.field("policyTypes"));
    if types.len() > TYPES.len() {
        errors.invalid(&all, json(&types), "may not specify more than two policyTypes");
    } else {
        for (index, name) in types.iter().enumerate() {
            errors.one_of(&all.index(index), name, TYPES);
        }
    }
    // What is missing is told after what is wrong.
    for (place, peer) in peers(policy) {
        if peer.ip_block.as_ref().is_some_and(|block| block.cidr.is_empty()) {
            place.with_path(|at| errors.required(&at.field("ipBlock").field("cidr"), ""));
        }
    }
}

fn ports(errors: &mut Errors, all: &At<'_>, ports: &[NetworkPolicyPort]) {
    for (index, port) in ports.iter().enumerate() {
        validate_port(errors, &all.index(index), port);
    }
}

fn validate_port(errors: &mut Errors, at: &At<'_>, port: &NetworkPolicyPort) {
    if let Some(protocol) = &port.protocol {
        errors.one_of(&at.field("protocol"), protocol, &["TCP", "UDP", "SCTP"]);
    }
    let (port_at, end_at) = (at.field("port"), at.field("endPort"));
    match (&port.port, port.end_port) {
        (Some(IntOrString::Int(first)), end) => {
            for message in names::is_port_number(i64::from(*first)) {
                errors.invalid(&port_at, *first, message);
            }
            let Some(end) = end else { return };
            if end < *first {
                errors.invalid(&end_at, end, "must be greater than or equal to `port`");
            }
            for message in names::is_port_number(i64::from(end)) {
                errors.invalid(&end_at, end, message);
            }
        }
        (Some(IntOrString::String(name)), end) => {
            if let Some(end) = end {
                errors.invalid(&end_at, end, "may not be specified when `port` is non-numeric");
            }
            errors.invalid_each(&port_at, name, names::is_port_name(name));
        }
        (None, Some(end)) => {
            errors.invalid(&end_at, end, "may not be specified when `port` is not specified");
        }
        (None, None) => {}
    }
}

fn validate_peers(
    errors: &mut Errors,
    all: &At<'_>,
    peers: &[NetworkPolicyPeer],
    known_ranges: &[&str],
) {
    for (index, peer) in peers.iter().enumerate() {
        let at = all.index(index);
        let (pods, namespaces) = (peer.pod_selector.as_ref(), peer.namespace_selector.as_ref());
        label_selector::validate(errors, &at.field("podSelector"), pods);
        label_selector::validate(errors, &at.field("namespaceSelector"), namespaces);
        let selects = pods.is_some() || namespaces.is_some();
        if let Some(block) = &peer.ip_block {
            ip_block(errors, &at.field("ipBlock"), block, known_ranges);
            if selects {
                errors.forbidden(&at, "may not specify both ipBlock and another peer");
            }
        } else if !selects {
            errors.required(&at, "must specify a peer");
        }
    }
}

fn ip_block(errors: &mut Errors, at: &At<'_>, block: &IPBlock, known: &[&str]) {
    if block.cidr.is_empty() {
        return;
    }
    let cidr_at = at.field("cidr");
    if !known.contains(&block.cidr.as_str()) {
        address::validate_range(errors, &cidr_at, &block.cidr);
    }
    let Some(range) = address::parse_range(&block.cidr).map(|range| range.trunc()) else { return };
    let all = at.field("except");
    for (index, except) in block.except.or_empty().iter().enumerate() {
        let at = all.index(index);
        if !known.contains(&except.as_str()) {
            address::validate_range(errors, &at, except);
        }
        let inner = address::parse_range(except).map(|range| range.trunc());
        let is_inside =
            |inner: ipnet::IpNet| range.contains(&inner) && range.prefix_len() < inner.prefix_len();
        if inner.is_some_and(|inner| !is_inside(inner)) {
            errors.invalid(&at, except, "must be a strict subset of `cidr`");
        }
    }
}
