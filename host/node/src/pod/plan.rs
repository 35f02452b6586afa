//! What a Pod asks of the node: its spec in the form the machine decides by, with Kubernetes' defaults applied.

use k8s_openapi::api::core::v1 as core;
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;

/// A Pod's spec, as far as its life-cycle depends on it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Plan {
    pub(crate) uid: Box<str>,
    pub(crate) namespace: Box<str>,
    pub(crate) name: Box<str>,
    /// Init containers in their order, then the others.
    pub(crate) containers: Vec<ContainerPlan>,
    pub(crate) grace_secs: i64,
    pub(crate) deadline_secs: Option<i64>,
}

/// What a container is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    /// Runs to its end before the next one begins.
    Init,
    /// Begins in the order of the init containers and runs as long as the Pod does.
    Sidecar,
    Main,
}

/// When an ended container begins again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Restart {
    Always,
    OnFailure,
    Never,
}

impl Restart {
    pub(crate) fn wants(self, exit_code: i32) -> bool {
        match self {
            Self::Always => true,
            Self::OnFailure => exit_code != 0,
            Self::Never => false,
        }
    }

    fn parse(text: Option<&str>) -> Option<Self> {
        match text? {
            "OnFailure" => Some(Self::OnFailure),
            "Never" => Some(Self::Never),
            _ => Some(Self::Always),
        }
    }
}

/// When an image is fetched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PullPolicy {
    Always,
    IfNotPresent,
    Never,
}

/// One container.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ContainerPlan {
    pub(crate) name: Box<str>,
    pub(crate) role: Role,
    pub(crate) image: Box<str>,
    pub(crate) pull: PullPolicy,
    pub(crate) restart: Restart,
    pub(crate) startup: Option<ProbePlan>,
    pub(crate) liveness: Option<ProbePlan>,
    pub(crate) readiness: Option<ProbePlan>,
    pub(crate) post_start: Option<Hook>,
    pub(crate) pre_stop: Option<Hook>,
}

/// One probe.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ProbePlan {
    pub(crate) action: Action,
    pub(crate) delay_secs: i64,
    pub(crate) period_secs: i64,
    pub(crate) timeout_secs: i64,
    pub(crate) success_threshold: u32,
    pub(crate) failure_threshold: u32,
    /// Replaces the Pod's grace period when this probe ends the container.
    pub(crate) grace_secs: Option<i64>,
}

/// What a probe or a hook does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Action {
    Http {
        scheme: Scheme,
        host: Option<Box<str>>,
        port: u16,
        path: Box<str>,
        headers: Vec<(Box<str>, Box<str>)>,
    },
    Tcp {
        host: Option<Box<str>>,
        port: u16,
    },
    Grpc {
        port: u16,
    },
    Exec,
    /// The spec names no action, or a port that the container does not have.
    Invalid(Box<str>),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scheme {
    Http,
    Https,
}

/// What happens after a start or before a stop.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Hook {
    Run(Action),
    Sleep { secs: i64 },
}

impl Plan {
    /// Reads a Pod. Defaults are those of the API server, for Pods that never passed one.
    pub(crate) fn of(pod: &core::Pod) -> Self {
        let spec = pod.spec.as_ref();
        let text = |text: &Option<String>| text.as_deref().unwrap_or_default().into();
        let restart = Restart::parse(spec.and_then(|spec| spec.restart_policy.as_deref()))
            .unwrap_or(Restart::Always);
        let init = spec.iter().flat_map(|spec| spec.init_containers.iter().flatten());
        let main = spec.iter().flat_map(|spec| &spec.containers);
        let containers = init
            .map(|container| match container.restart_policy.as_deref() {
                Some("Always") => ContainerPlan::of(container, Role::Sidecar, Restart::Always),
                own => {
                    // An init container that ends well is done, whatever the Pod's policy.
                    let on_failure = match Restart::parse(own).unwrap_or(restart) {
                        Restart::Never => Restart::Never,
                        Restart::Always | Restart::OnFailure => Restart::OnFailure,
                    };
                    ContainerPlan::of(container, Role::Init, on_failure)
                }
            })
            .chain(main.map(|container| {
                let own = Restart::parse(container.restart_policy.as_deref()).unwrap_or(restart);
                ContainerPlan::of(container, Role::Main, own)
            }))
            .collect();
        Self {
            uid: text(&pod.metadata.uid),
            namespace: text(&pod.metadata.namespace),
            name: text(&pod.metadata.name),
            containers,
            grace_secs: spec.and_then(|s| s.termination_grace_period_seconds).unwrap_or(30).max(0),
            deadline_secs: spec.and_then(|spec| spec.active_deadline_seconds),
        }
    }

    /// The Pod as messages name it.
    pub(crate) fn long_name(&self) -> String {
        format!("{}_{}({})", self.name, self.namespace, self.uid)
    }
}

