//! What is seen of a claim: the devices it was given, for whom they are reserved, and what their drivers say about them.

use std::collections::BTreeSet;

use ipnet::IpNet;
use k8s_openapi::api::resource::v1::{
    AllocatedDeviceStatus, AllocationResult, DeviceClaim, DeviceRequestAllocationResult,
    NetworkDeviceData, ResourceClaim, ResourceClaimConsumerReference, ResourceClaimStatus,
};
use meta::Tree;
use meta::field::BadValue;

use super::names::RequestNames;
use super::slice::binding;
use super::{claim, config, list, names, request};
use crate::check::{At, Errors};
use crate::core::pod::validate::scheduling;
use crate::wire::OrEmpty;
use crate::{conditions, facts};

const RESERVED_MAX: usize = 256;
pub(crate) const RESULTS_MAX: usize = 32;
const CONDITIONS_MAX: usize = 8;
const IPS_MAX: usize = 16;
const INTERFACE_NAME_BYTES_MAX: usize = 256;
const HARDWARE_ADDRESS_BYTES_MAX: usize = 128;

pub(super) fn set_defaults(status: &mut ResourceClaimStatus) {
    for result in results_mut(status) {
        request::set_toleration_defaults(result.tolerations.as_mut());
    }
}

/// Drops what nobody would act on.
pub(super) fn drop_disabled(status: &mut ResourceClaimStatus) {
    for result in results_mut(status) {
        result.skip_node_operations = None;
    }
}

/// What drivers say about devices that the claim has no more goes with them.
pub(super) fn forget_freed_devices(
    new: &mut ResourceClaimStatus,
    old: Option<&ResourceClaimStatus>,
) {
    let kept = allocated(new);
    let mut freed = old.map(allocated).unwrap_or_default();
    freed.retain(|device| !kept.contains(device));
    if let Some(devices) = &mut new.devices {
        devices.retain(|device| !freed.contains(&id_of(device)));
        if devices.is_empty() {
            new.devices = None;
        }
    }
}

/// What is wrong with a status that replaces an old one.
pub(super) fn validate(errors: &mut Errors, new: &ResourceClaim, old: &ResourceClaim) {
    let at = At::root("status");
    let (status, before) = (new.status.clone().unwrap_or_default(), old.status.clone());
    let before = before.unwrap_or_default();
    let known = new.spec.as_ref().and_then(|spec| spec.devices.clone()).unwrap_or_default();
    let is_deleted = new.metadata.deletion_timestamp.is_some();
    reserved(errors, &at.field("reservedFor"), &status, &before, is_deleted);
    devices(errors, &at.field("devices"), &status);
    let allocation_at = at.field("allocation");
    match (&before.allocation, &status.allocation) {
        (Some(before), Some(now)) if before != now => {
            errors.invalid(&allocation_at, BadValue::null(), "field cannot be modified once set");
        }
        (None, Some(now)) => allocation(errors, &allocation_at, now, &known),
        _ => {}
    }
}

fn reserved(
    errors: &mut Errors,
    all: &At<'_>,
    status: &ResourceClaimStatus,
    before: &ResourceClaimStatus,
    is_deleted: bool,
) {
    let consumers = status.reserved_for.or_empty();
    list::each(errors, all, consumers, RESERVED_MAX, |errors, at, consumer| {
        let ResourceClaimConsumerReference { resource, name, uid, .. } = consumer;
        for (field, value) in [("resource", resource), ("name", name), ("uid", uid)] {
            if value.is_empty() {
                errors.required(&at.field(field), "");
            }
        }
    });
    for (index, consumer) in list::repeated(consumers, |consumer| consumer.uid.clone()) {
        let type_name = "io.k8s.api.resource.v1.ResourceClaimConsumerReference";
        errors.duplicate(&all.index(index), facts::shown(consumer, type_name));
    }
    let known = before.reserved_for.or_empty();
    if !consumers.is_empty() && status.allocation.is_none() {
        errors.forbidden(all, "may not be specified when `allocated` is not set");
    } else if is_deleted && consumers.iter().any(|consumer| !known.contains(consumer)) {
        let detail = "new entries may not be added while `deallocationRequested` or \
                      `deletionTimestamp` are set";
        errors.forbidden(all, detail);
    }
}

/// What tells devices apart, and shares of one device.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct DeviceId {
    driver: String,
    pool: String,
    device: String,
    share: String,
}

impl DeviceId {
    fn shown(&self) -> BadValue {
        let text = |text: &str| meta::quote::json(&Tree::from(text));
        BadValue::Json(format!(
            "{{\"Driver\":{},\"Pool\":{},\"Device\":{},\"ShareID\":{}}}",
            text(&self.driver),
            text(&self.pool),
            text(&self.device),
            text(&self.share)
        ))
    }
}

fn id_of(device: &AllocatedDeviceStatus) -> DeviceId {
    DeviceId {
        driver: device.driver.clone(),
        pool: device.pool.clone(),
        device: device.device.clone(),
        share: device.share_id.or_empty().to_owned(),
    }
}

fn allocated(status: &ResourceClaimStatus) -> BTreeSet<DeviceId> {
    let allocation = status.allocation.iter().filter_map(|allocation| allocation.devices.as_ref());
    let id = |result: &DeviceRequestAllocationResult| DeviceId {
        driver: result.driver.clone(),
        pool: result.pool.clone(),
        device: result.device.clone(),
        share: result.share_id.or_empty().to_owned(),
    };
    allocation.flat_map(|devices| devices.results.or_empty()).map(id).collect()
}

