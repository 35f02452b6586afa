//! `skiff rollout`: follows, restarts, pauses and resumes the rollout of a workload.
//!
//! When a rollout counts as complete is kubectl's rule
//! (<https://kubernetes.io/docs/concepts/workloads/controllers/deployment/#deployment-status>).

use std::{process::ExitCode, time::Duration};

use anyhow::{Context as _, bail};
use http::Method;
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::{
    discovery::{Resource, Resources},
    session::{Session, number, text},
    target,
    watching::{Lines, escape},
};

#[derive(Debug, clap::Subcommand)]
pub enum Command {
    /// Follow a rollout until it is complete
    Status(StatusArgs),
    /// Replace all Pods, a few at a time
    Restart(Named),
    /// Stop rolling out changes of a Deployment
    Pause(Named),
    /// Go on with a paused Deployment
    Resume(Named),
}

#[derive(Debug, clap::Args)]
pub struct Named {
    /// TYPE/NAME or TYPE NAME
    #[arg(required = true)]
    what: Vec<String>,
}

#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  skiff rollout status deployment/web\n  skiff rollout status deployment/web --timeout=60"
)]
pub struct StatusArgs {
    /// TYPE/NAME or TYPE NAME
    #[arg(required = true)]
    what: Vec<String>,
    /// Give up after this many seconds; 0 waits for ever
    #[arg(long, default_value_t = 0, value_name = "SECONDS")]
    timeout: u64,
    /// Print the present state and return
    #[arg(long)]
    no_watch: bool,
}

/// How far a rollout is.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Progress {
    Waiting(String),
    Complete(String),
    Failed(String),
}

pub(crate) async fn run(command: &Command, session: &Session) -> anyhow::Result<ExitCode> {
    let resources = Resources::of(session).await?;
    match command {
        Command::Status(args) => status(args, session, &resources).await,
        Command::Restart(named) => {
            let now = Timestamp::now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
            let annotations = json!({ "kubectl.kubernetes.io/restartedAt": now });
            let patch =
                json!({ "spec": { "template": { "metadata": { "annotations": annotations } } } });
            change(session, &resources, named, &patch, "restarted").await
        }
        Command::Pause(named) => {
            change(session, &resources, named, &json!({ "spec": { "paused": true } }), "paused")
                .await
        }
        Command::Resume(named) => {
            change(session, &resources, named, &json!({ "spec": { "paused": null } }), "resumed")
                .await
        }
    }
}

async fn change(
    session: &Session,
    resources: &Resources,
    named: &Named,
    patch: &Value,
    done: &str,
) -> anyhow::Result<ExitCode> {
    let (resource, name) = target::one(&named.what, resources)?;
    let path = format!("{}/{}", session.path(&resource.api), escape(&name));
    session.write(Method::PATCH, &path, "application/merge-patch+json", patch).await?;
    println!("{} {done}", resource.object_name(&name));
    Ok(ExitCode::SUCCESS)
}

async fn status(
    args: &StatusArgs,
    session: &Session,
    resources: &Resources,
) -> anyhow::Result<ExitCode> {
    let (resource, name) = target::one(&args.what, resources)?;
    let follow = follow(session, &resource, &name, args.no_watch);
    if args.timeout == 0 {
        return follow.await;
    }
    let limit = Duration::from_secs(args.timeout);
    tokio::time::timeout(limit, follow).await.context("timed out waiting for the rollout")?
}

async fn follow(
    session: &Session,
    resource: &Resource,
    name: &str,
    once: bool,
) -> anyhow::Result<ExitCode> {
    let collection = session.path(&resource.api);
    let mut object = session.read(&format!("{collection}/{}", escape(name))).await?;
    let mut said = String::new();
    loop {
        let version = text(&object, "/metadata/resourceVersion").to_owned();
        if let Some(code) = report(resource, &object, &mut said)? {
            return Ok(code);
        }
        if once {
            return Ok(ExitCode::SUCCESS);
        }
        let selector = escape(&format!("metadata.name={name}"));
        let path =
            format!("{collection}?watch=true&fieldSelector={selector}&resourceVersion={version}");
        let mut lines = Lines::open(session, &path, "application/json").await?;
        while let Some(event) = lines.event::<Value>().await? {
            if event.kind == "DELETED" {
                bail!("{} was deleted", resource.object_name(name));
            }
            object = event.object;
            if let Some(code) = report(resource, &object, &mut said)? {
                return Ok(code);
            }
        }
    }
}

