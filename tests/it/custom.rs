//! Kinds that users define, from kubectl's side: defined, filled, changed, described, and gone, with a restart in between.

use std::{
    io::{BufRead, BufReader},
    process::Stdio,
};

use crate::harness::{Cluster, have_kubectl, until};

const DEFINITION: &str = "\
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: crontabs.stable.example.com}
spec:
  group: stable.example.com
  scope: Namespaced
  names: {plural: crontabs, singular: crontab, kind: CronTab, shortNames: [ct], categories: [all]}
  versions:
  - name: v1
    served: true
    storage: true
    subresources:
      status: {}
      scale: {specReplicasPath: .spec.replicas, statusReplicasPath: .status.replicas}
    selectableFields: [{jsonPath: .spec.image}]
    additionalPrinterColumns:
    - {name: Spec, type: string, jsonPath: .spec.cronSpec}
    - {name: Replicas, type: integer, jsonPath: .spec.replicas}
    - {name: Age, type: date, jsonPath: .metadata.creationTimestamp}
    schema:
      openAPIV3Schema:
        type: object
        description: A table of times.
        properties:
          spec:
            type: object
            required: [cronSpec]
            properties:
              cronSpec: {type: string, description: When it runs., pattern: '^(\\d+|\\*)( (\\d+|\\*)){4}$'}
              image: {type: string}
              replicas: {type: integer, default: 1, minimum: 0, maximum: 10}
          status: {type: object, properties: {replicas: {type: integer}}}
";

const TAB: &str = "\
apiVersion: stable.example.com/v1
kind: CronTab
metadata: {name: nightly}
spec: {cronSpec: '5 0 * * *', image: tab}
";

#[tokio::test(flavor = "multi_thread")]
async fn a_kind_from_its_definition_to_its_end() {
    if !have_kubectl("custom::a_kind_from_its_definition_to_its_end") {
        return;
    }
    let mut cluster = Cluster::with(&["--disable", "node"]).await;
    let definition = cluster.file("definition.yaml", DEFINITION);
    let tab = cluster.file("tab.yaml", TAB);
    let (definition, tab) = (definition.to_str().unwrap(), tab.to_str().unwrap());

    cluster.kubectl(&["create", "-f", definition]);
    let name = "crd/crontabs.stable.example.com";
    cluster.kubectl(&["wait", name, "--for=condition=Established", "--timeout=20s"]);
    assert_eq!(
        cluster.kubectl(&["apply", "-f", tab]),
        "crontab.stable.example.com/nightly created\n"
    );
    assert!(cluster.kubectl(&["apply", "-f", tab]).ends_with("unchanged\n"));
    let table = cluster.kubectl(&["get", "ct"]);
    let words: Vec<&str> = table.split_whitespace().take(10).collect();
    assert_eq!(
        words,
        ["NAME", "SPEC", "REPLICAS", "AGE", "nightly", "5", "0", "*", "*", "*"],
        "{table}"
    );
    let explained = cluster.kubectl(&["explain", "crontab.spec"]);
    assert!(explained.contains("When it runs.") && explained.contains("replicas"), "{explained}");
    assert!(cluster.kubectl(&["api-resources"]).contains("stable.example.com/v1"));
    assert!(cluster.kubectl(&["get", "apiservice"]).contains("v1.stable.example.com"));

    let refused = cluster.try_kubectl(&[
        "patch",
        "ct",
        "nightly",
        "--type=merge",
        "-p",
        r#"{"spec":{"cronSpec":"never"}}"#,
    ]);
    assert!(!refused.status.success());
    let refused = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(refused.contains("spec.cronSpec in body should match"), "{refused}");
    cluster.kubectl(&[
        "patch",
        "ct",
        "nightly",
        "--type=merge",
        "-p",
        r#"{"spec":{"image":"new"}}"#,
    ]);
    cluster.kubectl(&["scale", "ct/nightly", "--replicas=3"]);
    let status = r#"{"status":{"replicas":3}}"#;
    cluster.kubectl(&[
        "patch",
        "ct",
        "nightly",
        "--subresource=status",
        "--type=merge",
        "-p",
        status,
    ]);
    cluster.kubectl(&["label", "ct", "nightly", "kept=yes"]);
    let applied = cluster.kubectl(&[
        "apply",
        "--server-side",
        "--field-manager=other",
        "-f",
        tab,
        "--force-conflicts",
    ]);
    assert!(applied.contains("serverside-applied"), "{applied}");

    cluster.kill();
    cluster.boot().await;

    let tree = cluster.kubectl(&[
        "get",
        "ct",
        "-l",
        "kept=yes",
        "-o",
        "jsonpath={.items[*].spec.replicas} {.items[*].status.replicas}",
    ]);
    assert_eq!(tree, "3 3");
    let selected = cluster.kubectl(&["get", "ct", "--field-selector=spec.image=tab", "-o", "name"]);
    assert_eq!(selected, "crontab.stable.example.com/nightly\n");

    let mut watch = cluster
        .kubectl_command(&["get", "ct", "-w", "--output-watch-events"])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(watch.stdout.take().unwrap()).lines();
    assert!(lines.any(|line| line.is_ok_and(|line| line.starts_with("ADDED"))));
    cluster.kubectl(&["delete", name, "--timeout=60s"]);
    assert!(lines.any(|line| line.is_ok_and(|line| line.starts_with("DELETED"))));
    watch.kill().unwrap();
    watch.wait().unwrap();

    let gone = cluster.try_kubectl(&["get", "ct"]);
    assert!(!gone.status.success(), "{}", String::from_utf8_lossy(&gone.stdout));
    until("the group is no longer registered", async || {
        let services = cluster.kubectl(&["get", "apiservice", "-o", "name"]);
        if services.contains("stable.example.com") { Err(services) } else { Ok(()) }
    })
    .await;
}

