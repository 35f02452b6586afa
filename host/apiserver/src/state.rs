//! What every request may look at: the store, the table of kinds, the seams, the limits.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use ipnet::IpNet;
use meta::Clock;
use store::Store;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

use crate::admission::hooks::Hooks;
use crate::metrics::Metrics;
use crate::registry::{Kinds, Registry};
use crate::seams::{Authenticate, Authorize, Mount, NodeGateway};
use crate::verbs::watch::Runs;

/// Limits and addresses of the API server.
#[derive(Clone, Debug)]
pub struct Config {
    /// Bodies of requests may have this many bytes (Kubernetes: 3 MiB).
    pub max_body_bytes: usize,
    /// So many reading requests run at once; further ones get 429 (Kubernetes: 400).
    pub max_reads_inflight: usize,
    /// So many writing requests run at once (Kubernetes: 200).
    pub max_writes_inflight: usize,
    /// So many watches run at once.
    pub max_watches: usize,
    /// A request that is no watch, log or other stream ends after this time (Kubernetes: 60 s).
    pub request_timeout: Duration,
    /// A watch without `timeoutSeconds` ends after one to two times this (Kubernetes: 30 min).
    pub min_watch_timeout: Duration,
    /// Bookmarks come at least this often (Kubernetes: about a minute).
    pub bookmark_interval: Duration,
    /// Addresses of services; the first range is the default family.
    pub service_ranges: Vec<IpNet>,
    /// Ports for node ports, both ends included.
    pub node_ports: (u16, u16),
    /// Address under which clients outside reach this server: the endpoint of Service `kubernetes`.
    pub advertise: Option<(IpAddr, u16)>,
    /// Certificates (PEM) by which Pods verify this server: what `kube-root-ca.crt` holds in each namespace.
    pub root_ca: Option<String>,
    /// Whether requests without credentials are served as `system:anonymous`.
    pub anonymous: bool,
}

impl Default for Config {
    fn default() -> Config {
        Config {
            max_body_bytes: 3 * 1024 * 1024,
            max_reads_inflight: 400,
            max_writes_inflight: 200,
            max_watches: 10_000,
            request_timeout: Duration::from_mins(1),
            min_watch_timeout: Duration::from_mins(30),
            bookmark_interval: Duration::from_mins(1),
            service_ranges: vec![IpNet::V4(ipnet::Ipv4Net::new_assert(
                std::net::Ipv4Addr::new(10, 43, 0, 0),
                16,
            ))],
            node_ports: (30_000, 32_767),
            advertise: None,
            root_ca: None,
            anonymous: true,
        }
    }
}

/// What the `skiff` room hands over to make a [`crate::Service`].
#[derive(Debug)]
pub struct Parts {
    /// The objects.
    pub store: Arc<Store>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Who callers are.
    pub authenticator: Arc<dyn Authenticate>,
    /// What they may do.
    pub authorizer: Arc<dyn Authorize>,
    /// How nodes are reached.
    pub nodes: Arc<dyn NodeGateway>,
    /// Services beside the API.
    pub mounts: Vec<Mount>,
    /// Limits and addresses.
    pub config: Config,
}

/// What every request may look at.
#[derive(Debug)]
pub(crate) struct State {
    /// The objects.
    pub(crate) store: Arc<Store>,
    /// The kinds that are served.
    kinds: Kinds,
    /// The time.
    pub(crate) clock: Arc<dyn Clock>,
    /// Who callers are.
    pub(crate) authenticator: Arc<dyn Authenticate>,
    /// What they may do.
    pub(crate) authorizer: Arc<dyn Authorize>,
    /// How nodes are reached.
    pub(crate) nodes: Arc<dyn NodeGateway>,
    /// Services beside the API.
    pub(crate) mounts: Vec<Mount>,
    /// Limits and addresses.
    pub(crate) config: Config,
    /// Bounds of what runs at once.
    pub(crate) limits: Limits,
    /// Policies and webhooks that look at requests.
    pub(crate) hooks: Hooks,
    /// What is counted.
    pub(crate) metrics: Metrics,
    /// What watches sent last.
    pub(crate) runs: Runs,
    /// Cancelled when the server stops: watches and other streams end then.
    pub(crate) shutdown: CancellationToken,
}

/// Bounds of what runs at once.
#[derive(Debug)]
pub(crate) struct Limits {
    pub(crate) reads: Arc<Semaphore>,
    pub(crate) writes: Arc<Semaphore>,
    pub(crate) watches: Arc<Semaphore>,
}

impl State {
    pub(crate) fn new(parts: Parts) -> State {
        let Parts { store, clock, authenticator, authorizer, nodes, mounts, config } = parts;
        let limits = Limits {
            reads: Arc::new(Semaphore::new(config.max_reads_inflight)),
            writes: Arc::new(Semaphore::new(config.max_writes_inflight)),
            watches: Arc::new(Semaphore::new(config.max_watches)),
        };
        State {
            store,
            kinds: Kinds::default(),
            clock,
            authenticator,
            authorizer,
            nodes,
            mounts,
            config,
            limits,
            hooks: Hooks::default(),
            metrics: Metrics::new(),
            runs: Runs::default(),
            shutdown: CancellationToken::new(),
        }
    }

    /// The kinds that are served now.
    pub(crate) fn kinds(&self) -> Arc<Registry> {
        self.kinds.now(&self.store)
    }
}
