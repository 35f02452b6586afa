//! How much a device has, and in which portions it may be given away.

use std::collections::BTreeMap;

use k8s_openapi::api::resource::v1::{
    CapacityRequestPolicy, CapacityRequestPolicyRange, DeviceCapacity,
};
use meta::quantity::Quantity;

use super::super::{list, names};
use crate::check::{At, Errors, NEGATIVE};
use crate::resources::parse;
use crate::wire::OrEmpty;

const OPTIONS_MAX: usize = 10;

pub(super) fn validate_all(
    errors: &mut Errors,
    all: &At<'_>,
    capacities: &BTreeMap<String, DeviceCapacity>,
    is_shared: bool,
) {
    for (name, capacity) in capacities {
        names::qualified(errors, all, name);
        let Some(policy) = &capacity.request_policy else { continue };
        let at = all.key(name);
        let at = at.field("requestPolicy");
        if is_shared {
            validate_policy(errors, &at, policy, &parse(&capacity.value));
        } else {
            errors.forbidden(&at, "allowMultipleAllocations must be true");
        }
    }
}

fn validate_policy(
    errors: &mut Errors,
    at: &At<'_>,
    policy: &CapacityRequestPolicy,
    capacity: &Quantity,
) {
    let options: Vec<Quantity> = policy.valid_values.or_empty().iter().map(parse).collect();
    match (options.is_empty(), &policy.valid_range, &policy.default) {
        (false, Some(_), _) => {
            let detail = "exactly one policy can be specified, cannot specify \"validValues\" and \
                          \"validRange\" at the same time";
            errors.forbidden(at, detail);
        }
        (false, None, None) => {
            errors.required(&at.field("default"), "required when validValues is defined");
        }
        (false, None, Some(default)) => {
            one_of(errors, &at.field("validValues"), &options, &parse(default), capacity);
        }
        (true, Some(_), None) => {
            errors.required(&at.field("default"), "required when validRange is defined");
        }
        (true, Some(range), Some(default)) => {
            Range::of(range, parse(default)).validate(errors, &at.field("validRange"), capacity);
        }
        (true, None, _) => {}
    }
}

fn one_of(
    errors: &mut Errors,
    all: &At<'_>,
    options: &[Quantity],
    default: &Quantity,
    capacity: &Quantity,
) {
    for (index, pair) in options.windows(2).enumerate() {
        if let [first, second] = pair
            && first > second
        {
            let detail = "values must be sorted in ascending order";
            errors.invalid(&all.index(index + 1), second.to_string(), detail);
        }
    }
    list::each(errors, all, options, OPTIONS_MAX, |errors, at, option| {
        if option > capacity {
            let detail = format!("option is larger than capacity value: {capacity}");
            errors.invalid(at, option.to_string(), detail);
        }
    });
    if options.len() <= OPTIONS_MAX {
        for (index, option) in list::repeated(options, Quantity::value) {
            errors.duplicate(&all.index(index), option.value().to_string());
        }
    }
    if options.len() > OPTIONS_MAX || !options.contains(default) {
        let detail = "default value is not valid according to the requestPolicy";
        errors.invalid(all, default.to_string(), detail);
    }
}

/// Portions from a smallest one up, perhaps in steps.
struct Range {
    default: Quantity,
    /// A required bound; clients may leave it out all the same.
    min: Option<Quantity>,
    max: Option<Quantity>,
    step: Option<Quantity>,
}

impl Range {
    fn of(range: &CapacityRequestPolicyRange, default: Quantity) -> Self {
        let min = Some(&range.min).filter(|min| !min.0.is_empty());
        Self {
            default,
            min: min.map(parse),
            max: range.max.as_ref().map(parse),
            step: range.step.as_ref().map(parse),
        }
    }

    fn validate(&self, errors: &mut Errors, at: &At<'_>, capacity: &Quantity) {
        let Some(min) = &self.min else {
            errors.required(&at.field("min"), "required when validRange is defined");
            return;
        };
        self.bounds(errors, at, min, capacity);
        let Some(step) = &self.step else { return };
        let step_at = at.field("step");
        if *step <= Quantity::default() {
            errors.invalid(&step_at, step.to_string(), "must be greater than zero");
            return;
        }
        let one = min.plus(step);
        if one > *capacity {
            let detail = format!("one step {one} is larger than capacity value: {capacity}");
            errors.invalid(&step_at, step.to_string(), detail);
        }
        if self.out_of_range(errors, at, min) {
            return;
        }
        // Portions are counted in whole units, which a fraction is rounded up to.
        for value in [Some(&self.default), self.max.as_ref()].into_iter().flatten() {
            if (value.value() - min.value()) % step.value() != 0 {
                let detail =
                    format!("value is not a multiple of a given step ({step}) from ({min})");
                errors.invalid(&step_at, value.to_string(), detail);
            }
        }
    }

    fn bounds(&self, errors: &mut Errors, at: &At<'_>, min: &Quantity, capacity: &Quantity) {
        let (max_at, default_at) = (at.field("max"), at.field("default"));
        let default = self.default.to_string();
        if min > capacity {
            let detail = format!("min is larger than capacity value: {capacity}");
            errors.invalid(&at.field("min"), min.to_string(), detail);
        }
        if self.default < *min {
            errors.invalid(
                &default_at,
                default.clone(),
                format!("default is less than min: {min}"),
            );
        }
        let Some(max) = &self.max else { return };
        if min > max {
            errors.invalid(&max_at, min.to_string(), format!("min is larger than max: {max}"));
        }
        if max > capacity {
            let detail = format!("max is larger than capacity value: {capacity}");
            errors.invalid(&max_at, max.to_string(), detail);
        }
        if self.default > *max {
            errors.invalid(&default_at, default, format!("default is more than max: {max}"));
        }
    }

    fn out_of_range(&self, errors: &mut Errors, at: &At<'_>, min: &Quantity) -> bool {
        let before = errors.len();
        for (name, quantity) in [
            ("default", Some(&self.default)),
            ("min", Some(min)),
            ("max", self.max.as_ref()),
            ("step", self.step.as_ref()),
        ] {
            let (at, Some(quantity)) = (at.field(name), quantity) else { continue };
            if quantity.is_negative() {
                errors.invalid(&at, quantity.to_string(), NEGATIVE);
            } else if *quantity > Quantity::units(i64::MAX) {
                let detail = format!("must not be larger than {}", i64::MAX);
                errors.invalid(&at, quantity.to_string(), detail);
            }
        }
        errors.len() > before
    }
}
