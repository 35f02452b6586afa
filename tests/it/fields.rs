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

use std::{fmt::Write as _, fs, path::Path};

use futures::{StreamExt as _, stream};
use kube::Client;
use serde_json::Value;

use crate::recorded::{self, Answer, Server, files, first_line, leaves, send, without_uids};

const NAMESPACE: &str = "fields";
/// Files at once.
const PARALLEL: usize = 8;
/// Updates of one object while others write it too.
const ATTEMPTS_MAX: usize = 5;

#[tokio::test(flavor = "multi_thread")]
async fn every_field_is_treated_as_clients_know_it() {
    let server = Server::without("node,scheduler,node-lifecycle").await;
    server.make_namespace(NAMESPACE).await;
    let files = files("fields");
    let told: Vec<_> = stream::iter(files)
        .map(|path| {
            let client = server.client.clone();
            async move {
                let recorded = fs::read_to_string(&path).unwrap();
                let told = replay(&client, &recorded).await;
                (path, recorded, told)
            }
        })
        .buffer_unordered(PARALLEL)
        .collect()
        .await;
    if server.is_recorded() {
        for (path, _, told) in told {
            fs::write(path, told).unwrap();
        }
        return;
    }
    let mut differences = Vec::new();
    for (path, recorded, told) in &told {
        compare(path, recorded, told, &mut differences);
    }
    recorded::assert_none(&differences);
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
        send(client, "POST", &path, Some(&object)).await
    }

    async fn update(&mut self, client: &Client, subresource: &str, change: &str) -> String {
        let path = self.path();
        if !self.is_made {
            let made = send(client, "POST", &self.collection, Some(&self.base)).await;
            assert!([201, 409].contains(&made.code), "{path}: {:#}", made.body);
            self.is_made = true;
        }
        let mut attempts = 0;
        loop {
            attempts += 1;
            let mut current = send(client, "GET", &path, None).await.body;
            if !subresource.is_empty()
                && let Some(status) = self.base.get("status")
            {
                current["status"] = status.clone();
            }
            let object = changed(&current, change);
            let path = format!("{path}{subresource}?dryRun=All&fieldValidation=Strict");
            let answer = send(client, "PUT", &path, Some(&object)).await;
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
        let mut current = send(client, "GET", &self.path(), None).await.body;
        if let Some(metadata) = current.get_mut("metadata").and_then(Value::as_object_mut)
            && metadata.remove("finalizers").is_some()
        {
            send(client, "PUT", &self.path(), Some(&current)).await;
        }
        let path = format!("{}?gracePeriodSeconds=0", self.path());
        send(client, "DELETE", &path, None).await;
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

/// Adds the requests whose answers differ, each with both.
fn compare(path: &Path, recorded: &str, told: &str, differences: &mut Vec<String>) {
    let name = recorded::stem(path);
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
