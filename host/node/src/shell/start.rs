//! Starting one container: environment, folders, limits, log, network; then the program runs, or a function is served.

use std::num::{NonZeroU32, NonZeroU64};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use k8s_openapi::api::core::v1 as core;
use net::names::Resolver;
use runtime::{Account, Exit, Limits, LoadError, Program, ServeOptions, Spec, Stop};

use super::probe::unsupported;
use crate::env;
use crate::fields::millis_of;
use crate::logs;
use crate::materials::Needs;
use crate::network::{Function, HostNetwork, PodNetwork, host_port};
use crate::pod::{ContainerPlan, Event, Failure, FailureKind, Hook};
use crate::shared::Shared;
use crate::volumes;

/// The port of a function that names none.
const FUNCTION_PORT: u16 = 8080;
/// What Kubernetes keeps of a termination message.
const MESSAGE_BYTES_MAX: usize = 4096;
const LOG_MESSAGE_BYTES_MAX: usize = 2048;
const LOG_MESSAGE_LINES: u64 = 80;

/// One start.
#[derive(Clone, Debug)]
pub(crate) struct Job {
    pub(crate) pod: Arc<core::Pod>,
    pub(crate) plan: ContainerPlan,
    pub(crate) container: usize,
    pub(crate) instance: u32,
    /// The Pod's address.
    pub(crate) ip: std::net::IpAddr,
    /// Where the Pod is within the fabric; its address, unless it has the host's.
    pub(crate) inner_ip: std::net::IpAddr,
    pub(crate) image: Arc<image::Wasm>,
    pub(crate) stop: Stop,
}

/// What runs on without a task.
#[derive(Clone, Debug)]
pub(crate) struct Served {
    pub(crate) function: Arc<Function>,
    pub(crate) at: std::net::SocketAddr,
    pub(crate) log: Arc<logs::Log>,
}

/// Starts a container and, if it is a command, stays until it ends. `tell` takes the events, in order.
pub(crate) async fn start(
    shared: Arc<Shared>,
    job: Job,
    tell: impl AsyncFn(Event, Option<Served>, Option<Arc<Account>>),
) {
    let (container, instance) = (job.container, job.instance);
    let work = shared.work.acquire().await;
    let ready = ready(&shared, &job).await;
    let ready = match ready {
        Ok(ready) if !job.stop.is_requested() => ready,
        Ok(ready) => {
            ready.log.end();
            let (reason, message) = ("Error", String::new());
            tell(Event::Exited { container, instance, code: 137, reason, message }, None, None)
                .await;
            return;
        }
        Err(failure) => {
            tell(Event::StartFailed { container, instance, failure }, None, None).await;
            return;
        }
    };
    drop(work);
    let account = Arc::clone(&ready.spec.account);
    if ready.program.kind().is_http() {
        match serve(&shared, &job, ready) {
            Ok(served) => {
                tell(Event::Started { container, instance }, Some(served), Some(account)).await;
            }
            Err(failure) => {
                tell(Event::StartFailed { container, instance, failure }, None, None).await;
            }
        }
        return;
    }
    tell(Event::Started { container, instance }, None, Some(account)).await;
    let Ready { program, spec, log, message_file } = ready;
    let exit = program.run(spec, job.stop.clone()).await;
    log.end();
    let (code, reason, mut message) = match exit {
        Ok(exit) => described(&exit),
        Err(error) => (128, "ContainerCannotRun", error.to_string()),
    };
    if let Some(own) = own_message(&shared, &job, &message_file, code).await {
        message = own;
    }
    tell(Event::Exited { container, instance, code, reason, message }, None, None).await;
}

/// The exit as a status shows it.
fn described(exit: &Exit) -> (i32, &'static str, String) {
    let code = exit.code();
    match exit {
        Exit::Code(0) => (code, "Completed", String::new()),
        Exit::OutOfMemory { .. } => (code, "OOMKilled", exit.to_string()),
        Exit::Trap { .. } => (code, "Error", bounded(exit.to_string())),
        Exit::Code(_) | Exit::Stopped | Exit::Killed => (code, "Error", String::new()),
    }
}

