//! Every example does what its README says, by the command that it names.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    time::Duration,
};

use crate::harness::{Cluster, root, until};

/// How often the client of the rolling update asks.
const PACE: Duration = Duration::from_millis(5);

/// Waits until `up` has printed something.
async fn printed(cluster: &Cluster, text: &str) {
    until(&format!("{text:?} is printed"), async || {
        let log = cluster.log();
        if log.contains(text) { Ok(()) } else { Err(log) }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_http_function() {
    let mut cluster = Cluster::up("examples/01-http-function").await;
    printed(&cluster, "hello is at http://127.0.0.1:30080/, which answers:").await;
    printed(&cluster, "\"greeting\":\"good day, world\"").await;
    let answer = cluster.http(30080, "/?name=reader").await.unwrap();
    assert!(
        answer.starts_with("{\"greeting\":\"good day, reader\",\"hostname\":\"hello-"),
        "{answer}"
    );
    printed(&cluster, "greeting reader").await;
    assert_eq!(cluster.stop().await, Some(0), "{}", cluster.log());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_command() {
    let cluster = Cluster::up("examples/02-command").await;
    printed(&cluster, "148933 primes up to 2000000").await;
    cluster.wait("pod/primes", "/status/phase", "Succeeded").await;
    let table = cluster.skiff(&["get", "pod", "primes"]);
    assert!(table.contains("0/1     Completed   0"), "{table}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_shared_volume() {
    let cluster = Cluster::up("examples/03-shared-volume").await;
    let proxy = "/api/v1/namespaces/default/pods/shared:8080/proxy/";
    until("the reader answers with the writer's lines", async || {
        let (code, body) = cluster.raw(proxy).await;
        let is_line = code == 200 && body.starts_with("line ");
        if is_line { Ok(()) } else { Err(format!("{code} {body}\n{}", cluster.log())) }
    })
    .await;
    assert!(cluster.skiff(&["logs", "shared", "-c", "writer"]).contains("wrote line 1"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rolling_update() {
    let cluster = Arc::new(Cluster::up("examples/04-rolling-update").await);
    printed(&cluster, "version 1").await;
    cluster.wait("deployment/greeter", "/status/readyReplicas", "4").await;

    let stop = Arc::new(AtomicBool::new(false));
    let asking = {
        let (cluster, stop) = (Arc::clone(&cluster), Arc::clone(&stop));
        tokio::spawn(async move {
            let mut pace = tokio::time::interval(PACE);
            let mut answers = Vec::new();
            while !stop.load(Relaxed) {
                answers.push(cluster.http(30084, "/").await);
                pace.tick().await;
            }
            answers
        })
    };
    let manifest = root().join("examples/04-rolling-update/app.yaml");
    let manifest = std::fs::read_to_string(manifest).unwrap();
    for (version, revision) in [("0.2.0", "2"), ("0.1.0", "3")] {
        cluster.apply(&manifest.replace("greeter:0.1.0", &format!("greeter:{version}")));
        let annotation = "/metadata/annotations/deployment.kubernetes.io~1revision";
        cluster.wait("deployment/greeter", annotation, revision).await;
        cluster.skiff(&["rollout", "status", "deployment/greeter", "--timeout=60"]);
    }
    stop.store(true, Relaxed);
    let answers = asking.await.unwrap();
    let failed: Vec<_> = answers.iter().filter(|answer| answer.is_err()).collect();
    assert!(failed.is_empty(), "of {} requests failed {failed:?}", answers.len());
    let said = |text: &str| answers.iter().filter(|answer| answer.as_deref() == Ok(text)).count();
    assert!(said("version 1\n") > 0 && said("version 2\n") > 0, "{answers:?}");
}

#[test]
fn every_example_is_run() {
    let own = include_str!("examples.rs");
    for entry in std::fs::read_dir(root().join("examples")).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        assert!(own.contains(&format!("\"examples/{name}\"")), "no test runs examples/{name}");
    }
}
