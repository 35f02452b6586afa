//! All nodes with their loads, kept up to date change by change.
//!
//! A Pod that was just given a node is *assumed* there before the API server has confirmed it, so that the next decision counts it; the
//! confirmation replaces the assumption, and a failed binding takes it back.

use std::{collections::BTreeMap, sync::Arc};

use k8s_openapi::api::core::v1 as core;

use crate::{node::Node, pending::Pending};

/// What decisions look at.
#[derive(Clone, Debug, Default)]
pub struct Snapshot {
    nodes: Vec<Node>,
    index: BTreeMap<Arc<str>, usize>,
    /// Where each Pod is, by uid.
    homes: BTreeMap<Arc<str>, Arc<str>>,
    /// Pods on nodes that are not known (yet).
    homeless: BTreeMap<Arc<str>, Vec<Arc<Pending>>>,
    repelling: usize,
    /// Where the next decision begins to look.
    start: usize,
}

impl Snapshot {
    /// Adds a node, or takes over its new state.
    pub fn set_node(&mut self, node: &core::Node) {
        let name = node.metadata.name.as_deref().unwrap_or_default();
        if let Some(known) = self.index.get(name).and_then(|&place| self.nodes.get_mut(place)) {
            known.update(node);
            return;
        }
        let mut new = Node::new(node);
        for pod in self.homeless.remove(name).unwrap_or_default() {
            new.add(pod);
        }
        self.index.insert(new.name.clone(), self.nodes.len());
        self.nodes.push(new);
    }

    /// Forgets a node. Its Pods are kept in mind in case it comes back.
    pub fn remove_node(&mut self, name: &str) {
        let Some(place) = self.index.remove(name) else { return };
        let gone = self.nodes.swap_remove(place);
        if let Some(moved) = self.nodes.get(place) {
            self.index.insert(moved.name.clone(), place);
        }
        if !gone.pods.is_empty() {
            self.homeless.insert(gone.name, gone.pods.into_values().collect());
        }
    }

    /// Puts a Pod on a node, assumed or confirmed.
    pub fn place(&mut self, pod: Arc<Pending>, node: &str) {
        self.remove_pod(&pod.uid);
        let home: Arc<str> = node.into();
        self.homes.insert(pod.uid.clone(), home.clone());
        self.repelling += usize::from(pod.repels());
        match self.index.get(node).and_then(|&place| self.nodes.get_mut(place)) {
            Some(node) => node.add(pod),
            None => self.homeless.entry(home).or_default().push(pod),
        }
    }

    /// Takes a Pod off its node: it ended, is gone, or was not bound after all.
    pub fn remove_pod(&mut self, uid: &str) {
        let Some(home) = self.homes.remove(uid) else { return };
        if let Some(node) = self.index.get(&home).and_then(|&place| self.nodes.get_mut(place)) {
            self.repelling -= usize::from(node.pods.get(uid).is_some_and(|pod| pod.repels()));
            node.remove(uid);
            return;
        }
        if let Some(waiting) = self.homeless.get_mut(&home) {
            self.repelling -= waiting.iter().filter(|pod| *pod.uid == *uid && pod.repels()).count();
            waiting.retain(|pod| *pod.uid != *uid);
            if waiting.is_empty() {
                self.homeless.remove(&home);
            }
        }
    }

    /// The node that a Pod is on.
    pub fn home(&self, uid: &str) -> Option<&str> {
        self.homes.get(uid).map(AsRef::as_ref)
    }

    /// How many nodes there are.
    pub fn len(&self) -> usize {
        self.nodes.len()
    }

    /// Whether there is no node.
    pub fn is_empty(&self) -> bool {
        self.nodes.is_empty()
    }

    /// All nodes.
    pub fn nodes(&self) -> impl Iterator<Item = &Node> {
        self.nodes.iter()
    }

    pub(crate) fn any_repels(&self) -> bool {
        self.repelling > 0
    }

    /// All nodes, beginning where the last decision stopped looking.
    pub(crate) fn rotated(&self) -> impl Iterator<Item = &Node> {
        let (before, after) = self.nodes.split_at(self.start.min(self.nodes.len()));
        after.iter().chain(before)
    }

    /// Moves the start on, so that large clusters are looked at in turns.
    pub(crate) fn advance(&mut self, looked_at: usize) {
        if !self.nodes.is_empty() {
            self.start = (self.start + looked_at) % self.nodes.len();
        }
    }
}
