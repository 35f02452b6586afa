//! One device of a slice.

use std::collections::BTreeSet;

use k8s_openapi::api::resource::v1::{Device, DeviceTaint};
use meta::field::BadValue;
use meta::names as texts;

use super::super::request::EFFECTS;
use super::super::{list, names};
use super::{ONLY_TRUE, attribute, capacity, counter};
use crate::check::{At, Errors, json};
use crate::core::pod::validate::scheduling;
use crate::label_selector;
use crate::wire::OrEmpty;

const PROPERTIES_MAX: usize = 32;
const TAINTS_MAX: usize = 16;
const CONDITIONS_MAX: usize = 4;

pub(super) fn drop_disabled(device: &mut Device) {
    device.node_allocatable_resources = None;
    device
        .attributes
        .iter_mut()
        .flat_map(|all| all.values_mut())
        .for_each(attribute::drop_disabled);
    for consumed in device.consumes_counters.iter_mut().flatten() {
        consumed.compatibility_groups = None;
    }
}

pub(super) fn validate(errors: &mut Errors, at: &At<'_>, device: &Device, has_place: bool) {
    names::label(errors, &at.field("name"), &device.name);
    let (attributes, capacities) = (device.attributes.or_empty(), device.capacity.or_empty());
    let count = attributes.len() + capacities.len();
    if count > PROPERTIES_MAX {
        let detail = format!(
            "the total number of attributes and capacities must not exceed {PROPERTIES_MAX}"
        );
        errors.invalid(at, count, detail);
    }
    attribute::validate_all(errors, &at.field("attributes"), attributes);
    let is_shared = device.allow_multiple_allocations == Some(true);
    capacity::validate_all(errors, &at.field("capacity"), capacities, is_shared);
    let taints_at = at.field("taints");
    list::each(errors, &taints_at, device.taints.or_empty(), TAINTS_MAX, validate_taint);
    counter::consumed(errors, &at.field("consumesCounters"), device.consumes_counters.or_empty());
    if has_place {
        place(errors, at, device);
    } else if device.node_name.is_some()
        || device.node_selector.is_some()
        || device.all_nodes.is_some()
    {
        let detail = "`nodeName`, `nodeSelector` and `allNodes` can only be set if \
                      `perDeviceNodeSelection` is set to true in the ResourceSlice spec";
        errors.invalid(at, BadValue::null(), detail);
    }
    let conditions = device.binding_conditions.or_empty();
    binding(errors, at, conditions, device.binding_failure_conditions.or_empty());
}

fn place(errors: &mut Errors, at: &At<'_>, device: &Device) {
    let node_at = at.field("nodeName");
    match device.node_name.as_deref() {
        Some("") => errors.invalid(&node_at, "", "must not be empty"),
        Some(node) => errors.invalid_each(&node_at, node, texts::is_dns1123_subdomain(node)),
        None => {}
    }
    if let Some(selector) = &device.node_selector {
        scheduling::node_selector(errors, &at.field("nodeSelector"), selector);
    }
    if device.all_nodes == Some(false) {
        errors.invalid(&at.field("allNodes"), json(&false), ONLY_TRUE);
    }
    let given = [
        ("`nodeName`", !device.node_name.is_unset()),
        ("`nodeSelector`", device.node_selector.is_some()),
        ("`allNodes`", device.all_nodes == Some(true)),
    ];
    let given: Vec<&str> =
        given.into_iter().filter(|(_, is_given)| *is_given).map(|(name, _)| name).collect();
    let detail = "exactly one of `nodeName`, `nodeSelector`, or `allNodes` is required when \
                  `perDeviceNodeSelection` is set to true in the ResourceSlice spec";
    match given[..] {
        [] => errors.required(at, detail),
        [_] => {}
        _ => errors.invalid(at, format!("{{{}}}", given.join(", ")), detail),
    }
}

/// What is wrong with a taint.
pub(in crate::resource) fn validate_taint(errors: &mut Errors, at: &At<'_>, taint: &DeviceTaint) {
    label_selector::label_name(errors, &at.field("key"), &taint.key);
    let value = taint.value.or_empty();
    errors.invalid_each(&at.field("value"), value, texts::is_label_value(value));
    errors.required_one_of(&at.field("effect"), &taint.effect, EFFECTS);
}

/// What is wrong with the conditions that a device waits for, and with those that end the waiting.
pub(in crate::resource) fn binding(
    errors: &mut Errors,
    at: &At<'_>,
    conditions: &[String],
    failures: &[String],
) {
    let (conditions_at, failures_at) =
        (at.field("bindingConditions"), at.field("bindingFailureConditions"));
    for (all, names) in [(&conditions_at, conditions), (&failures_at, failures)] {
        list::each(errors, all, names, CONDITIONS_MAX, |errors, at, name| {
            label_selector::label_name(errors, at, name);
        });
    }
    for (all, names) in [(&conditions_at, conditions), (&failures_at, failures)] {
        for (index, name) in list::repeated(names, Clone::clone) {
            errors.duplicate(&all.index(index), name);
        }
    }
    let known: BTreeSet<&String> = conditions.iter().collect();
    for (index, name) in failures.iter().enumerate().filter(|(_, name)| known.contains(name)) {
        let detail = "bindingFailureConditions must not overlap with bindingConditions";
        errors.invalid(&failures_at.index(index), name, detail);
    }
    match (conditions.is_empty(), failures.is_empty()) {
        (true, false) => {
            let detail = "bindingConditions are required to use bindingFailureConditions";
            errors.invalid(&conditions_at, BadValue::null(), detail);
        }
        (false, true) => {
            let detail = "bindingFailureConditions are required to use bindingConditions";
            errors.invalid(&failures_at, BadValue::null(), detail);
        }
        _ => {}
    }
}
