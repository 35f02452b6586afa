//! skiff's own client commands.

use crate::harness::{Cluster, root, skiff, until};

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

#[tokio::test(flavor = "multi_thread")]
async fn up_builds_applies_and_answers() {
    let folder = tempfile::TempDir::new().unwrap();
    let log = folder.path().join("log");
    let output = std::fs::File::create(&log).unwrap();
    let address = crate::harness::free_address().to_string();
    let mut up = std::process::Command::new(skiff())
        .args(["up", "--api-address", &address, "--data-dir"])
        .arg(folder.path().join("data"))
        .arg(root().join("examples/01-http-function"))
        .stdout(output.try_clone().unwrap())
        .stderr(output)
        .spawn()
        .unwrap();
    let seen = || std::fs::read_to_string(&log).unwrap();
    until("the function's answer is printed", async || {
        let text = seen();
        if text.contains("http://127.0.0.1:") && text.contains("hello") {
            Ok(())
        } else {
            Err(text)
        }
    })
    .await;
    // Ctrl-C ends it cleanly.
    let signalled =
        std::process::Command::new("kill").args(["-INT", &up.id().to_string()]).status().unwrap();
    assert!(signalled.success());
    let status = until("it has ended", async || up.try_wait().unwrap().ok_or_else(seen)).await;
    assert_eq!(status.code(), Some(0), "{}", seen());
}
