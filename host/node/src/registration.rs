//! The Node object and its lease: this machine is registered, its status is kept true, and a heartbeat says that the agent lives.
//!
//! Reads the machine; writes the Node (created once, then only its status and what is missing), and a Lease every ten seconds. A
//! control plane that is away is tried again for ever.
//! <https://kubernetes.io/docs/concepts/architecture/nodes/>

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use api::{Error, Patch, WriteParams};
use jiff::Timestamp;
use k8s_openapi::api::coordination::v1::{Lease, LeaseSpec};
use k8s_openapi::api::core::v1::{
    Node, NodeAddress, NodeCondition, NodeDaemonEndpoints, NodeSpec, NodeStatus,
};
use k8s_openapi::apimachinery::pkg::api::resource::Quantity;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{MicroTime, ObjectMeta, OwnerReference, Time};

use crate::config::Config;
use crate::machine::{self, Machine, Pressure};
use crate::shared::Shared;

const HEARTBEAT: Duration = Duration::from_secs(10);
const LEASE_SECS: i32 = 40;
const LEASE_NAMESPACE: &str = "kube-node-lease";
/// Heartbeats between status writes if nothing changes: five minutes, as the kubelet's.
const STATUS_EVERY: u32 = 30;
/// What the node keeps for itself: the kubelet's hard eviction threshold.
const RESERVED_BYTES: u64 = 100 << 20;

/// Runs until dropped.
pub(crate) async fn keep(shared: Arc<Shared>) {
    let mut uid: Option<String> = None;
    let mut known: Option<Pressure> = None;
    let mut conditions: Vec<NodeCondition> = Vec::new();
    let mut beats = 0_u32;
    let mut interval = tokio::time::interval(HEARTBEAT);
    interval.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        let now = shared.clock.now();
        if uid.is_none() {
            match register(&shared, now).await {
                Ok(node) => {
                    conditions =
                        node.status.and_then(|status| status.conditions).unwrap_or_default();
                    uid = node.metadata.uid;
                }
                Err(error) => {
                    tracing::debug!(error = &error as &dyn std::error::Error, "cannot register");
                    tokio::time::sleep(Duration::from_secs(1)).await;
                    continue;
                }
            }
        }
        let pressure = Pressure::measure(&shared.config.data_dir);
        if known != Some(pressure) || beats.is_multiple_of(STATUS_EVERY) {
            let status = status(&shared.config, &shared.machine, pressure, &conditions, now);
            match write_status(&shared, &status).await {
                Ok(()) => {
                    known = Some(pressure);
                    conditions = status.conditions.unwrap_or_default();
                }
                // Deleted by somebody: registered again at the next beat.
                Err(Error::NotFound(_)) => uid = None,
                Err(error) => log("write the node's status", &error),
            }
        }
        if let Some(uid) = &uid
            && let Err(error) = beat(&shared, uid, now).await
        {
            log("renew the node's lease", &error);
        }
        beats = beats.wrapping_add(1);
        interval.tick().await;
    }
}

fn log(what: &str, error: &Error) {
    tracing::debug!(error = error as &dyn std::error::Error, "cannot {what}");
}

/// Creates the Node, or finds the one that is there.
async fn register(shared: &Shared, now: Timestamp) -> Result<Node, Error> {
    let nodes = shared.client.api::<Node>(None);
    let wanted = node(&shared.config, &shared.machine, now);
    match nodes.create(&wanted, &WriteParams::default()).await {
        Err(Error::AlreadyExists(_)) => {}
        created => return created,
    }
    let existing = nodes.get(&shared.config.node_name).await?;
    let labels = wanted.metadata.labels.unwrap_or_default();
    let have = existing.metadata.labels.clone().unwrap_or_default();
    let missing: BTreeMap<_, _> =
        labels.into_iter().filter(|(key, value)| have.get(key) != Some(value)).collect();
    let has_range = existing.spec.as_ref().is_some_and(|spec| spec.pod_cidr.is_some());
    if missing.is_empty() && has_range {
        return Ok(existing);
    }
    let mut patch = serde_json::json!({ "metadata": { "labels": missing } });
    if !has_range {
        let range = shared.config.pod_range.to_string();
        patch["spec"] = serde_json::json!({ "podCIDR": range, "podCIDRs": [range] });
    }
    nodes.patch(&shared.config.node_name, &Patch::Merge(patch), &WriteParams::default()).await
}

/// The Node as it is registered.
fn node(config: &Config, machine: &Machine, now: Timestamp) -> Node {
    let arch = &machine.info.architecture;
    let os = &machine.info.operating_system;
    let mut labels = config.labels.clone();
    for (key, value) in [
        ("beta.kubernetes.io/arch", arch),
        ("beta.kubernetes.io/os", os),
        ("kubernetes.io/arch", arch),
        ("kubernetes.io/os", os),
        ("kubernetes.io/hostname", &config.node_name),
    ] {
        labels.entry(key.to_owned()).or_insert_with(|| value.clone());
    }
    let range = config.pod_range.to_string();
    Node {
        metadata: ObjectMeta {
            name: Some(config.node_name.clone()),
            labels: Some(labels),
            ..ObjectMeta::default()
        },
        spec: Some(NodeSpec {
            pod_cidr: Some(range.clone()),
            pod_cidrs: Some(vec![range]),
            taints: (!config.taints.is_empty()).then(|| config.taints.clone()),
            ..NodeSpec::default()
        }),
        status: Some(status(config, machine, Pressure::default(), &[], now)),
    }
}

