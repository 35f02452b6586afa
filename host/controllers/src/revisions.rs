//! The history of a template as `ControllerRevision`s: what `StatefulSet` and `DaemonSet` roll out to and back.
//!
//! A revision holds the template as a patch. Its name carries a hash, which for a `StatefulSet` is that
//! of the stored bytes, in the form that Go writes JSON, so that it is the one of Kubernetes.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::sync::Arc;

use k8s_openapi::api::apps::v1::ControllerRevision;
use k8s_openapi::api::core::v1::PodTemplateSpec;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use k8s_openapi::apimachinery::pkg::runtime::RawExtension;
use serde::Deserialize as _;
use serde_json::{Value, json};

use crate::deployment::hash::safe_text;
use crate::{Action, Plan, Sourced, Target, ownership};

/// The patch that brings a template back.
pub(crate) fn data(template: &PodTemplateSpec) -> Value {
    let mut template = serde_json::to_value(template).unwrap_or_default();
    template["$patch"] = json!("replace");
    json!({"spec": {"template": template}})
}

/// The template that a revision brings back.
pub(crate) fn template(revision: &ControllerRevision) -> Option<PodTemplateSpec> {
    let template = revision.data.0.pointer("/spec/template")?;
    PodTemplateSpec::deserialize(template).ok()
}

/// The hash of the stored bytes and the number of collisions.
pub(crate) fn hash(data: &Value, collisions: i32) -> String {
    let mut text = String::new();
    go_json(data, &mut text);
    text.push_str(&collisions.to_string());
    // FNV-1, which multiplies first, and not the FNV-1a of templates.
    let hash = text
        .bytes()
        .fold(0x811c_9dc5_u32, |hash, byte| hash.wrapping_mul(0x0100_0193) ^ u32::from(byte));
    safe_text(hash)
}

/// The revisions of one owner, oldest first.
#[derive(Debug)]
pub(crate) struct History {
    known: Vec<Arc<ControllerRevision>>,
}

/// What a new revision is made of.
#[derive(Debug)]
pub(crate) struct Wanted<'a> {
    pub(crate) data: Value,
    pub(crate) hash: String,
    /// The label that carries the hash.
    pub(crate) label: &'a str,
    pub(crate) labels: BTreeMap<String, String>,
}

impl History {
    pub(crate) fn new(known: Vec<Arc<ControllerRevision>>, owner_uid: &str) -> Self {
        let mut known = known;
        known.retain(|revision| ownership::is_controlled_by(&revision.metadata, owner_uid));
        known.sort_by_key(|r| (r.revision.unwrap_or(0), r.metadata.name.clone()));
        Self { known }
    }

    pub(crate) fn find(&self, name: &str) -> Option<&ControllerRevision> {
        let is_it =
            |revision: &&Arc<ControllerRevision>| revision.metadata.name.as_deref() == Some(name);
        self.known.iter().find(is_it).map(|revision| &**revision)
    }

    /// The name of the revision of a template: the known one, raised to the newest, or a new one.
    pub(crate) fn sync<O: Sourced>(
        &self,
        owner: &O,
        wanted: Wanted<'_>,
        plan: &mut Plan,
    ) -> String {
        let newest = self.known.iter().filter_map(|revision| revision.revision).max().unwrap_or(0);
        let equal = self.known.iter().rev().find(|revision| revision.data.0 == wanted.data);
        if let Some(equal) = equal {
            if equal.revision != Some(newest) {
                let mut raised = (**equal).clone();
                raised.revision = Some(newest + 1);
                plan.act(Action::Update { object: raised.into_any(), announce: None });
            }
            return equal.metadata.name.clone().unwrap_or_default();
        }
        let metadata = owner.metadata();
        let owner_name = metadata.name.as_deref().unwrap_or("");
        let name = format!("{owner_name}-{}", wanted.hash);
        let mut labels = wanted.labels;
        labels.insert(wanted.label.to_owned(), wanted.hash);
        let revision = ControllerRevision {
            metadata: ObjectMeta {
                name: Some(name.clone()),
                namespace: metadata.namespace.clone(),
                labels: Some(labels),
                annotations: metadata.annotations.clone(),
                owner_references: Some(vec![ownership::controller_reference(owner)]),
                ..ObjectMeta::default()
            },
            data: RawExtension(wanted.data),
            revision: Some(newest + 1),
        };
        plan.act(Action::Create { object: revision.into_any(), announce: None });
        name
    }

    /// Deletes the oldest revisions that no Pod is of, beyond the limit.
    pub(crate) fn forget(
        &self,
        limit: i32,
        is_live: impl Fn(&ControllerRevision) -> bool,
        plan: &mut Plan,
    ) {
        let dead: Vec<_> = self.known.iter().filter(|revision| !is_live(revision)).collect();
        let limit = usize::try_from(limit).unwrap_or(0);
        for revision in dead.iter().take(dead.len().saturating_sub(limit)) {
            plan.act(Action::Delete {
                target: Target::of(&***revision),
                propagation: None,
                grace_secs: None,
                announce: None,
            });
        }
    }
}

/// JSON as Go writes it: sorted keys, no spaces, and no character that means something in HTML.
fn go_json(value: &Value, out: &mut String) {
    match value {
        Value::Object(members) => {
            let mut members: Vec<_> = members.iter().collect();
            members.sort_by_key(|(key, _)| *key);
            out.push('{');
            for (place, (key, value)) in members.into_iter().enumerate() {
                if place > 0 {
                    out.push(',');
                }
                go_text(key, out);
                out.push(':');
                go_json(value, out);
            }
            out.push('}');
        }
        Value::Array(items) => {
            out.push('[');
            for (place, item) in items.iter().enumerate() {
                if place > 0 {
                    out.push(',');
                }
                go_json(item, out);
            }
            out.push(']');
        }
        Value::String(text) => go_text(text, out),
        other => {
            let _ = write!(out, "{other}");
        }
    }
}

fn go_text(text: &str, out: &mut String) {
    let plain = Value::from(text).to_string();
    for c in plain.chars() {
        match c {
            '<' | '>' | '&' | '\u{2028}' | '\u{2029}' => {
                let _ = write!(out, "\\u{:04x}", u32::from(c));
            }
            _ => out.push(c),
        }
    }
}

#[cfg(test)]
mod tests;
