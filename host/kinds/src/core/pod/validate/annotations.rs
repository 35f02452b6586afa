//! Annotations that mean something for a Pod.
//!
//! See <https://kubernetes.io/docs/reference/labels-annotations-taints/>.

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::{AppArmorProfile, PodSpec, SeccompProfile, Toleration};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;

use super::scheduling;
use super::volume::local_descending_path;
use crate::check::{At, Errors};
use crate::core::pod::visit;
use crate::wire::OrEmpty;

/// Marks a Pod that stands for one that a node runs by itself.
pub(crate) const MIRROR: &str = "kubernetes.io/config.mirror";
pub(crate) const APP_ARMOR_PREFIX: &str = "container.apparmor.security.beta.kubernetes.io/";
const TOLERATIONS: &str = "scheduler.alpha.kubernetes.io/tolerations";
const DELETION_COST: &str = "controller.kubernetes.io/pod-deletion-cost";
pub(crate) const SECCOMP_POD: &str = "seccomp.security.alpha.kubernetes.io/pod";
pub(crate) const SECCOMP_CONTAINER_PREFIX: &str = "container.seccomp.security.alpha.kubernetes.io/";

type Annotations = BTreeMap<String, String>;

/// What holds for annotations of a Pod and of a template.
pub(crate) fn validate(
    errors: &mut Errors,
    at: &At<'_>,
    annotations: &Annotations,
    spec: &PodSpec,
) {
    if let Some(value) = annotations.get(MIRROR)
        && spec.node_name.is_unset()
    {
        let detail = "must set spec.nodeName if mirror pod annotation is set";
        errors.invalid(&at.key(MIRROR), value, detail);
    }
    if let Some(text) = annotations.get(TOLERATIONS).filter(|text| !text.is_empty()) {
        match serde_json::from_str::<Vec<Toleration>>(text) {
            Ok(list) => scheduling::tolerations(errors, &at.field(TOLERATIONS), &list),
            Err(problem) => errors.invalid(at, TOLERATIONS, problem.to_string()),
        }
    }
    if let Some(cost) = annotations.get(DELETION_COST)
        && !is_deletion_cost(cost)
    {
        errors.invalid(&at.key(DELETION_COST), cost, "must be a 32bit integer");
    }
    if let Some(profile) = annotations.get(SECCOMP_POD) {
        seccomp(errors, &at.field(SECCOMP_POD), profile);
    }
    for (key, profile) in annotations {
        if key.starts_with(SECCOMP_CONTAINER_PREFIX) {
            seccomp(errors, &at.field(key), profile);
        }
        if let Some(container) = key.strip_prefix(APP_ARMOR_PREFIX) {
            app_armor(errors, &at.key(key), (container, profile), spec);
        }
    }
}

/// An integer in the one form that every reader understands alike.
fn is_deletion_cost(text: &str) -> bool {
    let digits = text.strip_prefix('-').unwrap_or(text);
    let is_plain = text == "0" || !digits.starts_with('0');
    is_plain && !text.starts_with('+') && text.parse::<i32>().is_ok()
}

fn seccomp(errors: &mut Errors, at: &At<'_>, profile: &str) {
    match profile.strip_prefix("localhost/") {
        Some(path) => local_descending_path(errors, at, path),
        None if matches!(profile, "runtime/default" | "docker/default" | "unconfined") => {}
        None => errors.invalid(at, profile, "must be a valid seccomp profile"),
    }
}

fn app_armor(
    errors: &mut Errors,
    at: &At<'_>,
    (container, profile): (&str, &String),
    spec: &PodSpec,
) {
    let mut is_known = false;
    visit::containers(spec, &At::root("spec"), |other, _| {
        is_known |= other.name == container;
    });
    if !is_known {
        errors.invalid(at, container, "container not found");
    }
    let is_good = matches!(profile.as_str(), "" | "runtime/default" | "unconfined")
        || profile.starts_with("localhost/");
    if !is_good {
        let detail = format!("invalid AppArmor profile name: {}", meta::quote(profile));
        errors.invalid(at, profile, detail);
    }
}

/// The profile that an annotation names, in the form of the field that replaced it.
pub(crate) fn app_armor_profile(annotation: &str) -> Option<AppArmorProfile> {
    let (type_, localhost_profile) = match annotation {
        "unconfined" => ("Unconfined", None),
        "runtime/default" => ("RuntimeDefault", None),
        other => ("Localhost", Some(other.strip_prefix("localhost/")?.to_owned())),
    };
    Some(AppArmorProfile { type_: type_.to_owned(), localhost_profile })
}