fn results_mut(
    status: &mut ResourceClaimStatus,
) -> impl Iterator<Item = &mut DeviceRequestAllocationResult> {
    let devices = status.allocation.as_mut().and_then(|allocation| allocation.devices.as_mut());
    devices.and_then(|devices| devices.results.as_mut()).into_iter().flatten()
}

fn devices(errors: &mut Errors, all: &At<'_>, status: &ResourceClaimStatus) {
    let (devices, allocated) = (status.devices.or_empty(), allocated(status));
    for (index, device) in devices.iter().enumerate() {
        let at = all.index(index);
        names::driver(errors, &at.field("driver"), &device.driver);
        names::pool(errors, &at.field("pool"), &device.pool);
        names::label(errors, &at.field("device"), &device.device);
        if let Some(share) = &device.share_id {
            names::share_id(errors, &at.field("shareID"), share);
        }
        let id = id_of(device);
        if !allocated.contains(&id) {
            errors.invalid(&at, id.shown(), "must be an allocated device in the claim");
        }
        seen(errors, &at, device);
    }
    for (index, device) in list::repeated(devices, id_of) {
        let shown = facts::shown(device, "io.k8s.api.resource.v1.AllocatedDeviceStatus");
        errors.duplicate(&all.index(index), shown);
    }
}

/// What a driver says about a device.
fn seen(errors: &mut Errors, at: &At<'_>, device: &AllocatedDeviceStatus) {
    let (conditions, conditions_at) = (device.conditions.or_empty(), at.field("conditions"));
    if conditions.len() > CONDITIONS_MAX {
        errors.too_many(&conditions_at, conditions.len(), CONDITIONS_MAX);
    }
    conditions::validate(errors, &conditions_at, conditions);
    if let Some(data) = &device.data {
        config::object(errors, &at.field("data"), data);
    }
    if let Some(data) = &device.network_data {
        network(errors, &at.field("networkData"), data);
    }
}

fn network(errors: &mut Errors, at: &At<'_>, data: &NetworkDeviceData) {
    if data.interface_name.or_empty().len() > INTERFACE_NAME_BYTES_MAX {
        errors.too_long(&at.field("interfaceName"), INTERFACE_NAME_BYTES_MAX);
    }
    if data.hardware_address.or_empty().len() > HARDWARE_ADDRESS_BYTES_MAX {
        errors.too_long(&at.field("hardwareAddress"), HARDWARE_ADDRESS_BYTES_MAX);
    }
    let (ips, all) = (data.ips.or_empty(), at.field("ips"));
    list::each(errors, &all, ips, IPS_MAX, |errors, at, ip| match ip.parse::<IpNet>() {
        Ok(address) if address.to_string() == *ip => {}
        Ok(address) => {
            errors.invalid(at, ip, format!("must be in canonical form (\"{address}\")"));
        }
        Err(_) => {
            let detail =
                "must be a valid address in CIDR form, (e.g. 10.9.8.7/24 or 2001:db8::1/64)";
            errors.invalid(at, ip, detail);
        }
    });
    for (index, ip) in list::repeated(ips, Clone::clone) {
        errors.duplicate(&all.index(index), ip);
    }
}

fn allocation(
    errors: &mut Errors,
    at: &At<'_>,
    allocation: &AllocationResult,
    claim: &DeviceClaim,
) {
    let known = RequestNames::of(claim);
    let devices_at = at.field("devices");
    let devices = allocation.devices.clone().unwrap_or_default();
    let (results, all) = (devices.results.or_empty(), devices_at.field("results"));
    list::each(errors, &all, results, RESULTS_MAX, |errors, at, result| {
        known.check(errors, &at.field("request"), &result.request);
        names::used_driver(errors, &at.field("driver"), &result.driver);
        names::used_pool(errors, &at.field("pool"), &result.pool);
        names::label(errors, &at.field("device"), &result.device);
        let conditions = result.binding_conditions.or_empty();
        binding(errors, at, conditions, result.binding_failure_conditions.or_empty());
        let tolerations_at = at.field("tolerations");
        for (index, toleration) in result.tolerations.or_empty().iter().enumerate() {
            request::validate_toleration(errors, &tolerations_at.index(index), toleration);
        }
        if let Some(share) = &result.share_id {
            names::share_id(errors, &at.field("shareID"), share);
        }
    });
    let (configs, all) = (devices.config.or_empty(), devices_at.field("config"));
    // Those of the class and those of the claim.
    list::each(errors, &all, configs, 2 * claim::CONFIGS_MAX, |errors, at, config| {
        errors.required_one_of(&at.field("source"), &config.source, &["FromClaim", "FromClass"]);
        let (requests, requests_at) = (config.requests.or_empty(), at.field("requests"));
        known.check_all(errors, &requests_at, requests);
        config::validate(errors, at, config.opaque.as_ref());
        names::each_once(errors, &requests_at, requests);
        config::declared(errors, at, config.opaque.as_ref());
    });
    if let Some(selector) = &allocation.node_selector {
        scheduling::node_selector(errors, &at.field("nodeSelector"), selector);
    }
}
