//! What the bindings of validating and mutating policies share.

use jiff::Timestamp;
use k8s_openapi::api::admissionregistration::v1::ParamRef;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{
    LabelSelector, LabelSelectorRequirement, ObjectMeta,
};
use meta::{Tree, names};

use crate::check::{At, Errors};
use crate::columns::{self, Column};
use crate::label_selector;
use crate::wire::OrEmpty;

pub(super) const SPEC: At<'static> = At::root("spec");
const ACTIONS: &[&str] = &["Deny", "Allow"];

pub(super) const COLUMNS: &[Column] = &[
    columns::NAME,
    Column::text(
        "PolicyName",
        "PolicyName indicates the policy definition which the policy binding binded to",
    ),
    Column::text(
        "ParamRef",
        "ParamRef indicates the param resource which sets the configuration param",
    ),
    columns::AGE,
];

/// The cells of a binding.
pub(super) fn row(
    metadata: &ObjectMeta,
    policy: &str,
    params: Option<&ParamRef>,
    now: Timestamp,
) -> Vec<Tree> {
    let (policy, params) = (Tree::from(policy), param_ref_cell(params));
    vec![columns::name(metadata), policy, params, columns::age(metadata, now)]
}

pub(super) fn validate_policy_name(errors: &mut Errors, name: &str) {
    let at = SPEC.field("policyName");
    if name.is_empty() {
        errors.required(&at, "");
    } else {
        errors.invalid_each(&at, name, names::is_dns1123_subdomain(name));
    }
}

pub(super) fn validate_param_ref(errors: &mut Errors, given: Option<&ParamRef>) {
    const EXCLUSIVE: &str = "name and selector are mutually exclusive";
    let Some(given) = given else { return };
    let at = SPEC.field("paramRef");
    let name = given.name.or_empty();
    if !name.is_empty() {
        errors.invalid_each(&at.field("name"), name, crate::path_segment(name));
        if given.selector.is_some() {
            errors.forbidden(&at.field("name"), EXCLUSIVE);
        }
    }
    if given.selector.is_some() {
        label_selector::validate(errors, &at.field("selector"), given.selector.as_ref());
        if !name.is_empty() {
            errors.forbidden(&at.field("selector"), EXCLUSIVE);
        }
    }
    if name.is_empty() && given.selector.is_none() {
        errors.required(&at, "one of name or selector must be specified");
    }
    let action = given.parameter_not_found_action.or_empty();
    errors.required_one_of(&at.field("parameterNotFoundAction"), action, ACTIONS);
}

/// A selector as Go prints the value of its type.
fn printed(selector: &LabelSelector) -> String {
    let labels = selector.match_labels.iter().flatten();
    let labels: String = labels.map(|(key, value)| format!("{key}: {value},")).collect();
    let requirements = selector.match_expressions.iter().flatten();
    let requirements: String = requirements
        .map(|LabelSelectorRequirement { key, operator, values }| {
            let values = values.as_deref().unwrap_or_default().join(" ");
            format!("LabelSelectorRequirement{{Key:{key},Operator:{operator},Values:[{values}],}},")
        })
        .collect();
    format!(
        "&LabelSelector{{MatchLabels:map[string]string{{{labels}}},MatchExpressions:[]LabelSelectorRequirement{{{requirements}}},}}"
    )
}

/// The parameters, as a cell.
fn param_ref_cell(given: Option<&ParamRef>) -> Tree {
    let Some(given) = given else { return Tree::from(columns::UNSET) };
    let (namespace, name) = (given.namespace.or_empty(), given.name.or_empty());
    Tree::from(match (namespace, name, &given.selector) {
        (_, "", None) => columns::UNSET.to_owned(),
        (_, "", Some(selector)) => printed(selector),
        ("", name, _) => name.to_owned(),
        (namespace, name, _) => format!("{namespace}/{name}"),
    })
}
