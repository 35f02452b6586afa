//! Pods, from their binding to their end.

use std::sync::atomic::{AtomicU32, Ordering::Relaxed};

use api::EventKind;
use http::{Method, Request};
use http_body_util::BodyExt as _;
use hyper_util::rt::TokioIo;
use k8s_openapi::api::core::v1 as core;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use crate::fake::{Node, Server, pod};

fn container(image: &str) -> Value {
    json!({ "name": "c", "image": format!("{image}:v1") })
}

fn is_phase(phase: &str) -> impl Fn(&core::PodStatus) -> bool {
    move |status| status.phase.as_deref() == Some(phase)
}

fn is_ready(status: &core::PodStatus) -> bool {
    let mut conditions = status.conditions.iter().flatten();
    conditions.any(|condition| condition.type_ == "Ready" && condition.status == "True")
}

fn state(status: &core::PodStatus) -> core::ContainerState {
    status.container_statuses.as_ref().unwrap()[0].state.clone().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_runs_to_its_end_with_its_environment_and_leaves_its_log() {
    let node = Node::start().await;
    let config = json!({ "metadata": { "name": "conf" }, "data": { "KEY": "from-config" } });
    let path = "/api/v1/namespaces/default/configmaps/conf".to_owned();
    node.server.objects.lock().insert(path, config);
    let mut container = container("environment");
    container["args"] = json!(["one", "$(GREETING)"]);
    container["envFrom"] = json!([{ "configMapRef": { "name": "conf" } }]);
    container["env"] = json!([{ "name": "GREETING", "value": "hi $(KEY)" },
        { "name": "IP", "valueFrom": { "fieldRef": { "fieldPath": "status.podIP" } } }]);
    node.run("job", json!({ "restartPolicy": "Never", "containers": [container] }));
    let status = node.server.status("job", is_phase("Succeeded")).await;
    let terminated = state(&status).terminated.unwrap();
    assert_eq!((terminated.exit_code, terminated.reason.as_deref()), (0, Some("Completed")));
    assert!(status.container_statuses.unwrap()[0].image_id.starts_with("environment@sha256:"));
    let (code, log) = node.get("/logs/default/job/c").await;
    assert_eq!(code, 200);
    for line in [
        "argument one",
        "argument hi from-config",
        "variable KEY=from-config",
        "variable IP=100.64.0.2",
        "variable HOSTNAME=job",
        "to stderr",
    ] {
        assert!(log.lines().any(|known| known == line), "{line:?} is not in:\n{log}");
    }
    let (_, tail) = node.get("/logs/default/job/c?tailLines=1").await;
    assert_eq!(
        tail.lines().collect::<Vec<_>>(),
        log.lines().last().into_iter().collect::<Vec<_>>()
    );
    let (code, text) = node.get("/logs/default/job/other").await;
    assert_eq!((code, text.as_str()), (400, "container other is not valid for pod job"));
    let reasons = node
        .server
        .until(|writes| {
            let events = writes.iter().filter(|(_, path, _)| path.ends_with("/events"));
            let reasons: Vec<String> =
                events.map(|(_, _, event)| event["reason"].as_str().unwrap().to_owned()).collect();
            reasons.contains(&"Started".to_owned()).then_some(reasons)
        })
        .await;
    assert_eq!(reasons, ["Pulled", "Created", "Started"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_function_is_ready_at_once_and_answers_through_the_proxy() {
    let node = Node::start().await;
    let mut container = container("http-echo");
    container["ports"] = json!([{ "containerPort": 9000 }]);
    container["readinessProbe"] = json!({ "httpGet": { "path": "/", "port": 9000 } });
    node.run("web", json!({ "containers": [container] }));
    let status = node.server.status("web", is_ready).await;
    assert_eq!(status.phase.as_deref(), Some("Running"));
    let ip = status.pod_ip.unwrap();
    let (code, text) = node.get(&format!("/proxy/{ip}/9000/")).await;
    assert_eq!((code, text.as_str()), (200, "hello\n"));
    let (code, text) = node.get(&format!("/proxy/{ip}/9001/")).await;
    assert_eq!(code, 503, "{text}");
    let (code, _) = node.get("/proxy/192.0.2.1/80/").await;
    assert_eq!(code, 404);

    let mut deleted = pod("web", json!({ "containers": [container] }));
    deleted["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z".into();
    deleted["metadata"]["deletionGracePeriodSeconds"] = 30.into();
    node.server.tell("pods", EventKind::Modified, deleted.clone());
    let body = node
        .server
        .until(|writes| {
            let delete = writes.iter().find(|(method, _, _)| *method == Method::DELETE);
            delete.map(|(_, path, body)| {
                assert_eq!(path, "/api/v1/namespaces/default/pods/web");
                body.clone()
            })
        })
        .await;
    assert_eq!(body["preconditions"]["uid"], "uid-web");
    assert_eq!(body["gracePeriodSeconds"], 0);
    let status = node.server.status("web", |status| state(status).terminated.is_some()).await;
    assert_eq!(state(&status).terminated.unwrap().exit_code, 0);
    node.server.tell("pods", EventKind::Deleted, deleted);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_port_forward_reaches_a_listening_command_and_services_lead_to_it() {
    let node = Node::start().await;
    let mut container = container("tcp-echo");
    container["readinessProbe"] = json!({ "tcpSocket": { "port": 7000 }, "periodSeconds": 1 });
    node.run("echo", json!({ "containers": [container] }));
    let ip = node.server.status("echo", is_ready).await.pod_ip.unwrap();
    let body = http_body_util::Empty::new().map_err(|never| match never {}).boxed_unsync();
    let request = Request::post("/port-forward/default/echo/7000")
        .header("connection", "Upgrade")
        .header("upgrade", "tcp")
        .header("skiff-pod-uid", "uid-echo");
    let mut response = node.handle.handle(request.body(body).unwrap()).await;
    assert_eq!(response.status(), 101);
    let upgrade = response.extensions_mut().remove::<hyper::upgrade::OnUpgrade>().unwrap();
    let mut stream = TokioIo::new(upgrade.await.unwrap());
    stream.write_all(b"through").await.unwrap();
    let mut echoed = [0; 7];
    stream.read_exact(&mut echoed).await.unwrap();
    assert_eq!(&echoed, b"through");
    drop(stream);

    let port = free_port().await;
    node.server.tell("services", EventKind::Added, json!({ "apiVersion": "v1", "kind": "Service",
        "metadata": { "name": "echo", "namespace": "default" },
        "spec": { "clusterIP": "10.43.0.9", "ports": [{ "port": 80, "nodePort": port, "targetPort": 7000 }] } }));
    node.server.tell("endpointslices", EventKind::Added, json!({ "apiVersion": "discovery.k8s.io/v1",
        "kind": "EndpointSlice", "addressType": "IPv4",
        "metadata": { "name": "echo-1", "namespace": "default", "labels": { "kubernetes.io/service-name": "echo" } },
        "endpoints": [{ "addresses": [ip], "nodeName": "n1" }], "ports": [{ "port": 7000 }] }));
    // The door opens when the Service has been read, and leads somewhere when its slices have been, too.
    while through_door(port, &mut echoed).await.is_err() {
        tokio::task::yield_now().await;
    }
    assert_eq!(&echoed, b"outside");
}

async fn through_door(port: u16, echoed: &mut [u8; 7]) -> std::io::Result<()> {
    let mut outside = tokio::net::TcpStream::connect(("127.0.0.1", port)).await?;
    outside.write_all(b"outside").await?;
    outside.read_exact(echoed).await.map(drop)
}

/// A port that nobody listens at, and that is not of those which the system gives to connections: one of them could have it by the time it is used.
async fn free_port() -> u16 {
    static TRIED: AtomicU32 = AtomicU32::new(0);
    for _ in 0..12_000 {
        let number = TRIED.fetch_add(1, Relaxed) + std::process::id() * 37;
        let port = u16::try_from(20_000 + number % 12_000).unwrap();
        if tokio::net::TcpListener::bind(("0.0.0.0", port)).await.is_ok() {
            return port;
        }
    }
    panic!("no port from 20000 to 31999 is free");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_crash_loop_and_a_memory_limit_show_as_what_they_are() {
    let node = Node::start().await;
    let mut hoarder = container("hoard-memory");
    hoarder["resources"] = json!({ "limits": { "memory": "16Mi" } });
    node.run("hoarder", json!({ "containers": [hoarder] }));
    let mut failing = container("exit-code");
    failing["args"] = json!(["3"]);
    node.run("failing", json!({ "containers": [failing] }));
    node.run("missing", json!({ "containers": [container("nowhere")] }));
    let is_looping = |status: &core::PodStatus| {
        let waiting =
            status.container_statuses.as_ref().and_then(|all| all[0].state.clone()?.waiting);
        waiting.is_some_and(|waiting| waiting.reason.as_deref() == Some("CrashLoopBackOff"))
    };
    let status = node.server.status("hoarder", is_looping).await;
    let last =
        status.container_statuses.unwrap()[0].last_state.clone().unwrap().terminated.unwrap();
    assert_eq!((last.exit_code, last.reason.as_deref()), (137, Some("OOMKilled")));
    let status = node.server.status("failing", is_looping).await;
    let container = &status.container_statuses.as_ref().unwrap()[0];
    assert_eq!(container.restart_count, 1);
    let last = container.last_state.clone().unwrap().terminated.unwrap();
    assert_eq!((last.exit_code, last.reason.as_deref()), (3, Some("Error")));
    let status = node
        .server
        .status("missing", |status| {
            state(status).waiting.is_some_and(|w| w.reason.as_deref() == Some("ErrImagePull"))
        })
        .await;
    assert_eq!(
        state(&status).waiting.unwrap().message.as_deref(),
        Some("image nowhere:v1 not found")
    );
    let (code, text) = node.get("/logs/default/missing/c").await;
    assert_eq!(code, 400);
    assert!(text.starts_with("container \"c\" in pod \"missing\" is waiting to start: "), "{text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn volumes_are_shared_projected_and_kept_inside() {
    let node = Node::start().await;
    let config = json!({ "metadata": { "name": "conf" }, "data": { "greeting": "good day" } });
    let path = "/api/v1/namespaces/default/configmaps/conf".to_owned();
    node.server.objects.lock().insert(path, config);
    let mut container = container("files");
    container["workingDir"] = "/data".into();
    container["volumeMounts"] = json!([{ "name": "input", "mountPath": "/input" }, { "name": "data", "mountPath": "/data" }]);
    let volumes = json!([
        { "name": "input", "projected": { "sources": [{ "configMap": { "name": "conf" } }, { "serviceAccountToken": { "path": "token" } }] } },
        { "name": "data", "emptyDir": {} } ]);
    node.run(
        "files",
        json!({ "restartPolicy": "Never", "containers": [container], "volumes": volumes }),
    );
    node.server.status("files", is_phase("Succeeded")).await;
    let (_, log) = node.get("/logs/default/files/c").await;
    assert!(log.contains("read: \"good day\""), "{log}");
    assert!(log.contains("list: [\"written\"]"), "{log}");
    assert!(log.contains("write read-only: refused"), "{log}");
    assert!(log.contains("leave by ..: refused"), "{log}");
    let volumes = node.folder.path().join("volumes");
    while std::fs::read_dir(&volumes).unwrap().next().is_some() {
        // A Pod that has ended gives its volumes back.
        tokio::task::yield_now().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_pods_run_again_after_a_restart_without_a_control_plane() {
    let node = Node::start().await;
    node.run("stay", json!({ "containers": [container("wait")] }));
    let before = node.server.status("stay", is_ready).await;
    let (folder, server) = node.stop().await;
    server.is_away.store(true, std::sync::atomic::Ordering::Relaxed);
    let node = Node::start_in(folder, server).await;
    let mut follower = Box::pin(node.get("/logs/default/stay/c"));
    let log = loop {
        let (code, log) = follower.as_mut().await;
        if code == 200 && log == "waiting\n" && !node.handle.usage().is_empty() {
            break log;
        }
        tokio::task::yield_now().await;
        follower = Box::pin(node.get("/logs/default/stay/c"));
    };
    assert_eq!(log, "waiting\n");
    node.server.is_away.store(false, std::sync::atomic::Ordering::Relaxed);
    let after = node
        .server
        .status("stay", |status| {
            is_ready(status) && status.container_statuses.as_ref().unwrap()[0].restart_count == 1
        })
        .await;
    assert_eq!(after.pod_ip, before.pod_ip);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_node_registers_with_what_the_machine_has_and_keeps_its_lease() {
    let node = Node::start().await;
    let registered = node
        .server
        .until(|writes| {
            let created = writes
                .iter()
                .find(|(method, path, _)| *method == Method::POST && path == "/api/v1/nodes");
            created.map(|(_, _, body)| body.clone())
        })
        .await;
    let status = &registered["status"];
    let cpus = std::thread::available_parallelism().unwrap().get().to_string();
    assert_eq!(status["capacity"]["cpu"], cpus.as_str());
    assert_eq!(status["capacity"]["pods"], "10000");
    assert_eq!(registered["spec"]["podCIDR"], "100.64.0.0/18");
    assert_eq!(registered["metadata"]["labels"]["kubernetes.io/hostname"], "n1");
    assert!(
        status["nodeInfo"]["containerRuntimeVersion"].as_str().unwrap().starts_with("skiff://")
    );
    node.server
        .until(|writes| {
            let lease = "/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases/n1";
            writes
                .iter()
                .any(|(method, path, _)| *method == Method::PATCH && path == lease)
                .then_some(())
        })
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_manifest_in_the_folder_runs_and_is_shown_by_a_mirror() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("manifests")).unwrap();
    let manifest = "apiVersion: v1\nkind: Pod\nmetadata: {name: fixed}\nspec:\n  containers: [{name: c, image: \"wait:v1\"}]\n";
    std::fs::write(folder.path().join("manifests/fixed.yaml"), manifest).unwrap();
    let server = Server::new();
    let own = json!({ "metadata": { "name": "n1", "uid": "node-uid" } });
    server.objects.lock().insert("/api/v1/nodes/n1".to_owned(), own);
    let node = Node::start_in(folder, server).await;
    let mirror = node
        .server
        .until(|writes| {
            let created = writes.iter().find(|(method, path, _)| {
                *method == Method::POST && path == "/api/v1/namespaces/default/pods"
            });
            created.map(|(_, _, body)| body.clone())
        })
        .await;
    assert_eq!(mirror["metadata"]["name"], "fixed-n1");
    assert_eq!(mirror["metadata"]["ownerReferences"][0]["uid"], "node-uid");
    let hash = &mirror["metadata"]["annotations"]["kubernetes.io/config.mirror"];
    assert_eq!(hash, &mirror["metadata"]["annotations"]["kubernetes.io/config.hash"]);
    let mut shown = mirror.clone();
    shown["metadata"]["uid"] = "mirror-uid".into();
    node.server.tell("pods", EventKind::Added, shown);
    let status = node.server.status("fixed-n1", is_ready).await;
    assert_eq!(status.phase.as_deref(), Some("Running"));
    // The mirror is no second Pod.
    assert_eq!(node.handle.usage().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_spreads_connections_over_all_its_pods() {
    let node = Node::start().await;
    let mut endpoints = Vec::new();
    for name in ["one", "two"] {
        let mut container = container("tcp-echo");
        container["readinessProbe"] = json!({ "tcpSocket": { "port": 7000 }, "periodSeconds": 1 });
        node.run(name, json!({ "containers": [container] }));
        let ip = node.server.status(name, is_ready).await.pod_ip.unwrap();
        endpoints.push(json!({ "addresses": [ip], "nodeName": "n1" }));
    }
    let port = free_port().await;
    node.server.tell("services", EventKind::Added, json!({ "apiVersion": "v1", "kind": "Service",
        "metadata": { "name": "echo", "namespace": "default" },
        "spec": { "clusterIP": "10.43.0.9", "ports": [{ "port": 80, "nodePort": port, "targetPort": 7000 }] } }));
    node.server.tell("endpointslices", EventKind::Added, json!({ "apiVersion": "discovery.k8s.io/v1",
        "kind": "EndpointSlice", "addressType": "IPv4", "endpoints": endpoints, "ports": [{ "port": 7000 }],
        "metadata": { "name": "echo-1", "namespace": "default", "labels": { "kubernetes.io/service-name": "echo" } } }));
    let served = async || {
        let mut counts = [0; 2];
        for (count, name) in counts.iter_mut().zip(["one", "two"]) {
            let (_, log) = node.get(&format!("/logs/default/{name}/c")).await;
            *count = log.lines().filter(|line| line.contains("from 127.0.0.1")).count();
        }
        counts
    };
    let answers = async |wanted: usize| {
        let mut answered = 0;
        while answered < wanted {
            let Ok(mut stream) = tokio::net::TcpStream::connect(("127.0.0.1", port)).await else {
                tokio::task::yield_now().await;
                continue;
            };
            let mut echoed = [0; 2];
            if stream.write_all(b"hi").await.is_ok() && stream.read_exact(&mut echoed).await.is_ok()
            {
                answered += 1;
            }
        }
    };
    let mut seen = [0; 2];
    let rounds = async {
        // The door opens when the watches have been read, and leads everywhere only when the endpoints have: what came before may have been
        // a Pod's turn.
        while seen.contains(&0) {
            answers(1).await;
            seen = served().await;
        }
        let before = seen;
        answers(4).await;
        while seen.iter().sum::<usize>() < before.iter().sum::<usize>() + 4 {
            seen = served().await;
        }
        [seen[0] - before[0], seen[1] - before[1]]
    };
    let patience = std::time::Duration::from_mins(1);
    let Ok(shares) = tokio::time::timeout(patience, rounds).await else {
        panic!("the Pods have served {seen:?} connections");
    };
    // A line of the log may come late.
    assert!(shares[0].abs_diff(shares[1]) <= 2, "{shares:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pod_on_the_hosts_network_has_the_hosts_address_and_ports() {
    let node = Node::start().await;
    let port = free_port().await;
    let mut function = container("http-echo");
    function["ports"] = json!([{ "containerPort": port, "hostPort": port }]);
    node.run("function", json!({ "hostNetwork": true, "containers": [function] }));
    node.run("command", json!({ "hostNetwork": true, "containers": [container("tcp-echo")] }));
    let status = node.server.status("function", is_ready).await;
    assert_eq!(status.pod_ip, status.host_ip);
    node.server.status("command", is_ready).await;
    let wait = async {
        loop {
            // The program listens some time after it has begun, and the door opens some time after the function has.
            let command = tokio::net::TcpStream::connect(("127.0.0.1", 7000)).await;
            let function = tokio::net::TcpStream::connect(("127.0.0.1", port)).await;
            if let (Ok(command), Ok(function)) = (command, function) {
                return (command, function);
            }
            tokio::task::yield_now().await;
        }
    };
    let patience = std::time::Duration::from_mins(1);
    let (mut command, mut function) = tokio::time::timeout(patience, wait).await.unwrap();
    command.write_all(b"hi").await.unwrap();
    let mut echoed = [0; 2];
    command.read_exact(&mut echoed).await.unwrap();
    assert_eq!(&echoed, b"hi");
    function.write_all(b"GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").await.unwrap();
    let mut answer = String::new();
    function.read_to_string(&mut answer).await.unwrap();
    assert!(answer.ends_with("hello\n"), "{answer}");
}
