//! Every field of every kind, as it is created, updated and reported: what is filled in, refused, ignored or warned of.
//!
//! The files below `fields/` hold requests and the answers that clients of Kubernetes know, one file for each kind:
//!
//! ```text
//! kind apps/v1 deployments namespaced          what the objects below are
//! base {…}                                     an object, created in a dry run; then, with one field changed:
//! create /spec/replicas -1                     created in a dry run
//! create /spec/replicas                        the same without the field
//! update /spec/selector/matchLabels/a "c"      the object, really created, updated in a dry run
//! status /status/replicas -1                   its status updated in a dry run
//! = 422 Invalid                                the answer to the line before: code and reason,
//!   spec.replicas: …                           the causes, sorted; or how the object differs from the base as it is answered
//! ! …                                          a warning
//! ~ …                                          what Kubernetes answers, where ours differs: it shows its own structs, or an empty map
//!                                              that is no map here
//! ```
//!
//! `SKIFF_RECORD=KUBECONFIG cargo suite every_field` writes the answers of another server instead, for requests that are added.

use std::{
    collections::BTreeMap,
    fmt::Write as _,
    fs,
    path::{Path, PathBuf},
};

use futures::{StreamExt as _, stream};
use http::{Method, Request, header::WARNING};
use http_body_util::BodyExt as _;
use kube::{
    Client, Config,
    client::Body,
    config::{KubeConfigOptions, Kubeconfig},
};
use serde_json::{Value, json};

use crate::harness::{Cluster, root, until};

const NAMESPACE: &str = "fields";
/// Files at once.
const PARALLEL: usize = 8;
/// Updates of one object while others write it too.
const ATTEMPTS_MAX: usize = 5;
/// Differences that are shown.
const SHOWN_MAX: usize = 40;
/// What two servers cannot agree on.
const MASKED: [&str; 15] = [
    "uid",
    "resourceVersion",
    "creationTimestamp",
    "clusterIP",
    "clusterIPs",
    "nodePort",
    "healthCheckNodePort",
    "lastTransitionTime",
    "lastUpdateTime",
    "lastPhaseTransitionTime",
    "timeAdded",
    "username",
    "controller-uid",
    "batch.kubernetes.io~1controller-uid",
    "deletionTimestamp",
];

#[tokio::test(flavor = "multi_thread")]
async fn every_field_is_treated_as_clients_know_it() {
    let (cluster, client) = match std::env::var_os("SKIFF_RECORD") {
        Some(kubeconfig) => (None, client(Path::new(&kubeconfig)).await),
        None => {
            let cluster = Cluster::with(&["--disable", "node,scheduler,node-lifecycle"]).await;
            let client = cluster.client_that_asks_once().await;
            (Some(cluster), client)
        }
    };
    prepare(&client).await;
    let files = files();
    assert!(!files.is_empty(), "there are requests");
    let told: Vec<_> = stream::iter(files)
        .map(|path| {
            let client = client.clone();
            async move {
                let recorded = fs::read_to_string(&path).unwrap();
                let told = replay(&client, &recorded).await;
                (path, recorded, told)
            }
        })
        .buffer_unordered(PARALLEL)
        .collect()
        .await;
    if cluster.is_none() {
        for (path, _, told) in told {
            fs::write(path, told).unwrap();
        }
        return;
    }
    let mut differences = Vec::new();
    for (path, recorded, told) in &told {
        compare(path, recorded, told, &mut differences);
    }
    let shown = differences.iter().take(SHOWN_MAX).cloned().collect::<String>();
    assert!(differences.is_empty(), "{} answers differ:\n{shown}", differences.len());
}

async fn client(kubeconfig: &Path) -> Client {
    let config = Kubeconfig::read_from(kubeconfig).unwrap();
    let mut config =
        Config::from_custom_kubeconfig(config, &KubeConfigOptions::default()).await.unwrap();
    config.default_retry = false;
    Client::try_from(config).unwrap()
}

fn files() -> Vec<PathBuf> {
    let folder = root().join("tests/it/fields");
    let mut files: Vec<_> =
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files
}

/// Makes the namespace; the `ServiceAccount` of Pods comes by itself.
async fn prepare(client: &Client) {
    let namespace = json!({"metadata": {"name": NAMESPACE}});
    send(client, Method::POST, "/api/v1/namespaces", Some(&namespace)).await;
    let account = format!("/api/v1/namespaces/{NAMESPACE}/serviceaccounts/default");
    until("the namespace can hold Pods", async || {
        let answer = send(client, Method::GET, &account, None).await;
        if answer.code == 200 { Ok(()) } else { Err(answer.body) }
    })
    .await;
}

struct Answer {
    code: u16,
    warnings: Vec<String>,
    body: Value,
}

