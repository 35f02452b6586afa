//! Conditions in the form that newer kinds share: each has a reason and the time of its last change.
//!
//! See <https://kubernetes.io/docs/reference/kubernetes-api/definitions/condition-v1-meta/>.

use std::collections::BTreeSet;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use meta::{Tree, names};

use crate::check::{At, Errors};
use crate::label_selector;

const REASON_BYTES_MAX: usize = 1024;
const MESSAGE_BYTES_MAX: usize = 32 * 1024;
/// The time that stands for none: the typed form always has one.
const NO_TIME: &str = "0001-01-01T00:00:00Z";

/// What is wrong with conditions.
pub(crate) fn validate(errors: &mut Errors, all: &At<'_>, conditions: &[Condition]) {
    let mut seen = BTreeSet::new();
    for (index, condition) in conditions.iter().enumerate() {
        let at = all.index(index);
        if !seen.insert(&condition.type_) {
            errors.duplicate(&at, &condition.type_);
        }
        validate_one(errors, &at, condition);
    }
}

fn validate_one(errors: &mut Errors, at: &At<'_>, condition: &Condition) {
    if condition.type_.is_empty() {
        errors.required(&at.field("type"), "is required");
    } else {
        label_selector::label_name(errors, &at.field("type"), &condition.type_);
    }
    errors.required_one_of(&at.field("status"), &condition.status, &["False", "True", "Unknown"]);
    let generation = condition.observed_generation.unwrap_or_default();
    if generation < 0 {
        let detail = "must be greater than or equal to zero";
        errors.invalid(&at.field("observedGeneration"), generation, detail);
    }
    if condition.last_transition_time.0.to_string() == NO_TIME {
        errors.required(&at.field("lastTransitionTime"), "");
    }
    let (reason, reason_at) = (condition.reason.as_str(), at.field("reason"));
    if reason.is_empty() {
        errors.required(&reason_at, "");
    } else if !is_reason(reason) {
        errors.invalid(&reason_at, reason, reason_error());
    }
    if reason.len() > REASON_BYTES_MAX {
        errors.too_long(&reason_at, REASON_BYTES_MAX);
    }
    if condition.message.len() > MESSAGE_BYTES_MAX {
        errors.too_long(&at.field("message"), MESSAGE_BYTES_MAX);
    }
}

/// Gives each condition without a time one that stands for none. Runs before the tree is typed.
pub(crate) fn mark_missing_times(conditions: Option<&mut Tree>) {
    let conditions = conditions.and_then(Tree::as_array_mut);
    for condition in conditions.into_iter().flatten().filter_map(Tree::as_object_mut) {
        let time = condition.entry("lastTransitionTime").or_insert(Tree::Null);
        if time.is_null() {
            *time = Tree::from(NO_TIME);
        }
    }
}

fn is_reason(reason: &str) -> bool {
    let is_word = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    reason.starts_with(|first: char| first.is_ascii_alphabetic())
        && reason.bytes().all(|byte| is_word(byte) || matches!(byte, b',' | b':'))
        && reason.bytes().next_back().is_some_and(is_word)
}

fn reason_error() -> String {
    names::regex_error(
        "a condition reason must start with alphabetic character, optionally followed by a string \
         of alphanumeric characters or '_,:', and must end with an alphanumeric character or '_'",
        "[A-Za-z]([A-Za-z0-9_,:]*[A-Za-z0-9_])?",
        &["my_name", "MY_NAME", "MyName", "ReasonA,ReasonB", "ReasonA:ReasonB"],
    )
}
