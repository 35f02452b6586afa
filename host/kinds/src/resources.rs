//! Amounts of resources: which names there are, and what holds for their quantities.
//!
//! See <https://kubernetes.io/docs/concepts/configuration/manage-resources-containers/>.

use std::collections::BTreeMap;

use k8s_openapi::apimachinery::pkg::api::resource::Quantity as WireQuantity;
use meta::names;
use meta::quantity::Quantity;

use crate::check::{At, Errors, NEGATIVE};

pub(crate) type ResourceList = BTreeMap<String, WireQuantity>;

pub(crate) fn zero() -> WireQuantity {
    WireQuantity("0".to_owned())
}

/// A quantity as a number. Decoding has refused texts that are none.
pub(crate) fn parse(quantity: &WireQuantity) -> Quantity {
    Quantity::parse(&quantity.0).unwrap_or_default()
}

/// Nothing is counted in finer parts than thousandths: finer fractions are rounded up.
pub(crate) fn round_up(list: &mut ResourceList) {
    for quantity in list.values_mut() {
        // Only a decimal point or a small suffix can hide a finer fraction.
        if !quantity.0.contains(['.', 'n', 'u', 'e', '-']) {
            continue;
        }
        let exact = parse(quantity);
        let rounded = Quantity::from_millis(exact.millis());
        if rounded != exact {
            let rounded = Quantity::new(i128::from(exact.millis()), -3, exact.format());
            quantity.0 = rounded.to_string();
        }
    }
}

pub(crate) fn is_huge_page(name: &str) -> bool {
    name.starts_with("hugepages-")
}

/// Whether the name belongs to Kubernetes and not to a device plugin.
pub(crate) fn is_native(name: &str) -> bool {
    !name.contains('/') || name.contains("kubernetes.io/")
}

pub(crate) fn is_extended(name: &str) -> bool {
    const QUOTA_PREFIX: &str = "requests.";
    !is_native(name)
        && !name.starts_with(QUOTA_PREFIX)
        && names::is_qualified_name(&format!("{QUOTA_PREFIX}{name}")).is_empty()
}

/// Whether a limit may be higher than the request.
pub(crate) fn is_overcommit_allowed(name: &str) -> bool {
    is_native(name) && !is_huge_page(name)
}

const COUNTED: [&str; 9] = [
    "pods",
    "resourcequotas",
    "services",
    "replicationcontrollers",
    "secrets",
    "configmaps",
    "persistentvolumeclaims",
    "services.nodeports",
    "services.loadbalancers",
];

const MEASURED: [&str; 11] = [
    "cpu",
    "memory",
    "ephemeral-storage",
    "requests.cpu",
    "requests.memory",
    "requests.ephemeral-storage",
    "limits.cpu",
    "limits.memory",
    "limits.ephemeral-storage",
    "storage",
    "requests.storage",
];

fn is_standard(name: &str) -> bool {
    COUNTED.contains(&name)
        || MEASURED.contains(&name)
        || is_huge_page(name)
        || name.starts_with("requests.hugepages-")
}

fn is_counted_in_integers(name: &str) -> bool {
    COUNTED.contains(&name) || is_extended(name)
}

/// Refuses names that are neither known nor qualified.
pub(crate) fn check_name(errors: &mut Errors, at: &At<'_>, name: &str) -> bool {
    let messages = names::is_qualified_name(name);
    let is_qualified = messages.is_empty();
    errors.invalid_each(at, name, messages);
    if is_qualified && !name.contains('/') && !is_standard(name) {
        errors.invalid(at, name, "must be a standard resource type or fully qualified");
        return false;
    }
    is_qualified
}

/// Refuses names of resources that a container cannot have.
pub(crate) fn check_container_name(errors: &mut Errors, at: &At<'_>, name: &str) {
    check_name(errors, at, name);
    if !name.contains('/') {
        if !matches!(name, "cpu" | "memory" | "ephemeral-storage") && !is_huge_page(name) {
            errors.invalid(at, name, "must be a standard resource for containers");
        }
    } else if !is_native(name) && !is_extended(name) {
        errors.invalid(at, name, "doesn't follow extended resource name standard");
    }
}

/// Refuses negative amounts, and fractions of what is counted.
pub(crate) fn check_quantity(errors: &mut Errors, at: &At<'_>, name: &str, value: &Quantity) {
    if value.is_negative() {
        errors.invalid(at, value.to_string(), NEGATIVE);
    }
    if is_counted_in_integers(name) && value.millis() % 1000 != 0 {
        errors.invalid(at, value.to_string(), "must be an integer");
    }
}

/// Refuses amounts of huge pages that are no multiple of the page.
pub(crate) fn check_huge_pages(errors: &mut Errors, at: &At<'_>, name: &str, value: &Quantity) {
    let Some(size) = name.strip_prefix("hugepages-") else {
        return;
    };
    let is_divisible = Quantity::parse(size).is_ok_and(|page| {
        page > Quantity::default() && page.millis() % 1000 == 0 && value.value() % page.value() == 0
    });
    if !is_divisible {
        let detail = format!("{value} is not positive integer multiple of {name}");
        errors.invalid(at, value.to_string(), detail);
    }
}

/// Advises against a fraction of a byte.
pub(crate) fn warn_fraction(warnings: &mut Vec<String>, at: &At<'_>, quantity: &WireQuantity) {
    let value = parse(quantity);
    if value.millis() % 1000 != 0 {
        let value = meta::quote(&value.to_string());
        warnings
            .push(format!("{at}: fractional byte value {value} is invalid, must be an integer"));
    }
}

/// Adds what is listed in `more` to `sum`.
pub(crate) fn add(sum: &mut BTreeMap<String, Quantity>, more: &ResourceList) {
    for (name, quantity) in more {
        let quantity = parse(quantity);
        match sum.get_mut(name) {
            Some(have) => *have = have.plus(&quantity),
            None => {
                sum.insert(name.clone(), quantity);
            }
        }
    }
}

/// Raises `highest` to what is listed in `other`.
pub(crate) fn raise(highest: &mut BTreeMap<String, Quantity>, other: &BTreeMap<String, Quantity>) {
    for (name, quantity) in other {
        match highest.get_mut(name) {
            Some(have) if *have >= *quantity => {}
            Some(have) => *have = quantity.clone(),
            None => {
                highest.insert(name.clone(), quantity.clone());
            }
        }
    }
}

/// Whether the quantities of two lists are the same amounts, however they are written.
pub(crate) fn same(a: Option<&ResourceList>, b: Option<&ResourceList>) -> bool {
    let empty = ResourceList::new();
    let (a, b) = (a.unwrap_or(&empty), b.unwrap_or(&empty));
    a.len() == b.len()
        && a.iter()
            .zip(b)
            .all(|((an, aq), (bn, bq))| an == bn && (aq == bq || parse(aq) == parse(bq)))
}

#[cfg(test)]
mod tests;
