//! Starting the agent and taking requests for it.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use api::{Cache, Client, ListParams, Setup};
use http::{Request, Response};
use image::Puller;
use k8s_openapi::api::core::v1 as core;
use k8s_openapi::api::discovery::v1::EndpointSlice;
use meta::Clock;
use net::Services;
use runtime::Engine;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::Agent;
use super::records::Records;
use crate::config::Config;
use crate::directory::{Directory, Usage};
use crate::http::{Body, serve};
use crate::logs::Logs;
use crate::machine::Machine;
use crate::network::{HostPorts, KnownServices, Network, keep_doors, keep_remembered, keep_tables};
use crate::recorder::{self, Recorder};
use crate::registration;
use crate::shared::Shared;
use crate::shell::Sources;

/// Preparations and starts at one time.
const WORK_MAX: usize = 64;
/// How long Pods wait for the services of the cluster before they begin without them: a control plane that is away must not keep them down.
const PATIENCE: Duration = Duration::from_secs(2);

/// What the agent is built from.
#[derive(Clone, Debug)]
pub struct Parts {
    pub client: Client,
    pub clock: Arc<dyn Clock>,
    pub engine: Engine,
    pub images: Puller,
}

/// Why the agent did not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    #[error("cannot open the node's data folder")]
    Data(#[source] std::io::Error),
}

/// A running agent. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Handle {
    shared: Arc<Shared>,
    tasks: TaskTracker,
}

impl Handle {
    /// Answers one request of the node's HTTP service.
    pub async fn handle(&self, request: Request<Body>) -> Response<Body> {
        serve(&self.shared, request).await
    }

    /// What all running containers use.
    pub fn usage(&self) -> Vec<Usage> {
        self.shared.directory.usage()
    }

    /// Whether a node port cannot be opened, since another process has it.
    pub fn is_port_blocked(&self, port: u16) -> bool {
        self.shared.host_ports.is_blocked(port)
    }

    /// Completes when everything has ended after a shutdown.
    pub async fn stopped(&self) {
        self.tasks.wait().await;
    }
}

