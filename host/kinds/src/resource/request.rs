//! Requests for devices: how many of which class, with which properties, in spite of which taints.

use expressions::devices;
use k8s_openapi::api::resource::v1::{
    DeviceRequest, DeviceSelector, DeviceSubRequest, DeviceToleration, ExactDeviceRequest,
};
use meta::field::BadValue;
use meta::names as texts;

use super::{list, names};
use crate::check::{At, Errors};
use crate::wire::{OrEmpty, default_text};
use crate::{facts, label_selector};

pub(super) const SELECTORS_MAX: usize = 32;
const ALTERNATIVES_MAX: usize = 8;
const EXPRESSION_BYTES_MAX: usize = 10 * 1024;
const EXACT_COUNT: &str = "ExactCount";
pub(super) const EFFECTS: &[&str] = &["NoExecute", "NoSchedule", "None"];

pub(super) fn set_defaults(request: &mut DeviceRequest) {
    if let Some(exact) = &mut request.exactly {
        set_count(&mut exact.allocation_mode, &mut exact.count);
        set_toleration_defaults(exact.tolerations.as_mut());
    }
    for sub in request.first_available.iter_mut().flatten() {
        set_count(&mut sub.allocation_mode, &mut sub.count);
        set_toleration_defaults(sub.tolerations.as_mut());
    }
}

fn set_count(mode: &mut Option<String>, count: &mut Option<i64>) {
    default_text(mode, EXACT_COUNT);
    if mode.or_empty() == EXACT_COUNT && count.unwrap_or_default() == 0 {
        *count = Some(1);
    }
}

pub(super) fn set_toleration_defaults(tolerations: Option<&mut Vec<DeviceToleration>>) {
    for toleration in tolerations.into_iter().flatten() {
        default_text(&mut toleration.operator, "Equal");
    }
}

/// Drops what nobody would act on.
pub(super) fn drop_disabled(request: &mut DeviceRequest) {
    if let Some(exact) = &mut request.exactly {
        exact.derived_attributes = None;
    }
    for sub in request.first_available.iter_mut().flatten() {
        sub.derived_attributes = None;
    }
}

/// What is wrong with a request.
pub(super) fn validate(errors: &mut Errors, at: &At<'_>, request: &DeviceRequest) {
    names::label(errors, &at.field("name"), &request.name);
    let alternatives = request.first_available.or_empty();
    match (&request.exactly, alternatives.is_empty()) {
        (None, true) => {
            errors.required(at, "exactly one of `exactly` or `firstAvailable` is required");
        }
        (Some(_), false) => {
            let detail = "exactly one of `exactly` or `firstAvailable` is required, but multiple \
                          fields are set";
            errors.invalid(at, BadValue::null(), detail);
        }
        (Some(exact), true) => Wish::from(exact).validate(errors, &at.field("exactly")),
        (None, false) => first_available(errors, &at.field("firstAvailable"), alternatives),
    }
}

/// What the type itself declares about a request.
pub(super) fn declared(errors: &mut Errors, at: &At<'_>, request: &DeviceRequest) {
    if let Some(exact) = &request.exactly {
        Wish::from(exact).declared(errors, &at.field("exactly"));
    }
    let all = at.field("firstAvailable");
    let alternatives = request.first_available.or_empty().iter().enumerate();
    for (index, sub) in alternatives.take(ALTERNATIVES_MAX) {
        let at = all.index(index);
        let wish = Wish::from(sub);
        // Alternatives beside another wish are not looked into otherwise.
        if request.exactly.is_some() {
            wish.validate_class(errors, &at);
        }
        wish.declared(errors, &at);
    }
    if request.exactly.is_some() {
        each_name_once(errors, &all, request.first_available.or_empty());
    }
}

fn first_available(errors: &mut Errors, all: &At<'_>, alternatives: &[DeviceSubRequest]) {
    list::each(errors, all, alternatives, ALTERNATIVES_MAX, |errors, at, sub| {
        names::label(errors, &at.field("name"), &sub.name);
        Wish::from(sub).validate(errors, at);
    });
    each_name_once(errors, all, alternatives);
}