fn bounded(mut text: String) -> String {
    if text.len() > MESSAGE_BYTES_MAX {
        let end = (0..=MESSAGE_BYTES_MAX).rev().find(|at| text.is_char_boundary(*at));
        text.truncate(end.unwrap_or(0));
    }
    text
}

/// What the container wrote as its last words, or what its log ends with.
async fn own_message(shared: &Shared, job: &Job, file: &Path, code: i32) -> Option<String> {
    use tokio::io::AsyncReadExt as _;
    if let Ok(file) = tokio::fs::File::open(file).await {
        let mut bytes = Vec::new();
        let read = file.take(MESSAGE_BYTES_MAX as u64).read_to_end(&mut bytes).await;
        if read.is_ok_and(|read| read > 0) {
            return Some(String::from_utf8_lossy(&bytes).into_owned());
        }
    }
    let spec = env::named(&job.pod, &job.plan.name)?;
    let falls_back = spec.termination_message_policy.as_deref() == Some("FallbackToLogsOnError");
    if !falls_back || code == 0 {
        return None;
    }
    let uid = job.pod.metadata.uid.as_deref().unwrap_or_default();
    let (path, _) = shared.logs.find(uid, &job.plan.name, job.instance);
    let text = logs::tail(path, LOG_MESSAGE_LINES, LOG_MESSAGE_BYTES_MAX).await.ok()?;
    (!text.is_empty()).then_some(text)
}

/// All that an instance needs.
struct Ready {
    program: Arc<Program>,
    spec: Spec,
    log: Arc<logs::Log>,
    message_file: PathBuf,
}

fn again(reason: &'static str, message: &dyn std::fmt::Display) -> Failure {
    Failure { reason, message: message.to_string(), kind: FailureKind::Again }
}

async fn ready(shared: &Arc<Shared>, job: &Job) -> Result<Ready, Failure> {
    let pod = &job.pod;
    let stuck = |message: String| Failure {
        reason: "CreateContainerError",
        message,
        kind: FailureKind::Stuck,
    };
    if let Some(why) = unsupported_parts(&job.plan) {
        return Err(stuck(why));
    }
    let Some(container) = env::named(pod, &job.plan.name) else {
        return Err(stuck("the container is not in the Pod".to_owned()));
    };
    let config = |error: &dyn std::fmt::Display| again("CreateContainerConfigError", error);
    let needs = Needs::of_env(container);
    let materials = if needs.is_empty() {
        crate::materials::Materials::default()
    } else {
        let read = shared.sources.read(&shared.client, pod, &needs, shared.now()).await;
        read.map_err(|error| config(&error))?
    };
    let facts = shared.facts(pod, Some(job.ip));
    let services = service_variables(shared, pod);
    let mut variables = env::environment(container, &facts, &materials, services)
        .map_err(|error| config(&error))?;
    for (name, value) in &job.image.env {
        if !variables.iter().any(|(own, _)| own == name) {
            variables.push((name.clone(), value.clone()));
        }
    }
    let digest = job.image.digest.hex();
    let file = runtime::Wasm::File(job.image.path.clone());
    let program = shared.engine.load(&digest, file).await.map_err(|error| cannot_run(&error))?;

    let uid = pod.metadata.uid.clone().unwrap_or_default();
    let known = variables.iter().cloned().collect();
    let args = arguments(container, &job.image, |text| env::expand(text, &known));
    let message_path = container.termination_message_path.clone();
    let is_http = program.kind().is_http();
    let (blocking, owned, plan) = (Arc::clone(shared), Arc::clone(pod), job.plan.clone());
    let instance = job.instance;
    let folders = tokio::task::spawn_blocking(move || {
        folders(&blocking, &owned, &plan, instance, message_path.as_deref(), is_http, &known)
    });
    let folders = folders.await.map_err(|_| again("CreateContainerError", &"preparing failed"))?;
    let (mounts, message_file, log) = folders?;
    let spec_of_pod = pod.spec.clone().unwrap_or_default();
    let name = pod.metadata.name.as_deref().unwrap_or_default();
    let hostname = spec_of_pod.hostname.clone().unwrap_or_else(|| name.to_owned());
    let namespace = pod.metadata.namespace.as_deref().unwrap_or_default();
    let resolver = Resolver::new(namespace, &spec_of_pod, &hostname, job.ip);
    let cwd = container.working_dir.clone().filter(|folder| !folder.is_empty());
    let image_cwd = Some(job.image.working_dir.clone()).filter(|folder| !folder.is_empty());
    tracing::debug!(%uid, container = %job.plan.name, instance, "starting");
    let spec = Spec {
        args,
        env: variables,
        cwd: cwd.or(image_cwd),
        hostname,
        mounts,
        stdout: log.sink("stdout"),
        stderr: log.sink("stderr"),
        account: Arc::new(Account::new(limits(container))),
        network: network_of(shared, job, resolver),
    };
    Ok(Ready { program, spec, log, message_file })
}

