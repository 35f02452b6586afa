//! One Pod as the agent holds it: the object, the machine's state, and handles to what runs.

use std::net::IpAddr;
use std::sync::{Arc, Weak};

use jiff::Timestamp;
use k8s_openapi::api::core::v1 as core;
use runtime::{Account, Stop};

use crate::directory::{Listed, ListedContainer};
use crate::pod::{self, Note, Plan, Role, State};
use crate::recorder::Telling;
use crate::shell::Served;

/// One Pod.
#[derive(Debug)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a fact of its own that any other may go with"
)]
pub(super) struct Slot {
    pub(super) object: Arc<core::Pod>,
    pub(super) state: pod::Pod,
    /// By container.
    pub(super) parts: Vec<Part>,
    /// The address it holds within the fabric.
    pub(super) ip: Option<IpAddr>,
    /// Volumes are being made; a tear-down waits for it.
    pub(super) is_preparing: bool,
    pub(super) has_pending_tear_down: bool,
    pub(super) report: Report,
    /// The object goes when its last status has been written.
    pub(super) is_delete_pending: bool,
    /// It comes from a file of this node, and the API server has only its mirror.
    pub(super) is_static: bool,
    /// The step alarm that counts; others ring in vain.
    pub(super) alarm: Option<Timestamp>,
}

/// What belongs to one container.
#[derive(Debug, Default)]
pub(super) struct Part {
    pub(super) image: Option<Arc<image::Wasm>>,
    pub(super) stop: Option<Stop>,
    pub(super) instance: u32,
    pub(super) served: Option<Served>,
    pub(super) account: Weak<Account>,
    /// Crashes of a function that have been told of.
    pub(super) crashes: u64,
}

/// How far the API server knows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Report {
    pub(super) is_stale: bool,
    pub(super) is_queued: bool,
    pub(super) is_in_flight: bool,
}

impl Slot {
    pub(super) fn new(object: Arc<core::Pod>, now: Timestamp) -> Self {
        let state = pod::Pod::restore(&object, now);
        let parts = state.containers.iter().map(|_| Part::default()).collect();
        Self {
            object,
            state,
            parts,
            ip: None,
            is_preparing: false,
            has_pending_tear_down: false,
            report: Report::default(),
            is_delete_pending: false,
            is_static: false,
            alarm: None,
        }
    }

    /// The address that the world knows: the node's, for a Pod on the host's network.
    pub(super) fn address(&self, node_ip: IpAddr) -> Option<IpAddr> {
        let spec = self.object.spec.as_ref();
        let is_on_host = spec.is_some_and(|spec| spec.host_network == Some(true));
        self.ip.map(|ip| if is_on_host { node_ip } else { ip })
    }

    pub(super) fn namespace(&self) -> &str {
        &self.state.plan.namespace
    }

    pub(super) fn name(&self) -> &str {
        &self.state.plan.name
    }

    /// A note as an Event about this Pod or one of its containers.
    pub(super) fn telling(&self, note: Note, at: Timestamp) -> Telling {
        let plan = &self.state.plan;
        let field_path = note.container.map(|index| {
            let container = &plan.containers[index];
            let list = match container.role {
                Role::Init | Role::Sidecar => "initContainers",
                Role::Main => "containers",
            };
            format!("spec.{list}{{{}}}", container.name)
        });
        let object = core::ObjectReference {
            api_version: Some("v1".to_owned()),
            kind: Some("Pod".to_owned()),
            namespace: Some(plan.namespace.to_string()),
            name: Some(plan.name.to_string()),
            uid: Some(plan.uid.to_string()),
            resource_version: self.object.metadata.resource_version.clone(),
            field_path,
        };
        let (is_warning, reason) = (note.is_warning, note.reason.to_owned());
        Telling { object, is_warning, reason, message: note.message, at }
    }

    /// Takes a newer version of the object and answers which containers have another image. Of a Pod's spec little else can change.
    pub(super) fn update(&mut self, object: Arc<core::Pod>) -> Vec<usize> {
        let mut replaced = Vec::new();
        if object.spec != self.object.spec {
            let plan = Plan::of(&object);
            let pairs = plan.containers.iter().zip(&self.state.plan.containers).enumerate();
            replaced.extend(pairs.filter(|(_, (new, old))| new.image != old.image).map(|(i, _)| i));
            if plan.containers.len() == self.state.plan.containers.len() {
                self.state.plan = plan;
            }
        }
        self.object = object;
        replaced
    }

    /// Whether files of volumes have to be kept current.
    pub(super) fn has_files(&self) -> bool {
        let volumes = self.object.spec.iter().flat_map(|spec| spec.volumes.iter().flatten());
        volumes
            .into_iter()
            .any(|volume| crate::volumes::kind(volume) == crate::volumes::Kind::Files)
    }

    /// Whether the first status can wait a moment for a better one.
    pub(super) fn is_just_beginning(&self) -> bool {
        let quiet = |container: &crate::pod::Container| {
            matches!(container.state, State::Waiting | State::Pulling | State::Creating)
                && container.last.is_none()
        };
        self.state.end().is_none() && self.state.containers.iter().all(quiet)
    }

    pub(super) fn listed(&self, uid: &str, node_ip: IpAddr) -> Listed {
        let pairs = self.state.plan.containers.iter().zip(&self.state.containers).zip(&self.parts);
        let containers = pairs.map(|((plan, container), part)| {
            let (instance, waiting) = match &container.state {
                State::Waiting => (None, "PodInitializing"),
                State::Pulling | State::Creating => (None, "ContainerCreating"),
                State::Failed { reason, .. } => (None, *reason),
                State::Running { .. } | State::Stopping(_) => (Some(container.instance), ""),
                State::BackingOff { ended, .. } | State::Ended(ended) => (Some(ended.instance), ""),
            };
            let last = container.last.as_ref().map(|last| last.instance);
            ListedContainer {
                name: plan.name.clone(),
                instance: instance.or(last).unwrap_or(0),
                waiting,
                account: part.account.clone(),
            }
        });
        Listed { uid: uid.into(), ip: self.address(node_ip), containers: containers.collect() }
    }
}