/// Starts the agent. It runs until `shutdown`.
pub async fn run(
    config: Config,
    parts: Parts,
    shutdown: CancellationToken,
) -> Result<Handle, StartError> {
    let records = Records::open(config.data_dir.join("pods")).map_err(StartError::Data)?;
    let known = records.load().map_err(StartError::Data)?;
    let own: HashSet<String> = known.iter().filter_map(|pod| pod.metadata.uid.clone()).collect();
    tidy(&config, &own);
    let client = parts.client.with_user_agent("kubelet/v1.37.1+skiff");
    let tasks = TaskTracker::new();
    let background = |work: BoxWork| {
        let shutdown = shutdown.clone();
        tasks.spawn(async move {
            tokio::select! { () = shutdown.cancelled() => {}, () = work => {} }
        });
    };

    let seed =
        usize::try_from(parts.clock.now().as_nanosecond().unsigned_abs() % 65_521).unwrap_or(0);
    let (recorder, tellings) = Recorder::new();
    let (services, services_driver) =
        Cache::new(client.api::<core::Service>(None), Setup::default());
    let slices_setup = Setup { index_labels: true, ..Setup::default() };
    let (slices, slices_driver) = Cache::new(client.api::<EndpointSlice>(None), slices_setup);
    let fields = format!("spec.nodeName={}", config.node_name);
    let pods_setup =
        Setup { selected: ListParams { fields, ..ListParams::default() }, ..Setup::default() };
    let (pods, pods_driver) = Cache::new(client.api::<core::Pod>(None), pods_setup);

    let machine = Machine::read(&config.version, config.node_ip);
    let network = Arc::new(Network::new(
        Services::new(&config.node_name, seed),
        config.cluster_pods,
        config.service_range,
        machine.ip,
    ));
    let remembered = config.data_dir.join("services.json");
    let known_services = Arc::new(KnownServices::open(remembered, services.clone(), &network));
    let host_ports = Arc::new(HostPorts::default());
    let logs = Logs::new(config.data_dir.join("logs"), config.log_bounds, Arc::clone(&parts.clock));
    let shared = Arc::new(Shared {
        client: client.clone(),
        clock: parts.clock,
        engine: parts.engine,
        images: parts.images,
        machine,
        network: Arc::clone(&network),
        host_ports: Arc::clone(&host_ports),
        logs,
        services: Arc::clone(&known_services),
        recorder,
        sources: Sources::default(),
        directory: Directory::default(),
        work: Semaphore::new(WORK_MAX),
        config,
    });

    background(Box::pin(services_driver.run()));
    background(Box::pin(slices_driver.run()));
    background(Box::pin(pods_driver.run()));
    background(Box::pin(recorder::write(client, shared.config.node_name.clone(), tellings)));
    background(Box::pin(registration::keep(Arc::clone(&shared))));
    let on_ports = Arc::clone(&host_ports.changed);
    background(Box::pin(keep_tables(
        Arc::clone(&network),
        services.clone(),
        slices.clone(),
        Arc::clone(&known_services),
        on_ports,
    )));
    background(Box::pin(keep_remembered(known_services, slices)));
    let at = shared.config.node_ports_at;
    let reporter = Arc::clone(&shared);
    background(Box::pin(keep_doors(network, host_ports, at, move |service, message| {
        blocked(&reporter, service, message);
    })));

    let mut agent = Agent::new(Arc::clone(&shared), records, tasks.clone());
    agent.resume(known);
    background(Box::pin(agent.watch_files()));
    let stop = shutdown.clone();
    tasks.spawn(async move {
        let ready = async { tokio::join!(services.ready(), pods.ready()) };
        let synced = tokio::select! {
            () = stop.cancelled() => return,
            synced = tokio::time::timeout(PATIENCE, ready) => synced.is_ok(),
        };
        let changes = pods.subscribe();
        if synced {
            let uids: HashSet<String> =
                pods.list().iter().filter_map(|pod| pod.metadata.uid.clone()).collect();
            agent.forget_unknown(&uids);
        } else {
            agent.forget_when_synced(pods, stop.clone());
        }
        agent.run(changes, stop).await;
    });
    tasks.close();
    Ok(Handle { shared, tasks })
}

/// Removes folders of Pods that this node no longer has: what a crash in the middle of a removal left.
fn tidy(config: &Config, own: &HashSet<String>) {
    let manifests = config.data_dir.join("manifests");
    let of_files = crate::static_pods::read(&manifests, &config.node_name).unwrap_or_default();
    for folder in ["volumes", "logs"] {
        // A folder that is not there yet holds nothing.
        let entries = std::fs::read_dir(config.data_dir.join(folder));
        for entry in entries.into_iter().flatten().flatten() {
            let name = entry.file_name().to_string_lossy().into_owned();
            if own.contains(&name) || of_files.contains_key(&name) {
                continue;
            }
            if let Err(error) = std::fs::remove_dir_all(entry.path()) {
                tracing::warn!(path = %entry.path().display(), %error, "cannot remove a leftover");
            }
        }
    }
}

type BoxWork = std::pin::Pin<Box<dyn Future<Output = ()> + Send>>;

/// A node port that somebody else has is news for whoever owns the service.
fn blocked(shared: &Shared, service: &net::ServiceKey, message: String) {
    let object = core::ObjectReference {
        api_version: Some("v1".to_owned()),
        kind: Some("Service".to_owned()),
        namespace: Some(service.namespace.to_string()),
        name: Some(service.name.to_string()),
        ..core::ObjectReference::default()
    };
    shared.recorder.tell(recorder::Telling {
        object,
        is_warning: true,
        reason: "PortUnavailable".to_owned(),
        message,
        at: shared.now(),
    });
}
