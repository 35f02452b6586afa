//! A server that is killed loses nothing, and the same Pods run again.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::harness::{Cluster, until, web};

/// uid and name of every Pod.
fn pods(cluster: &Cluster) -> BTreeSet<(String, String)> {
    let list: Value = serde_json::from_str(&cluster.skiff(&["get", "pods", "-o", "json"])).unwrap();
    let of = |pod: &Value, field: &str| pod["metadata"][field].as_str().unwrap().to_owned();
    list["items"].as_array().unwrap().iter().map(|pod| (of(pod, "uid"), of(pod, "name"))).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_pods_run_again_after_a_kill() {
    let mut cluster = Cluster::start().await;
    cluster.push_bytes(guests::HTTP_ECHO, "echo:1");
    cluster.apply(&web(3, "echo:1"));
    cluster.wait("deployment/web", "/status/readyReplicas", "3").await;
    let before = pods(&cluster);
    let names: Vec<String> = (0..50).map(|number| format!("kept-{number}")).collect();
    let maps: String = names
        .iter()
        .map(|name| format!("---\napiVersion: v1\nkind: ConfigMap\nmetadata: {{name: {name}}}\n"))
        .collect();
    cluster.apply(&maps);

    cluster.kill();
    cluster.boot().await;

    let found = cluster.skiff(&["get", "configmaps", "-o", "name"]);
    for name in &names {
        assert!(
            found.lines().any(|line| line == format!("configmap/{name}")),
            "{name} was acknowledged and is lost"
        );
    }
    assert_eq!(pods(&cluster), before);
    let port = cluster.node_port("web");
    until("the functions answer again", async || cluster.http(port, "/").await).await;
    cluster.wait("deployment/web", "/status/readyReplicas", "3").await;
    assert_eq!(pods(&cluster), before, "no Pod was replaced");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_ends_cleanly() {
    let mut cluster = Cluster::start().await;
    assert_eq!(cluster.stop().await, Some(0), "{}", cluster.log());
}
