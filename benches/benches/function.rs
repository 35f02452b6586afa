//! Requests to an HTTP function through its node port, and the same component under `wasmtime serve`.
//!
//! Budget: more requests each second than `wasmtime serve` answers on the same machine in the same run, since what lies between the port and
//! the guest (a service table, a choice of a Pod, a pipe in memory) must not cost what a function is small for. Where `wasmtime` is not
//! on the PATH, only skiff is measured; `cargo install wasmtime-cli` brings it.

#![expect(clippy::print_stdout, reason = "a bench prints its figures")]

use std::ffi::OsStr;
use std::net::{SocketAddr, TcpListener};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use api::{Api, WriteParams};
use benches::{Measured, Processes, Server, Size, ask, keep_asking};
use k8s_openapi::api::core::v1::{Pod, Service};
use serde_json::json;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let size = Size::from_args();
    let folder = tempfile::tempdir()?;
    let wasm = folder.path().join("echo.wasm");
    std::fs::write(&wasm, guests::HTTP_ECHO)?;
    let server = Server::start(size, &[]).await?;
    server.command(size, &[OsStr::new("push"), wasm.as_os_str(), OsStr::new("echo:1")])?;
    let port = server.running(size, deploy(&server)).await?;
    let (mut wasmtime, other) = match serve(&wasm)? {
        Some((child, address)) => {
            let processes = Processes::new(vec![child.id()]);
            (Some(child), Some((address, processes)))
        }
        None => (None, None),
    };
    // In turn, so that a machine that is slow for a while is slow for both.
    for connections in [1, size.pick(2, 16)] {
        for _ in 0..size.pick(1, 3) {
            measure("skiff", port, &server.processes, connections, size).await?;
            if let Some((address, processes)) = &other {
                measure("wasmtime serve", *address, processes, connections, size).await?;
            }
        }
    }
    if let Some(child) = &mut wasmtime {
        child.kill()?;
        child.wait()?;
    } else {
        println!("wasmtime is not installed, so there is nothing to compare with");
    }
    Ok(())
}

/// Runs the function as a Pod behind a node port, and gives that.
async fn deploy(server: &Server) -> anyhow::Result<SocketAddr> {
    let client = server.client()?;
    let (pods, services): (Api<Pod>, Api<Service>) =
        (client.api(Some("default")), client.api(Some("default")));
    let pod = serde_json::from_value(json!({
        "metadata": {"name": "echo", "labels": {"app": "echo"}},
        "spec": {"containers": [{"name": "main", "image": "echo:1", "ports": [{"containerPort": 8080}]}]},
    }))?;
    pods.create(&pod, &WriteParams::default()).await?;
    let service = serde_json::from_value(json!({
        "metadata": {"name": "echo"},
        "spec": {"type": "NodePort", "selector": {"app": "echo"}, "ports": [{"port": 80, "targetPort": 8080}]},
    }))?;
    let service = services.create(&service, &WriteParams::default()).await?;
    let port = service.spec.and_then(|spec| spec.ports?.first()?.node_port).unwrap_or_default();
    let address = SocketAddr::from(([127, 0, 0, 1], u16::try_from(port)?));
    wait(address).await?;
    Ok(address)
}

async fn wait(address: SocketAddr) -> anyhow::Result<()> {
    let asking = async {
        while ask(address).await.is_err() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    Ok(tokio::time::timeout(Duration::from_secs(60), asking).await?)
}

/// Starts `wasmtime serve`, where it is installed.
fn serve(wasm: &std::path::Path) -> anyhow::Result<Option<(Child, SocketAddr)>> {
    let address = TcpListener::bind("127.0.0.1:0")?.local_addr()?;
    let child = Command::new("wasmtime")
        .args(["serve", "-S", "cli", "--addr", &address.to_string()])
        .arg(wasm)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn();
    match child {
        Ok(child) => Ok(Some((child, address))),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error.into()),
    }
}

async fn measure(
    name: &str,
    address: SocketAddr,
    processes: &Processes,
    connections: usize,
    size: Size,
) -> anyhow::Result<()> {
    wait(address).await?;
    let requests = size.pick(100, 20_000);
    let mut answered = None;
    let what = format!("{name}, {connections} connections");
    let measured = Measured::by(processes, what, async {
        let done = keep_asking(address, connections, requests).await;
        let counts = done.as_ref().map_or((0, 0), |done| (done.requests, done.bytes));
        answered = Some(done);
        counts
    })
    .await;
    if let Some(done) = answered {
        let done = done?;
        println!("{measured}");
        println!("    median {:?}, slowest percent {:?}", done.median, done.slowest_percent);
    }
    Ok(())
}
