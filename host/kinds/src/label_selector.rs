//! What holds for a `LabelSelector` wherever it stands.
//!
//! See <https://kubernetes.io/docs/concepts/overview/working-with-objects/labels/#label-selectors>.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::{LabelSelector, LabelSelectorRequirement};
use meta::selector::label::Selector;
use meta::{Tree, names};

use crate::check::{At, Errors};
use crate::metadata;
use crate::wire::OrEmpty;

/// What is wrong with a selector.
pub fn validate(errors: &mut Errors, at: &At<'_>, selector: Option<&LabelSelector>) {
    let Some(selector) = selector else { return };
    metadata::labels(errors, &at.field("matchLabels"), selector.match_labels.as_ref());
    let expressions = at.field("matchExpressions");
    for (index, requirement) in selector.match_expressions.or_empty().iter().enumerate() {
        validate_requirement(errors, &expressions.index(index), requirement);
    }
}

fn validate_requirement(errors: &mut Errors, at: &At<'_>, requirement: &LabelSelectorRequirement) {
    let values = requirement.values.or_empty();
    let values_at = at.field("values");
    match requirement.operator.as_str() {
        "In" | "NotIn" if values.is_empty() => {
            errors.required(&values_at, "must be specified when `operator` is 'In' or 'NotIn'");
        }
        "In" | "NotIn" => {}
        "Exists" | "DoesNotExist" => {
            if !values.is_empty() {
                let detail = "may not be specified when `operator` is 'Exists' or 'DoesNotExist'";
                errors.forbidden(&values_at, detail);
            }
        }
        operator => {
            errors.invalid(&at.field("operator"), operator, "not a valid selector operator");
        }
    }
    label_name(errors, &at.field("key"), &requirement.key);
    for (index, value) in values.iter().enumerate() {
        errors.invalid_each(&values_at.index(index), value, names::is_label_value(value));
    }
}

/// What is wrong with the key of a label.
pub fn label_name(errors: &mut Errors, at: &At<'_>, name: &str) {
    errors.invalid_each(at, name, names::is_qualified_name(name));
}

/// A required selector that is missing and one that is empty are different errors, but the same in typed form. This marks the empty one
/// at `pointer` with an empty map of labels, which encoding drops again.
pub fn mark_empty(tree: &mut Tree, pointer: &str) {
    if let Some(Tree::Object(selector)) = tree.pointer_mut(pointer)
        && selector.is_empty()
    {
        selector.insert("matchLabels".to_owned(), Tree::Object(serde_json::Map::new()));
    }
}

/// Whether a required selector was left out (see [`mark_empty`]).
#[must_use]
pub fn is_missing(selector: &LabelSelector) -> bool {
    *selector == LabelSelector::default()
}

/// A required selector in its parsed form. One that was left out selects nothing.
pub(crate) fn parse(selector: &LabelSelector) -> Result<Selector, String> {
    parse_optional((!is_missing(selector)).then_some(selector))
}

/// A selector in its parsed form. One that was left out selects nothing.
pub(crate) fn parse_optional(selector: Option<&LabelSelector>) -> Result<Selector, String> {
    selector.map_or_else(|| Ok(Selector::nothing()), Selector::from)
}

/// Whether the selector selects everything.
#[must_use]
pub fn is_empty(selector: &LabelSelector) -> bool {
    selector.match_labels.is_unset() && selector.match_expressions.is_unset()
}
