//! The life of Pods: commands that end, fail, trap, restart; volumes and environment; limits.

use crate::harness::{Cluster, pod, until};

/// The state of the first container, as one line.
async fn ended(cluster: &Cluster, name: &str, expected: &str) {
    until(&format!("{name} is {expected}"), async || {
        let output = cluster.try_skiff(&["get", &format!("pod/{name}"), "-o", "json"]);
        let pod: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap_or_default();
        let status = pod.pointer("/status/containerStatuses/0").cloned().unwrap_or_default();
        let state = ["state", "lastState"]
            .iter()
            .find_map(|state| status[*state].get("terminated"))
            .cloned();
        let state = state.unwrap_or_default();
        let text = format!("{} {}", state["reason"].as_str().unwrap_or("-"), state["exitCode"]);
        if text == expected {
            Ok(())
        } else {
            Err(format!("{text}\n{}\n{pod:#}", cluster.events()))
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn ends_have_codes_and_reasons() {
    let cluster = Cluster::start().await;
    for (name, wasm) in [
        ("exit", guests::EXIT),
        ("exit-code", guests::EXIT_CODE),
        ("exit-preview1", guests::EXIT_PREVIEW1),
        ("trap", guests::TRAP),
        ("hoard", guests::HOARD_MEMORY),
        ("environment", guests::ENVIRONMENT),
    ] {
        cluster.push_bytes(wasm, &format!("{name}:1"));
    }
    let never = ", restartPolicy: Never";
    cluster.apply(&pod("seven", "exit-code:1", ", args: [\"7\"]", never));
    cluster.apply(&pod("seven-preview1", "exit-preview1:1", ", args: [\"7\"]", never));
    cluster.apply(&pod("fine", "environment:1", "", never));
    cluster.apply(&pod("broken", "trap:1", "", never));
    cluster.apply(&pod("greedy", "hoard:1", ", resources: {limits: {memory: 32Mi}}", never));
    ended(&cluster, "seven", "Error 7").await;
    ended(&cluster, "seven-preview1", "Error 7").await;
    ended(&cluster, "fine", "Completed 0").await;
    ended(&cluster, "broken", "Error 134").await;
    ended(&cluster, "greedy", "OOMKilled 137").await;
    cluster.wait("pod/fine", "/status/phase", "Succeeded").await;
    cluster.wait("pod/seven", "/status/phase", "Failed").await;

    // A restart policy brings it back, later each time.
    cluster.apply(&pod("again", "exit:1", ", args: [\"3\"]", ""));
    cluster.wait("pod/again", "/status/containerStatuses/0/restartCount", "1").await;
    cluster
        .wait("pod/again", "/status/containerStatuses/0/state/waiting/reason", "CrashLoopBackOff")
        .await;
    cluster.wait("pod/again", "/status/phase", "Running").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn environment_comes_from_everywhere() {
    let cluster = Cluster::start().await;
    cluster.push_bytes(guests::ENVIRONMENT, "environment:1");
    cluster.apply(
        "apiVersion: v1
kind: ConfigMap
metadata: {name: settings}
data: {color: blue, SIZE: large}
---
apiVersion: v1
kind: Secret
metadata: {name: keys}
stringData: {token: hidden}
",
    );
    let env = ", env: [{name: PLAIN, value: one}, {name: BOTH, value: \"$(PLAIN) and $(PLAIN)\"}, \
               {name: COLOR, valueFrom: {configMapKeyRef: {name: settings, key: color}}}, \
               {name: TOKEN, valueFrom: {secretKeyRef: {name: keys, key: token}}}, \
               {name: NAME, valueFrom: {fieldRef: {fieldPath: metadata.name}}}, \
               {name: IP, valueFrom: {fieldRef: {fieldPath: status.podIP}}}], \
               envFrom: [{configMapRef: {name: settings}, prefix: FROM_}]";
    cluster.apply(&pod("vars", "environment:1", env, ", restartPolicy: Never"));
    cluster.wait("pod/vars", "/status/phase", "Succeeded").await;
    let logs = cluster.skiff(&["logs", "vars"]);
    for line in [
        "variable PLAIN=one",
        "variable BOTH=one and one",
        "variable COLOR=blue",
        "variable TOKEN=hidden",
        "variable NAME=vars",
        "variable IP=100.64.",
        "variable FROM_SIZE=large",
        "variable HOSTNAME=vars",
    ] {
        assert!(logs.contains(line), "{line} is not in:\n{logs}");
    }

    // What it names is not there: the Pod waits and says for what, and starts when it comes.
    let missing = ", env: [{name: X, valueFrom: {configMapKeyRef: {name: later, key: x}}}]";
    cluster.apply(&pod("waits", "environment:1", missing, ", restartPolicy: Never"));
    let waiting = "/status/containerStatuses/0/state/waiting";
    cluster.wait("pod/waits", &format!("{waiting}/reason"), "CreateContainerConfigError").await;
    cluster.wait("pod/waits", &format!("{waiting}/message"), "configmap \"later\" not found").await;
    cluster.apply("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: later}\ndata: {x: \"1\"}\n");
    cluster.wait("pod/waits", "/status/phase", "Succeeded").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_is_graceful_and_bounded() {
    let cluster = Cluster::start().await;
    cluster.push_bytes(guests::SPIN, "spin:1");
    cluster.apply(&pod("spins", "spin:1", "", ", terminationGracePeriodSeconds: 1"));
    cluster.wait("pod/spins", "/status/phase", "Running").await;
    // `delete` waits until the Pod is gone; an endless loop does not keep it.
    let said = cluster.skiff(&["delete", "pod/spins", "--timeout=60"]);
    assert_eq!(said, "pod \"spins\" deleted from default namespace\n");
    assert!(!cluster.try_skiff(&["get", "pod/spins"]).status.success());
}
