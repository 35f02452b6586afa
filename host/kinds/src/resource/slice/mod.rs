//! What a slice says about devices: on which nodes they are, what they are like, what they share.

mod attribute;
mod capacity;
mod counter;
mod device;

use k8s_openapi::api::core::v1::NodeSelector;
use k8s_openapi::api::resource::v1::{ResourcePool, ResourceSliceSpec};
use meta::names as texts;

use super::{list, names};
use crate::check::{At, Errors, json};
use crate::core::pod::validate::scheduling;
use crate::wire::OrEmpty;
use crate::{facts, internal};

pub(super) use device::{binding, validate_taint};

const DEVICES_MAX: usize = 128;
/// Devices with taints or shared counters cost more to look at.
const COSTLY_DEVICES_MAX: usize = 64;
const COUNTER_SETS_MAX: usize = 8;
const ONLY_TRUE: &str = "must be either unset or set to true";

/// Drops what nobody would act on.
pub(super) fn drop_disabled(spec: &mut ResourceSliceSpec) {
    (spec.partition_type_attribute, spec.skip_node_operations) = (None, None);
    spec.devices.iter_mut().flatten().for_each(device::drop_disabled);
}

/// What is wrong with a slice.
pub(super) fn validate(errors: &mut Errors, at: &At<'_>, spec: &ResourceSliceSpec) {
    names::driver(errors, &at.field("driver"), &spec.driver);
    pool(errors, &at.field("pool"), &spec.pool);
    Place {
        node: spec.node_name.as_ref(),
        selector: spec.node_selector.as_ref(),
        all: spec.all_nodes,
        each_device: spec.per_device_node_selection,
    }
    .validate(errors, at);
    let (counters, devices) = (spec.shared_counters.or_empty(), spec.devices.or_empty());
    if !counters.is_empty() && !devices.is_empty() {
        errors.invalid(at, "", "only one of `sharedCounters` or `devices` is allowed");
    }
    let is_costly = devices
        .iter()
        .any(|device| !device.taints.is_unset() || !device.consumes_counters.is_unset());
    let max = if is_costly { COSTLY_DEVICES_MAX } else { DEVICES_MAX };
    let each_has_place = spec.per_device_node_selection == Some(true);
    let all = at.field("devices");
    list::each_once(
        errors,
        &all,
        devices,
        max,
        |device| device.name.clone(),
        |errors, at, device| errors.duplicate(at, &device.name),
        |errors, at, device| device::validate(errors, at, device, each_has_place),
    );
    let all = at.field("sharedCounters");
    list::each(errors, &all, counters, COUNTER_SETS_MAX, counter::validate_set);
    for (index, set) in list::repeated(counters, |set| set.name.clone()) {
        let shown = facts::shown(set, "io.k8s.api.resource.v1.CounterSet");
        errors.duplicate(&all.index(index), shown);
    }
}

fn pool(errors: &mut Errors, at: &At<'_>, pool: &ResourcePool) {
    names::pool(errors, &at.field("name"), &pool.name);
    if pool.resource_slice_count <= 0 {
        let at = at.field("resourceSliceCount");
        errors.invalid(&at, pool.resource_slice_count, "must be greater than zero");
    }
    if pool.generation < 0 {
        let detail = "must be greater than or equal to zero";
        errors.invalid(&at.field("generation"), pool.generation, detail);
    }
}

/// The nodes from which the devices of a slice can be reached.
struct Place<'a> {
    node: Option<&'a String>,
    selector: Option<&'a NodeSelector>,
    all: Option<bool>,
    each_device: Option<bool>,
}

impl Place<'_> {
    fn validate(&self, errors: &mut Errors, at: &At<'_>) {
        let node_at = at.field("nodeName");
        match self.node.map(String::as_str) {
            Some("") => {
                let detail = "must be either unset or set to a non-empty string";
                errors.invalid(&node_at, "", detail);
            }
            Some(node) => errors.invalid_each(&node_at, node, texts::is_dns1123_subdomain(node)),
            None => {}
        }
        if let Some(selector) = self.selector {
            let at = at.field("nodeSelector");
            scheduling::node_selector(errors, &at, selector);
            if selector.node_selector_terms.len() != 1 {
                let terms = internal::value("[@NodeSelectorTerm", &selector.node_selector_terms);
                let detail = "must have exactly one node selector term";
                errors.invalid(&at.field("nodeSelectorTerms"), terms, detail);
            }
        }
        for (field, flag) in [("allNodes", self.all), ("perDeviceNodeSelection", self.each_device)]
        {
            if flag == Some(false) {
                errors.invalid(&at.field(field), json(&false), ONLY_TRUE);
            }
        }
        let given = [
            ("`nodeName`", self.node.is_some_and(|node| !node.is_empty())),
            ("`nodeSelector`", self.selector.is_some()),
            ("`allNodes`", self.all == Some(true)),
            ("`perDeviceNodeSelection`", self.each_device == Some(true)),
        ];
        let given: Vec<&str> =
            given.into_iter().filter(|(_, is_given)| *is_given).map(|(name, _)| name).collect();
        let detail = "exactly one of `nodeName`, `nodeSelector`, `allNodes`, \
                      `perDeviceNodeSelection` is required";
        match given[..] {
            [] => errors.required(at, detail),
            [_] => {}
            _ => {
                let shown = format!("{{{}}}", given.join(", "));
                errors.invalid(at, shown, format!("{detail}, but multiple fields are set"));
            }
        }
    }
}
