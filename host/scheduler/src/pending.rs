//! A Pod, reduced once to what decisions read, so that thousands of nodes are tried against parsed selectors and summed requests.

use std::{collections::BTreeMap, sync::Arc};

use k8s_openapi::api::core::v1::{NodeSelector, Pod, PodSpec, PreferredSchedulingTerm, Toleration};
use meta::Attributes;

use crate::{
    resources::Resources,
    terms::{PodTerm, Spread, WeightedTerm},
};

/// A port of the host that a Pod wants for itself.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Port {
    pub(crate) port: i32,
    pub(crate) protocol: String,
    pub(crate) address: String,
}

impl Port {
    /// Whether two Pods cannot both have their port: the same number, and addresses that overlap.
    pub(crate) fn collides(&self, other: &Self) -> bool {
        const ANY: &str = "0.0.0.0";
        self.port == other.port
            && self.protocol == other.protocol
            && (self.address == other.address || self.address == ANY || other.address == ANY)
    }
}

/// A Pod as the scheduler sees it.
#[derive(Clone, Debug)]
pub struct Pending {
    pub uid: Arc<str>,
    pub namespace: String,
    pub name: String,
    pub(crate) attributes: Attributes,
    /// The controller that made it: its Pods are spread.
    pub(crate) owner: Option<Arc<str>>,
    pub(crate) requests: Resources,
    pub(crate) assumed: Resources,
    pub(crate) ports: Vec<Port>,
    pub(crate) node_name: String,
    pub(crate) node_selector: BTreeMap<String, String>,
    pub(crate) required_nodes: Option<NodeSelector>,
    pub(crate) preferred_nodes: Vec<PreferredSchedulingTerm>,
    pub(crate) tolerations: Vec<Toleration>,
    pub(crate) images: Vec<String>,
    pub(crate) near: Vec<PodTerm>,
    pub(crate) apart: Vec<PodTerm>,
    pub(crate) preferred_near: Vec<WeightedTerm>,
    pub(crate) preferred_apart: Vec<WeightedTerm>,
    pub(crate) spread: Vec<Spread>,
}

impl Pending {
    /// Reads a Pod.
    pub fn new(pod: &Pod) -> Self {
        let none = PodSpec::default();
        let spec = pod.spec.as_ref().unwrap_or(&none);
        let metadata = &pod.metadata;
        let namespace = metadata.namespace.clone().unwrap_or_default();
        let affinity = spec.affinity.as_ref();
        let nodes = affinity.and_then(|affinity| affinity.node_affinity.as_ref());
        let near = affinity.and_then(|affinity| affinity.pod_affinity.as_ref());
        let apart = affinity.and_then(|affinity| affinity.pod_anti_affinity.as_ref());
        let own = metadata.labels.as_ref();
        let required = |terms: Option<&Vec<_>>| PodTerm::all(terms, &namespace, own);
        let preferred = |terms: Option<&Vec<_>>| WeightedTerm::all(terms, &namespace, own);
        let owner =
            metadata.owner_references.iter().flatten().find(|owner| owner.controller == Some(true));
        Self {
            uid: metadata.uid.as_deref().unwrap_or_default().into(),
            name: metadata.name.clone().unwrap_or_default(),
            attributes: Attributes::new(own, []),
            owner: owner.map(|owner| owner.uid.as_str().into()),
            requests: Resources::requested_by(spec),
            assumed: Resources::assumed_of(spec),
            ports: ports(spec),
            node_name: spec.node_name.clone().unwrap_or_default(),
            node_selector: spec.node_selector.clone().unwrap_or_default(),
            required_nodes: nodes
                .and_then(|it| it.required_during_scheduling_ignored_during_execution.clone()),
            preferred_nodes: nodes
                .and_then(|it| it.preferred_during_scheduling_ignored_during_execution.clone())
                .unwrap_or_default(),
            tolerations: spec.tolerations.clone().unwrap_or_default(),
            images: spec
                .containers
                .iter()
                .filter_map(|container| container.image.clone())
                .collect(),
            near: required(
                near.and_then(|it| it.required_during_scheduling_ignored_during_execution.as_ref()),
            ),
            apart: required(
                apart
                    .and_then(|it| it.required_during_scheduling_ignored_during_execution.as_ref()),
            ),
            preferred_near: preferred(
                near.and_then(|it| {
                    it.preferred_during_scheduling_ignored_during_execution.as_ref()
                }),
            ),
            preferred_apart: preferred(
                apart.and_then(|it| {
                    it.preferred_during_scheduling_ignored_during_execution.as_ref()
                }),
            ),
            spread: Spread::all(spec.topology_spread_constraints.as_ref(), own),
            namespace,
        }
    }

    /// Whether Pods of some labels may not come near this one.
    pub(crate) fn repels(&self) -> bool {
        !self.apart.is_empty()
    }

    /// Whether a decision looks at other Pods than by their sums; such Pods pay for a walk over all nodes.
    pub(crate) fn looks_at_pods(&self) -> bool {
        !(self.near.is_empty()
            && self.apart.is_empty()
            && self.preferred_near.is_empty()
            && self.preferred_apart.is_empty()
            && self.spread.is_empty())
    }
}

fn ports(spec: &PodSpec) -> Vec<Port> {
    let sidecars = spec
        .init_containers
        .iter()
        .flatten()
        .filter(|it| it.restart_policy.as_deref() == Some("Always"));
    spec.containers
        .iter()
        .chain(sidecars)
        .flat_map(|container| container.ports.iter().flatten())
        .filter_map(|port| {
            let number = port.host_port.filter(|number| *number > 0)?;
            Some(Port {
                port: number,
                protocol: port.protocol.clone().unwrap_or_else(|| "TCP".to_owned()),
                address: port
                    .host_ip
                    .clone()
                    .filter(|it| !it.is_empty())
                    .unwrap_or_else(|| "0.0.0.0".to_owned()),
            })
        })
        .collect()
}