/// A definition is deleted with its namespace's content and held objects: nothing is left behind, and nothing waits for ever.
#[tokio::test(flavor = "multi_thread")]
async fn objects_end_with_their_namespace_and_their_definition() {
    if !have_kubectl("custom::objects_end_with_their_namespace_and_their_definition") {
        return;
    }
    let cluster = Cluster::with(&["--disable", "node"]).await;
    cluster.apply(DEFINITION);
    let name = "crd/crontabs.stable.example.com";
    cluster.kubectl(&["wait", name, "--for=condition=Established", "--timeout=20s"]);
    cluster.kubectl(&["create", "namespace", "short"]);
    let tab = cluster.file("tab.yaml", TAB);
    let tab = tab.to_str().unwrap();
    cluster.kubectl(&["create", "-n", "short", "-f", tab]);
    cluster.kubectl(&["delete", "namespace", "short", "--timeout=60s"]);
    assert_eq!(cluster.kubectl(&["get", "ct", "-A", "-o", "name"]), "");

    // An owner takes what it owns along.
    cluster.kubectl(&["create", "-f", tab]);
    let uid = cluster.kubectl(&["get", "ct", "nightly", "-o", "jsonpath={.metadata.uid}"]);
    cluster.apply(&format!(
        "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: owned\n  ownerReferences:\n  - {{apiVersion: stable.example.com/v1, kind: CronTab, name: nightly, uid: {uid}}}\n"
    ));
    cluster.kubectl(&["delete", "ct", "nightly", "--timeout=60s"]);
    until("what was owned is gone", async || {
        let maps = cluster.kubectl(&["get", "configmaps", "-o", "name"]);
        if maps.contains("owned") { Err(maps) } else { Ok(()) }
    })
    .await;

    // A finalizer holds the object, and with it the definition.
    cluster.kubectl(&["create", "-f", tab]);
    let held = r#"{"metadata":{"finalizers":["example.com/hold"]}}"#;
    cluster.kubectl(&["patch", "ct", "nightly", "--type=merge", "-p", held]);
    cluster.kubectl(&["delete", name, "--wait=false"]);
    let waiting = [
        "wait",
        name,
        "--for=jsonpath={.status.conditions[?(@.type==\"Terminating\")].reason}=InstanceDeletionInProgress",
        "--timeout=20s",
    ];
    cluster.kubectl(&waiting);
    let free = r#"{"metadata":{"finalizers":null}}"#;
    cluster.kubectl(&["patch", "ct", "nightly", "--type=merge", "-p", free]);
    cluster.kubectl(&["wait", name, "--for=delete", "--timeout=60s"]);
}
