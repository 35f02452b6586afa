//! What all parts of the agent use.

use std::path::PathBuf;
use std::sync::Arc;

use api::Client;
use image::Puller;
use jiff::Timestamp;
use k8s_openapi::api::core::v1 as core;
use meta::Clock;
use runtime::Engine;
use tokio::sync::Semaphore;

use crate::config::Config;
use crate::directory::Directory;
use crate::fields::Facts;
use crate::logs::Logs;
use crate::machine::Machine;
use crate::network::{HostPorts, KnownServices, Network};
use crate::recorder::Recorder;
use crate::shell::Sources;

/// The agent's surroundings.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) config: Config,
    pub(crate) client: Client,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) engine: Engine,
    pub(crate) images: Puller,
    pub(crate) machine: Machine,
    pub(crate) network: Arc<Network>,
    pub(crate) host_ports: Arc<HostPorts>,
    pub(crate) logs: Logs,
    pub(crate) services: Arc<KnownServices>,
    pub(crate) recorder: Recorder,
    pub(crate) sources: Sources,
    pub(crate) directory: Directory,
    /// Preparations and starts in progress: work beyond that would only take memory.
    pub(crate) work: Semaphore,
}

impl Shared {
    pub(crate) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// What the downward API answers from.
    pub(crate) fn facts<'a>(&self, pod: &'a core::Pod, ip: Option<std::net::IpAddr>) -> Facts<'a> {
        Facts {
            pod,
            pod_ip: ip,
            host_ip: Some(self.machine.ip),
            node_cpu_millis: i64::try_from(self.machine.cpus).unwrap_or(1).saturating_mul(1000),
            node_memory_bytes: i64::try_from(self.machine.memory_bytes).unwrap_or(i64::MAX),
        }
    }

    /// Where the volumes of a Pod are.
    pub(crate) fn volumes(&self, uid: &str) -> PathBuf {
        self.config.data_dir.join("volumes").join(uid)
    }
}
