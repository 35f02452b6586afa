//! Starts the parts of a server in the order in which they need each other, and ends them in the opposite one.
//!
//! Store, trust, API service, bootstrap objects, listener, kubeconfig: then clients are served. Controllers, scheduler and node speak to the
//! service in this process, each under its own identity, through the same chain as everybody else.

use std::{collections::BTreeSet, path::PathBuf, process::ExitCode, sync::Arc, time::Duration};

use anyhow::Context as _;
use api::Client;
use apiserver::{
    Identity, Listen, Mount, Service,
    authentication::{Authenticator, SecretToken, StaticTokens, Tokens},
    authorization::Authorizer,
    trust::{self, Trust},
};
use futures::FutureExt as _;
use http_body_util::BodyExt;
use meta::Clock;
use store::{Store, SystemClock};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::{
    config::Config,
    gateway::{self, Nodes},
    shutdown::{self, Stages},
    transport::InProcess,
};

/// The issuer of the tokens of service accounts, and their audience where none is asked for.
const ISSUER: &str = "https://kubernetes.default.svc.cluster.local";
/// The address of Service `kubernetes`: the first of the service range.
const SERVICE_ADDRESS: [u8; 4] = [10, 43, 0, 1];
/// Where the registry of images is reached.
const REGISTRY: &str = "/v2/";
/// How long each part may take to end.
const PATIENCE: Duration = Duration::from_secs(15);

/// What runs, for those who use it in this process.
#[derive(Debug)]
pub(crate) struct Running {
    pub(crate) client: Client,
    pub(crate) node: Option<node::Handle>,
    pub(crate) kubeconfig: PathBuf,
    pub(crate) shutdown: CancellationToken,
}

/// `skiff server`: runs until a signal.
pub(crate) fn run(config: Config) -> anyhow::Result<ExitCode> {
    with(config, async |running| {
        running.shutdown.cancelled().await;
        Ok(())
    })
}

/// Runs a server around some work; both end with a signal, or when the work does.
pub(crate) fn with(
    config: Config,
    work: impl AsyncFnOnce(Running) -> anyhow::Result<()>,
) -> anyhow::Result<ExitCode> {
    logging();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        let server = Server::start(config).await?;
        let running = Running {
            client: server.client("skiff-up"),
            node: server.node.as_ref().map(|node| node.agent.clone()),
            kubeconfig: server.kubeconfig.clone(),
            shutdown: server.stages.requested.clone(),
        };
        let result = work(running).await;
        server.stop().await;
        result
    })?;
    Ok(ExitCode::SUCCESS)
}

/// To standard error, as `RUST_LOG` asks.
fn logging() {
    use tracing_subscriber::EnvFilter;
    let filter =
        EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("warn,skiff=info"));
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).init();
}

/// All parts of a server.
struct Server {
    store: Arc<Store>,
    service: Service,
    stages: Stages,
    serving: tokio::task::JoinHandle<()>,
    control: tokio::task::JoinHandle<()>,
    node: Option<Node>,
    kubeconfig: PathBuf,
}

/// The agent, and the threads that its guests run on.
struct Node {
    agent: node::Handle,
    executor: tokio::runtime::Runtime,
}

impl Server {
    async fn start(config: Config) -> anyhow::Result<Self> {
        let stages = Stages::default();
        shutdown::on_signals(stages.requested.clone())?;
        let address = config.api.address;
        // The port first: a server that cannot serve leaves the data alone.
        let listener = TcpListener::bind(address)
            .await
            .with_context(|| format!("cannot listen on {address}"))?;
        let address = listener.local_addr()?;
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let store = Arc::new(open_store(&config)?);
        let trust = Arc::new(open_trust(&config, address.ip(), &*clock)?);
        let nodes = Arc::new(Nodes::default());
        let images = image::Store::open(config.data_dir.join("images"), image::Limits::default())?;
        let service = service(&config, &store, &trust, &nodes, &images, &clock)?;
        service
            .bootstrap()
            .await
            .map_err(|error| anyhow::anyhow!("cannot make the first objects: {error}"))?;
        let serving = tokio::spawn(apiserver::serve(
            service.clone(),
            listener,
            Listen::new(trust.server_config()?),
            stages.api.clone(),
        ));
        let kubeconfig = trust.write_kubeconfig(address)?;
        tokio::spawn(renew(Arc::clone(&trust), Arc::clone(&clock), stages.api.clone()));
        tokio::spawn(release(stages.api.clone()));
        let client = |name: &str| {
            Client::new(Arc::new(InProcess::new(service.clone(), Identity::system(name))))
        };
        let control =
            control(&config, client("system:kube-controller-manager"), &trust, &clock, &stages);
        let node = if config.disable.contains("node") {
            None
        } else {
            let name = config.node.name.as_deref().unwrap_or_default();
            let client = client(&format!("system:node:{name}"));
            Some(agent(&config, client, &nodes, images, &trust, &clock, &stages).await?)
        };
        eprintln!("skiff: serving https://{address} with data in {}", config.data_dir.display());
        Ok(Self { store, service, stages, serving, control, node, kubeconfig })
    }

