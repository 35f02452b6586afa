//! The service table of a node: which front answers at an address, which names lead where.
//!
//! It is compiled service by service: a change of one service or of its endpoints recompiles that one and leaves the others alone, so that
//! the cost of a change does not grow with the cluster. Readers take a read lock for one look-up.

use std::borrow::Borrow;
use std::collections::{BTreeMap, HashMap};
use std::net::SocketAddr;
use std::sync::Arc;

use k8s_openapi::api::core::v1::Service;
use k8s_openapi::api::discovery::v1::EndpointSlice;
use parking_lot::{Mutex, RwLock};

use crate::affinity::Affinity;
use crate::front::{self, Front, Protocol};
use crate::names::Entry;

/// A service's namespace and name.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ServiceKey {
    pub namespace: Arc<str>,
    pub name: Arc<str>,
}

impl ServiceKey {
    pub fn new(namespace: &str, name: &str) -> Self {
        Self { namespace: namespace.into(), name: name.into() }
    }
}

impl std::fmt::Display for ServiceKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}", self.namespace, self.name)
    }
}

/// All services as seen from one node.
#[derive(Debug)]
pub struct Services {
    node: String,
    seed: usize,
    tables: RwLock<Tables>,
    pub(crate) affinity: Mutex<Affinity>,
}

#[derive(Debug, Default)]
struct Tables {
    services: BTreeMap<ServiceKey, Compiled>,
    by_address: HashMap<(SocketAddr, Protocol), Arc<Front>>,
    by_node_port: BTreeMap<(Protocol, u16), Arc<Front>>,
}

#[derive(Debug)]
struct Compiled {
    fronts: Vec<Arc<Front>>,
    names: Arc<Entry>,
}

impl Services {
    /// An empty table. The seed decides which endpoint is used first.
    pub fn new(node: &str, seed: usize) -> Self {
        Self { node: node.to_owned(), seed, tables: RwLock::default(), affinity: Mutex::default() }
    }

    /// Compiles a service and its slices. Answers whether a node port came, went or changed.
    pub fn set<S: Borrow<EndpointSlice>>(
        &self,
        key: &ServiceKey,
        service: &Service,
        slices: &[S],
    ) -> bool {
        let slices = slices.iter().map(Borrow::borrow);
        let names = Arc::new(Entry::compile(service, slices.clone()));
        let fronts = front::compile(key, service, &slices, &self.node, self.seed);
        let fronts = fronts.into_iter().map(Arc::new).collect();
        self.tables.write().replace(key, Some(Compiled { fronts, names }))
    }

    /// Forgets a service. Answers whether it had a node port.
    pub fn remove(&self, key: &ServiceKey) -> bool {
        self.tables.write().replace(key, None)
    }

    /// The front at an address inside the cluster.
    pub fn front(&self, at: SocketAddr, protocol: Protocol) -> Option<Arc<Front>> {
        self.tables.read().by_address.get(&(at, protocol)).cloned()
    }

    /// The front behind a port of the node.
    pub fn node_port(&self, port: u16, protocol: Protocol) -> Option<Arc<Front>> {
        self.tables.read().by_node_port.get(&(protocol, port)).cloned()
    }

    /// All ports that the node should listen on, with the services behind them.
    pub fn node_ports(&self) -> Vec<(Protocol, u16, ServiceKey)> {
        let tables = self.tables.read();
        let ports = tables.by_node_port.iter();
        ports.map(|((protocol, port), front)| (*protocol, *port, front.service.clone())).collect()
    }

    /// What a service's name leads to.
    pub fn names(&self, key: &ServiceKey) -> Option<Arc<Entry>> {
        self.tables.read().services.get(key).map(|compiled| Arc::clone(&compiled.names))
    }
}

impl Tables {
    fn replace(&mut self, key: &ServiceKey, new: Option<Compiled>) -> bool {
        let old = match new {
            Some(new) => {
                let fronts = new.fronts.clone();
                let old = self.services.insert(key.clone(), new);
                self.withdraw(old.as_ref());
                self.announce(&fronts);
                let ports = |fronts: &[Arc<Front>]| -> Vec<_> {
                    fronts.iter().filter_map(|f| Some((f.protocol, f.node_port?))).collect()
                };
                let before = old.as_ref().map(|old| ports(&old.fronts)).unwrap_or_default();
                return before != ports(&fronts);
            }
            None => self.services.remove(key),
        };
        self.withdraw(old.as_ref());
        old.is_some_and(|old| old.fronts.iter().any(|front| front.node_port.is_some()))
    }

    fn announce(&mut self, fronts: &[Arc<Front>]) {
        for front in fronts {
            for ip in front.cluster_ips.iter().chain(&front.external_ips) {
                let at = SocketAddr::new(*ip, front.port);
                self.by_address.insert((at, front.protocol), Arc::clone(front));
            }
            if let Some(port) = front.node_port {
                self.by_node_port.insert((front.protocol, port), Arc::clone(front));
            }
        }
    }

    /// Takes back what this service announced, and nothing that another one has announced since under the same address.
    fn withdraw(&mut self, old: Option<&Compiled>) {
        for front in old.iter().flat_map(|old| &old.fronts) {
            for ip in front.cluster_ips.iter().chain(&front.external_ips) {
                let at = (SocketAddr::new(*ip, front.port), front.protocol);
                if self.by_address.get(&at).is_some_and(|known| Arc::ptr_eq(known, front)) {
                    self.by_address.remove(&at);
                }
            }
            if let Some(port) = front.node_port {
                let at = (front.protocol, port);
                if self.by_node_port.get(&at).is_some_and(|known| Arc::ptr_eq(known, front)) {
                    self.by_node_port.remove(&at);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests;
