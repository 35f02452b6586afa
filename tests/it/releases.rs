//! Every release of kubectl that is on this machine, put through the commands of `releases/script.txt`.

use std::{
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use crate::harness::{Cluster, kubectls, skip};

const SCRIPT: &str = include_str!("releases/script.txt");

/// A command, and what is expected of it.
#[derive(Debug, Default)]
struct Step {
    words: Vec<String>,
    prints: Vec<String>,
    says: Vec<String>,
    may_fail: bool,
}

fn steps() -> Vec<Step> {
    let mut steps: Vec<Step> = Vec::new();
    for line in SCRIPT.lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
        let (kind, rest) = line.split_at(1);
        let rest = rest.trim().to_owned();
        if kind == "$" {
            steps.push(Step { words: words(&rest), ..Step::default() });
            continue;
        }
        let step = steps.last_mut().expect("a command comes first");
        match kind {
            "=" => step.prints.push(rest),
            "!" => step.says.push(rest),
            "?" => step.may_fail = true,
            _ => panic!("a line of the script begins with none of $ = ! ?: {line}"),
        }
    }
    steps
}

/// Words of a line; those in double quotes may hold spaces. JSON keeps its quotes.
fn words(line: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut quoted = false;
    for character in line.chars() {
        let begins = words.last().is_some_and(String::is_empty);
        match character {
            '"' if quoted || begins => quoted = !quoted,
            ' ' if !quoted => words.push(String::new()),
            other => words.last_mut().expect("there is one").push(other),
        }
    }
    words
}

fn files() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("it/releases")
}

/// Runs the script with one program; gives what went otherwise than expected.
fn run(cluster: &Cluster, kubectl: &Path, namespace: &str) -> Vec<String> {
    // kubectl changes the context of the file.
    let kubeconfig = cluster.file(&format!("{namespace}.kubeconfig"), &cluster.kubeconfig_text());
    let editor =
        cluster.file("editor.sh", "#!/bin/sh\nsed -i 's/colour: red/colour: green/' \"$1\"\n");
    let mut failures = Vec::new();
    for step in steps() {
        let fill = |text: &String| {
            text.replace("{ns}", namespace).replace("FILES", &files().to_string_lossy())
        };
        let output = Command::new(kubectl)
            .args(step.words.iter().map(fill))
            .env("KUBECONFIG", &kubeconfig)
            .env("HOME", cluster.data())
            .env("KUBE_EDITOR", format!("sh {}", editor.display()))
            .stdin(Stdio::null())
            .output()
            .unwrap();
        let printed = String::from_utf8_lossy(&output.stdout);
        let said = String::from_utf8_lossy(&output.stderr);
        let must_fail = !step.says.is_empty();
        let holds = (step.may_fail || output.status.success() != must_fail)
            && step
                .prints
                .iter()
                .map(fill)
                .all(|text| printed.contains(&text) || said.contains(&text))
            && step.says.iter().map(fill).all(|text| said.contains(&text));
        if !holds {
            failures.push(format!(
                "{} of {namespace}: expected {:?} {:?}, got {}\n{printed}{said}",
                step.words.join(" "),
                step.prints,
                step.says,
                output.status
            ));
        }
    }
    failures
}

#[tokio::test(flavor = "multi_thread")]
async fn every_release_of_kubectl_works() {
    let all = kubectls();
    if all.is_empty() {
        skip("releases::every_release_of_kubectl_works", "kubectl is not installed");
        return;
    }
    let cluster = Cluster::with(&["--disable", "node"]).await;
    let mut failures = Vec::new();
    for (index, kubectl) in all.iter().enumerate() {
        eprintln!("{}", kubectl.display());
        failures.extend(run(&cluster, kubectl, &format!("release-{index}")));
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}