    /// A client of this process, allowed everything.
    fn client(&self, name: &str) -> Client {
        Client::new(Arc::new(InProcess::new(self.service.clone(), Identity::system(name))))
    }

    async fn stop(self) {
        self.stages.node.cancel();
        if let Some(node) = self.node {
            if tokio::time::timeout(PATIENCE, node.agent.stopped()).await.is_err() {
                tracing::warn!("the node did not end within {PATIENCE:?} and is left");
            }
            // Guests that did not end by themselves end with their threads.
            node.executor.shutdown_background();
        }
        self.stages.control.cancel();
        ended("the controllers", self.control).await;
        self.stages.api.cancel();
        ended("the API server", self.serving).await;
        self.store.close().await;
    }
}

async fn ended(what: &str, task: tokio::task::JoinHandle<()>) {
    match tokio::time::timeout(PATIENCE, task).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => tracing::error!(%error, "{what} broke"),
        Err(_) => tracing::warn!("{what} did not end within {PATIENCE:?} and is left"),
    }
}

fn open_store(config: &Config) -> anyhow::Result<Store> {
    let folder = config.data_dir.join("store");
    let of_store = store::Config {
        folder,
        history_secs: config.store.history_secs,
        ..store::Config::default()
    };
    Store::open(of_store, apiserver::describe())
        .with_context(|| format!("cannot open the store in {}", config.data_dir.display()))
}

fn open_trust(config: &Config, bind: std::net::IpAddr, clock: &dyn Clock) -> anyhow::Result<Trust> {
    let node = config.node.name.clone().unwrap_or_default();
    let of_trust = trust::Config {
        data_dir: config.data_dir.clone(),
        bind,
        service_address: SERVICE_ADDRESS.into(),
        host_name: node,
        extra_names: config.api.extra_names.clone(),
        clients: Vec::new(),
    };
    Trust::open(of_trust, clock.now()).context("cannot set up the certificates")
}

fn service(
    config: &Config,
    store: &Arc<Store>,
    trust: &Trust,
    nodes: &Arc<Nodes>,
    images: &image::Store,
    clock: &Arc<dyn Clock>,
) -> anyhow::Result<Service> {
    let static_tokens = match &config.api.token_file {
        Some(path) => {
            let text = std::fs::read_to_string(path)
                .with_context(|| format!("cannot read {}", path.display()))?;
            StaticTokens::parse(&text)
                .with_context(|| format!("{} holds no token file", path.display()))?
        }
        None => StaticTokens::default(),
    };
    let tokens = Tokens::new(Arc::clone(trust.signer()), ISSUER, &[ISSUER.to_owned()]);
    let authenticator = Arc::new(Authenticator::new(
        Arc::clone(store),
        Arc::clone(clock),
        trust.client_verifier()?,
        static_tokens,
        tokens,
    ));
    let registry = image::Registry::new(images.clone());
    let mount = Mount {
        prefix: REGISTRY.to_owned(),
        handler: Arc::new(move |request, _identity| {
            let registry = registry.clone();
            Box::pin(async move { gateway::answer(registry.handle(request).await) })
        }),
    };
    let ip = config.api.address.ip();
    let public = if ip.is_unspecified() || ip.is_loopback() { outward_address() } else { Some(ip) };
    let advertise = public.map(|ip| (ip, config.api.address.port()));
    Ok(Service::new(apiserver::Parts {
        store: Arc::clone(store),
        clock: Arc::clone(clock),
        authenticator,
        authorizer: Arc::new(Authorizer::new(Arc::clone(store))),
        nodes: Arc::clone(nodes) as Arc<dyn apiserver::NodeGateway>,
        mounts: vec![mount],
        config: apiserver::Config {
            advertise,
            anonymous: config.api.anonymous,
            ..apiserver::Config::default()
        },
    }))
}

/// The address from which this machine reaches others, where it can. No packet is sent.
fn outward_address() -> Option<std::net::IpAddr> {
    let socket = std::net::UdpSocket::bind(("0.0.0.0", 0)).ok()?;
    socket.connect(("192.0.2.1", 9)).ok()?;
    let ip = socket.local_addr().ok()?.ip();
    (!ip.is_unspecified() && !ip.is_loopback()).then_some(ip)
}

