//! Numbers as Kubernetes keeps them: those without a fraction are integers, and integers that are too large are none.

use meta::Tree;
use serde_json::Number;

/// Whole numbers below this are exact in floating point.
const EXACT_MAX: f64 = 9_007_199_254_740_992.0;

/// Brings all numbers of a value into their form.
pub(crate) fn normalize(value: &mut Tree) {
    // The containers that are not yet seen stand on a list: values may be nested as deep as the limit allows.
    let mut rest = vec![value];
    while let Some(value) = rest.pop() {
        match value {
            Tree::Number(number) => normalize_one(number),
            Tree::Array(items) => rest.extend(items.iter_mut()),
            Tree::Object(fields) => rest.extend(fields.values_mut()),
            Tree::Null | Tree::Bool(_) | Tree::String(_) => {}
        }
    }
}

#[expect(clippy::cast_possible_truncation, reason = "the number is whole and within the range")]
fn normalize_one(number: &mut Number) {
    let Some(value) = number.as_f64() else { return };
    if number.is_f64() {
        if value.fract() == 0.0 && value.abs() < EXACT_MAX {
            *number = (value as i64).into();
        }
    } else if !number.is_i64()
        && let Some(double) = Number::from_f64(value)
    {
        *number = double;
    }
}
