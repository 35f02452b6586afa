//! What a device is like: values of a few types under names.

use std::collections::BTreeMap;

use k8s_openapi::api::resource::v1::DeviceAttribute;

use super::super::names;
use crate::check::{At, Errors};

const VALUE_BYTES_MAX: usize = 64;
const TYPES: &str = "`int`, `bool`, `string`, `version`, `ints`, `bools`, `strings`, `versions`";

/// Lists of values are not acted on by default.
pub(super) fn drop_disabled(attribute: &mut DeviceAttribute) {
    (attribute.bools, attribute.ints) = (None, None);
    (attribute.strings, attribute.versions) = (None, None);
}

pub(super) fn validate_all(
    errors: &mut Errors,
    all: &At<'_>,
    attributes: &BTreeMap<String, DeviceAttribute>,
) {
    for (name, attribute) in attributes {
        names::qualified(errors, all, name);
        validate(errors, &all.key(name), attribute);
    }
}

fn validate(errors: &mut Errors, at: &At<'_>, attribute: &DeviceAttribute) {
    let DeviceAttribute { bool, int, string, version, .. } = attribute;
    if let Some(text) = string {
        too_long(errors, &at.field("string"), text);
    }
    if let Some(text) = version {
        let at = at.field("version");
        if !is_semantic(text) {
            errors.invalid(&at, text, "must be a string compatible with semver.org spec 2.0.0");
        }
        too_long(errors, &at, text);
    }
    let given = [
        ("int", int.is_some()),
        ("bool", bool.is_some()),
        ("string", string.is_some()),
        ("version", version.is_some()),
    ];
    let given: Vec<&str> =
        given.into_iter().filter(|(_, is_given)| *is_given).map(|(name, _)| name).collect();
    match given[..] {
        [] => errors.invalid(at, "", format!("must specify one of: {TYPES}")),
        [_] => {}
        _ => {
            let shown = format!("{{{}}}", given.join(", "));
            errors.invalid(at, shown, format!("must specify exactly one of: {TYPES}"));
        }
    }
}

fn too_long(errors: &mut Errors, at: &At<'_>, text: &str) {
    if text.len() > VALUE_BYTES_MAX {
        errors.too_long(at, VALUE_BYTES_MAX);
    }
}

/// Whether the text is a semantic version: `1.2.3-alpha.1+build.5`.
fn is_semantic(text: &str) -> bool {
    let (text, build) = text.split_once('+').map_or((text, None), |(text, b)| (text, Some(b)));
    let (core, pre) = text.split_once('-').map_or((text, None), |(core, pre)| (core, Some(pre)));
    let is_word = |part: &str| {
        !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
    };
    let is_digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    let is_number =
        |part: &str| is_word(part) && is_digits(part) && (part == "0" || !part.starts_with('0'));
    core.split('.').count() == 3
        && core.split('.').all(is_number)
        && pre.is_none_or(|pre| {
            pre.split('.').all(|part| is_number(part) || (is_word(part) && !is_digits(part)))
        })
        && build.is_none_or(|build| build.split('.').all(is_word))
}
