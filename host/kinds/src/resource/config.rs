//! Parameters for drivers, which nobody else understands.

use k8s_openapi::api::resource::v1::OpaqueDeviceConfiguration;
use k8s_openapi::apimachinery::pkg::runtime::RawExtension;
use meta::Tree;

use super::names;
use crate::check::{At, Errors};

const BYTES_MAX: usize = 10 * 1024;

/// What is wrong with a configuration, at the path of what contains it.
pub(super) fn validate(
    errors: &mut Errors,
    at: &At<'_>,
    opaque: Option<&OpaqueDeviceConfiguration>,
) {
    let at = at.field("opaque");
    let Some(opaque) = opaque else {
        errors.required(&at, "");
        return;
    };
    object(errors, &at.field("parameters"), &opaque.parameters);
}

/// What the type itself declares, which Kubernetes looks at last.
pub(super) fn declared(
    errors: &mut Errors,
    at: &At<'_>,
    opaque: Option<&OpaqueDeviceConfiguration>,
) {
    if let Some(opaque) = opaque {
        names::used_driver(errors, &at.field("opaque").field("driver"), &opaque.driver);
    }
}

/// What is wrong with a value that only a driver understands, beyond its being an object.
pub(super) fn object(errors: &mut Errors, at: &At<'_>, value: &RawExtension) {
    let RawExtension(value) = value;
    if value.is_null() {
        errors.required(at, "");
    } else if value.to_string().len() > BYTES_MAX {
        errors.too_long(at, BYTES_MAX);
    } else if !matches!(value, Tree::Object(_)) {
        errors.invalid(at, "<value omitted>", "must be a valid JSON object");
    }
}
