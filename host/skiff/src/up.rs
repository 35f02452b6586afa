//! `skiff up [PATH…]`: a cluster of one node in the foreground, with what the paths hold.
//!
//! Builds the guests that lie beside the manifests, pushes them, applies the manifests, waits until the workloads are ready, prints the
//! URLs and what they answer, and follows the logs until Ctrl-C. What was applied stays in the data directory and runs again at the
//! next start.

use std::{collections::BTreeSet, path::PathBuf, process::ExitCode, time::Duration};

use anyhow::Context as _;
use api::{Client, ListParams};
use futures::{StreamExt as _, stream::FuturesUnordered};
use indicatif::{ProgressBar, ProgressStyle};
use k8s_openapi::api::core::v1::{Pod, Service};
use serde_json::Value;

use crate::{
    config::{Config, Flags, Surroundings},
    server::{self, Running},
};

/// For how long workloads may take to become ready before `up` says so and goes on.
const PATIENCE: Duration = Duration::from_secs(120);
/// Logs that are followed at once.
const MAX_LOGS: usize = 50;

#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  skiff up                              (an empty cluster)\n  skiff up examples/01-http-function    (a folder with app.yaml and a guest crate)"
)]
pub(crate) struct Args {
    /// Manifests, or folders of manifests and guest crates
    paths: Vec<PathBuf>,
    #[command(flatten)]
    flags: Flags,
}

pub(crate) fn run(args: Args, surroundings: &Surroundings) -> anyhow::Result<ExitCode> {
    let mut flags = args.flags;
    // A cluster for one person is not open to the network unless asked for.
    flags.api_address.get_or_insert_with(|| ([127, 0, 0, 1], 6443).into());
    let config = Config::load(&flags, surroundings)?;
    let paths = args.paths;
    server::with(config, async move |running| {
        tokio::select! {
            ended = work(&paths, &running) => ended,
            () = running.shutdown.cancelled() => Ok(()),
        }
    })
}

async fn work(paths: &[PathBuf], running: &Running) -> anyhow::Result<()> {
    let session = cli::Session::over(running.client.clone(), "default");
    say(&format!("the cluster is up: export KUBECONFIG={}", running.kubeconfig.display()));
    if paths.is_empty() {
        say("nothing to apply; Ctrl-C ends it");
        return std::future::pending().await;
    }
    for path in paths.iter().filter(|path| path.is_dir()) {
        for guest in cli::find_guests(path).await? {
            build(&session, &guest).await?;
        }
    }
    let resources = cli::Resources::of(&session).await?;
    let mut applied = Vec::new();
    for manifest in cli::read_manifests(paths, false)? {
        let done =
            cli::Applied::forced(&session, &resources, &manifest).await.with_context(|| {
                format!("{}: {} {}", manifest.source, manifest.kind(), manifest.name())
            })?;
        say(&format!("{} {}", done.name, done.outcome));
        applied.push(done.object);
    }
    ready(&running.client, &applied).await?;
    urls(running, &applied).await?;
    say("following the logs; Ctrl-C ends the cluster");
    follow(&session, &running.client, &applied).await
}

async fn build(session: &cli::Session, guest: &cli::Guest) -> anyhow::Result<()> {
    let image = guest.image();
    let bar = spinner(&format!("building {image}"));
    let wasm = cli::build_guest(guest, say).await?;
    bar.set_message(format!("pushing {image}"));
    let bytes =
        tokio::fs::read(&wasm).await.with_context(|| format!("cannot read {}", wasm.display()))?;
    let size = bytes.len();
    cli::push_image(session, bytes.into(), &image).await?;
    bar.finish_and_clear();
    say(&format!("built and pushed {image} ({} KiB)", size / 1024));
    Ok(())
}

