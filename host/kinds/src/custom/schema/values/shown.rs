//! Refused values as Kubernetes shows them.

use meta::Tree;
use meta::field::BadValue;

pub(crate) fn bad_value(value: &Tree) -> BadValue {
    match value {
        Tree::Number(number) if number.is_f64() => {
            BadValue::Json(float(number.as_f64().unwrap_or_default()))
        }
        other => BadValue::from(other),
    }
}

/// A number as Go prints it: with an exponent if it is very small, or a million and more.
pub(super) fn float(value: f64) -> String {
    let scientific = format!("{value:e}");
    let Some((digits, exponent)) = scientific.split_once('e') else { return scientific };
    let exponent: i32 = exponent.parse().unwrap_or_default();
    if (-4..6).contains(&exponent) {
        return value.to_string();
    }
    let sign = if exponent < 0 { '-' } else { '+' };
    format!("{digits}e{sign}{:02}", exponent.abs())
}