/// Prints a state that differs from the last one; gives the exit code where it is final.
fn report(
    resource: &Resource,
    object: &Value,
    said: &mut String,
) -> anyhow::Result<Option<ExitCode>> {
    let progress = progress(&resource.api.kind, object)?;
    let (text, code) = match progress {
        Progress::Waiting(text) => (text, None),
        Progress::Complete(text) => (text, Some(ExitCode::SUCCESS)),
        Progress::Failed(text) => (text, Some(ExitCode::FAILURE)),
    };
    if text != *said {
        println!("{text}");
    }
    *said = text;
    Ok(code)
}

/// Judges a workload by its status.
pub(crate) fn progress(kind: &str, object: &Value) -> anyhow::Result<Progress> {
    let name = text(object, "/metadata/name");
    if number(object, "/metadata/generation") > number(object, "/status/observedGeneration") {
        return Ok(Progress::Waiting(
            "Waiting for the controller to observe the latest change...".to_owned(),
        ));
    }
    match kind {
        "Deployment" => Ok(deployment(name, object)),
        "StatefulSet" => Ok(stateful_set(name, object)),
        "DaemonSet" => Ok(daemon_set(name, object)),
        other => {
            bail!("no rollout is known of a {other}: name a Deployment, StatefulSet or DaemonSet")
        }
    }
}

fn deployment(name: &str, object: &Value) -> Progress {
    let late =
        object.pointer("/status/conditions").and_then(Value::as_array).into_iter().flatten().any(
            |it| {
                text(it, "/type") == "Progressing"
                    && text(it, "/reason") == "ProgressDeadlineExceeded"
            },
        );
    if late {
        return Progress::Failed(format!(
            "error: deployment \"{name}\" exceeded its progress deadline"
        ));
    }
    let wanted = number(object, "/spec/replicas");
    let of = |field: &str| number(object, &format!("/status/{field}"));
    let (total, updated, available) =
        (of("replicas"), of("updatedReplicas"), of("availableReplicas"));
    let waiting = format!("Waiting for deployment \"{name}\" rollout to finish");
    if updated < wanted {
        return Progress::Waiting(format!(
            "{waiting}: {updated} out of {wanted} new replicas have been updated..."
        ));
    }
    if total > updated {
        let old = total - updated;
        return Progress::Waiting(format!(
            "{waiting}: {old} old replicas are pending termination..."
        ));
    }
    if available < updated {
        return Progress::Waiting(format!(
            "{waiting}: {available} of {updated} updated replicas are available..."
        ));
    }
    Progress::Complete(format!("deployment \"{name}\" successfully rolled out"))
}

fn stateful_set(name: &str, object: &Value) -> Progress {
    let wanted = number(object, "/spec/replicas");
    let of = |field: &str| number(object, &format!("/status/{field}"));
    let partition = number(object, "/spec/updateStrategy/rollingUpdate/partition");
    if of("readyReplicas") < wanted {
        let missing = wanted - of("readyReplicas");
        return Progress::Waiting(format!("Waiting for {missing} pods to be ready..."));
    }
    if partition > 0 {
        let (updated, due) = (of("updatedReplicas"), wanted - partition);
        if updated < due {
            return Progress::Waiting(format!(
                "Waiting for partitioned roll out to finish: {updated} out of {due} new pods have been updated..."
            ));
        }
        return Progress::Complete(format!(
            "partitioned roll out complete: {updated} new pods have been updated..."
        ));
    }
    let revision = text(object, "/status/updateRevision");
    if revision != text(object, "/status/currentRevision") {
        let updated = of("updatedReplicas");
        return Progress::Waiting(format!(
            "waiting for statefulset rolling update to complete {updated} pods at revision {revision}..."
        ));
    }
    let current = of("currentReplicas");
    Progress::Complete(format!(
        "statefulset rolling update complete {current} pods at revision {revision}... ({name})"
    ))
}

fn daemon_set(name: &str, object: &Value) -> Progress {
    let of = |field: &str| number(object, &format!("/status/{field}"));
    let (wanted, updated, available) =
        (of("desiredNumberScheduled"), of("updatedNumberScheduled"), of("numberAvailable"));
    let waiting = format!("Waiting for daemon set \"{name}\" rollout to finish");
    if updated < wanted {
        return Progress::Waiting(format!(
            "{waiting}: {updated} out of {wanted} new pods have been updated..."
        ));
    }
    if available < wanted {
        return Progress::Waiting(format!(
            "{waiting}: {available} of {wanted} updated pods are available..."
        ));
    }
    Progress::Complete(format!("daemon set \"{name}\" successfully rolled out"))
}

#[cfg(test)]
mod tests;
