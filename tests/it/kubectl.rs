//! Unmodified kubectl against a real cluster.

use std::{
    io::{BufRead, BufReader, Read as _, Write as _},
    net::TcpStream,
    process::Stdio,
};

use crate::harness::{Cluster, free_address, have_kubectl, until, web};

#[tokio::test(flavor = "multi_thread")]
async fn a_deployment_from_apply_to_delete() {
    if !have_kubectl("kubectl::a_deployment_from_apply_to_delete") {
        return;
    }
    let cluster = Cluster::start().await;
    cluster.push_bytes(guests::HTTP_ECHO, "echo:1");
    cluster.push_bytes(guests::ENVIRONMENT, "environment:1");
    let file = cluster.file("web.yaml", &web(3, "echo:1"));
    let file = file.to_str().unwrap();

    let said = cluster.kubectl(&["apply", "-f", file]);
    assert_eq!(said, "deployment.apps/web created\nservice/web created\n");
    let said = cluster.kubectl(&["rollout", "status", "deployment/web", "--timeout=60s"]);
    assert!(said.ends_with("deployment \"web\" successfully rolled out\n"), "{said}");
    let table = cluster.kubectl(&["get", "deployment", "web"]);
    assert!(table.contains("3/3     3            3"), "{table}");

    // Nothing changes by applying the same again; a change shows in the diff and is then applied.
    assert!(cluster.kubectl(&["apply", "-f", file]).contains("deployment.apps/web unchanged"));
    cluster.file("web.yaml", &web(2, "echo:1"));
    let diff = cluster.try_kubectl(&["diff", "-f", file]);
    assert_eq!(diff.status.code(), Some(1), "{}", String::from_utf8_lossy(&diff.stderr));
    assert!(String::from_utf8_lossy(&diff.stdout).contains("+  replicas: 2"));
    assert!(cluster.kubectl(&["apply", "-f", file]).contains("deployment.apps/web configured"));
    cluster.wait("deployment/web", "/status/readyReplicas", "2").await;

    assert_eq!(
        cluster.kubectl(&["scale", "deployment/web", "--replicas=4"]),
        "deployment.apps/web scaled\n"
    );
    cluster.kubectl(&[
        "wait",
        "deployment/web",
        "--for=jsonpath={.status.readyReplicas}=4",
        "--timeout=60s",
    ]);

    // An editor that changes one line, as a person would.
    let editor =
        cluster.file("editor.sh", "#!/bin/sh\nsed -i 's/replicas: 4/replicas: 1/' \"$1\"\n");
    let mut edit = cluster.kubectl_command(&["edit", "deployment/web"]);
    let edit = edit.env("KUBE_EDITOR", format!("sh {}", editor.display())).output().unwrap();
    assert!(edit.status.success(), "{}", String::from_utf8_lossy(&edit.stderr));
    cluster.wait("deployment/web", "/status/replicas", "1").await;

    cluster.kubectl(&["set", "env", "deployment/web", "GREETING=changed"]);
    cluster.kubectl(&["rollout", "status", "deployment/web", "--timeout=60s"]);
    let history = cluster.kubectl(&["rollout", "history", "deployment/web"]);
    assert!(history.lines().filter(|line| line.starts_with(['1', '2'])).count() == 2, "{history}");
    cluster.kubectl(&["rollout", "undo", "deployment/web"]);
    cluster.kubectl(&["rollout", "status", "deployment/web", "--timeout=60s"]);

    cluster.kubectl(&["delete", "-f", file, "--timeout=60s"]);
    until("all Pods are gone", async || {
        let pods = cluster.kubectl(&["get", "pods", "-o", "name"]);
        if pods.is_empty() { Ok(()) } else { Err(pods) }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn words_about_the_api() {
    if !have_kubectl("kubectl::words_about_the_api") {
        return;
    }
    let cluster = Cluster::with(&["--disable", "node"]).await;
    let explained = cluster.kubectl(&["explain", "deployment.spec.strategy.rollingUpdate"]);
    assert!(explained.contains("maxSurge") && explained.contains("IntOrString"), "{explained}");
    let resources = cluster.kubectl(&["api-resources"]);
    assert!(resources.contains("deployments") && resources.contains("deploy "), "{resources}");
    assert!(cluster.kubectl(&["version"]).contains("Server Version: v1.37"));
    assert!(cluster.kubectl(&["auth", "can-i", "create", "pods"]).starts_with("yes"));
    let created =
        cluster.kubectl(&["create", "deployment", "made", "--image=echo:1", "--replicas=2"]);
    assert_eq!(created, "deployment.apps/made created\n");
    cluster.wait("deployment/made", "/status/replicas", "2").await;
    let pods = cluster.kubectl(&["get", "pods", "-l", "app=made"]);
    assert_eq!(pods.matches("Pending").count(), 2, "{pods}");
    let described = cluster.kubectl(&["describe", "deployment", "made"]);
    assert!(described.contains("ScalingReplicaSet"), "{described}");
}

#[tokio::test(flavor = "multi_thread")]
async fn watching_logs_and_port_forward() {
    if !have_kubectl("kubectl::watching_logs_and_port_forward") {
        return;
    }
    let cluster = Cluster::start().await;
    cluster.push_bytes(guests::HTTP_ECHO, "echo:1");
    cluster.push_bytes(guests::ENVIRONMENT, "environment:1");

    let mut watch =
        cluster.kubectl_command(&["get", "pods", "-w"]).stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(watch.stdout.take().unwrap()).lines();
    cluster.kubectl(&[
        "run",
        "once",
        "--image=environment:1",
        "--restart=Never",
        "--",
        "one",
        "two",
    ]);
    let completed = lines.find(|line| line.as_ref().is_ok_and(|line| line.contains("Completed")));
    assert!(completed.is_some(), "the watch showed the Pod's end");
    watch.kill().unwrap();
    watch.wait().unwrap();

    let logs = cluster.kubectl(&["logs", "once"]);
    assert!(logs.contains("argument two\n") && logs.contains("to stderr"), "{logs}");
    assert_eq!(cluster.kubectl(&["logs", "once", "--tail=1"]).lines().count(), 1);

    cluster.kubectl(&["run", "web", "--image=echo:1", "--port=8080"]);
    cluster.kubectl(&["wait", "pod/web", "--for=condition=Ready", "--timeout=60s"]);
    let port = free_address().port();
    let mut forward = cluster
        .kubectl_command(&["port-forward", "pod/web", &format!("{port}:8080")])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut first = String::new();
    // Held until the end: kubectl dies when nobody reads what it prints.
    let mut said = BufReader::new(forward.stdout.take().unwrap());
    said.read_line(&mut first).unwrap();
    assert!(first.starts_with("Forwarding from"), "{first}");
    for _ in 0..3 {
        let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
        stream.write_all(b"GET / HTTP/1.1\r\nHost: web\r\nConnection: close\r\n\r\n").unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        assert!(answer.starts_with("HTTP/1.1 200") && answer.contains("hello"), "{answer}");
    }
    forward.kill().unwrap();
    forward.wait().unwrap();
}
