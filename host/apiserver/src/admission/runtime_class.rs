//! A Pod with a runtime class costs what the class says, and runs where it is found.
//!
//! See <https://kubernetes.io/docs/concepts/containers/runtime-class/>.

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::{Pod, PodSpec, Toleration};
use k8s_openapi::api::node::v1::{RuntimeClass, Scheduling};
use k8s_openapi::apimachinery::pkg::api::resource::Quantity;
use kinds::Object;
use meta::{GroupResource, Key, StatusError};

use super::{Attempted, Plugin};

const OTHER_OVERHEAD: &str =
    "pod rejected: Pod's Overhead doesn't match RuntimeClass's defined Overhead";
const OVERHEAD_ALONE: &str =
    "pod rejected: Pod Overhead set without corresponding RuntimeClass defined Overhead";

pub(super) struct RuntimeClasses;

impl Plugin for RuntimeClasses {
    fn mutate(
        &self,
        attempted: &Attempted<'_>,
        object: &mut dyn Object,
    ) -> Result<(), StatusError> {
        let Some(pod) = object.as_any_mut().downcast_mut::<Pod>().filter(|_| attempted.creates())
        else {
            return Ok(());
        };
        let spec = pod.spec.get_or_insert_default();
        let Some(class) = find(attempted, spec)? else { return Ok(()) };
        if let Some(overhead) = class.overhead {
            let fixed = overhead.pod_fixed;
            let is_given = spec.overhead.as_ref().is_some_and(|given| !given.is_empty());
            if is_given && !is_same(spec.overhead.as_ref(), fixed.as_ref()) {
                return Err(attempted.forbid(OTHER_OVERHEAD));
            }
            spec.overhead = fixed;
        }
        match class.scheduling {
            Some(scheduling) => schedule(attempted, spec, scheduling),
            None => Ok(()),
        }
    }

    fn validate(
        &self,
        attempted: &Attempted<'_>,
        new: Option<&dyn Object>,
    ) -> Result<(), StatusError> {
        let pod = new.and_then(|new| new.as_any().downcast_ref::<Pod>());
        let Some(spec) = pod.filter(|_| attempted.creates()).and_then(|pod| pod.spec.as_ref())
        else {
            return Ok(());
        };
        match find(attempted, spec)?.and_then(|class| class.overhead) {
            Some(overhead) if !is_same(spec.overhead.as_ref(), overhead.pod_fixed.as_ref()) => {
                Err(attempted.forbid(OTHER_OVERHEAD))
            }
            None if spec.overhead.is_some() => Err(attempted.forbid(OVERHEAD_ALONE)),
            Some(_) | None => Ok(()),
        }
    }
}

fn find(attempted: &Attempted<'_>, spec: &PodSpec) -> Result<Option<RuntimeClass>, StatusError> {
    let name = spec.runtime_class_name.as_deref().unwrap_or_default();
    if name.is_empty() {
        return Ok(None);
    }
    if let Some(why) = Attempted::unusable(name) {
        return Err(StatusError::unknown(why));
    }
    let classes = GroupResource::new("node.k8s.io", "runtimeclasses");
    let entry = attempted.snapshot.get(Key::new(&classes, "", name).as_str());
    match entry.and_then(|entry| serde_json::from_slice(&entry.body).ok()) {
        Some(class) => Ok(Some(class)),
        None => {
            let name = meta::quote(name);
            Err(attempted.forbid(&format!("pod rejected: RuntimeClass {name} not found")))
        }
    }
}

type Amounts = BTreeMap<String, Quantity>;

fn is_same(one: Option<&Amounts>, other: Option<&Amounts>) -> bool {
    let numbers = |amounts: Option<&Amounts>| -> Vec<(String, meta::quantity::Quantity)> {
        let amounts = amounts.into_iter().flatten();
        let number = |text: &str| meta::quantity::Quantity::parse(text).unwrap_or_default();
        amounts.map(|(name, amount)| (name.clone(), number(&amount.0))).collect()
    };
    numbers(one) == numbers(other)
}

/// The Pod runs where both it and its class want it.
fn schedule(
    attempted: &Attempted<'_>,
    spec: &mut PodSpec,
    scheduling: Scheduling,
) -> Result<(), StatusError> {
    let selector = spec.node_selector.get_or_insert_default();
    for (key, of_class) in scheduling.node_selector.into_iter().flatten() {
        let of_pod = selector.entry(key.clone()).or_insert_with(|| of_class.clone());
        if *of_pod != of_class {
            return Err(attempted.forbid(&format!(
                "conflict: runtimeClass.scheduling.nodeSelector[{key}] = {of_class}; \
                 pod.spec.nodeSelector[{key}] = {of_pod}"
            )));
        }
    }
    let mut all = spec.tolerations.take().unwrap_or_default();
    all.extend(scheduling.tolerations.into_iter().flatten());
    spec.tolerations = Some(without_covered(&all));
    Ok(())
}

/// Leaves out what another one tolerates as well. Of equal ones the first stays.
fn without_covered(all: &[Toleration]) -> Vec<Toleration> {
    let mut kept: Vec<Toleration> = Vec::new();
    for (index, toleration) in all.iter().enumerate() {
        let mut later = all.iter().skip(index + 1);
        let is_covered = kept.iter().any(|other| covers(other, toleration))
            || later.any(|other| other != toleration && covers(other, toleration));
        if !is_covered {
            kept.push(toleration.clone());
        }
    }
    kept
}

/// Whether `wide` tolerates everything that `narrow` does.
fn covers(wide: &Toleration, narrow: &Toleration) -> bool {
    if wide == narrow {
        return true;
    }
    let text = |field: &Option<String>| field.clone().unwrap_or_default();
    let is_open = text(&wide.key).is_empty() && text(&wide.operator) == "Exists";
    if text(&wide.key) != text(&narrow.key) && !is_open {
        return false;
    }
    let effect = text(&wide.effect);
    if effect != text(&narrow.effect) && !effect.is_empty() {
        return false;
    }
    if effect == "NoExecute"
        && let Some(secs) = wide.toleration_seconds
        && narrow.toleration_seconds.is_none_or(|narrow| narrow > secs)
    {
        return false;
    }
    match text(&wide.operator).as_str() {
        "Equal" | "" => {
            text(&narrow.operator) == "Equal" && text(&narrow.value) == text(&wide.value)
        }
        "Exists" => true,
        _ => false,
    }
}

#[cfg(test)]
mod tests;
