//! Validation rules of a schema: what must be said of each, whether it compiles, and what it may cost.
//!
//! See <https://kubernetes.io/docs/tasks/extend-kubernetes/custom-resources/custom-resource-definitions/#validation-rules>.

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::{
    JSONSchemaProps, ValidationRule,
};

use meta::field::{FieldError, Path};

use super::{shown, structural};
use crate::check::{At, Errors};
use crate::custom::field_path;
use crate::custom::rules::{Environments, OLD_SELF, declare};
use crate::custom::schema::node::Node;
use crate::wire::OrEmpty;

const REASONS: &[&str] =
    &["FieldValueDuplicate", "FieldValueForbidden", "FieldValueInvalid", "FieldValueRequired"];

/// Checks what can be told without reading the expressions.
pub(super) fn check(errors: &mut Errors, at: &At<'_>, schema: &JSONSchemaProps) {
    let all = at.field("x-kubernetes-validations");
    for (index, rule) in schema.x_kubernetes_validations.or_empty().iter().enumerate() {
        let at = all.index(index);
        check_texts(errors, &at, rule);
        if let Some(reason) = &rule.reason {
            errors.one_of(&at.field("reason"), reason, REASONS);
        }
        check_path(errors, &at.field("fieldPath"), rule.field_path.or_empty(), schema);
    }
}

fn check_texts(errors: &mut Errors, at: &At<'_>, rule: &ValidationRule) {
    let (text, message) = (rule.rule.trim(), rule.message.or_empty());
    let message_at = at.field("message");
    if text.is_empty() {
        errors.required(&at.field("rule"), "rule is not specified");
    } else if !message.is_empty() && message.trim().is_empty() {
        errors.invalid(&message_at, message, "must be non-empty if specified");
    } else if has_lines(message.trim()) {
        errors.invalid(&message_at, message, "must not contain line breaks");
    } else if has_lines(text) && message.is_empty() {
        let detail = "message must be specified if rule contains line breaks";
        errors.required(&message_at, detail);
    }
    let expression = rule.message_expression.or_empty();
    if !expression.is_empty() && expression.trim().is_empty() {
        let detail = "messageExpression must be non-empty if specified";
        errors.required(&at.field("messageExpression"), detail);
    }
}

fn check_path(errors: &mut Errors, at: &At<'_>, path: &str, schema: &JSONSchemaProps) {
    if path.is_empty() {
        return;
    }
    if path.trim().is_empty() {
        errors.invalid(at, path, "must be non-empty if specified");
    }
    if has_lines(path) {
        errors.invalid(at, path, "must not contain line breaks");
    }
    let is_known = structural::unsupported(schema).is_some()
        || field_path::resolve(path, schema, true).is_ok();
    if !is_known {
        errors.invalid(at, path, "must be a valid path");
    }
}

fn has_lines(text: &str) -> bool {
    text.contains(['\n', '\r'])
}

/// Rules of one schema may be estimated to cost so much.
const COST_MAX: u64 = 10_000_000;
/// Rules of a whole definition may be estimated to cost so much.
const TOTAL_COST_MAX: u64 = 100_000_000;
/// So many rules are told of that cost most of the whole.
const DEAREST_MAX: usize = 4;

/// How often a schema may occur in an object, if that is bounded.
#[derive(Clone, Copy)]
pub(super) struct Position {
    count: Option<u64>,
}

impl Position {
    pub(super) const fn root() -> Self {
        Self { count: Some(1) }
    }

    /// The position of schemas inside one.
    pub(super) fn within(self, schema: &JSONSchemaProps) -> Self {
        let positive = |most: i64| u64::try_from(most).unwrap_or_default();
        let most = match schema.type_.or_empty() {
            "object" if schema.additional_properties.is_some() => {
                schema.max_properties.map(positive)
            }
            "array" => schema.max_items.map(positive),
            _ => Some(1),
        };
        let count = self.count.zip(most).map(|(count, most)| count.saturating_mul(most));
        Self { count }
    }
}

/// The schema whose rules are compiled.
pub(super) struct Place<'a> {
    pub(super) at: &'a At<'a>,
    pub(super) schema: &'a JSONSchemaProps,
    /// From where on old values cannot be found again.
    pub(super) lost: Option<&'a At<'a>>,
    pub(super) is_root: bool,
}

/// What the rules of a definition cost together.
pub(super) struct Costs {
    total: u64,
    /// The rules that cost most, and where they are.
    dearest: Vec<(u64, String)>,
    /// Each may be as costly as it was.
    may_be_costly: bool,
}

impl Costs {
    pub(super) const fn new(may_be_costly: bool) -> Self {
        Self { total: 0, dearest: Vec::new(), may_be_costly }
    }