/// Renews certificates before they end, while the server runs.
async fn renew(trust: Arc<Trust>, clock: Arc<dyn Clock>, stop: CancellationToken) {
    /// After a failure, and at the most: clocks jump.
    const AGAIN: Duration = Duration::from_secs(3600);
    loop {
        let wait = match trust.renew(clock.now()) {
            Ok(next) => {
                Duration::try_from(next.duration_since(clock.now())).unwrap_or_default().min(AGAIN)
            }
            Err(error) => {
                tracing::error!(%error, "certificates could not be renewed");
                AGAIN
            }
        };
        tokio::select! {
            () = tokio::time::sleep(wait.max(Duration::from_secs(1))) => {}
            () = stop.cancelled() => return,
        }
    }
}

/// Lets go of memory that is not used: of free memory, and of code, which is most of what an idle server has. Each kind has some, and most of
/// that runs at the start only; what runs comes back within a millisecond.
async fn release(stop: CancellationToken) {
    // A node tells every ten seconds that it lives, through much of the server; in between hardly anything runs.
    const INTERVAL: Duration = Duration::from_secs(3);
    let pages = match runtime::ProgramPages::find() {
        Ok(pages) => pages,
        Err(error) => {
            tracing::debug!(%error, "code that is not used stays in memory");
            return;
        }
    };
    loop {
        tokio::select! {
            () = tokio::time::sleep(INTERVAL) => {}
            () = stop.cancelled() => return,
        }
        runtime::release_heap();
        if let Err(error) = pages.release() {
            tracing::debug!(%error, "code that is not used stays in memory");
            return;
        }
    }
}

/// The cluster's authority, for the controller that has requests signed.
#[derive(Debug)]
struct Authority(Arc<Trust>);

impl control::Signer for Authority {
    fn sign(&self, order: &control::Order<'_>) -> Result<String, control::SignError> {
        let control::Order { request, usages, not_before, not_after } = *order;
        Ok(self.0.sign(&trust::Order { request, usages, not_before, not_after })?)
    }

    fn issue_token(&self, holder: &control::Holder<'_>) -> Result<String, control::SignError> {
        let control::Holder { namespace, account, uid, secret } = *holder;
        Ok(SecretToken::new(namespace, account, uid, secret).sign(self.0.signer())?)
    }
}

fn control(
    config: &Config,
    client: Client,
    trust: &Arc<Trust>,
    clock: &Arc<dyn Clock>,
    stages: &Stages,
) -> tokio::task::JoinHandle<()> {
    let disabled: BTreeSet<String> =
        config.disable.iter().filter(|name| *name != "node").cloned().collect();
    let of_control = control::Config {
        disabled,
        root_ca: trust.authority_certificate(),
        signer: Some(Arc::new(Authority(Arc::clone(trust)))),
        ..control::Config::default()
    };
    let (clock, stop, requested) =
        (Arc::clone(clock), stages.control.clone(), stages.requested.clone());
    tokio::spawn(async move {
        if let Err(error) = control::run(client, clock, of_control, stop.cancelled_owned()).await {
            // Without controllers a cluster only looks alive.
            tracing::error!(
                error = &error as &dyn std::error::Error,
                "the controllers ended; the server ends too"
            );
            requested.cancel();
        }
    })
}

/// The node of this process.
async fn agent(
    config: &Config,
    client: Client,
    nodes: &Nodes,
    images: image::Store,
    trust: &Trust,
    clock: &Arc<dyn Clock>,
    stages: &Stages,
) -> anyhow::Result<Node> {
    let name = config.node.name.clone().unwrap_or_default();
    let executor = runtime::executor(None).context("cannot start the threads for guests")?;
    // Guests speak `https` to whom this machine trusts, and to the API server.
    let tls = api::http::trusting(trust.authority_certificate().as_bytes())
        .context("cannot trust anybody in the name of guests")?;
    let of_engine = runtime::Config {
        tls: Some(Arc::new(tls)),
        ..runtime::Config::new(config.data_dir.join("compiled"))
    };
    let engine = runtime::Engine::new(of_engine, executor.handle().clone())
        .context("cannot start the Wasm engine")?;
    let parts = node::Parts {
        client,
        clock: Arc::clone(clock),
        engine,
        images: image::Puller::new(images),
    };
    let of_node = node::Config {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        ..node::Config::new(config.data_dir.join("node"), name.clone())
    };
    let agent =
        node::run(of_node, parts, stages.node.clone()).await.context("cannot start the node")?;
    let handle = agent.clone();
    nodes.add(
        &name,
        Arc::new(move |request| {
            let handle = handle.clone();
            async move { gateway::answer(handle.handle(request.map(BodyExt::boxed_unsync)).await) }
                .boxed()
        }),
    );
    Ok(Node { agent, executor })
}