async fn send(client: &Client, method: Method, path: &str, body: Option<&Value>) -> Answer {
    let request = Request::builder().method(method).uri(path);
    let request = request.header("content-type", "application/json");
    let bytes = body.map(Value::to_string).unwrap_or_default();
    let request = request.body(Body::from(bytes.into_bytes())).unwrap();
    let response = match client.send(request).await {
        Ok(response) => response,
        Err(error) => {
            return Answer { code: 0, warnings: vec![error.to_string()], body: Value::Null };
        }
    };
    let warnings = response.headers().get_all(WARNING).iter();
    let warnings = warnings.map(|it| String::from_utf8_lossy(it.as_bytes()).into_owned()).collect();
    let code = response.status().as_u16();
    let bytes = response.into_body().collect().await.unwrap().to_bytes();
    let body = serde_json::from_slice(&bytes)
        .unwrap_or_else(|_| Value::String(String::from_utf8_lossy(&bytes).into_owned()));
    Answer { code, warnings, body }
}

/// Sends the requests of a file and gives the file with the answers.
async fn replay(client: &Client, file: &str) -> String {
    let mut told = String::new();
    let mut subject = Subject::default();
    for line in file.lines() {
        let (verb, rest) = line.split_once(' ').unwrap_or((line, ""));
        let answer = match verb {
            "kind" => {
                subject.remove(client).await;
                subject = Subject::of(rest);
                None
            }
            "base" => {
                subject.remove(client).await;
                subject.base = serde_json::from_str(rest).unwrap();
                let answer = subject.create(client, &subject.base).await;
                let told = tell(&subject.base, &answer);
                subject.answered = answer.body;
                Some(told)
            }
            "create" => {
                let answer = subject.create(client, &changed(&subject.base, rest)).await;
                Some(tell(&subject.answered, &answer))
            }
            "update" => Some(subject.update(client, "", rest).await),
            "status" => Some(subject.update(client, "/status", rest).await),
            // An answer, which is told anew, or how Kubernetes differs.
            _ => continue,
        };
        told.push_str(line);
        told.push('\n');
        told.push_str(&answer.unwrap_or_default());
    }
    subject.remove(client).await;
    told
}

/// The objects that requests are about.
#[derive(Default)]
struct Subject {
    collection: String,
    base: Value,
    /// What the base becomes when it is created.
    answered: Value,
    is_made: bool,
}

impl Subject {
    fn of(line: &str) -> Self {
        let mut words = line.split(' ');
        let mut word = || words.next().unwrap_or_default();
        let (version, plural, scope) = (word(), word(), word());
        let root = if version.contains('/') { "apis" } else { "api" };
        let namespace =
            if scope == "namespaced" { format!("namespaces/{NAMESPACE}/") } else { String::new() };
        Self { collection: format!("/{root}/{version}/{namespace}{plural}"), ..Self::default() }
    }

    fn path(&self) -> String {
        let name = self.base.pointer("/metadata/name").and_then(Value::as_str).unwrap_or_default();
        format!("{}/{name}", self.collection)
    }

    async fn create(&self, client: &Client, object: &Value) -> Answer {
        let path = format!("{}?dryRun=All&fieldValidation=Strict", self.collection);
        let mut object = object.clone();
        if let Some(members) = object.as_object_mut() {
            // That of a new object is not the client's to say.
            members.remove("status");
        }
        send(client, Method::POST, &path, Some(&object)).await
    }

    async fn update(&mut self, client: &Client, subresource: &str, change: &str) -> String {
        let path = self.path();
        if !self.is_made {
            let made = send(client, Method::POST, &self.collection, Some(&self.base)).await;
            assert!([201, 409].contains(&made.code), "{path}: {:#}", made.body);
            self.is_made = true;
        }
        let mut attempts = 0;
        loop {
            attempts += 1;
            let mut current = send(client, Method::GET, &path, None).await.body;
            if !subresource.is_empty()
                && let Some(status) = self.base.get("status")
            {
                current["status"] = status.clone();
            }
            let object = changed(&current, change);
            let path = format!("{path}{subresource}?dryRun=All&fieldValidation=Strict");
            let answer = send(client, Method::PUT, &path, Some(&object)).await;
            // Where a controller was faster, once more.
            if answer.code != 409 || attempts == ATTEMPTS_MAX {
                return tell(&current, &answer);
            }
        }
    }

    async fn remove(&mut self, client: &Client) {
        if !std::mem::take(&mut self.is_made) {
            return;
        }
        let mut current = send(client, Method::GET, &self.path(), None).await.body;
        if let Some(metadata) = current.get_mut("metadata").and_then(Value::as_object_mut)
            && metadata.remove("finalizers").is_some()
        {
            send(client, Method::PUT, &self.path(), Some(&current)).await;
        }
        let path = format!("{}?gracePeriodSeconds=0", self.path());
        send(client, Method::DELETE, &path, None).await;
    }
}

/// The object with one change: a JSON pointer, and a value unless what is there is removed.
fn changed(object: &Value, change: &str) -> Value {
    let mut object = object.clone();
    let (pointer, value) = change.split_once(' ').unwrap_or((change, ""));
    let (parent, last) = pointer.rsplit_once('/').unwrap();
    let last = last.replace("~1", "/").replace("~0", "~");
    match object.pointer_mut(parent) {
        Some(Value::Object(members)) if value.is_empty() => {
            members.remove(&last);
        }
        Some(Value::Object(members)) => {
            members.insert(last, serde_json::from_str(value).unwrap());
        }
        Some(Value::Array(items)) => {
            let index: usize = last.parse().unwrap();
            if value.is_empty() && index < items.len() {
                items.remove(index);
            } else if let Some(item) = items.get_mut(index) {
                *item = serde_json::from_str(value).unwrap();
            } else if !value.is_empty() {
                items.push(serde_json::from_str(value).unwrap());
            }
        }
        _ => {}
    }
    object
}

