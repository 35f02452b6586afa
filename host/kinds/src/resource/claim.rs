//! What a claim asks for: requests for devices, constraints between them, parameters for their drivers.

use k8s_openapi::api::resource::v1::{DeviceClaim, DeviceConstraint, ResourceClaimSpec};

use super::names::RequestNames;
use super::{config, list, names, request};
use crate::check::{At, Errors};
use crate::facts;
use crate::wire::OrEmpty;

pub(super) const REQUESTS_MAX: usize = 32;
pub(super) const CONFIGS_MAX: usize = 32;
const CONSTRAINTS_MAX: usize = 32;

pub(super) fn set_defaults(spec: &mut ResourceClaimSpec) {
    let requests = spec.devices.as_mut().and_then(|devices| devices.requests.as_mut());
    requests.into_iter().flatten().for_each(request::set_defaults);
}

/// Drops what nobody would act on.
pub(super) fn drop_disabled(spec: &mut ResourceClaimSpec) {
    let requests = spec.devices.as_mut().and_then(|devices| devices.requests.as_mut());
    requests.into_iter().flatten().for_each(request::drop_disabled);
}

/// What is wrong with a claim.
pub(super) fn validate(errors: &mut Errors, at: &At<'_>, spec: &ResourceClaimSpec) {
    let at = at.field("devices");
    let Some(devices) = &spec.devices else { return };
    let known = RequestNames::of(devices);
    let (requests, requests_at) = (devices.requests.or_empty(), at.field("requests"));
    list::each(errors, &requests_at, requests, REQUESTS_MAX, request::validate);
    let (constraints, all) = (devices.constraints.or_empty(), at.field("constraints"));
    list::each(errors, &all, constraints, CONSTRAINTS_MAX, |errors, at, constraint| {
        validate_constraint(errors, at, constraint, &known);
    });
    let (configs, all) = (devices.config.or_empty(), at.field("config"));
    list::each(errors, &all, configs, CONFIGS_MAX, |errors, at, config| {
        known.check_all(errors, &at.field("requests"), config.requests.or_empty());
        config::validate(errors, at, config.opaque.as_ref());
    });
    declared(errors, &at, devices);
}

/// What the types themselves declare; Kubernetes looks at it last.
fn declared(errors: &mut Errors, at: &At<'_>, devices: &DeviceClaim) {
    let (requests, all) = (devices.requests.or_empty(), at.field("requests"));
    for (index, request) in list::repeated(requests, |request| request.name.clone()) {
        let shown = facts::shown(request, "io.k8s.api.resource.v1.DeviceRequest");
        errors.duplicate(&all.index(index), shown);
    }
    for (index, request) in requests.iter().enumerate().take(REQUESTS_MAX) {
        request::declared(errors, &all.index(index), request);
    }
    let all = at.field("constraints");
    let constraints = devices.constraints.or_empty().iter().enumerate();
    for (index, constraint) in constraints.take(CONSTRAINTS_MAX) {
        let at = all.index(index);
        names::each_once(errors, &at.field("requests"), constraint.requests.or_empty());
        let (same, distinct) = (&constraint.match_attribute, &constraint.distinct_attribute);
        for (field, name) in [("matchAttribute", same), ("distinctAttribute", distinct)] {
            if let Some(name) = name {
                names::fully_qualified(errors, &at.field(field), name);
            }
        }
    }
    let all = at.field("config");
    for (index, config) in devices.config.or_empty().iter().enumerate().take(CONFIGS_MAX) {
        let at = all.index(index);
        names::each_once(errors, &at.field("requests"), config.requests.or_empty());
        config::declared(errors, &at, config.opaque.as_ref());
    }
}

fn validate_constraint(
    errors: &mut Errors,
    at: &At<'_>,
    constraint: &DeviceConstraint,
    known: &RequestNames<'_>,
) {
    known.check_all(errors, &at.field("requests"), constraint.requests.or_empty());
    if constraint.match_attribute.is_none() && constraint.distinct_attribute.is_none() {
        let detail = "exactly one of \"matchAttribute\" or \"distinctAttribute\" is required, \
                      but multiple fields are set";
        errors.required(at, detail);
    }
}
