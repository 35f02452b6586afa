//! What validating and mutating policies share: parameters, variables, and where expressions stand.
//!
//! See <https://kubernetes.io/docs/reference/access-authn-authz/validating-admission-policy/>.

use expressions::RESERVED;
use expressions::admission::{Composer, Purpose};
use k8s_openapi::api::admissionregistration::v1::{
    MatchCondition, MatchResources, ParamKind, Variable,
};
use meta::{Tree, names};

use super::{conditions, match_resources};
use crate::check::{At, Errors};
use crate::columns;
use crate::wire::OrEmpty;

pub(super) const SPEC: At<'static> = At::root("spec");

/// The parts of a policy that both kinds have.
pub(super) struct Shared<'a> {
    pub(super) failure_policy: Option<&'a String>,
    pub(super) param_kind: Option<&'a ParamKind>,
    pub(super) match_constraints: Option<&'a MatchResources>,
    pub(super) match_conditions: &'a [MatchCondition],
    pub(super) variables: &'a [Variable],
}

/// Checks the shared parts, conditions only if they may have become wrong. What comes back compiles the other expressions.
pub(super) fn validate(
    errors: &mut Errors,
    policy: &Shared<'_>,
    patches: bool,
    conditions_are_old: bool,
) -> Composer {
    match policy.failure_policy {
        None => errors.required(&SPEC.field("failurePolicy"), ""),
        Some(given) => {
            errors.one_of(&SPEC.field("failurePolicy"), given, super::webhook::FAILURE_POLICIES);
        }
    }
    if let Some(kind) = policy.param_kind {
        validate_param_kind(errors, &SPEC.field("paramKind"), kind);
    }
    let at = SPEC.field("matchConstraints");
    match policy.match_constraints {
        None => errors.required(&at, ""),
        Some(resources) => {
            match_resources::validate(errors, &at, resources);
            if resources.resource_rules.is_unset() {
                errors.required(&at.field("resourceRules"), "");
            }
        }
    }
    let params = policy.param_kind.is_some();
    let mut composer = Composer::new(params, patches, !policy.variables.is_empty());
    if !conditions_are_old {
        let at = SPEC.field("matchConditions");
        conditions::validate(errors, &at, policy.match_conditions, &composer);
    }
    let all = SPEC.field("variables");
    for (index, variable) in policy.variables.iter().enumerate() {
        validate_variable(errors, &all.index(index), variable, &mut composer);
    }
    composer
}

fn validate_param_kind(errors: &mut Errors, at: &At<'_>, kind: &ParamKind) {
    let (version, version_at) = (kind.api_version.or_empty(), at.field("apiVersion"));
    if version.is_empty() {
        errors.required(&version_at, "");
    } else {
        validate_group_version(errors, &version_at, version);
    }
    let (name, name_at) = (kind.kind.or_empty(), at.field("kind"));
    let problems = names::is_dns1035_label(&name.to_lowercase());
    if name.is_empty() {
        errors.required(&name_at, "");
    } else if !problems.is_empty() {
        let problems = problems.join(",");
        let detail = format!("may have mixed case, but should otherwise match: {problems}");
        errors.invalid(&name_at, name, detail);
    }
}

fn validate_group_version(errors: &mut Errors, at: &At<'_>, text: &str) {
    let (group, version) = match text.split('/').collect::<Vec<_>>().as_slice() {
        ["", ""] => ("", ""),
        [version] => ("", *version),
        [group, version] => (*group, *version),
        _ => {
            errors.invalid(at, text, format!("unexpected GroupVersion string: {text}"));
            return;
        }
    };
    let joined = |errors: &mut Errors, value: &str, problems: Vec<String>| {
        if !problems.is_empty() {
            errors.invalid(at, value, problems.join(","));
        }
    };
    if !group.is_empty() {
        joined(errors, group, names::is_dns1123_subdomain(group));
    }
    if version.is_empty() {
        errors.invalid(at, text, "version must be specified");
    } else {
        joined(errors, version, names::is_dns1035_label(version));
    }
}

fn validate_variable(
    errors: &mut Errors,
    at: &At<'_>,
    variable: &Variable,
    composer: &mut Composer,
) {
    let name = variable.name.as_str();
    if name.trim().is_empty() {
        errors.required(&at.field("name"), "name is not specified");
    } else if !is_identifier(name) {
        errors.invalid(&at.field("name"), name, "must be a valid CEL identifier");
    }
    let expression_at = at.field("expression");
    if variable.expression.trim().is_empty() {
        errors.required(&expression_at, "expression is not specified");
    } else if let Err(detail) = composer.variable(name, &variable.expression) {
        errors.invalid(&expression_at, &variable.expression, detail);
    }
}

fn is_identifier(name: &str) -> bool {
    let starts = name.starts_with(|char: char| char.is_ascii_alphabetic() || char == '_');
    let rest = name.chars().all(|char| char.is_ascii_alphanumeric() || char == '_');
    starts && rest && !RESERVED.contains(&name)
}

/// Checks an expression, which must not be empty.
pub(super) fn validate_expression(
    errors: &mut Errors,
    at: &At<'_>,
    text: &str,
    purpose: Purpose,
    composer: &Composer,
) {
    if text.trim().is_empty() {
        errors.required(at, "expression is not specified");
    } else if let Err(detail) = composer.compile(text, purpose) {
        errors.invalid(at, text, detail);
    }
}

/// The kind of parameters, as a cell.
pub(super) fn param_kind_cell(kind: Option<&ParamKind>) -> Tree {
    match kind {
        None => Tree::from(columns::UNSET),
        Some(kind) => {
            Tree::from(format!("{}/{}", kind.api_version.or_empty(), kind.kind.or_empty()))
        }
    }
}
