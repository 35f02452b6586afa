//! The object of one kind that requests are about.

use kube::Client;
use serde_json::{Value, json};

use super::{
    kind::{Kind, json_patch, name},
    request::Request,
    tell::{Tables, tell, without_chance},
};
use crate::recorded::{Answer, Asked, exchange, send};

/// Updates of one object while the server writes it too.
const ATTEMPTS_MAX: usize = 5;

pub(super) struct Subject<'a> {
    client: &'a Client,
    kind: &'a Kind,
    /// What the base becomes when it is created.
    known: Value,
    /// What the last request got.
    got: Value,
    /// The version at which the object was made.
    first_version: String,
    tables: Tables,
}

impl<'a> Subject<'a> {
    pub(super) async fn new(client: &'a Client, kind: &'a Kind) -> Self {
        let (known, got, first_version) = (Value::Null, Value::Null, String::new());
        let mut subject =
            Self { client, kind, known, got, first_version, tables: Tables::default() };
        subject.remove().await;
        let path = format!("{}?dryRun=All&fieldManager=verbs", kind.collection());
        let answer = send(client, "POST", &path, Some(&kind.base)).await;
        // Kinds that cannot be read have no state that later answers could differ from.
        if kind.has("get") && answer.code == 201 {
            subject.known = answer.body;
            without_chance(kind, &mut subject.known);
        }
        subject
    }

    /// Sends a request and tells its answer.
    pub(super) async fn ask(&mut self, request: &Request, subresource: &str) -> String {
        match request.method.as_str() {
            "remove" => {
                self.remove().await;
                return String::new();
            }
            "make" => {
                let path = format!("{}?fieldManager=verbs", self.kind.collection());
                let made = send(self.client, "POST", &path, Some(&self.kind.base)).await;
                self.note(&made);
                return String::new();
            }
            _ => {}
        }
        let mut attempts = 0;
        let answer = loop {
            attempts += 1;
            let answer = self.exchange(request, subresource).await;
            let again = answer.code == 409
                && request.body.as_ref().is_some_and(|it| it == "now" || it.starts_with("now "))
                && !request.text.contains("resourceVersion")
                && !request.text.contains("uid");
            if !again || attempts == ATTEMPTS_MAX {
                break answer;
            }
        };
        self.note(&answer);
        let told = tell(self.kind, &self.known, &mut self.tables, &answer);
        self.got = answer.body;
        told
    }

    fn note(&mut self, made: &Answer) {
        if made.code == 201
            && self.first_version.is_empty()
            && let Some(version) = made.body.pointer("/metadata/resourceVersion")
        {
            version.as_str().unwrap_or_default().clone_into(&mut self.first_version);
        }
    }

    async fn exchange(&self, request: &Request, subresource: &str) -> Answer {
        let path = self.filled(&request.path, subresource).await;
        let bare = path.split('?').next().unwrap_or_default();
        let body = match &request.body {
            None => Vec::new(),
            Some(body) => self.body(body, bare, request.content_type, subresource).await,
        };
        let mut headers = vec![("accept", request.accept), ("user-agent", "verbs")];
        if request.body.is_some() {
            headers.push(("content-type", request.content_type));
        }
        let asked = Asked {
            method: &request.method,
            path: &path,
            headers,
            body,
            is_watch: path.contains("watch=") || path.contains("/watch/"),
            lines_max: request.lines_max,
        };
        exchange(self.client, asked).await
    }

    async fn body(&self, text: &str, path: &str, content_type: &str, subresource: &str) -> Vec<u8> {
        let (word, patch) = text.split_once(' ').unwrap_or((text, ""));
        let mut object = match word {
            "base" => self.kind.base.clone(),
            "second" => self.kind.second.clone(),
            "got" => self.got.clone(),
            "now" => self.now(path).await,
            _ => return self.filled(text, subresource).await.into_bytes(),
        };
        if !patch.is_empty() {
            let patch = self.filled(patch, subresource).await;
            json_patch(&mut object, &serde_json::from_str(&patch).unwrap());
        }
        if content_type.contains("yaml") {
            return serde_saphyr::to_string(&object).unwrap().into_bytes();
        }
        object.to_string().into_bytes()
    }

    /// The object at a path, or else that which the requests are about.
    async fn now(&self, path: &str) -> Value {
        let answer = send(self.client, "GET", path, None).await;
        if answer.code == 200 && answer.body.get("metadata").is_some() {
            return answer.body;
        }
        self.current(name(&self.kind.base)).await
    }

    async fn current(&self, name: &str) -> Value {
        send(self.client, "GET", &format!("{}/{name}", self.kind.collection()), None).await.body
    }

    /// A text with what stands for the words in braces.
    async fn filled(&self, text: &str, subresource: &str) -> String {
        let kind = self.kind;
        let (root, all, name) = (kind.root(), kind.collection(), kind.name());
        let mut text = text
            .replace("{all}", &all)
            .replace("{one}", &format!("{all}/{name}"))
            .replace("{everywhere}", &format!("{root}/{}", kind.plural))
            .replace("{elsewhere}", &format!("{root}/namespaces/elsewhere/{}", kind.plural))
            .replace("{root}", &root)
            .replace("{plural}", &kind.plural)
            .replace("{ours}", &format!("labelSelector=verbs%3D{}", kind.label))
            .replace("{version}", &kind.version)
            .replace("{kind}", &kind.kind)
            .replace("{label}", &kind.label)
            .replace("{name}", name)
            .replace("{namespace}", &kind.namespace)
            .replace("{sub}", subresource)
            .replace("{first}", &self.first_version);
        if let Some(rest) = self.got.pointer("/metadata/continue").and_then(Value::as_str) {
            text = text.replace("{continue}", rest);
        }
        if text.contains("{uid}") || text.contains("{rv}") {
            let current = self.current(name).await;
            let part =
                |name: &str| current["metadata"][name].as_str().unwrap_or_default().to_owned();
            text = text.replace("{uid}", &part("uid")).replace("{rv}", &part("resourceVersion"));
        }
        text
    }

    /// Removes both objects, whatever keeps them.
    pub(super) async fn remove(&mut self) {
        self.first_version.clear();
        if !self.kind.has("delete") {
            return;
        }
        for object in [&self.kind.base, &self.kind.second] {
            let name = name(object);
            let path = format!("{}/{name}", self.kind.collection());
            for _ in 0..ATTEMPTS_MAX {
                let at_once = format!("{path}?gracePeriodSeconds=0");
                if send(self.client, "DELETE", &at_once, None).await.code == 404 {
                    break;
                }
                let mut current = self.current(name).await;
                if self.kind.kind == "Namespace" {
                    current["spec"] = json!({});
                    send(self.client, "PUT", &format!("{path}/finalize"), Some(&current)).await;
                }
                let patch = json!({"metadata": {"finalizers": null}});
                json_patch(&mut current, &patch);
                send(self.client, "PUT", &path, Some(&current)).await;
            }
        }
    }
}
