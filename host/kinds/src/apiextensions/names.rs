//! The names of a kind.

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinitionNames;
use meta::names;

use crate::check::{At, Errors};
use crate::wire::OrEmpty;

/// What is wrong with names, those that are missing apart.
pub(super) fn check(errors: &mut Errors, at: &At<'_>, names: &CustomResourceDefinitionNames) {
    let (kind, list_kind) = (names.kind.as_str(), names.list_kind.or_empty());
    label(errors, &at.field("plural"), &names.plural);
    label(errors, &at.field("singular"), names.singular.or_empty());
    mixed_case(errors, &at.field("kind"), kind);
    mixed_case(errors, &at.field("listKind"), list_kind);
    each_label(errors, &at.field("shortNames"), names.short_names.or_empty());
    if !kind.is_empty() && kind == list_kind {
        let detail = "kind and listKind may not be the same";
        errors.invalid(&at.field("listKind"), list_kind, detail);
    }
    each_label(errors, &at.field("categories"), names.categories.or_empty());
}

/// Names that a new kind must have.
pub(super) fn check_required(
    errors: &mut Errors,
    at: &At<'_>,
    names: &CustomResourceDefinitionNames,
) {
    let all = [
        ("plural", names.plural.as_str()),
        ("singular", names.singular.or_empty()),
        ("kind", &names.kind),
        ("listKind", names.list_kind.or_empty()),
    ];
    for (field, name) in all {
        if name.is_empty() {
            errors.required(&at.field(field), "");
        }
    }
}

fn label(errors: &mut Errors, at: &At<'_>, name: &str) {
    let problems = names::is_dns1035_label(name);
    if !name.is_empty() && !problems.is_empty() {
        errors.invalid(at, name, problems.join(","));
    }
}

fn mixed_case(errors: &mut Errors, at: &At<'_>, name: &str) {
    let problems = names::is_dns1035_label(&name.to_lowercase());
    if !name.is_empty() && !problems.is_empty() {
        let problems = problems.join(",");
        let detail = format!("may have mixed case, but should otherwise match: {problems}");
        errors.invalid(at, name, detail);
    }
}

fn each_label(errors: &mut Errors, all: &At<'_>, names: &[String]) {
    for (index, name) in names.iter().enumerate() {
        let problems = names::is_dns1035_label(name);
        if !problems.is_empty() {
            errors.invalid(&all.index(index), name, problems.join(","));
        }
    }
}
