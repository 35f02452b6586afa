//! Reaching Pods: node ports, the API server's proxy, service spreading.

use std::collections::BTreeSet;

use crate::harness::{Cluster, until, web};

#[tokio::test(flavor = "multi_thread")]
async fn a_node_port_spreads_over_ready_pods() {
    let cluster = Cluster::start().await;
    cluster.push_bytes(guests::HTTP_ECHO, "echo:1");
    cluster.apply(&web(3, "echo:1"));
    cluster.wait("deployment/web", "/status/readyReplicas", "3").await;
    let service: serde_json::Value =
        serde_json::from_str(&cluster.skiff(&["get", "svc/web", "-o", "json"])).unwrap();
    assert!(service["spec"]["clusterIP"].as_str().unwrap().starts_with("10.43."), "{service:#}");
    let port = cluster.node_port("web");
    let mut names = BTreeSet::new();
    until("every Pod has answered", async || {
        names.insert(cluster.http(port, "/variable/HOSTNAME").await?);
        if names.len() == 3 { Ok(()) } else { Err(format!("{names:?}")) }
    })
    .await;

    // The API server's own ways to the same Pods.
    let pod = names.first().unwrap();
    let through_pod = cluster
        .raw(&format!("/api/v1/namespaces/default/pods/{pod}/proxy/variable/HOSTNAME"))
        .await;
    assert_eq!(through_pod, (200, pod.clone()));
    let through_service = cluster.raw("/api/v1/namespaces/default/services/web:80/proxy/").await;
    assert_eq!(through_service, (200, "hello\n".to_owned()));

    cluster.skiff(&["scale", "deployment/web", "--replicas=0"]);
    until("nobody answers", async || match cluster.http(port, "/").await {
        Ok(answer) => Err(answer),
        Err(_) => Ok(()),
    })
    .await;
}
