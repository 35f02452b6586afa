//! `skiff delete`: by name, by selector, or what manifests name; waits until the objects are gone unless told otherwise.

use std::{path::PathBuf, process::ExitCode, time::Duration};

use anyhow::{Context as _, bail};
use http::Method;
use serde_json::{Value, json};

use crate::{
    discovery::{Resource, Resources},
    manifest,
    session::{Session, text},
    target,
    watching::{Lines, escape},
};

#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  skiff delete deployment/web\n  skiff delete -f app.yaml\n  skiff delete pods -l app=web\n  skiff delete pod stuck --force --grace-period=0"
)]
pub struct Args {
    /// TYPE/NAME..., TYPE NAME..., or TYPE with -l or --all
    what: Vec<String>,
    /// Files or folders of manifests whose objects to delete; - is standard input
    #[arg(short, long = "filename", value_name = "PATH", conflicts_with = "what")]
    filename: Vec<PathBuf>,
    /// Objects whose labels match
    #[arg(short = 'l', long, default_value = "", hide_default_value = true)]
    selector: String,
    /// All objects of the type in the namespace
    #[arg(long)]
    all: bool,
    /// What happens to objects that a deleted object owns
    #[arg(long, value_enum, default_value = "background")]
    cascade: Cascade,
    /// Seconds that a Pod may take to end
    #[arg(long, value_name = "SECONDS")]
    grace_period: Option<u32>,
    /// Delete at once, without waiting for containers to end
    #[arg(long)]
    force: bool,
    /// Return before the objects are gone
    #[arg(long)]
    no_wait: bool,
    /// How long to wait for an object to go, in seconds
    #[arg(long, default_value_t = 300, value_name = "SECONDS")]
    timeout: u64,
    /// Succeed where an object does not exist
    #[arg(long)]
    ignore_not_found: bool,
}

#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum Cascade {
    Background,
    Foreground,
    Orphan,
}

/// One object to delete.
struct Doomed {
    resource: Resource,
    namespace: String,
    name: String,
}

pub(crate) async fn run(args: &Args, session: &Session) -> anyhow::Result<ExitCode> {
    let resources = Resources::of(session).await?;
    let mut code = ExitCode::SUCCESS;
    let mut going = Vec::new();
    for doomed in doomed(args, session, &resources).await? {
        match delete(args, session, &doomed).await {
            Ok(uid) => {
                let Doomed { resource, namespace, name } = &doomed;
                let kind = resource.object_name("");
                let place = if resource.api.namespaced {
                    format!(" from {namespace} namespace")
                } else {
                    String::new()
                };
                let forced = if args.force { "force " } else { "" };
                println!("{} \"{name}\" {forced}deleted{place}", kind.trim_end_matches('/'));
                going.push((doomed, uid));
            }
            Err(error) if error.is_not_found() && args.ignore_not_found => {}
            Err(error) => {
                code = ExitCode::FAILURE;
                eprintln!("{}", crate::explain(&error.into()));
            }
        }
    }
    if !args.no_wait {
        for (doomed, uid) in going {
            let limit = Duration::from_secs(args.timeout);
            tokio::time::timeout(limit, gone(session, &doomed, &uid)).await.with_context(
                || {
                    format!(
                        "timed out waiting for {} to go",
                        doomed.resource.object_name(&doomed.name)
                    )
                },
            )??;
        }
    }
    Ok(code)
}

async fn doomed(
    args: &Args,
    session: &Session,
    resources: &Resources,
) -> anyhow::Result<Vec<Doomed>> {
    if !args.filename.is_empty() {
        let manifests = manifest::read(&args.filename, false)?;
        // In the opposite order of applying: what stands on others goes first.
        return manifests
            .iter()
            .rev()
            .map(|manifest| {
                let resource = resources.of_kind(manifest.api_version(), manifest.kind())?.clone();
                let namespace = manifest.namespace().unwrap_or(&session.namespace).to_owned();
                Ok(Doomed { resource, namespace, name: manifest.name().to_owned() })
            })
            .collect();
    }
    let mut all = Vec::new();
    for target in target::parse(&args.what, resources)? {
        let namespace = session.namespace.clone();
        if let Some(name) = target.name {
            all.push(Doomed { resource: target.resource, namespace, name });
            continue;
        }
        if args.selector.is_empty() && !args.all {
            bail!(
                "resource(s) were provided, but no name was specified: give a name, -l SELECTOR, or --all"
            );
        }
        let path = format!(
            "{}?labelSelector={}",
            session.path(&target.resource.api),
            escape(&args.selector)
        );
        let list = session.read(&path).await?;
        for item in list.get("items").and_then(Value::as_array).into_iter().flatten() {
            let name = text(item, "/metadata/name").to_owned();
            all.push(Doomed {
                resource: target.resource.clone(),
                namespace: namespace.clone(),
                name,
            });
        }
    }
    if all.is_empty() {
        println!("No resources found");
    }
    Ok(all)
}

/// Asks for the deletion, and gives the uid of what goes.
async fn delete(args: &Args, session: &Session, doomed: &Doomed) -> Result<String, api::Error> {
    let propagation = match args.cascade {
        Cascade::Background => "Background",
        Cascade::Foreground => "Foreground",
        Cascade::Orphan => "Orphan",
    };
    let mut options =
        json!({ "apiVersion": "v1", "kind": "DeleteOptions", "propagationPolicy": propagation });
    let grace = if args.force { Some(args.grace_period.unwrap_or(0)) } else { args.grace_period };
    if let Some(seconds) = grace {
        options["gracePeriodSeconds"] = seconds.into();
    }
    let (_, answer) =
        session.write(Method::DELETE, &doomed.path(), "application/json", &options).await?;
    let uid = match text(&answer, "/details/uid") {
        "" => text(&answer, "/metadata/uid"),
        uid => uid,
    };
    Ok(uid.to_owned())
}

/// Waits until the object of this uid is no more.
async fn gone(session: &Session, doomed: &Doomed, uid: &str) -> anyhow::Result<()> {
    loop {
        let object = match session.read(&doomed.path()).await {
            Err(error) if error.is_not_found() => return Ok(()),
            other => other?,
        };
        if !uid.is_empty() && text(&object, "/metadata/uid") != uid {
            return Ok(());
        }
        let collection = doomed.resource.api.path(Some(&doomed.namespace));
        let version = text(&object, "/metadata/resourceVersion");
        let name = escape(&format!("metadata.name={}", doomed.name));
        let path =
            format!("{collection}?watch=true&fieldSelector={name}&resourceVersion={version}");
        let mut lines = Lines::open(session, &path, "application/json").await?;
        while let Some(event) = lines.event::<Value>().await? {
            if event.kind == "DELETED" {
                break;
            }
        }
    }
}

impl Doomed {
    fn path(&self) -> String {
        format!("{}/{}", self.resource.api.path(Some(&self.namespace)), escape(&self.name))
    }
}
