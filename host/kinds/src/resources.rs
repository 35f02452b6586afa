//! Amounts of resources: which names there are, and what holds for their quantities.
//!
//! See <https://kubernetes.io/docs/concepts/configuration/manage-resources-containers/>.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use k8s_openapi::apimachinery::pkg::api::resource::Quantity as WireQuantity;
use meta::names;
use meta::quantity::Quantity;

use crate::check::{At, Errors, NEGATIVE};

/// Amounts as objects have them.
pub type ResourceList = BTreeMap<String, WireQuantity>;

/// Amounts that are counted with, by the name of the resource.
pub type Amounts = BTreeMap<String, Quantity>;

pub(crate) fn zero() -> WireQuantity {
    WireQuantity("0".to_owned())
}

/// A quantity as a number. Decoding has refused texts that are none.
#[must_use]
pub fn parse(quantity: &WireQuantity) -> Quantity {
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
        if !exact.counts_in(-3) {
            let rounded = Quantity::new(i128::from(exact.millis()), -3, exact.format());
            quantity.0 = rounded.to_string();
        }
    }
}

/// How much storage a list names.
#[must_use]
pub fn storage(list: Option<&ResourceList>) -> Quantity {
    list.and_then(|list| list.get("storage")).map(parse).unwrap_or_default()
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

/// Whether a quota can limit the resource.
pub(crate) fn is_quota(name: &str) -> bool {
    is_standard(name) && name != "storage"
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
    if is_counted_in_integers(name) && !value.counts_in(0) {
        errors.invalid(at, value.to_string(), "must be an integer");
    }
}

/// Refuses negative amounts in the words that volumes have for them.
pub(crate) fn check_basic(errors: &mut Errors, at: &At<'_>, value: &Quantity) {
    if value.value() < 0 {
        errors.invalid(at, value.value(), "must be a valid resource quantity");
    }
}

/// Refuses amounts of huge pages that are no multiple of the page.
pub(crate) fn check_huge_pages(errors: &mut Errors, at: &At<'_>, name: &str, value: &Quantity) {
    let Some(size) = name.strip_prefix("hugepages-") else {
        return;
    };
    let is_divisible = Quantity::parse(size).is_ok_and(|page| {
        page > Quantity::default() && page.counts_in(0) && value.value() % page.value() == 0
    });
    if !is_divisible {
        let detail = format!("{value} is not positive integer multiple of {name}");
        errors.invalid(at, value.to_string(), detail);
    }
}

/// Advises against a fraction of a byte.
pub(crate) fn warn_fraction(warnings: &mut Vec<String>, at: &At<'_>, quantity: &WireQuantity) {
    let value = parse(quantity);
    if !value.counts_in(0) {
        let value = meta::quote(&value.to_string());
        warnings
            .push(format!("{at}: fractional byte value {value} is invalid, must be an integer"));
    }
}

/// Amounts as they are counted with.
#[must_use]
pub fn amounts(list: &ResourceList) -> Amounts {
    list.iter().map(|(name, quantity)| (name.clone(), parse(quantity))).collect()
}

/// Amounts as they are written.
#[must_use]
pub fn list(amounts: &Amounts) -> ResourceList {
    let write =
        |(name, quantity): (&String, &Quantity)| (name.clone(), WireQuantity(quantity.to_string()));
    amounts.iter().map(write).collect()
}

/// Adds what is listed in `more` to `sum`.
pub(crate) fn add(sum: &mut Amounts, more: &ResourceList) {
    for (name, quantity) in more {
        add_one(sum, name, &parse(quantity));
    }
}

/// Adds an amount of one resource to `sum`.
pub fn add_one(sum: &mut Amounts, name: &str, quantity: &Quantity) {
    match sum.get_mut(name) {
        Some(have) => *have = have.plus(quantity),
        None => {
            sum.insert(name.to_owned(), quantity.clone());
        }
    }
}

/// Raises `highest` to what is listed in `other`.
pub(crate) fn raise(highest: &mut Amounts, other: &Amounts) {
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

/// How `whole` divided by `part` compares to `ratio`.
#[must_use]
pub fn compare_ratio(whole: &Quantity, part: &Quantity, ratio: &Quantity) -> Ordering {
    const MILLIS_MAX: i64 = i64::MAX / 1000;
    // Thousandths, unless there are too many of them.
    let scale = if whole.value() > MILLIS_MAX || part.value() > MILLIS_MAX { 0 } else { -3 };
    let [whole, part] = [whole, part].map(|amount| i128::from(amount.scaled(scale)));
    let order = (whole * 1000).cmp(&(i128::from(ratio.millis()) * part));
    if part < 0 { order.reverse() } else { order }
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
