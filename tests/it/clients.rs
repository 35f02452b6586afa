//! Programs as people write them with the libraries of Go, Python and JavaScript (`clients/*`). Each prints what it saw, and
//! `clients/*.txt` holds what it prints against Kubernetes itself; only what a Pod says comes from here.

use std::{os::unix::fs::symlink, process::Command};

use crate::harness::{Cluster, go_client, installed, on_path, skip, sources};

/// Runs a program, which must print the expected lines.
fn check(cluster: &Cluster, command: &mut Command, expected: &str) {
    let printed = cluster.run_client(command);
    let differs = printed.lines().zip(expected.lines()).position(|(one, other)| one != other);
    let line = differs.unwrap_or_else(|| printed.lines().count().min(expected.lines().count()));
    assert!(
        printed == expected,
        "line {}: expected {:?}, got {:?}; the whole:\n{printed}",
        line + 1,
        expected.lines().nth(line),
        printed.lines().nth(line)
    );
}

async fn with_a_greeter() -> Cluster {
    let cluster = Cluster::start().await;
    cluster.push_bytes(guests::ENVIRONMENT, "environment:1");
    cluster
}

#[tokio::test(flavor = "multi_thread")]
async fn client_go_with_and_without_streamed_lists() {
    let cluster = Cluster::with(&["--disable", "node"]).await;
    let program = match go_client(cluster.folder()) {
        Ok(program) => program,
        Err(why) => {
            skip("clients::client_go_with_and_without_streamed_lists", why);
            return;
        }
    };
    for (namespace, streamed) in [("streamed", "true"), ("listed", "false")] {
        let mut command = cluster.command(&program);
        command.arg(cluster.kubeconfig()).arg(namespace);
        command.env("KUBE_FEATURE_WatchListClient", streamed);
        check(&cluster, &mut command, include_str!("clients/go.txt"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn python() {
    let Some(python) = installed("python/bin/python") else {
        skip("clients::python", "the package `kubernetes` of Python is not installed");
        return;
    };
    let cluster = with_a_greeter().await;
    let mut command = cluster.command(&python);
    command.arg(sources("python").join("client.py"));
    command.arg(cluster.kubeconfig()).args(["python", "environment:1"]);
    check(&cluster, &mut command, include_str!("clients/python.txt"));
}

#[tokio::test(flavor = "multi_thread")]
async fn javascript() {
    let (Some(node), Some(modules)) = (on_path("node"), installed("javascript/node_modules"))
    else {
        skip("clients::javascript", "the package `@kubernetes/client-node` is not installed");
        return;
    };
    let cluster = with_a_greeter().await;
    // Node looks for packages beside the program.
    let program = cluster.file(
        "client.mjs",
        &std::fs::read_to_string(sources("javascript").join("client.mjs")).unwrap(),
    );
    symlink(modules, cluster.folder().join("node_modules")).unwrap();
    let mut command = cluster.command(&node);
    command.arg(program).arg(cluster.kubeconfig()).args(["javascript", "environment:1"]);
    check(&cluster, &mut command, include_str!("clients/javascript.txt"));
}