/// Waits until what was applied is as it should be, and shows how far it is.
async fn ready(client: &Client, applied: &[Value]) -> anyhow::Result<()> {
    let namespaces = namespaces(applied);
    let bar = spinner("starting Pods");
    let wait = async {
        for namespace in &namespaces {
            let api = client.api::<Pod>(Some(namespace));
            let mut watch = api.watch(&ListParams::default(), None).await?;
            let mut pods = std::collections::BTreeMap::new();
            let expected = expected(applied, namespace);
            while pods.values().filter(|done| **done).count() < expected {
                let Some(event) = watch.next().await else { break };
                let event = event?;
                let Some(pod) = pod_of(&event) else { continue };
                let name = pod.metadata.name.clone().unwrap_or_default();
                if event.kind == api::EventKind::Deleted {
                    pods.remove(&name);
                } else {
                    pods.insert(name, settled(&pod));
                }
                let done = pods.values().filter(|done| **done).count();
                bar.set_message(format!("starting Pods: {done} of {expected}"));
            }
        }
        anyhow::Ok(())
    };
    let result = tokio::time::timeout(PATIENCE, wait).await;
    bar.finish_and_clear();
    match result {
        Ok(ended) => ended,
        Err(_) => {
            say(
                "some Pods are not ready yet; `skiff get pods` and `skiff describe pod NAME` tell why",
            );
            Ok(())
        }
    }
}

fn pod_of(event: &api::Event) -> Option<Pod> {
    match &event.object {
        api::Payload::Typed(value, _) => value.downcast_ref::<Pod>().cloned(),
        api::Payload::Json(bytes) => serde_json::from_slice(bytes).ok(),
    }
}

/// Ready, or done.
fn settled(pod: &Pod) -> bool {
    let Some(status) = &pod.status else { return false };
    let ready =
        status.conditions.iter().flatten().any(|it| it.type_ == "Ready" && it.status == "True");
    ready || status.phase.as_deref() == Some("Succeeded")
}

/// Pods that the applied workloads of a namespace ask for.
fn expected(applied: &[Value], namespace: &str) -> usize {
    let here = applied.iter().filter(|object| object["metadata"]["namespace"] == namespace);
    let count = |object: &Value| match object["kind"].as_str().unwrap_or_default() {
        "Pod" => 1,
        "Deployment" | "ReplicaSet" | "StatefulSet" => {
            object["spec"]["replicas"].as_u64().unwrap_or(1)
        }
        _ => 0,
    };
    usize::try_from(here.map(count).sum::<u64>()).unwrap_or(usize::MAX)
}

fn namespaces(applied: &[Value]) -> BTreeSet<String> {
    applied
        .iter()
        .filter_map(|object| object["metadata"]["namespace"].as_str())
        .map(str::to_owned)
        .collect()
}

/// Prints where the Services of the type `NodePort` can be reached, and what an HTTP one answers.
async fn urls(running: &Running, applied: &[Value]) -> anyhow::Result<()> {
    for object in applied.iter().filter(|object| object["kind"] == "Service") {
        let (namespace, name) =
            (object["metadata"]["namespace"].as_str(), object["metadata"]["name"].as_str());
        let services = running.client.api::<Service>(namespace);
        let service = services.get(name.unwrap_or_default()).await?;
        let ports = service.spec.and_then(|spec| spec.ports).unwrap_or_default();
        for port in ports
            .iter()
            .filter_map(|port| port.node_port)
            .filter_map(|port| u16::try_from(port).ok())
        {
            let url = format!("http://127.0.0.1:{port}/");
            // Whatever answers there is not this cluster.
            if running.node.as_ref().is_some_and(|node| node.is_port_blocked(port)) {
                say(&format!(
                    "{} cannot have its node port: another process listens on {port}",
                    name.unwrap_or_default()
                ));
                continue;
            }
            match answer(port).await {
                Ok(answer) => say(&format!(
                    "{} is at {url}, which answers:\n{}",
                    name.unwrap_or_default(),
                    answer.trim_end()
                )),
                Err(error) => say(&format!("{} is at {url} ({error:#})", name.unwrap_or_default())),
            }
        }
    }
    Ok(())
}

