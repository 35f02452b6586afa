//! Services that are reached from outside get ports on the nodes: free ones, or those they ask for if they are free.
//!
//! A port that is taken is an internal entry of the store, made and removed in the transaction of its Service.
//! See <https://kubernetes.io/docs/concepts/services-networking/service/#type-nodeport>.

use std::collections::{BTreeMap, BTreeSet};

use k8s_openapi::api::core::v1::{Service, ServiceSpec};
use kinds::Object;
use meta::field::Path;
use meta::{FieldError, GroupResource, Key, StatusError};
use serde_json::json;
use store::Op;

use super::made::{self, Made};
use super::{Attempted, Plugin};

const RANDOM_PICKS: usize = 32;

pub(super) struct NodePorts;

impl Plugin for NodePorts {
    /// An update that says nothing about node ports keeps them.
    fn mutate(
        &self,
        attempted: &Attempted<'_>,
        object: &mut dyn Object,
    ) -> Result<(), StatusError> {
        let (Some(new), Some(old)) = (service(object), attempted.old.and_then(service_ref)) else {
            return Ok(());
        };
        let (Some(new), Some(old)) = (new.spec.as_mut(), old.spec.as_ref()) else { return Ok(()) };
        if !needs_ports(new) || !needs_ports(old) {
            return Ok(());
        }
        let known: BTreeMap<_, _> = old
            .ports
            .iter()
            .flatten()
            .map(|port| ((port.protocol.clone(), port.port), port.node_port))
            .collect();
        let mut used: BTreeSet<i32> =
            new.ports.iter().flatten().filter_map(|port| port.node_port).collect();
        for port in new.ports.iter_mut().flatten().filter(|port| port.node_port.unwrap_or(0) == 0) {
            let kept = known.get(&(port.protocol.clone(), port.port)).copied().flatten();
            if let Some(kept) = kept.filter(|kept| *kept != 0 && used.insert(*kept)) {
                port.node_port = Some(kept);
            }
        }
        if needs_health_port(new)
            && needs_health_port(old)
            && new.health_check_node_port.unwrap_or(0) == 0
        {
            new.health_check_node_port = old.health_check_node_port;
        }
        Ok(())
    }

    fn reserve(
        &self,
        attempted: &Attempted<'_>,
        new: Option<&mut dyn Object>,
        ops: &mut Vec<Op>,
    ) -> Result<(), StatusError> {
        if !attempted.is("", "services") || !attempted.subresource.is_empty() {
            return Ok(());
        }
        let before = attempted.old.and_then(service_ref).map(ports).unwrap_or_default();
        let mut after = BTreeSet::new();
        if let Some(service) = new.and_then(service) {
            let name = service.metadata.name.clone().unwrap_or_default();
            let spec = service.spec.get_or_insert_default();
            Assignment { attempted, name: &name, before: &before, taken: BTreeSet::new() }
                .assign(spec)?;
            after = ports(service);
            ops.extend(after.difference(&before).map(|port| take(attempted, &name, *port)));
        }
        let freed = before.difference(&after);
        ops.extend(
            freed.filter_map(|port| {
                made::delete(attempted.snapshot, &resource(), &port.to_string())
            }),
        );
        Ok(())
    }
}

fn service(object: &mut dyn Object) -> Option<&mut Service> {
    object.as_any_mut().downcast_mut()
}

fn service_ref(object: &dyn Object) -> Option<&Service> {
    object.as_any().downcast_ref()
}

fn resource() -> GroupResource {
    GroupResource::new("skiff.dev", "nodeports")
}

fn needs_ports(spec: &ServiceSpec) -> bool {
    match spec.type_.as_deref() {
        Some("NodePort") => true,
        Some("LoadBalancer") => spec.allocate_load_balancer_node_ports != Some(false),
        _ => false,
    }
}

/// Whether its ports may be open on nodes too.
fn may_have_ports(spec: &ServiceSpec) -> bool {
    matches!(spec.type_.as_deref(), Some("NodePort" | "LoadBalancer"))
}

fn needs_health_port(spec: &ServiceSpec) -> bool {
    spec.type_.as_deref() == Some("LoadBalancer")
        && spec.external_traffic_policy.as_deref() == Some("Local")
}