fn each_name_once(errors: &mut Errors, all: &At<'_>, alternatives: &[DeviceSubRequest]) {
    if alternatives.len() > ALTERNATIVES_MAX {
        return;
    }
    for (index, sub) in list::repeated(alternatives, |sub| sub.name.clone()) {
        let shown = facts::shown(sub, "io.k8s.api.resource.v1.DeviceSubRequest");
        errors.duplicate(&all.index(index), shown);
    }
}

/// What a request and each of its alternatives have in common.
struct Wish<'a> {
    class: &'a str,
    selectors: &'a [DeviceSelector],
    mode: &'a str,
    count: i64,
    tolerations: &'a [DeviceToleration],
}

impl<'a> From<&'a ExactDeviceRequest> for Wish<'a> {
    fn from(request: &'a ExactDeviceRequest) -> Self {
        Self {
            class: &request.device_class_name,
            selectors: request.selectors.or_empty(),
            mode: request.allocation_mode.or_empty(),
            count: request.count.unwrap_or_default(),
            tolerations: request.tolerations.or_empty(),
        }
    }
}

impl<'a> From<&'a DeviceSubRequest> for Wish<'a> {
    fn from(request: &'a DeviceSubRequest) -> Self {
        Self {
            class: &request.device_class_name,
            selectors: request.selectors.or_empty(),
            mode: request.allocation_mode.or_empty(),
            count: request.count.unwrap_or_default(),
            tolerations: request.tolerations.or_empty(),
        }
    }
}

impl Wish<'_> {
    fn validate_class(&self, errors: &mut Errors, at: &At<'_>) {
        let at = at.field("deviceClassName");
        if self.class.is_empty() {
            errors.required(&at, "");
        } else {
            errors.invalid_each(&at, self.class, texts::is_dns1123_subdomain(self.class));
        }
    }

    fn validate(&self, errors: &mut Errors, at: &At<'_>) {
        self.validate_class(errors, at);
        selectors(errors, &at.field("selectors"), self.selectors);
        let (count, count_at) = (self.count, at.field("count"));
        match self.mode {
            "All" if count != 0 => {
                let detail = "must not be specified when allocationMode is 'All'";
                errors.invalid(&count_at, count, detail);
            }
            EXACT_COUNT if count <= 0 => {
                errors.invalid(&count_at, count, "must be greater than zero");
            }
            _ => {}
        }
        let all = at.field("tolerations");
        for (index, toleration) in self.tolerations.iter().enumerate() {
            validate_toleration(errors, &all.index(index), toleration);
        }
    }

    fn declared(&self, errors: &mut Errors, at: &At<'_>) {
        errors.one_of(&at.field("allocationMode"), self.mode, &["All", EXACT_COUNT]);
    }
}

/// What is wrong with the conditions that devices must meet.
pub(super) fn selectors(errors: &mut Errors, all: &At<'_>, selectors: &[DeviceSelector]) {
    list::each(errors, all, selectors, SELECTORS_MAX, |errors, at, selector| {
        let at = at.field("cel");
        match &selector.cel {
            None => errors.required(&at, ""),
            Some(cel) if cel.expression.len() > EXPRESSION_BYTES_MAX => {
                errors.too_long(&at.field("expression"), EXPRESSION_BYTES_MAX);
            }
            Some(cel) => {
                if let Err(detail) = devices::compile(&cel.expression) {
                    errors.invalid(&at.field("expression"), &cel.expression, detail);
                }
            }
        }
    });
}

/// What is wrong with a toleration of a taint.
pub(super) fn validate_toleration(errors: &mut Errors, at: &At<'_>, toleration: &DeviceToleration) {
    let (key, value) = (toleration.key.or_empty(), toleration.value.or_empty());
    if !key.is_empty() {
        label_selector::label_name(errors, &at.field("key"), key);
    }
    let value_at = at.field("value");
    match toleration.operator.or_empty() {
        "Exists" if !value.is_empty() => {
            errors.invalid(&value_at, value, "must be empty for operator `Exists`");
        }
        "Exists" => {}
        "Equal" => errors.invalid_each(&value_at, value, texts::is_label_value(value)),
        operator => {
            errors.required_one_of(&at.field("operator"), operator, &["Equal", "Exists"]);
        }
    }
    let effect = toleration.effect.or_empty();
    if !effect.is_empty() {
        errors.one_of(&at.field("effect"), effect, EFFECTS);
    }
}