/// What of a container this node cannot do: said once, instead of failing again and again.
fn unsupported_parts(plan: &ContainerPlan) -> Option<String> {
    let probes = [
        ("startupProbe", &plan.startup),
        ("livenessProbe", &plan.liveness),
        ("readinessProbe", &plan.readiness),
    ];
    for (what, probe) in probes {
        if let Some(why) = probe.as_ref().and_then(|probe| unsupported(&probe.action)) {
            return Some(format!("{what}: {why}"));
        }
    }
    for (what, hook) in [("postStart", &plan.post_start), ("preStop", &plan.pre_stop)] {
        if let Some(Hook::Run(action)) = hook
            && let Some(why) = unsupported(action)
        {
            return Some(format!("{what} hook: {why}"));
        }
    }
    None
}

fn cannot_run(error: &LoadError) -> Failure {
    let kind = match error {
        LoadError::Unsuitable(_) | LoadError::Compile { .. } | LoadError::Link { .. } => {
            FailureKind::Ended
        }
        LoadError::Read { .. } | LoadError::Cache { .. } | LoadError::Panicked => {
            FailureKind::Again
        }
    };
    let message = match std::error::Error::source(error) {
        Some(source) => format!("{error}: {source}"),
        None => error.to_string(),
    };
    let reason =
        if kind == FailureKind::Ended { "ContainerCannotRun" } else { "CreateContainerError" };
    Failure { reason, message, kind }
}

/// `command` replaces the image's program and arguments, `args` only its arguments. The first argument is the program's name.
fn arguments(
    container: &core::Container,
    image: &image::Wasm,
    expand: impl Fn(&String) -> String,
) -> Vec<String> {
    let own = |list: &Option<Vec<String>>| {
        list.as_ref()
            .filter(|list| !list.is_empty())
            .map(|list| list.iter().map(&expand).collect::<Vec<_>>())
    };
    let (command, args) = (own(&container.command), own(&container.args));
    let mut all = match (&command, image.entrypoint.is_empty()) {
        (Some(command), _) => command.clone(),
        (None, false) => image.entrypoint.clone(),
        (None, true) => vec![container.name.clone()],
    };
    match (args, command) {
        (Some(args), _) => all.extend(args),
        (None, None) => all.extend(image.cmd.iter().cloned()),
        (None, Some(_)) => {}
    }
    all
}

fn service_variables(shared: &Shared, pod: &core::Pod) -> Vec<(String, String)> {
    let wants_all = pod.spec.as_ref().and_then(|spec| spec.enable_service_links) != Some(false);
    let namespace = pod.metadata.namespace.as_deref().unwrap_or_default();
    // The API server's own service is announced to everybody.
    let mut services: Vec<_> = shared.services.get("default", "kubernetes").into_iter().collect();
    if wants_all {
        let own = shared.services.in_namespace(namespace);
        services.extend(own.into_iter().filter(|service| {
            namespace != "default" || service.metadata.name.as_deref() != Some("kubernetes")
        }));
    }
    env::of_services(services.iter().map(|service| &**service))
}

type Folders = (Vec<runtime::Mount>, PathBuf, Arc<logs::Log>);