/// The ports that a Service holds.
fn ports(service: &Service) -> BTreeSet<i32> {
    let Some(spec) = &service.spec else { return BTreeSet::new() };
    let of_ports = spec.ports.iter().flatten().filter_map(|port| port.node_port);
    of_ports.chain(spec.health_check_node_port).filter(|port| *port != 0).collect()
}

/// The assignment of ports to one Service.
struct Assignment<'a> {
    attempted: &'a Attempted<'a>,
    name: &'a str,
    before: &'a BTreeSet<i32>,
    taken: BTreeSet<i32>,
}

impl Assignment<'_> {
    fn assign(&mut self, spec: &mut ServiceSpec) -> Result<(), StatusError> {
        let automatic = needs_ports(spec);
        let at = Path::of(["spec", "ports"]);
        // The same port of two protocols gets the same node port.
        let mut shared: BTreeMap<i32, (i32, BTreeSet<String>)> = BTreeMap::new();
        let asked: Vec<i32> =
            spec.ports.iter().flatten().filter_map(|port| port.node_port).collect();
        let has_ports = may_have_ports(spec);
        for (index, port) in spec.ports.iter_mut().flatten().enumerate() {
            let protocol = port.protocol.clone().unwrap_or_else(|| "TCP".to_owned());
            let known = shared
                .get(&port.port)
                .filter(|(_, protocols)| !protocols.contains(&protocol))
                .map(|(known, _)| *known);
            let given = port.node_port.unwrap_or(0);
            let chosen = match (given, known) {
                (0, _) if !automatic => continue,
                (0, Some(known)) => known,
                (0, None) => self.pick(&asked)?,
                // Refused later, for its type.
                (_, _) if !has_ports => continue,
                (given, Some(known)) if given == known => given,
                (given, _) => {
                    let path = at.index(index).child("nodePort");
                    self.check_free(&path, given)?;
                    given
                }
            };
            self.taken.insert(chosen);
            port.node_port = Some(chosen);
            shared.entry(port.port).or_insert_with(|| (chosen, BTreeSet::new())).1.insert(protocol);
        }
        if needs_health_port(spec) {
            let given = spec.health_check_node_port.unwrap_or(0);
            if given == 0 {
                spec.health_check_node_port = Some(self.pick(&asked)?);
            } else {
                self.check_free(&Path::of(["spec", "healthCheckNodePort"]), given)?;
            }
        }
        Ok(())
    }

    fn check_free(&self, path: &Path, port: i32) -> Result<(), StatusError> {
        // Kubernetes asks for no port in a dry run.
        if self.attempted.dry_run || (self.before.contains(&port) && !self.taken.contains(&port)) {
            return Ok(());
        }
        let (first, last) = self.attempted.state.config.node_ports;
        let in_range = u16::try_from(port).is_ok_and(|port| (first..=last).contains(&port));
        let detail = if !in_range {
            format!(
                "provided port is not in the valid range. The range of valid ports is {first}-{last}"
            )
        } else if self.taken.contains(&port) || !self.is_free(port) {
            "provided port is already allocated".to_owned()
        } else {
            return Ok(());
        };
        let error = FieldError::invalid(path, port, detail);
        Err(StatusError::invalid(&self.attempted.info.group_kind(), self.name, &[error]))
    }

    fn is_free(&self, port: i32) -> bool {
        self.attempted.snapshot.get(Key::new(&resource(), "", &port.to_string()).as_str()).is_none()
    }

    fn pick(&self, asked: &[i32]) -> Result<i32, StatusError> {
        let (first, last) = self.attempted.state.config.node_ports;
        let (first, last) = (i32::from(first), i32::from(last));
        let random = (0..RANDOM_PICKS).map(|_| rand::random_range(first..=last));
        random
            .chain(first..=last)
            .find(|port| !self.taken.contains(port) && !asked.contains(port) && self.is_free(*port))
            .ok_or_else(|| StatusError::internal("failed to allocate a nodePort: range is full"))
    }
}

fn take(attempted: &Attempted<'_>, service: &str, port: i32) -> Op {
    let tree = json!({
        "apiVersion": "skiff.dev/v1",
        "kind": "NodePort",
        "metadata": {},
        "service": format!("{}/{service}", attempted.namespace),
    });
    let name = port.to_string();
    made::put(
        attempted,
        Made { resource: resource(), namespace: "", name: &name, tree, manager: None },
    )
}