/// Old annotations and the fields that replaced them must say the same.
pub(crate) fn agree_with_fields(
    errors: &mut Errors,
    spec_at: &At<'_>,
    metadata: &ObjectMeta,
    spec: &PodSpec,
) {
    let annotations = metadata.annotations.or_empty();
    if annotations.is_empty() {
        return;
    }
    let pod = spec.security_context.as_ref();
    if let (Some(annotation), Some(profile)) =
        (annotations.get(SECCOMP_POD), pod.and_then(|security| security.seccomp_profile.as_ref()))
    {
        let at = spec_at.field("securityContext");
        seccomp_agrees(errors, &at.field("seccompProfile"), annotation, profile);
    }
    let pod_app_armor = pod.and_then(|security| security.app_armor_profile.as_ref());
    let is_windows = spec.os.as_ref().is_some_and(|os| os.name == "windows");
    visit::containers(spec, spec_at, |container, at| {
        let own = container.security_context.as_ref();
        let at = at.field("securityContext");
        let key = format!("{SECCOMP_CONTAINER_PREFIX}{}", container.name);
        if let (Some(annotation), Some(profile)) =
            (annotations.get(&key), own.and_then(|security| security.seccomp_profile.as_ref()))
        {
            seccomp_agrees(errors, &at.field("seccompProfile"), annotation, profile);
        }
        let key = format!("{APP_ARMOR_PREFIX}{}", container.name);
        let profile =
            own.and_then(|security| security.app_armor_profile.as_ref()).or(pod_app_armor);
        if let (Some(annotation), Some(profile)) = (annotations.get(&key), profile)
            && !is_windows
        {
            app_armor_agrees(errors, &at.field("appArmorProfile"), annotation, profile);
        }
    });
}

fn seccomp_agrees(errors: &mut Errors, at: &At<'_>, annotation: &str, profile: &SeccompProfile) {
    let same_type = match profile.type_.as_str() {
        "Unconfined" => annotation == "unconfined",
        "RuntimeDefault" => matches!(annotation, "runtime/default" | "docker/default"),
        "Localhost" => annotation.starts_with("localhost/"),
        _ => true,
    };
    if !same_type {
        errors.forbidden(&at.field("type"), "seccomp type in annotation and field must match");
    } else if profile.type_ == "Localhost"
        && annotation.strip_prefix("localhost/") != profile.localhost_profile.as_deref()
    {
        let detail = "seccomp profile in annotation and field must match";
        errors.forbidden(&at.field("localhostProfile"), detail);
    }
}

fn app_armor_agrees(errors: &mut Errors, at: &At<'_>, annotation: &str, profile: &AppArmorProfile) {
    let same_type = match profile.type_.as_str() {
        "Unconfined" => annotation == "unconfined",
        "RuntimeDefault" => annotation == "runtime/default",
        "Localhost" => annotation.starts_with("localhost/"),
        _ => true,
    };
    if !same_type {
        errors.forbidden(&at.field("type"), "apparmor type in annotation and field must match");
    } else if profile.type_ == "Localhost"
        && annotation.strip_prefix("localhost/") != profile.localhost_profile.as_deref()
    {
        let detail = "apparmor profile in annotation and field must match";
        errors.forbidden(&at.field("localhostProfile"), detail);
    }
}

/// Annotations of a Pod that are fixed once it exists.
pub(crate) fn validate_update(
    errors: &mut Errors,
    at: &At<'_>,
    new: &Annotations,
    old: &Annotations,
) {
    for (key, value) in old {
        if new.get(key) == Some(value) {
            continue;
        }
        if key.starts_with(APP_ARMOR_PREFIX) {
            errors.forbidden(&at.key(key), "may not remove or update AppArmor annotations");
        }
        if key == MIRROR {
            errors.forbidden(&at.key(key), "may not remove or update mirror pod annotation");
        }
    }
    for key in new.keys().filter(|key| !old.contains_key(*key)) {
        if key.starts_with(APP_ARMOR_PREFIX) {
            errors.forbidden(&at.key(key), "may not add AppArmor annotations");
        }
        if key == MIRROR {
            errors.forbidden(&at.key(key), "may not add mirror pod annotation");
        }
    }
}
