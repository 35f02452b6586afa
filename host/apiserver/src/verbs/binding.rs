//! POST of a Binding: assigns a Pod to a node.
//!
//! It is the one write of a scheduler, so it does no more than it must: the Pod gets its node, the annotations and labels of the binding, and the
//! condition that it is scheduled. See <https://kubernetes.io/docs/reference/kubernetes-api/workload-resources/binding-v1/>.

use std::collections::BTreeMap;

use http::{Response, StatusCode};
use k8s_openapi::api::core::v1::{Binding, Pod, PodCondition};
use kinds::{KindInfo, NameRule};
use meta::field::Path;
use meta::{FieldError, GroupResource, StatusError, Time};
use serde_json::json;
use store::Precondition;

use super::write::{self, whole_seconds};
use super::{Context, Current};
use crate::admission::hooks;
use crate::body::Body;
use crate::codec::decode::{self, Expected};
use crate::codec::encode;
use crate::options::{WriteOptions, Writing};
use crate::registry::KindRef;
use crate::status;

const MAX_TRIES: usize = 100;

/// Whether creating the kind means binding a Pod: the older path of bindings.
pub(super) fn is_binding(info: &KindInfo) -> bool {
    info.group.is_empty() && info.kind == "Binding"
}

pub(super) async fn create(mut context: Context) -> Result<Response<Body>, StatusError> {
    let expected = Expected::of_body("", "v1", "Binding")?;
    let raw = decode::read(&context.state, &mut context.call).await?;
    let options = WriteOptions::read(&context.call, Writing::Create)?;
    let mut tree = decode::tree(&raw, &expected, options.validation, &context.call.warnings)?;
    if context.resource.name.is_empty() {
        // The older path names the Pod in the body only.
        let name = meta::metadata_text(&tree, "name");
        name.clone_into(&mut context.resource.name);
        let Some(pods) = KindRef::built_in("", "v1", "pods") else {
            return Err(StatusError::no_such_path());
        };
        (context.kind, context.stored) = (pods.clone(), pods);
    }
    super::create::place(&context, &mut tree)?;
    let tree = hooks::sent(&context, &expected.gvk, options.dry_run, tree).await?;
    let binding: Binding = serde_json::from_value(tree)
        .map_err(|error| StatusError::bad_request(error.to_string()))?;
    check(&context, &binding)?;
    check_name(&context.resource.name)?;
    assign(&context, &binding, options.dry_run).await?;
    let code = StatusCode::CREATED;
    let status = json!({ "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "code": code.as_u16() });
    Ok(encode::response(code, context.accepted, encode::value(&status, context.accepted)))
}

/// A name of the body becomes part of a key.
fn check_name(name: &str) -> Result<(), StatusError> {
    if name.is_empty() {
        return Err(StatusError::bad_request("Name parameter required."));
    }
    match NameRule::PathSegment.check(name).as_slice() {
        [] => Ok(()),
        wrong => {
            let (name, wrong) = (meta::quote(name), wrong.join(";"));
            Err(StatusError::bad_request(format!("Name parameter invalid: {name}: {wrong}")))
        }
    }
}

fn check(context: &Context, binding: &Binding) -> Result<(), StatusError> {
    if binding.metadata.name.as_deref().unwrap_or_default() != context.resource.name {
        return Err(StatusError::bad_request("name in URL does not match name in Binding object"));
    }
    let target = Path::new("target");
    let mut errors = Vec::new();
    let kind = binding.target.kind.as_deref().unwrap_or_default();
    if !matches!(kind, "" | "Node") {
        errors.push(FieldError::not_supported(&target.child("kind"), kind, ["Node", "<empty>"]));
    }
    if binding.target.name.as_deref().unwrap_or_default().is_empty() {
        errors.push(FieldError::required(&target.child("name"), ""));
    }
    match errors.as_slice() {
        [] => Ok(()),
        [one] => Err(StatusError::unknown(one.to_string())),
        several => {
            let texts: Vec<String> = several.iter().map(ToString::to_string).collect();
            Err(StatusError::unknown(format!("[{}]", texts.join(", "))))
        }
    }
}

async fn assign(context: &Context, binding: &Binding, dry_run: bool) -> Result<(), StatusError> {
    let name = context.resource.name.as_str();
    for _ in 0..MAX_TRIES {
        let snapshot = context.state.store.snapshot();
        let current = context.current(context.entry(&snapshot, name)?)?;
        check_same(binding, &current)
            .map_err(|text| StatusError::conflict(&context.group_resource(), name, &text))?;
        let mut object = current.object.boxed_clone();
        let Some(pod) = object.as_any_mut().downcast_mut::<Pod>() else {
            return Err(StatusError::internal("a binding is of a Pod"));
        };
        let now = Time(whole_seconds(context.state.clock.now()));
        bind(pod, binding, now).map_err(|text| {
            StatusError::conflict(&GroupResource::new("", "pods/binding"), name, &text)
        })?;
        if dry_run {
            return Ok(());
        }
        let tree = current.edited(&*object);
        let precondition = Precondition::At(current.entry.revision);
        let put = write::put(context, current.entry.key.clone(), precondition, object, tree)?;
        match context.state.store.commit(put).await {
            Ok(_) => return Ok(()),
            Err(store::CommitError::Failed { .. }) => {}
            Err(error) => return Err(status::from_commit(&error)),
        }
    }
    Err(StatusError::modified(&context.group_resource(), name))
}

/// A binding with a uid or a version means that very Pod.
fn check_same(binding: &Binding, current: &Current) -> Result<(), String> {
    let uid = current.object.metadata().uid.as_deref().unwrap_or_default();
    let asked = [&binding.metadata.uid, &binding.metadata.resource_version];
    let asked = asked.map(|text| text.as_deref().filter(|text| !text.is_empty()));
    super::precondition(asked.into(), uid, &current.entry.revision.to_string())
}

fn bind(pod: &mut Pod, binding: &Binding, now: Time) -> Result<(), String> {
    let name = pod.metadata.name.as_deref().unwrap_or_default().to_owned();
    if pod.metadata.deletion_timestamp.is_some() {
        return Err(format!("pod {name} is being deleted, cannot be assigned to a host"));
    }
    let spec = pod.spec.get_or_insert_default();
    if let Some(node) = spec.node_name.as_deref().filter(|node| !node.is_empty()) {
        return Err(format!("pod {name} is already assigned to node {}", meta::quote(node)));
    }
    if spec.scheduling_gates.as_ref().is_some_and(|gates| !gates.is_empty()) {
        return Err(format!("pod {name} has non-empty .spec.schedulingGates"));
    }
    spec.node_name.clone_from(&binding.target.name);
    merge(&mut pod.metadata.annotations, binding.metadata.annotations.as_ref());
    merge(&mut pod.metadata.labels, binding.metadata.labels.as_ref());
    let status = pod.status.get_or_insert_default();
    status.nominated_node_name = None;
    let conditions = status.conditions.get_or_insert_default();
    let scheduled = PodCondition {
        type_: "PodScheduled".to_owned(),
        status: "True".to_owned(),
        last_transition_time: Some(now),
        ..PodCondition::default()
    };
    match conditions.iter_mut().find(|condition| condition.type_ == scheduled.type_) {
        Some(condition) => *condition = scheduled,
        None => conditions.push(scheduled),
    }
    Ok(())
}

fn merge(own: &mut Option<BTreeMap<String, String>>, added: Option<&BTreeMap<String, String>>) {
    if let Some(added) = added.filter(|added| !added.is_empty()) {
        own.get_or_insert_default().extend(added.clone());
    }
}
