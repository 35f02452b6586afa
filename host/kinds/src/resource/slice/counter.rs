//! Counters that devices share: what is there, and what each device takes of it.

use std::collections::BTreeMap;

use k8s_openapi::api::resource::v1::{Counter, CounterSet, DeviceCounterConsumption};

use super::super::{list, names};
use crate::check::{At, Errors};
use crate::facts;

const COUNTERS_MAX: usize = 32;
const CONSUMED_SETS_MAX: usize = 2;

pub(super) fn validate_set(errors: &mut Errors, at: &At<'_>, set: &CounterSet) {
    named(errors, &at.field("name"), &set.name);
    counters(errors, &at.field("counters"), &set.counters);
}

pub(super) fn consumed(errors: &mut Errors, all: &At<'_>, consumed: &[DeviceCounterConsumption]) {
    list::each(errors, all, consumed, CONSUMED_SETS_MAX, |errors, at, consumed| {
        named(errors, &at.field("counterSet"), &consumed.counter_set);
        counters(errors, &at.field("counters"), &consumed.counters);
    });
    if consumed.len() > CONSUMED_SETS_MAX {
        return;
    }
    for (index, consumed) in list::repeated(consumed, |consumed| consumed.counter_set.clone()) {
        let shown = facts::shown(consumed, "io.k8s.api.resource.v1.DeviceCounterConsumption");
        errors.duplicate(&all.index(index), shown);
    }
}

fn named(errors: &mut Errors, at: &At<'_>, name: &str) {
    if name.is_empty() {
        errors.required(at, "");
    } else {
        names::label(errors, at, name);
    }
}

fn counters(errors: &mut Errors, at: &At<'_>, counters: &BTreeMap<String, Counter>) {
    if counters.is_empty() {
        errors.required(at, "");
    }
    if counters.len() > COUNTERS_MAX {
        errors.too_many(at, counters.len(), COUNTERS_MAX);
        return;
    }
    for name in counters.keys() {
        names::label(errors, at, name);
    }
}
