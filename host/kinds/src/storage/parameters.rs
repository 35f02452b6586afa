//! What classes hand to the driver that makes or changes a volume: its name, and parameters that only it understands.

use std::collections::BTreeMap;

use meta::names;

use crate::check::{At, Errors};

const PARAMETERS_MAX: usize = 512;
const BYTES_MAX: usize = 256 * 1024;

/// What is wrong with the name of a driver.
pub(super) fn driver(errors: &mut Errors, at: &At<'_>, name: &str) {
    if name.is_empty() {
        errors.required(at, "");
        return;
    }
    let name = name.to_lowercase();
    errors.invalid_each(at, &name, names::is_qualified_name(&name));
}

/// What is wrong with parameters.
pub(super) fn validate(errors: &mut Errors, at: &At<'_>, parameters: &BTreeMap<String, String>) {
    if parameters.len() > PARAMETERS_MAX {
        errors.too_long(at, PARAMETERS_MAX);
        return;
    }
    if parameters.contains_key("") {
        errors.invalid(at, "", "field can not be empty.");
    }
    let bytes: usize = parameters.iter().map(|(key, value)| key.len() + value.len()).sum();
    if bytes > BYTES_MAX {
        errors.too_long(at, BYTES_MAX);
    }
}
