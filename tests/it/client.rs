//! skiff's own client commands.

use crate::harness::Cluster;

#[tokio::test(flavor = "multi_thread")]
async fn commands_do_what_kubectls_do() {
    let cluster = Cluster::start().await;
    cluster.push_bytes(guests::HTTP_ECHO, "echo:1");
    let file = cluster.file("web.yaml", &crate::harness::web(2, "echo:1"));
    let file = file.to_str().unwrap();
    assert_eq!(
        cluster.skiff(&["apply", "-f", file]),
        "deployment.apps/web created\nservice/web created\n"
    );
    assert_eq!(
        cluster.skiff(&["apply", "-f", file]),
        "deployment.apps/web unchanged\nservice/web unchanged\n"
    );
    let said = cluster.skiff(&["rollout", "status", "deployment/web", "--timeout=60"]);
    assert!(said.ends_with("deployment \"web\" successfully rolled out\n"), "{said}");
    let table = cluster.skiff(&["get", "deploy,svc"]);
    assert!(table.contains("deployment.apps/web") && table.contains("service/web"), "{table}");
    assert!(cluster.skiff(&["get", "pods", "-A", "-o", "wide"]).starts_with("NAMESPACE"));
    assert!(cluster.skiff(&["get", "deployment", "web", "-o", "yaml"]).contains("replicas: 2"));
    assert_eq!(cluster.skiff(&["get", "deploy", "-o", "name"]), "deployment.apps/web\n");
    let described = cluster.skiff(&["describe", "service", "web"]);
    assert!(described.contains("Endpoints") && described.contains(":8080"), "{described}");
    cluster.skiff(&["scale", "deployment/web", "--replicas=1"]);
    cluster.wait("deployment/web", "/status/replicas", "1").await;
    assert!(cluster.skiff(&["api-resources"]).contains("deployments"));
    assert!(cluster.skiff(&["version"]).contains("Server Version: v1.37"));
    let missing = cluster.try_skiff(&["get", "pod", "nobody"]);
    assert_eq!(
        String::from_utf8_lossy(&missing.stderr),
        "Error from server (NotFound): pods \"nobody\" not found\n"
    );
    cluster.skiff(&["delete", "-f", file]);
    assert_eq!(cluster.skiff(&["get", "deploy", "-o", "name"]), "");
}
