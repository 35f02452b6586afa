//! From a Pod's creation until it runs: one at a time, many at once, and what one takes that waits.
//!
//! Budgets, on a machine with two cores, and why:
//! * one Pod, its image compiled before, created until Running: 5 ms median. Two durable writes, a scheduling pass and a status are on the way.
//! * a Deployment's Pods until all are Running: 1,000 /s.
//! * resident for each: 100 KiB for a command that waits (its stack and the pages its memory touches are most), 10 KiB for an HTTP function, of which
//!   no instance exists while nobody asks.

#![expect(clippy::print_stdout, reason = "a bench prints its figures")]

use std::ffi::OsStr;
use std::time::{Duration, Instant};

use api::{Api, Client, DeleteParams, EventKind, ListParams, Payload, WriteParams};
use benches::{Measured, Server, Size, sorted_median};
use futures::StreamExt as _;
use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::core::v1::Pod;
use serde_json::json;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let size = Size::from_args();
    let server = Server::start(size, &[]).await?;
    for (name, wasm) in [("wait", guests::WAIT), ("echo", guests::HTTP_ECHO)] {
        push(&server, size, name, wasm)?;
    }
    server.running(size, both(&server, size)).await
}

async fn both(server: &Server, size: Size) -> anyhow::Result<()> {
    let client = server.client()?;
    for image in ["wait", "echo"] {
        one_by_one(&client, image, size).await?;
    }
    for image in ["echo", "wait"] {
        many(server, &client, image, size).await?;
    }
    Ok(())
}

fn push(server: &Server, size: Size, name: &str, wasm: &[u8]) -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let path = folder.path().join(name);
    std::fs::write(&path, wasm)?;
    let image = format!("{name}:1");
    server.command(size, &[OsStr::new("push"), path.as_os_str(), OsStr::new(&image)])
}

fn pod(name: &str, image: &str) -> anyhow::Result<Pod> {
    Ok(serde_json::from_value(json!({
        "metadata": {"name": name},
        "spec": {
            "terminationGracePeriodSeconds": 0,
            "containers": [{"name": "main", "image": format!("{image}:1")}],
        },
    }))?)
}

/// Creates Pods, each after the one before runs.
async fn one_by_one(client: &Client, image: &str, size: Size) -> anyhow::Result<()> {
    let pods: Api<Pod> = client.api(Some("default"));
    let mut times = Vec::new();
    let mut watch = pods.watch(&ListParams::default(), None).await?;
    for number in 0..size.pick(2, 101) {
        let name = format!("{image}-{number}");
        let begun = Instant::now();
        pods.create(&pod(&name, image)?, &WriteParams::default()).await?;
        while let Some(event) = watch.next().await {
            let found = decoded(&event?)?;
            if found.is_some_and(|pod| is_running(&pod, &name)) {
                break;
            }
        }
        times.push(begun.elapsed());
    }
    let first = times.remove(0);
    println!(
        "{image}: created until Running: the first, which compiles, {first:?}; median {:?}, slowest {:?}",
        sorted_median(&mut times),
        times.last().copied().unwrap_or_default()
    );
    // What nobody reads fills the connection's window, and other requests share the connection.
    drop(watch);
    pods.delete_collection(&DeleteParams::default(), &ListParams::default()).await?;
    gone(&pods).await
}

fn decoded(event: &api::Event) -> anyhow::Result<Option<Pod>> {
    match &event.object {
        Payload::Json(bytes) if event.kind != EventKind::Deleted && !bytes.is_empty() => {
            Ok(serde_json::from_slice(bytes)?)
        }
        _ => Ok(None),
    }
}

fn is_running(pod: &Pod, name: &str) -> bool {
    let phase = pod.status.as_ref().and_then(|status| status.phase.as_deref());
    pod.metadata.name.as_deref() == Some(name) && phase == Some("Running")
}

async fn gone(pods: &Api<Pod>) -> anyhow::Result<()> {
    while !pods.list(&ListParams::default()).await?.items.is_empty() {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    Ok(())
}

/// A Deployment of many.
async fn many(server: &Server, client: &Client, image: &str, size: Size) -> anyhow::Result<()> {
    let replicas = size.pick(5, 2_000);
    let deployments: Api<Deployment> = client.api(Some("default"));
    let before = server.processes.resident_bytes();
    let deployment: Deployment = serde_json::from_value(json!({
        "metadata": {"name": image},
        "spec": {
            "replicas": replicas, "selector": {"matchLabels": {"app": image}},
            "template": {
                "metadata": {"labels": {"app": image}},
                "spec": {
                    "terminationGracePeriodSeconds": 0,
                    "containers": [{"name": "main", "image": format!("{image}:1")}],
                },
            },
        },
    }))?;
    let mut watch = deployments.watch(&ListParams::default(), None).await?;
    let what = format!("{image}: a Deployment of {replicas} until all are Ready");
    let mut failed = None;
    let measured = Measured::by(&server.processes, what, async {
        let run = async {
            deployments.create(&deployment, &WriteParams::default()).await?;
            while let Some(event) = watch.next().await {
                let Payload::Json(bytes) = event?.object else { continue };
                let seen: Deployment = serde_json::from_slice(&bytes)?;
                if seen.status.and_then(|status| status.ready_replicas) == Some(replicas) {
                    break;
                }
            }
            anyhow::Ok(())
        };
        failed = run.await.err();
        (u64::from(replicas.unsigned_abs()), 0)
    })
    .await;
    if let Some(error) = failed {
        return Err(error);
    }
    drop(watch);
    println!("{measured}");
    tokio::time::sleep(size.pick(Duration::ZERO, Duration::from_secs(10))).await;
    let each = server.processes.resident_bytes().saturating_sub(before)
        / u64::from(replicas.unsigned_abs());
    println!(
        "{image}: resident for each, its objects and their history included: {} KiB",
        each >> 10
    );
    let idle = size.pick(Duration::from_millis(100), Duration::from_secs(10));
    let before = server.processes.processor_time();
    tokio::time::sleep(idle).await;
    let used = server.processes.processor_time().saturating_sub(before);
    println!(
        "{image}: processor time, idle: {:.2} % of a core",
        used.div_duration_f64(idle) * 100.0
    );
    deployments.delete(image, &DeleteParams::default()).await?;
    gone(&client.api(Some("default"))).await
}