fn folders(
    shared: &Shared,
    pod: &core::Pod,
    plan: &ContainerPlan,
    instance: u32,
    message_path: Option<&str>,
    is_http: bool,
    known: &std::collections::BTreeMap<String, String>,
) -> Result<Folders, Failure> {
    let uid = pod.metadata.uid.as_deref().unwrap_or_default();
    let failed = |error: &dyn std::fmt::Display| again("CreateContainerError", error);
    let log = shared.logs.begin(uid, &plan.name, instance).map_err(|error| failed(&error))?;
    let own = shared.volumes(uid).join(format!("..{}", plan.name));
    let Some(container) = env::named(pod, &plan.name) else {
        return Err(failed(&"the container is not in the Pod"));
    };
    let files = own.join("files");
    let expand = |text: &str| env::expand(text, known);
    let mut mounts = volumes::mounts(pod, container, &shared.volumes(uid), &files, expand)
        .map_err(|error| again("CreateContainerConfigError", &error))?;
    let path = Path::new(message_path.unwrap_or("/dev/termination-log"));
    let name = path.file_name().unwrap_or_else(|| "termination-log".as_ref());
    let message_file = own.join("last-words").join(name);
    let folder = path.parent().unwrap_or_else(|| Path::new("/")).to_string_lossy().into_owned();
    // A function has no end to say last words at, and a volume in that place goes first.
    if !is_http && !mounts.iter().any(|mount| mount.guest.trim_end_matches('/') == folder) {
        let host = own.join("last-words");
        std::fs::create_dir_all(&host).map_err(|error| failed(&error))?;
        std::fs::write(&message_file, b"").map_err(|error| failed(&error))?;
        mounts.push(runtime::Mount { host, guest: folder, read_only: false });
    }
    Ok((mounts, message_file, log))
}

fn is_on_host(pod: &core::Pod) -> bool {
    pod.spec.as_ref().is_some_and(|spec| spec.host_network == Some(true))
}

fn network_of(shared: &Shared, job: &Job, resolver: Resolver) -> Arc<dyn runtime::Network> {
    let network = Arc::clone(&shared.network);
    if is_on_host(&job.pod) {
        Arc::new(HostNetwork::new(network, resolver))
    } else {
        Arc::new(PodNetwork::new(network, job.ip, resolver))
    }
}

fn limits(container: &core::Container) -> Limits {
    let limits = container.resources.as_ref().and_then(|resources| resources.limits.as_ref());
    let millis = |name: &str| limits.and_then(|limits| limits.get(name)).map(millis_of);
    Limits {
        memory_bytes: millis("memory")
            .and_then(|millis| u64::try_from(millis / 1000).ok())
            .and_then(NonZeroU64::new),
        cpu_millis: millis("cpu")
            .and_then(|millis| u32::try_from(millis).ok())
            .and_then(NonZeroU32::new),
        ..Limits::default()
    }
}

/// Lets the function answer at its port.
fn serve(shared: &Shared, job: &Job, ready: Ready) -> Result<Served, Failure> {
    let ended = |message: String| Failure {
        reason: "ContainerCannotRun",
        message,
        kind: FailureKind::Ended,
    };
    let container = env::named(&job.pod, &job.plan.name);
    let ports = container.iter().flat_map(|container| container.ports.iter().flatten());
    let port = ports
        .filter(|port| port.protocol.as_deref().unwrap_or("TCP") == "TCP")
        .find_map(|port| u16::try_from(port.container_port).ok())
        .unwrap_or(FUNCTION_PORT);
    let service = ready
        .program
        .serve(ready.spec, ServeOptions::default(), job.stop.clone())
        .map_err(|error| ended(error.to_string()))?;
    let function = Arc::new(Function::new(service, shared.engine.executor().clone()));
    let at = std::net::SocketAddr::new(job.inner_ip, port);
    let uid = job.pod.metadata.uid.as_deref().unwrap_or_default();
    if is_on_host(&job.pod) && !shared.host_ports.add(host_port(None, port), uid, at) {
        return Err(ended(format!("listen tcp :{port}: address in use by another Pod")));
    }
    let handler = Arc::clone(&function);
    shared
        .network
        .fabric
        .handle(at, handler)
        .map_err(|error| ended(format!("listen tcp {at}: {error}")))?;
    Ok(Served { function, at, log: ready.log })
}