fn status(
    config: &Config,
    machine: &Machine,
    pressure: Pressure,
    before: &[NodeCondition],
    now: Timestamp,
) -> NodeStatus {
    let quantity = |text: String| Quantity(text);
    let disk = machine::disk(&config.data_dir).map_or(0, |disk| disk.bytes);
    let resources = |memory: u64| {
        BTreeMap::from([
            ("cpu".to_owned(), quantity(machine.cpus.to_string())),
            ("memory".to_owned(), quantity(format!("{}Ki", memory / 1024))),
            ("ephemeral-storage".to_owned(), quantity(format!("{}Ki", disk / 1024))),
            ("pods".to_owned(), quantity(config.pods_max.to_string())),
        ])
    };
    let address = |type_: &str, address: String| NodeAddress { type_: type_.to_owned(), address };
    NodeStatus {
        capacity: Some(resources(machine.memory_bytes)),
        allocatable: Some(resources(machine.memory_bytes.saturating_sub(RESERVED_BYTES))),
        addresses: Some(vec![
            address("InternalIP", machine.ip.to_string()),
            address("Hostname", config.node_name.clone()),
        ]),
        conditions: Some(conditions(pressure, before, now)),
        daemon_endpoints: Some(NodeDaemonEndpoints::default()),
        node_info: Some(machine.info.clone()),
        ..NodeStatus::default()
    }
}

fn conditions(pressure: Pressure, before: &[NodeCondition], now: Timestamp) -> Vec<NodeCondition> {
    let now = Time(Timestamp::from_second(now.as_second()).unwrap_or(now));
    let condition = |type_: &str, is_true: bool, reason: &str, message: &str| {
        let status = if is_true { "True" } else { "False" }.to_owned();
        let known = before.iter().find(|known| known.type_ == type_ && known.status == status);
        NodeCondition {
            type_: type_.to_owned(),
            last_heartbeat_time: Some(now.clone()),
            last_transition_time: known
                .and_then(|known| known.last_transition_time.clone())
                .or_else(|| Some(now.clone())),
            reason: Some(reason.to_owned()),
            message: Some(message.to_owned()),
            status,
        }
    };
    let pick =
        |is_true: bool, bad: &'static str, good: &'static str| if is_true { bad } else { good };
    vec![
        condition(
            "MemoryPressure",
            pressure.memory,
            pick(pressure.memory, "KubeletHasInsufficientMemory", "KubeletHasSufficientMemory"),
            pick(
                pressure.memory,
                "kubelet has insufficient memory available",
                "kubelet has sufficient memory available",
            ),
        ),
        condition(
            "DiskPressure",
            pressure.disk,
            pick(pressure.disk, "KubeletHasDiskPressure", "KubeletHasNoDiskPressure"),
            pick(pressure.disk, "kubelet has disk pressure", "kubelet has no disk pressure"),
        ),
        condition(
            "PIDPressure",
            pressure.pids,
            pick(pressure.pids, "KubeletHasInsufficientPID", "KubeletHasSufficientPID"),
            pick(
                pressure.pids,
                "kubelet has insufficient PID available",
                "kubelet has sufficient PID available",
            ),
        ),
        condition("Ready", true, "KubeletReady", "skiff is ready to run Pods"),
    ]
}

async fn write_status(shared: &Shared, status: &NodeStatus) -> Result<(), Error> {
    let body = serde_json::json!({ "status": status });
    let nodes = shared.client.api::<Node>(None);
    let patch = Patch::Strategic(body);
    nodes.patch_status(&shared.config.node_name, &patch, &WriteParams::default()).await.map(drop)
}

/// Renews the lease, creating it where it is missing.
async fn beat(shared: &Shared, node_uid: &str, now: Timestamp) -> Result<(), Error> {
    let leases = shared.client.api::<Lease>(Some(LEASE_NAMESPACE));
    let name = &shared.config.node_name;
    let renew = Patch::Merge(
        serde_json::json!({ "spec": { "renewTime": MicroTime(now), "holderIdentity": name } }),
    );
    match leases.patch(name, &renew, &WriteParams::default()).await {
        Err(Error::NotFound(_)) => {}
        renewed => return renewed.map(drop),
    }
    let owner = OwnerReference {
        api_version: "v1".to_owned(),
        kind: "Node".to_owned(),
        name: name.clone(),
        uid: node_uid.to_owned(),
        ..OwnerReference::default()
    };
    let lease = Lease {
        metadata: ObjectMeta {
            name: Some(name.clone()),
            namespace: Some(LEASE_NAMESPACE.to_owned()),
            owner_references: Some(vec![owner]),
            ..ObjectMeta::default()
        },
        spec: Some(LeaseSpec {
            holder_identity: Some(name.clone()),
            lease_duration_seconds: Some(LEASE_SECS),
            renew_time: Some(MicroTime(now)),
            ..LeaseSpec::default()
        }),
    };
    leases.create(&lease, &WriteParams::default()).await.map(drop)
}
