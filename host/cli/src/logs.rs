//! `skiff logs`: of a Pod, of the Pods of a workload, or of all Pods with some labels; to their end, or as they grow.

use std::{
    io::{self, Write as _},
    process::ExitCode,
};

use anyhow::bail;
use futures::{StreamExt as _, stream::FuturesUnordered};
use serde_json::Value;

use crate::{
    discovery::Resources,
    session::{Session, text},
    target,
    watching::{Lines, escape},
};

/// Streams that are followed at once, as kubectl bounds them.
const MAX_STREAMS: usize = 50;

#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  skiff logs web-7c5d9\n  skiff logs -f deployment/web\n  skiff logs -l app=web --tail=20 --prefix"
)]
pub struct Args {
    /// POD, TYPE/NAME, or nothing with -l
    what: Vec<String>,
    /// Go on as the containers write
    #[arg(short, long)]
    follow: bool,
    /// Which container (default: the first)
    #[arg(short, long)]
    container: Option<String>,
    /// All containers of each Pod
    #[arg(long, conflicts_with = "container")]
    all_containers: bool,
    /// Pods whose labels match
    #[arg(short = 'l', long, default_value = "", hide_default_value = true)]
    selector: String,
    /// Of the instance before the last restart
    #[arg(short, long)]
    previous: bool,
    /// Only the last lines
    #[arg(long, value_name = "LINES")]
    tail: Option<u64>,
    /// Only what is younger than this many seconds
    #[arg(long, value_name = "SECONDS")]
    since: Option<u64>,
    /// Begin each line with its time
    #[arg(long)]
    timestamps: bool,
    /// Begin each line with its Pod and container
    #[arg(long)]
    prefix: bool,
}

/// One container's log.
struct Source {
    pod: String,
    container: String,
}

pub(crate) async fn run(args: &Args, session: &Session) -> anyhow::Result<ExitCode> {
    let pods = pods(args, session).await?;
    let mut sources = Vec::new();
    for pod in &pods {
        let name = text(pod, "/metadata/name");
        for container in containers(args, pod) {
            sources.push(Source { pod: name.to_owned(), container });
        }
    }
    if sources.len() > MAX_STREAMS {
        bail!(
            "you are attempting to follow {} log streams, but at most {MAX_STREAMS} are allowed",
            sources.len()
        );
    }
    let prefixed = args.prefix || sources.len() > 1 && args.follow;
    if !args.follow {
        for source in &sources {
            copy(args, session, source, prefixed).await?;
        }
        return Ok(ExitCode::SUCCESS);
    }
    let mut streams: FuturesUnordered<_> =
        sources.iter().map(|source| copy(args, session, source, prefixed)).collect();
    while let Some(ended) = streams.next().await {
        ended?;
    }
    Ok(ExitCode::SUCCESS)
}

/// The Pods that are meant.
async fn pods(args: &Args, session: &Session) -> anyhow::Result<Vec<Value>> {
    let collection = format!("/api/v1/namespaces/{}/pods", session.namespace);
    if !args.selector.is_empty() {
        return selected(session, &collection, &args.selector).await;
    }
    match args.what.as_slice() {
        [] => bail!("name a Pod, a workload such as `deployment/web`, or labels with -l"),
        [pod] if !pod.contains('/') => {
            Ok(vec![session.read(&format!("{collection}/{}", escape(pod))).await?])
        }
        words => {
            let resources = Resources::of(session).await?;
            let (resource, name) = target::one(words, &resources)?;
            let object =
                session.read(&format!("{}/{}", session.path(&resource.api), escape(&name))).await?;
            if resource.api.kind == "Pod" {
                return Ok(vec![object]);
            }
            let selector = selector(&object);
            if selector.is_empty() {
                bail!("{} selects no Pods", resource.object_name(&name));
            }
            selected(session, &collection, &selector).await
        }
    }
}

async fn selected(
    session: &Session,
    collection: &str,
    selector: &str,
) -> anyhow::Result<Vec<Value>> {
    let mut list =
        session.read(&format!("{collection}?labelSelector={}", escape(selector))).await?;
    let pods: Vec<Value> = serde_json::from_value(list["items"].take()).unwrap_or_default();
    if pods.is_empty() {
        eprintln!("No resources found in {} namespace.", session.namespace);
    }
    Ok(pods)
}

/// The label selector of a workload or a Service, in its text form.
fn selector(object: &Value) -> String {
    let labels =
        object.pointer("/spec/selector/matchLabels").or_else(|| object.pointer("/spec/selector"));
    let labels = labels.and_then(Value::as_object).into_iter().flatten();
    labels
        .filter_map(|(key, value)| Some(format!("{key}={}", value.as_str()?)))
        .collect::<Vec<_>>()
        .join(",")
}

fn containers(args: &Args, pod: &Value) -> Vec<String> {
    if let Some(container) = &args.container {
        return vec![container.clone()];
    }
    let named = |list: &str| {
        let list = pod.pointer(list).and_then(Value::as_array).into_iter().flatten();
        list.map(|container| text(container, "/name").to_owned()).collect::<Vec<_>>()
    };
    let mut containers = named("/spec/containers");
    if args.all_containers {
        let mut all = named("/spec/initContainers");
        all.append(&mut containers);
        return all;
    }
    let preferred = pod.pointer("/metadata/annotations/kubectl.kubernetes.io~1default-container");
    let preferred = preferred.and_then(Value::as_str).map(str::to_owned);
    if containers.len() > 1 && preferred.is_none() {
        let (first, all) = (containers.first().cloned().unwrap_or_default(), containers.join(", "));
        eprintln!("Defaulted container \"{first}\" out of: {all}");
    }
    preferred.or_else(|| containers.into_iter().next()).into_iter().collect()
}

/// Copies one log to standard output.
async fn copy(
    args: &Args,
    session: &Session,
    source: &Source,
    prefixed: bool,
) -> anyhow::Result<()> {
    let Source { pod, container } = source;
    let mut path = format!(
        "/api/v1/namespaces/{}/pods/{}/log?container={}&follow={}&previous={}&timestamps={}",
        session.namespace,
        escape(pod),
        escape(container),
        args.follow,
        args.previous,
        args.timestamps
    );
    for (key, value) in [("tailLines", args.tail), ("sinceSeconds", args.since)] {
        if let Some(value) = value {
            path = format!("{path}&{key}={value}");
        }
    }
    let prefix = if prefixed { format!("[pod/{pod}/{container}] ") } else { String::new() };
    let mut lines = Lines::open(session, &path, "*/*").await?;
    while let Some(line) = lines.next().await? {
        write_line(&prefix, &line)?;
    }
    Ok(())
}

fn write_line(prefix: &str, line: &[u8]) -> io::Result<()> {
    let mut out = io::stdout().lock();
    out.write_all(prefix.as_bytes())?;
    out.write_all(line)?;
    out.write_all(b"\n")?;
    out.flush()
}

/// Follows one container, each line behind the Pod's name, until the log ends.
pub async fn follow(session: &Session, pod: &str, container: &str) -> anyhow::Result<()> {
    let path = format!(
        "/api/v1/namespaces/{}/pods/{}/log?container={}&follow=true",
        session.namespace,
        escape(pod),
        escape(container)
    );
    let prefix = format!("{pod} | ");
    let mut lines = Lines::open(session, &path, "*/*").await?;
    while let Some(line) = lines.next().await? {
        write_line(&prefix, &line)?;
    }
    Ok(())
}
