//! The functions: each makes of its bytes what a client could send.

use std::sync::{Arc, LazyLock};

use expressions::admission::{self, Offered, Purpose};
use expressions::{Activation, Composition, Value};
use http::Method;
use kinds::Verb;
use meta::Quantity;
use meta::selector::{field, label};

use crate::server::ask;

/// A function of bytes.
pub type Parser = fn(&[u8]);

/// All of them, by the names of their corpora.
pub const PARSERS: [(&str, Parser); 8] = [
    ("json", json),
    ("yaml", yaml),
    ("protobuf", protobuf),
    ("patch", patch),
    ("selector", selector),
    ("quantity", quantity),
    ("expression", expression),
    ("request", request),
];

/// A line that names a kind, as `deployments.apps`, and an object of that kind as JSON.
pub fn json(data: &[u8]) {
    create(data, "application/json", |_, body| body.to_vec());
}

/// The same as YAML.
pub fn yaml(data: &[u8]) {
    create(data, "application/yaml", |_, body| body.to_vec());
}

/// The same as a protobuf message, without the envelope.
pub fn protobuf(data: &[u8]) {
    create(data, "application/vnd.kubernetes.protobuf", |kind, body| {
        let api_version = kind.api_version();
        let message = |field: u8, content: &[u8]| {
            let mut bytes = vec![field << 3 | 2];
            let mut len = content.len();
            while len > 0x7f {
                bytes.push(len.to_le_bytes()[0] | 0x80);
                len >>= 7;
            }
            bytes.push(len.to_le_bytes()[0]);
            bytes.extend_from_slice(content);
            bytes
        };
        let type_meta = [message(1, api_version.as_bytes()), message(2, kind.kind.as_bytes())];
        [b"k8s\0".to_vec(), message(1, &type_meta.concat()), message(2, body)].concat()
    });
}

/// A line with a language and a resource, as `strategic deployments`, and a patch of an object that is there.
pub fn patch(data: &[u8]) {
    let (head, body) = line(data);
    let (language, resource) = head.split_once(' ').unwrap_or((&head, ""));
    let media_type = match language {
        "json" => "application/json-patch+json",
        "merge" => "application/merge-patch+json",
        "strategic" => "application/strategic-merge-patch+json",
        _ => "application/apply-patch+yaml",
    };
    let collection = match resource {
        "pods" => "api/v1/namespaces/default/pods",
        "services" => "api/v1/namespaces/default/services",
        "configmaps" => "api/v1/namespaces/default/configmaps",
        _ => "apis/apps/v1/namespaces/default/deployments",
    };
    let path = format!("/{collection}/it?dryRun=All&fieldManager=fuzz");
    ask(Method::PATCH, &path, &[("content-type", media_type)], body);
}

/// A selector, of labels and of fields.
pub fn selector(data: &[u8]) {
    let Ok(text) = str::from_utf8(data) else { return };
    if let Ok(selector) = label::Selector::parse(text) {
        let again = label::Selector::parse(&selector.to_string());
        assert_eq!(again.map(|again| again.to_string()), Ok(selector.to_string()));
    }
    if let Ok(selector) = field::Selector::parse(text) {
        let again = field::Selector::parse(&selector.to_string());
        assert_eq!(again.map(|again| again.to_string()), Ok(selector.to_string()));
    }
}

/// Two quantities, with a space between them.
pub fn quantity(data: &[u8]) {
    let Ok(text) = str::from_utf8(data) else { return };
    let (left, right) = text.split_once(' ').unwrap_or((text, "1"));
    let Ok(left) = Quantity::parse(left) else { return };
    let again = Quantity::parse(&left.to_string()).expect("what is written can be read");
    assert_eq!(again, left);
    let Ok(right) = Quantity::parse(right) else { return };
    for result in [left.plus(&right), left.minus(&right), left.times(right.value())] {
        Quantity::parse(&result.to_string()).expect("what is written can be read");
    }
    let _ = (left.value(), left.millis(), left.approximate(), left.cmp(&right));
}

/// An expression of an admission policy.
pub fn expression(data: &[u8]) {
    static OBJECT: LazyLock<Value> = LazyLock::new(|| {
        Value::from(&serde_json::json!({
            "metadata": {"name": "web", "labels": {"a": "b"}, "creationTimestamp": "2026-01-02T03:04:05Z"},
            "spec": {"replicas": 3, "ratio": 0.5, "paused": null, "list": [1, "two", [3], {"four": 4}]},
        }))
    });
    let Ok(text) = str::from_utf8(data) else { return };
    let environment =
        admission::environment(Offered { params: true, authorizer: true, patches: true });
    let Ok(program) = admission::compile(&environment, text, Purpose::Variable) else { return };
    let mut activation = Activation::new(Arc::new(Composition::new()));
    for name in ["object", "oldObject", "params"] {
        activation.set(name, OBJECT.clone());
    }
    if let Ok(value) = activation.evaluate(&program) {
        let _ = value.to_json();
    }
}

/// A line with a path and query, and one with what the client accepts.
pub fn request(data: &[u8]) {
    let (path, rest) = line(data);
    let (accept, _) = line(rest);
    ask(Method::GET, &path, &[("accept", &accept)], b"");
}

/// Creates an object of the kind that the first line names; a line that names none means one all the same.
fn create(data: &[u8], media_type: &str, body: impl Fn(&kinds::KindInfo, &[u8]) -> Vec<u8>) {
    static CREATABLE: LazyLock<Vec<&'static kinds::KindInfo>> = LazyLock::new(|| {
        let infos = kinds::all().iter().map(|kind| kind.info());
        infos.filter(|info| info.has_verb(Verb::Create)).collect()
    });
    let (head, rest) = line(data);
    let named = CREATABLE.iter().find(|info| info.group_resource().to_string() == head);
    let any = head.bytes().map(usize::from).sum::<usize>() % CREATABLE.len();
    let Some(info) = named.or_else(|| CREATABLE.get(any)) else { return };
    let root = if info.group.is_empty() { "api" } else { "apis" };
    let namespace = if info.namespaced { "/namespaces/default" } else { "" };
    let path = format!(
        "/{root}/{}{namespace}/{}?dryRun=All&fieldValidation=Warn",
        info.api_version(),
        info.plural
    );
    ask(Method::POST, &path, &[("content-type", media_type)], &body(info, rest));
}

/// The first line as text, and the rest.
fn line(data: &[u8]) -> (String, &[u8]) {
    let end = data.iter().position(|byte| *byte == b'\n').unwrap_or(data.len());
    let (head, rest) = data.split_at(end);
    (String::from_utf8_lossy(head).into_owned(), rest.get(1..).unwrap_or_default())
}
