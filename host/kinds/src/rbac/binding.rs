//! What the two kinds of bindings share: their defaults, their checks, their cells.

use k8s_openapi::api::rbac::v1::{RoleRef, Subject};
use meta::Tree;

use super::GROUP;
use crate::check::{At, Errors, IMMUTABLE};
use crate::wire::{OrEmpty, default_text};
use crate::{columns, internal, names};

/// Bindings are of this group unless they say otherwise, and so are the users and groups they name.
pub(super) fn set_defaults(role: &mut RoleRef, subjects: Option<&mut Vec<Subject>>) {
    default_text(&mut role.api_group, GROUP);
    for subject in subjects.into_iter().flatten() {
        if matches!(subject.kind.as_str(), "User" | "Group") {
            default_text(&mut subject.api_group, GROUP);
        }
    }
}

pub(super) fn validate(
    errors: &mut Errors,
    role: &RoleRef,
    roles: &[&str],
    subjects: &[Subject],
    namespaced: bool,
) {
    let at = At::root("roleRef");
    errors.one_of(&at.field("apiGroup"), role.api_group.or_empty(), &[GROUP]);
    errors.one_of(&at.field("kind"), &role.kind, roles);
    if !role.name.is_empty() {
        errors.invalid_each(&at.field("name"), &role.name, names::path_segment(&role.name));
    }
    let root = At::root("subjects");
    for (index, subject) in subjects.iter().enumerate() {
        validate_subject(errors, &root.index(index), subject, namespaced);
    }
    // Missing names are told after everything else.
    for (index, subject) in subjects.iter().enumerate() {
        if subject.name.is_empty() {
            errors.required(&root.index(index).field("name"), "");
        }
    }
    if role.name.is_empty() {
        errors.required(&at.field("name"), "");
    }
}

/// Who could change the role would grant what they may not have, under a name that others trust.
pub(super) fn validate_update(errors: &mut Errors, new: &RoleRef, old: &RoleRef) {
    if new != old {
        errors.invalid(&At::root("roleRef"), internal::value("@RoleRef", new), IMMUTABLE);
    }
}

fn validate_subject(errors: &mut Errors, at: &At<'_>, subject: &Subject, namespaced: bool) {
    let group = subject.api_group.or_empty();
    match subject.kind.as_str() {
        "ServiceAccount" => {
            if !subject.name.is_empty() {
                let messages = meta::names::is_dns1123_subdomain(&subject.name);
                errors.invalid_each(&at.field("name"), &subject.name, messages);
            }
            errors.one_of(&at.field("apiGroup"), group, &[""]);
            if !namespaced && subject.namespace.is_unset() {
                errors.required(&at.field("namespace"), "");
            }
        }
        "User" | "Group" => errors.one_of(&at.field("apiGroup"), group, &[GROUP]),
        kind => errors.not_supported(&at.field("kind"), kind, &["ServiceAccount", "User", "Group"]),
    }
}

/// The cells after the name: the role, the age, and who is bound.
pub(super) fn cells(role: &RoleRef, age: Tree, subjects: &[Subject]) -> Vec<Tree> {
    let of = |kind: &str| {
        let names = subjects.iter().filter(|subject| subject.kind == kind).map(|subject| {
            if kind == "ServiceAccount" {
                format!("{}/{}", subject.namespace.or_empty(), subject.name)
            } else {
                subject.name.clone()
            }
        });
        Tree::from(names.collect::<Vec<_>>().join(", "))
    };
    let role = Tree::from(format!("{}/{}", role.kind, role.name));
    vec![role, age, of("User"), of("Group"), of("ServiceAccount")]
}

/// All cells of a binding.
pub(super) fn row(
    metadata: &meta::ObjectMeta,
    role: &RoleRef,
    subjects: Option<&Vec<Subject>>,
    now: jiff::Timestamp,
) -> Vec<Tree> {
    let subjects = subjects.map(Vec::as_slice).unwrap_or_default();
    let mut row = vec![columns::name(metadata)];
    row.extend(cells(role, columns::age(metadata, now), subjects));
    row
}
