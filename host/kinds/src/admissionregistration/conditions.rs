//! Conditions on requests, written as expressions.

use std::collections::BTreeSet;

use expressions::admission::Composer;
use k8s_openapi::api::admissionregistration::v1::MatchCondition;

use crate::check::{At, Errors};
use crate::label_selector;

const CONDITIONS_MAX: usize = 64;

pub(super) fn validate(
    errors: &mut Errors,
    all: &At<'_>,
    conditions: &[MatchCondition],
    composer: &Composer,
) {
    if conditions.len() > CONDITIONS_MAX {
        errors.too_many(all, conditions.len(), CONDITIONS_MAX);
    }
    let mut names = BTreeSet::new();
    for (index, condition) in conditions.iter().enumerate() {
        let at = all.index(index);
        let (expression, name) = (condition.expression.trim(), condition.name.as_str());
        let expression_at = at.field("expression");
        if expression.is_empty() {
            errors.required(&expression_at, "");
        } else if let Err(detail) = composer.condition(expression) {
            errors.invalid(&expression_at, expression, detail);
        }
        let name_at = at.field("name");
        if name.is_empty() {
            errors.required(&name_at, "");
            continue;
        }
        label_selector::label_name(errors, &name_at, name);
        if !names.insert(name) {
            errors.duplicate(&name_at, name);
        }
    }
}