/// What a node port answers. Pods that are ready take a moment to become endpoints of their Service, and until then connections are closed.
async fn answer(port: u16) -> anyhow::Result<String> {
    const PATIENCE: Duration = Duration::from_secs(10);
    const PAUSE: Duration = Duration::from_millis(100);
    let begun = tokio::time::Instant::now();
    loop {
        match tokio::time::timeout_at(begun + PATIENCE, get(port)).await {
            Ok(Ok(answer)) => return Ok(answer),
            Ok(Err(_)) if begun.elapsed() < PATIENCE => tokio::time::sleep(PAUSE).await,
            Ok(Err(error)) => return Err(error),
            Err(_) => anyhow::bail!("no answer within {PATIENCE:?}"),
        }
    }
}

/// One GET on a node port.
async fn get(port: u16) -> anyhow::Result<String> {
    use http_body_util::{BodyExt as _, Empty, Limited};
    const MAX_ANSWER: usize = 64 * 1024;
    let stream = tokio::net::TcpStream::connect(("127.0.0.1", port)).await?;
    let io = hyper_util::rt::TokioIo::new(stream);
    let (mut sender, connection) = hyper::client::conn::http1::handshake(io).await?;
    // It ends with the sender, or with the server's side; the request tells of that.
    tokio::spawn(connection);
    let request = http::Request::get("/")
        .header(http::header::HOST, format!("127.0.0.1:{port}"))
        .body(Empty::<bytes::Bytes>::new())?;
    let answer = sender.send_request(request).await?;
    let body = Limited::new(answer.into_body(), MAX_ANSWER).collect().await;
    let body = body.map_err(|error| anyhow::anyhow!("{error}"))?.to_bytes();
    Ok(String::from_utf8_lossy(&body).into_owned())
}

/// Follows every container that runs in the namespaces of the applied objects, those that start later too.
async fn follow(session: &cli::Session, client: &Client, applied: &[Value]) -> anyhow::Result<()> {
    let watches = FuturesUnordered::new();
    for namespace in namespaces(applied) {
        let session = cli::Session::over(session.client.clone(), &namespace);
        let api = client.api::<Pod>(Some(&namespace));
        watches.push(async move {
            let mut watch = api.watch(&ListParams::default(), None).await?;
            let mut following = FuturesUnordered::new();
            let mut known = BTreeSet::new();
            loop {
                tokio::select! {
                    event = watch.next() => {
                        let Some(event) = event else { return anyhow::Ok(()) };
                        let Some(pod) = pod_of(&event?) else { continue };
                        for (id, container) in started(&pod) {
                            if following.len() < MAX_LOGS && known.insert(id) {
                                let (session, pod) = (session.clone(), pod.metadata.name.clone().unwrap_or_default());
                                following.push(async move { cli::follow_logs(&session, &pod, &container).await });
                            }
                        }
                    }
                    Some(ended) = following.next() => {
                        if let Err(error) = ended {
                            say(&cli::explain(&error));
                        }
                    }
                }
            }
        });
    }
    let mut watches = watches;
    while let Some(ended) = watches.next().await {
        ended?;
    }
    std::future::pending().await
}

/// Containers of a Pod that have something to follow, each instance once.
fn started(pod: &Pod) -> Vec<(String, String)> {
    let statuses = pod.status.iter().flat_map(|status| status.container_statuses.iter().flatten());
    statuses
        .filter(|status| status.container_id.is_some())
        .map(|status| (status.container_id.clone().unwrap_or_default(), status.name.clone()))
        .collect()
}

fn spinner(text: &str) -> ProgressBar {
    let style = ProgressStyle::with_template("{spinner} {msg} ({elapsed})")
        .unwrap_or_else(|_| ProgressStyle::default_spinner());
    let bar = ProgressBar::new_spinner().with_style(style).with_message(text.to_owned());
    // Where the output is no terminal nothing is drawn, so the line is printed once.
    if bar.is_hidden() {
        say(text);
    }
    bar.enable_steady_tick(Duration::from_millis(120));
    bar
}

fn say(text: &str) {
    println!("skiff: {text}");
}
