//! What the agent is told by the binary.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr};
use std::path::PathBuf;

use ipnet::Ipv4Net;
use k8s_openapi::api::core::v1::Taint;

use crate::logs::Bounds;

/// Pods of one node by default: what the design is for.
const PODS_MAX: u32 = 10_000;

/// The configuration of a node.
#[derive(Clone, Debug)]
pub struct Config {
    /// Everything of the agent is below this folder.
    pub data_dir: PathBuf,
    pub node_name: String,
    /// This program's version, shown as the runtime's.
    pub version: String,
    /// The address under which others know this machine; measured where absent.
    pub node_ip: Option<IpAddr>,
    /// Where this node's Pods get their addresses from.
    pub pod_range: Ipv4Net,
    /// The addresses of all Pods of the cluster.
    pub cluster_pods: Ipv4Net,
    /// The addresses of services.
    pub service_range: Ipv4Net,
    /// Labels of the Node object beside those that every node has.
    pub labels: BTreeMap<String, String>,
    /// Taints with which the Node is registered.
    pub taints: Vec<Taint>,
    pub pods_max: u32,
    pub log_bounds: Bounds,
    /// Where node ports listen.
    pub node_ports_at: IpAddr,
}

impl Config {
    /// The design's defaults for the first node of a cluster.
    pub fn new(data_dir: impl Into<PathBuf>, node_name: impl Into<String>) -> Self {
        let plan = net::plan::Plan::default();
        Self {
            data_dir: data_dir.into(),
            node_name: node_name.into(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            node_ip: None,
            pod_range: plan.node_range(0).unwrap_or(plan.pods),
            cluster_pods: plan.pods,
            service_range: Ipv4Net::new_assert(Ipv4Addr::new(10, 43, 0, 0), 16),
            labels: BTreeMap::new(),
            taints: Vec::new(),
            pods_max: PODS_MAX,
            log_bounds: Bounds::default(),
            node_ports_at: IpAddr::V4(Ipv4Addr::UNSPECIFIED),
        }
    }
}