impl ContainerPlan {
    fn of(container: &core::Container, role: Role, restart: Restart) -> Self {
        let image = container.image.clone().unwrap_or_default();
        let pull = match container.image_pull_policy.as_deref() {
            Some("Always") => PullPolicy::Always,
            Some("Never") => PullPolicy::Never,
            None if image.parse::<image::Reference>().is_ok_and(|r| r.is_latest()) => {
                PullPolicy::Always
            }
            Some(_) | None => PullPolicy::IfNotPresent,
        };
        let hook = |handler: Option<&core::LifecycleHandler>| Hook::of(handler?, container);
        let lifecycle = container.lifecycle.as_ref();
        let probe = |probe: &Option<core::Probe>| {
            probe.as_ref().map(|probe| ProbePlan::of(probe, container))
        };
        Self {
            name: container.name.as_str().into(),
            role,
            image: image.into(),
            pull,
            restart,
            startup: probe(&container.startup_probe),
            liveness: probe(&container.liveness_probe),
            readiness: probe(&container.readiness_probe),
            post_start: hook(lifecycle.and_then(|lifecycle| lifecycle.post_start.as_ref())),
            pre_stop: hook(lifecycle.and_then(|lifecycle| lifecycle.pre_stop.as_ref())),
        }
    }
}

impl ProbePlan {
    fn of(probe: &core::Probe, container: &core::Container) -> Self {
        let secs = |value: Option<i32>, default: i64| value.map_or(default, i64::from);
        let count = |value: Option<i32>, default: u32| {
            value.and_then(|value| u32::try_from(value).ok()).unwrap_or(default).max(1)
        };
        let action = if let Some(get) = &probe.http_get {
            Action::http(get, container)
        } else if let Some(tcp) = &probe.tcp_socket {
            Action::tcp(tcp, container)
        } else if let Some(grpc) = &probe.grpc {
            u16::try_from(grpc.port).map_or_else(
                |_| Action::Invalid(format!("invalid port number: {}", grpc.port).into()),
                |port| Action::Grpc { port },
            )
        } else if probe.exec.is_some() {
            Action::Exec
        } else {
            Action::Invalid("missing probe handler".into())
        };
        Self {
            action,
            delay_secs: secs(probe.initial_delay_seconds, 0).max(0),
            period_secs: secs(probe.period_seconds, 10).max(1),
            timeout_secs: secs(probe.timeout_seconds, 1).max(1),
            success_threshold: count(probe.success_threshold, 1),
            failure_threshold: count(probe.failure_threshold, 3),
            grace_secs: probe.termination_grace_period_seconds,
        }
    }
}

impl Action {
    fn http(get: &core::HTTPGetAction, container: &core::Container) -> Self {
        let port = match port(&get.port, container) {
            Ok(port) => port,
            Err(why) => return Self::Invalid(why.into()),
        };
        let path = get.path.clone().unwrap_or_default();
        let path = if path.starts_with('/') { path } else { format!("/{path}") };
        let headers = get.http_headers.iter().flatten();
        Self::Http {
            scheme: match get.scheme.as_deref() {
                Some("HTTPS") => Scheme::Https,
                _ => Scheme::Http,
            },
            host: get.host.as_deref().filter(|host| !host.is_empty()).map(Into::into),
            port,
            path: path.into(),
            headers: headers.map(|h| (h.name.as_str().into(), h.value.as_str().into())).collect(),
        }
    }

    fn tcp(tcp: &core::TCPSocketAction, container: &core::Container) -> Self {
        match port(&tcp.port, container) {
            Ok(port) => {
                let host = tcp.host.as_deref().filter(|host| !host.is_empty());
                Self::Tcp { host: host.map(Into::into), port }
            }
            Err(why) => Self::Invalid(why.into()),
        }
    }
}

/// A port given by number or by the name of a container port.
fn port(port: &IntOrString, container: &core::Container) -> Result<u16, String> {
    let number = match port {
        IntOrString::Int(number) => *number,
        IntOrString::String(name) => {
            let mut ports = container.ports.iter().flatten();
            let named = ports.find(|port| port.name.as_deref() == Some(name));
            match (named, name.parse()) {
                (Some(port), _) => port.container_port,
                (None, Ok(number)) => number,
                (None, Err(_)) => return Err(format!("couldn't find port: {name:?}")),
            }
        }
    };
    match u16::try_from(number) {
        Ok(number) if number > 0 => Ok(number),
        _ => Err(format!("invalid port number: {number}")),
    }
}

impl Hook {
    fn of(handler: &core::LifecycleHandler, container: &core::Container) -> Option<Self> {
        if let Some(sleep) = &handler.sleep {
            return Some(Self::Sleep { secs: sleep.seconds.max(0) });
        }
        if let Some(get) = &handler.http_get {
            return Some(Self::Run(Action::http(get, container)));
        }
        handler.exec.as_ref().map(|_| Self::Run(Action::Exec))
    }
}