    /// Refuses an expression that costs too much, and counts it.
    fn add(&mut self, errors: &mut Errors, at: &At<'_>, what: &str, cost: u64) {
        if !self.may_be_costly && cost > COST_MAX {
            errors.forbidden(at, too_costly(what, cost, COST_MAX));
        }
        self.total = self.total.saturating_add(cost);
        if cost >= TOTAL_COST_MAX / 100 {
            self.dearest.push((cost, at.to_string()));
            self.dearest.sort_by_key(|(cost, _)| std::cmp::Reverse(*cost));
            self.dearest.truncate(DEAREST_MAX);
        }
    }

    pub(super) fn check_total(&self, errors: &mut Errors, at: &At<'_>) {
        if self.total <= TOTAL_COST_MAX {
            return;
        }
        let detail = "contributed to estimated rule cost total exceeding cost limit for entire OpenAPIv3 \
             schema";
        let dearest = self.dearest.iter();
        errors.extend(
            dearest.map(|(_, path)| FieldError::forbidden(&Path::new(path.clone()), detail)),
        );
        let what = "x-kubernetes-validations estimated rule cost total for entire OpenAPIv3 schema";
        errors.forbidden(at, too_costly(what, self.total, TOTAL_COST_MAX));
    }
}

#[expect(clippy::cast_precision_loss, reason = "a factor is told roughly")]
fn too_costly(what: &str, cost: u64, max: u64) -> String {
    let factor = cost as f64 / max as f64;
    let factor = if factor > 100.0 {
        "more than 100x".to_owned()
    } else if factor < 1.5 {
        format!("{factor:.6}x")
    } else {
        format!("{factor:.1}x")
    };
    format!(
        "{what} exceeds budget by factor of {factor} (try simplifying the rule, or adding maxItems, \
         maxProperties, and maxLength where arrays, maps, and strings are declared)"
    )
}

/// Compiles the rules of a schema in which nothing else is wrong.
pub(super) fn compile(
    errors: &mut Errors,
    place: &Place<'_>,
    position: Position,
    costs: &mut Costs,
) {
    let rules = place.schema.x_kubernetes_validations.or_empty();
    if rules.is_empty() {
        return;
    }
    let all = place.at.field("x-kubernetes-validations");
    let node = Node::compile(place.schema);
    let Some(environments) = Environments::new(&node, place.is_root || node.embedded) else {
        let detail = "internal error: failed to construct type information for \
                      x-kubernetes-validations rules: unable to convert structural schema to CEL \
                      declarations";
        errors.internal(&all, detail);
        return;
    };
    let unbounded = declare::REQUEST_BYTES_MAX / (environments.declared.bytes_min + 1);
    let count = position.count.unwrap_or(unbounded);
    for (index, rule) in rules.iter().enumerate() {
        compile_rule(errors, &all.index(index), place, rule, &environments, (count, costs));
    }
}

fn compile_rule(
    errors: &mut Errors,
    at: &At<'_>,
    place: &Place<'_>,
    rule: &ValidationRule,
    environments: &Environments,
    (count, costs): (u64, &mut Costs),
) {
    let optional = rule.optional_old_self == Some(true);
    let (environment, extent) = (environments.of(optional), &environments.declared.extent);
    let (rule_at, message_at) = (at.field("rule"), at.field("messageExpression"));
    let program = environments.rule(&rule.rule, optional);
    let cost = program.as_ref().map_or(0, |program| program.cost_max(environment, extent));
    costs.add(errors, &rule_at, "estimated rule cost", cost.saturating_mul(count));
    let uses_old = program.as_ref().is_ok_and(|program| program.names(OLD_SELF));
    match program {
        Err(problem) => errors.invalid(&rule_at, shown::rule(rule), problem),
        Ok(_) if rule.message_expression.is_unset() => {}
        Ok(_) => match environments.message(rule.message_expression.or_empty(), optional) {
            Err(problem) => errors.invalid(&message_at, shown::rule(rule), problem),
            Ok(program) => {
                let cost = program.cost_max(environment, extent);
                costs.add(errors, &message_at, "estimated messageExpression cost", cost);
            }
        },
    }
    match (uses_old, place.lost, rule.optional_old_self) {
        (true, Some(lost), _) => {
            let detail = format!(
                "oldSelf cannot be used on the uncorrelatable portion of the schema within {lost}"
            );
            errors.invalid(&rule_at, &rule.rule, detail);
        }
        (false, _, Some(said)) => {
            let detail = "may not be set if oldSelf is not used in rule";
            errors.invalid(&at.field("optionalOldSelf"), said, detail);
        }
        _ => {}
    }
}
