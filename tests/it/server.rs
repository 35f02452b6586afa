//! Starting and configuring the server, and what it says of bad starts.

use std::process::Command;

use crate::harness::{Cluster, skiff};

#[tokio::test(flavor = "multi_thread")]
async fn two_servers_run_side_by_side_and_not_on_one_folder() {
    let (one, two) =
        (Cluster::with(&["--disable", "node"]).await, Cluster::with(&["--disable", "node"]).await);
    one.apply("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: only-here}\n");
    assert!(!two.skiff(&["get", "configmaps", "-o", "name"]).contains("only-here"));

    let data = one.data();
    let refused = |data: &std::path::Path, address: &str| {
        let output = Command::new(skiff())
            .args(["server", "--api-address", address, "--data-dir"])
            .arg(data)
            .output()
            .unwrap();
        assert!(!output.status.success());
        String::from_utf8_lossy(&output.stderr).into_owned()
    };
    let said = refused(&data, "127.0.0.1:0");
    assert!(said.contains("in use") || said.contains("locked"), "{said}");
    assert!(said.contains(&one.pid().to_string()), "who holds it: {said}");
    let other = tempfile::TempDir::new().unwrap();
    let said = refused(other.path(), &one.address().to_string());
    assert!(said.contains("in use") && said.contains(&one.address().to_string()), "{said}");
}

#[test]
fn bad_configuration_is_refused_before_anything_starts() {
    let folder = tempfile::TempDir::new().unwrap();
    let refused = |arguments: &[&str], expected: &str| {
        let output = Command::new(skiff())
            .arg("server")
            .args(arguments)
            .arg("--data-dir")
            .arg(folder.path().join("d"))
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(matches!(output.status.code(), Some(2 | 64)), "{:?} {said}", output.status);
        assert!(said.contains(expected), "{said}");
    };
    refused(&["--api-address", "nowhere"], "api-address");
    refused(&["--disable", "replica-set-typo"], "replica-set-typo");
    let config = folder.path().join("config.yaml");
    std::fs::write(&config, "api:\n  adress: 127.0.0.1:1\n").unwrap();
    refused(&["--config", config.to_str().unwrap()], "adress");
    assert!(!folder.path().join("d").exists(), "nothing was made");
}

#[tokio::test(flavor = "multi_thread")]
async fn components_can_be_left_out() {
    let cluster = Cluster::with(&["--disable", "node,scheduler,deployment"]).await;
    assert_eq!(cluster.skiff(&["get", "nodes", "-o", "name"]), "");
    cluster.apply(&crate::harness::web(1, "echo:1"));
    // Namespaces are still served by their controllers: the others run.
    cluster.apply("apiVersion: v1\nkind: Namespace\nmetadata: {name: fresh}\n");
    cluster.wait("namespace/fresh", "/status/phase", "Active").await;
    assert_eq!(cluster.skiff(&["get", "replicasets", "-o", "name"]), "");
}

#[tokio::test(flavor = "multi_thread")]
async fn health_version_and_metrics_answer() {
    let cluster = Cluster::with(&["--disable", "node"]).await;
    for path in ["/healthz", "/livez", "/readyz"] {
        assert_eq!(cluster.raw(path).await, (200, "ok".to_owned()), "{path}");
    }
    let (code, metrics) = cluster.raw("/metrics").await;
    assert_eq!(code, 200);
    assert!(metrics.contains("apiserver_request_total"), "{metrics}");
}
