//! The kinds that a server has, as it tells them itself, each with an object.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
};

use kube::Client;
use serde_json::{Value, json};

use crate::recorded::{files, send, stem};

/// The file of objects of kinds that the `fields` tests lack.
pub(super) const BASES: &str = "bases";

/// What a second object needs beside another name.
const SECOND: [(&str, &str); 1] =
    [("apiservices.apiregistration.k8s.io", r#"{"spec":{"group":"it.example.com2"}}"#)];

pub(super) struct Kind {
    /// The name in the files.
    pub(super) label: String,
    /// `apiVersion`
    pub(super) version: String,
    pub(super) plural: String,
    pub(super) kind: String,
    pub(super) is_namespaced: bool,
    pub(super) namespace: String,
    pub(super) verbs: Vec<String>,
    pub(super) subresources: Vec<String>,
    pub(super) base: Value,
    pub(super) second: Value,
}

impl Kind {
    /// The part of paths before namespaces.
    pub(super) fn root(&self) -> String {
        let root = if self.version.contains('/') { "apis" } else { "api" };
        format!("/{root}/{}", self.version)
    }

    /// The path of all objects, in their namespace.
    pub(super) fn collection(&self) -> String {
        let namespace = if self.is_namespaced {
            format!("/namespaces/{}", self.namespace)
        } else {
            String::new()
        };
        format!("{}{namespace}/{}", self.root(), self.plural)
    }

    pub(super) fn group(&self) -> &str {
        self.version.split_once('/').map_or("", |(group, _)| group)
    }

    pub(super) fn name(&self) -> &str {
        name(&self.base)
    }

    /// Whether the requests of a file are for this kind: those of a verb that it has, or of no single verb.
    pub(super) fn is_asked(&self, file: &str) -> bool {
        match file {
            "create" | "methods" => true,
            "subresources" => !self.subresources.is_empty(),
            verb => self.has(verb),
        }
    }

    pub(super) fn has(&self, verb: &str) -> bool {
        self.verbs.iter().any(|it| it == verb)
    }
}

pub(super) fn name(object: &Value) -> &str {
    object.pointer("/metadata/name").and_then(Value::as_str).unwrap_or_default()
}

/// Every kind of the server.
pub(super) async fn all(client: &Client) -> Vec<Kind> {
    let mut resources = resources(client).await;
    let mut kinds = Vec::new();
    for (label, version, plural, base) in bases() {
        let found = resources.remove(&(version.clone(), plural.clone()));
        let listed = found.unwrap_or_else(|| panic!("the server has no {version} {plural}"));
        kinds.push(kind(label, version, plural, &base, &listed));
    }
    let rest: Vec<_> = resources.keys().collect();
    assert!(rest.is_empty(), "no object to ask with for {rest:?}");
    kinds
}

fn kind(label: String, version: String, plural: String, base: &str, listed: &[Value]) -> Kind {
    let own = &listed[0];
    let verbs = own["verbs"].as_array().into_iter().flatten();
    let verbs: Vec<_> = verbs.map(|verb| verb.as_str().unwrap().to_owned()).collect();
    let has_list = verbs.iter().any(|verb| verb == "list");
    let namespace = format!("verbs-{}", label.replace('.', "-"));
    let base = base.replace(r#""namespace":"fields""#, &format!(r#""namespace":"{namespace}""#));
    let mut base: Value = serde_json::from_str(&base).unwrap();
    if has_list {
        // By this its own objects are found among others.
        json_patch(&mut base, &json!({"metadata": {"labels": {"verbs": label}}}));
    }
    let mut second = base.clone();
    json_patch(&mut second, &json!({"metadata": {"name": format!("{}2", name(&base))}}));
    if let Some((_, patch)) = SECOND.iter().find(|(it, _)| *it == label) {
        json_patch(&mut second, &serde_json::from_str(patch).unwrap());
    }
    let subresources = listed[1..].iter().map(|resource| {
        let name = resource["name"].as_str().unwrap();
        name.split_once('/').unwrap().1.to_owned()
    });
    Kind {
        kind: own["kind"].as_str().unwrap().to_owned(),
        is_namespaced: own["namespaced"].as_bool().unwrap(),
        verbs,
        subresources: subresources.collect(),
        label,
        version,
        plural,
        namespace,
        base,
        second,
    }
}

/// Applies a JSON merge patch.
pub(super) fn json_patch(target: &mut Value, patch: &Value) {
    let Value::Object(patch) = patch else {
        *target = patch.clone();
        return;
    };
    if !target.is_object() {
        *target = json!({});
    }
    let members = target.as_object_mut().expect("made one above");
    for (name, value) in patch {
        if value.is_null() {
            members.remove(name);
        } else {
            json_patch(members.entry(name.clone()).or_insert(Value::Null), value);
        }
    }
}

/// The first object of each kind in the files: label, `apiVersion`, plural, object.
fn bases() -> Vec<(String, String, String, String)> {
    let own = files("verbs").into_iter().filter(|path| stem(path) == BASES);
    let mut seen = BTreeSet::new();
    let mut bases = Vec::new();
    for path in files("fields").into_iter().chain(own) {
        let text = fs::read_to_string(&path).unwrap();
        let mut kind: Option<(String, String)> = None;
        for line in text.lines() {
            if let Some(rest) = line.strip_prefix("kind ") {
                let mut words = rest.split(' ').map(str::to_owned);
                kind = words.next().zip(words.next());
            } else if let Some(base) = line.strip_prefix("base ")
                && let Some((version, plural)) = kind.take()
                && seen.insert((version.clone(), plural.clone()))
            {
                let label = if stem(&path) == BASES {
                    let group = version.split_once('/').map_or("", |(group, _)| group);
                    format!("{plural}.{group}").trim_end_matches('.').to_owned()
                } else {
                    stem(&path)
                };
                bases.push((label, version, plural, base.to_owned()));
            }
        }
    }
    bases
}

/// What discovery lists: each resource, its subresources after it.
async fn resources(client: &Client) -> BTreeMap<(String, String), Vec<Value>> {
    let groups = send(client, "GET", "/apis", None).await.body;
    let versions = groups["groups"].as_array().into_iter().flatten().flat_map(|group| {
        let versions = group["versions"].as_array().into_iter().flatten();
        versions.map(|version| version["groupVersion"].as_str().unwrap().to_owned())
    });
    // Types that users define have tests of their own.
    let is_ours = |version: &String| {
        !["skiff.dev", "example.com", "apiextensions.k8s.io"].iter().any(|it| version.contains(it))
    };
    let mut found: BTreeMap<(String, String), Vec<Value>> = BTreeMap::new();
    for version in ["v1".to_owned()].into_iter().chain(versions.filter(is_ours)) {
        let root = if version.contains('/') { "apis" } else { "api" };
        let list = send(client, "GET", &format!("/{root}/{version}"), None).await.body;
        let mut resources = list["resources"].as_array().cloned().unwrap_or_default();
        resources.sort_by_key(|it| it["name"].as_str().unwrap_or_default().to_owned());
        for resource in resources {
            let name = resource["name"].as_str().unwrap_or_default();
            let plural = name.split('/').next().unwrap_or_default().to_owned();
            found.entry((version.clone(), plural)).or_default().push(resource);
        }
    }
    found
}
