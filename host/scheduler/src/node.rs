//! A node as the scheduler sees it: what it offers, and what the Pods on it have taken.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use k8s_openapi::api::core::v1::{self as core, Taint};

use crate::{
    pending::{Pending, Port},
    resources::Resources,
};

/// Pods that a node takes where it does not say.
const DEFAULT_PODS: i64 = 110;

/// One node with its load.
#[derive(Clone, Debug)]
pub struct Node {
    pub name: Arc<str>,
    pub(crate) labels: BTreeMap<String, String>,
    pub(crate) taints: Vec<Taint>,
    pub(crate) unschedulable: bool,
    pub(crate) allocatable: Resources,
    pub(crate) max_pods: i64,
    /// Images that are there already, with their sizes in bytes.
    pub(crate) images: BTreeMap<String, i64>,
    pub(crate) requested: Resources,
    pub(crate) assumed: Resources,
    pub(crate) ports: BTreeSet<Port>,
    /// Pods on the node by uid.
    pub(crate) pods: BTreeMap<Arc<str>, Arc<Pending>>,
    /// How many of them repel other Pods: nodes without any skip that check.
    pub(crate) repelling: usize,
}

impl Node {
    /// A node without load.
    pub(crate) fn new(node: &core::Node) -> Self {
        let mut new = Self {
            name: node.metadata.name.as_deref().unwrap_or_default().into(),
            labels: BTreeMap::new(),
            taints: Vec::new(),
            unschedulable: false,
            allocatable: Resources::default(),
            max_pods: DEFAULT_PODS,
            images: BTreeMap::new(),
            requested: Resources::default(),
            assumed: Resources::default(),
            ports: BTreeSet::new(),
            pods: BTreeMap::new(),
            repelling: 0,
        };
        new.update(node);
        new
    }

    /// Takes over what the object says and keeps the load.
    pub(crate) fn update(&mut self, node: &core::Node) {
        self.labels = node.metadata.labels.clone().unwrap_or_default();
        let spec = node.spec.as_ref();
        self.taints = spec.and_then(|spec| spec.taints.clone()).unwrap_or_default();
        self.unschedulable = spec.and_then(|spec| spec.unschedulable).unwrap_or_default();
        let status = node.status.as_ref();
        let offered =
            status.and_then(|status| status.allocatable.as_ref().or(status.capacity.as_ref()));
        self.allocatable = Resources::from_list(offered);
        let pods = offered.and_then(|list| list.get("pods"));
        let pods = pods.and_then(|quantity| meta::quantity::Quantity::parse(&quantity.0).ok());
        self.max_pods = pods.map_or(DEFAULT_PODS, |quantity| quantity.value());
        self.images = status
            .and_then(|status| status.images.as_ref())
            .into_iter()
            .flatten()
            .flat_map(|image| {
                let size = image.size_bytes.unwrap_or_default();
                image.names.iter().flatten().map(move |name| (name.clone(), size))
            })
            .collect();
    }

    pub(crate) fn add(&mut self, pod: Arc<Pending>) {
        self.requested.add(&pod.requests);
        self.assumed.add(&pod.assumed);
        self.ports.extend(pod.ports.iter().cloned());
        self.repelling += usize::from(pod.repels());
        self.pods.insert(pod.uid.clone(), pod);
    }

    pub(crate) fn remove(&mut self, uid: &str) {
        let Some(pod) = self.pods.remove(uid) else { return };
        self.requested.subtract(&pod.requests);
        self.assumed.subtract(&pod.assumed);
        self.repelling -= usize::from(pod.repels());
        self.ports = self.pods.values().flat_map(|pod| pod.ports.iter().cloned()).collect();
    }
}