/// An answer as the files have it.
fn tell(before: &Value, answer: &Answer) -> String {
    let mut told = format!("= {}", answer.code);
    if (200..300).contains(&answer.code) {
        told.push('\n');
        let (before, got) = (leaves(before), leaves(&answer.body));
        for (pointer, value) in &got {
            if before.get(pointer) != Some(value) {
                writeln!(told, "  {pointer} {value}").unwrap();
            }
        }
        for pointer in before.keys().filter(|pointer| !got.contains_key(*pointer)) {
            writeln!(told, "  {pointer}").unwrap();
        }
    } else {
        writeln!(told, " {}", answer.body["reason"].as_str().unwrap_or("Unknown")).unwrap();
        let causes = answer.body.pointer("/details/causes").and_then(Value::as_array);
        match causes {
            Some(causes) if answer.code == 422 => {
                let text = |cause: &Value| {
                    let part = |name: &str| cause[name].as_str().unwrap_or_default().to_owned();
                    format!("{}: {}", part("field"), first_line(&part("message")))
                };
                let mut lines: Vec<String> = causes.iter().map(text).collect();
                lines.sort();
                for line in lines {
                    writeln!(told, "  {line}").unwrap();
                }
            }
            _ => {
                let message = answer.body["message"].as_str().unwrap_or_default();
                writeln!(told, "  {}", first_line(message)).unwrap();
            }
        }
    }
    for warning in &answer.warnings {
        writeln!(told, "! {}", first_line(warning)).unwrap();
    }
    without_uids(&told)
}

/// UIDs and generated names stand in texts too.
fn without_uids(text: &str) -> String {
    const LENS: [usize; 5] = [8, 4, 4, 4, 12];
    const GENERATED: &str = "kube-api-access-";
    let is_uid = |word: &str| {
        let parts: Vec<&str> = word.split('-').collect();
        parts.iter().map(|part| part.len()).eq(LENS)
            && parts.iter().all(|part| part.bytes().all(|byte| byte.is_ascii_hexdigit()))
    };
    let words = text.split_inclusive(|c: char| !c.is_ascii_alphanumeric() && c != '-');
    words
        .map(|word| {
            let bare = word.trim_end_matches(|c: char| !c.is_ascii_alphanumeric());
            match bare.strip_prefix(GENERATED) {
                Some(_) => word.replace(bare, GENERATED),
                None if is_uid(bare) => word.replace(bare, "…"),
                None => word.to_owned(),
            }
        })
        .collect()
}

/// What follows a first line shows Kubernetes' own structs.
fn first_line(text: &str) -> &str {
    text.split('\n').next().unwrap_or_default()
}

/// All values that have no parts, by their pointers.
fn leaves(tree: &Value) -> BTreeMap<String, String> {
    fn collect(tree: &Value, pointer: &str, found: &mut BTreeMap<String, String>) {
        let last = pointer.rsplit('/').next().unwrap_or_default();
        // The last is how the client has shown who it is.
        if last == "managedFields" || last == "authentication.kubernetes.io~1credential-id" {
            return;
        }
        match tree {
            Value::Object(members) if !members.is_empty() => {
                for (name, value) in members {
                    let name = name.replace('~', "~0").replace('/', "~1");
                    collect(value, &format!("{pointer}/{name}"), found);
                }
            }
            Value::Array(items) if !items.is_empty() && !MASKED.contains(&last) => {
                for (index, value) in items.iter().enumerate() {
                    collect(value, &format!("{pointer}/{index}"), found);
                }
            }
            value => {
                let value =
                    if MASKED.contains(&last) { "…".to_owned() } else { value.to_string() };
                found.insert(pointer.to_owned(), value);
            }
        }
    }
    let mut found = BTreeMap::new();
    collect(tree, "", &mut found);
    found
}

/// Adds the requests whose answers differ, each with both.
fn compare(path: &Path, recorded: &str, told: &str, differences: &mut Vec<String>) {
    let name = path.file_stem().unwrap().to_string_lossy();
    let is_answer = |line: &str| [' ', '=', '!'].iter().any(|first| line.starts_with(*first));
    let exchanges = |text: &str| {
        let mut all: Vec<(String, String)> = Vec::new();
        for line in text.lines().filter(|line| !line.starts_with('~')) {
            match all.last_mut() {
                Some((_, answer)) if is_answer(line) => {
                    answer.push_str(line);
                    answer.push('\n');
                }
                _ => all.push((line.to_owned(), String::new())),
            }
        }
        all
    };
    for ((request, wanted), (_, got)) in exchanges(recorded).into_iter().zip(exchanges(told)) {
        if wanted != got {
            differences.push(format!("{name}: {request}\nknown:\n{wanted}answered:\n{got}"));
        }
    }
}
