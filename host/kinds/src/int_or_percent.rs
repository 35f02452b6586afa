//! Numbers that may be given as a share of another one.
//!
//! See <https://kubernetes.io/docs/concepts/workloads/controllers/deployment/#max-unavailable>.

use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;
use meta::names;

use crate::check::{At, Errors, json};

/// Refuses negative numbers and texts that are no percentage.
pub(crate) fn validate(errors: &mut Errors, at: &At<'_>, value: &IntOrString) {
    match value {
        IntOrString::String(text) => {
            for message in names::is_percent(text) {
                errors.invalid(at, json(value), message);
            }
        }
        IntOrString::Int(number) => errors.not_negative(at, i64::from(*number)),
    }
}

/// Refuses more than everything.
pub(crate) fn at_most_all(errors: &mut Errors, at: &At<'_>, value: &IntOrString) {
    if percent(value).is_some_and(|percent| percent > 100) {
        errors.invalid(at, json(value), "must not be greater than 100%");
    }
}

/// Whether the value is 0 or 0 %. A text that is no percentage counts as 0 too.
pub(crate) fn is_zero(value: &IntOrString) -> bool {
    match value {
        IntOrString::Int(number) => *number == 0,
        IntOrString::String(text) => {
            percent(value).unwrap_or_else(|| text.parse().unwrap_or(0)) == 0
        }
    }
}

fn percent(value: &IntOrString) -> Option<u64> {
    match value {
        IntOrString::String(text) if names::is_percent(text).is_empty() => {
            // More digits than fit are more than everything as well.
            Some(text.trim_end_matches('%').parse().unwrap_or(u64::MAX))
        }
        _ => None,
    }
}
