//! Advice about Pod specs that are accepted and yet do not do what their author hopes.
//!
//! See <https://kubernetes.io/docs/reference/using-api/deprecation-policy/>.

mod ports;
pub(crate) mod scheduling;
mod volumes;

use std::collections::{BTreeMap, BTreeSet};

use k8s_openapi::api::core::v1::{Container, Pod, PodSpec};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use meta::{names, quote};

pub(crate) use self::scheduling::old_node_label;
use super::validate::annotations::{
    APP_ARMOR_PREFIX, SECCOMP_CONTAINER_PREFIX, SECCOMP_POD, app_armor_profile,
};
use super::visit;
use crate::check::At;
use crate::wire::OrEmpty;
use crate::{address, resources};

/// Advice about a Pod of its own.
pub(super) fn pod(pod: &Pod) -> Vec<String> {
    let mut warnings = Vec::new();
    let messages = names::is_dns1123_label(pod.metadata.name.or_empty());
    if !messages.is_empty() {
        warnings.push(format!(
            "metadata.name: this is used in the Pod's hostname, which can result in surprising \
             behavior; a DNS label is recommended: [{}]",
            messages.join(" ")
        ));
    }
    if let Some(spec) = &pod.spec {
        let at = (&At::root("metadata"), &At::root("spec"));
        gather(&mut warnings, at, &pod.metadata, spec);
    }
    warnings
}

/// Advice about the template of a workload.
pub(crate) fn template(
    warnings: &mut Vec<String>,
    at: &At<'_>,
    metadata: &ObjectMeta,
    spec: &PodSpec,
) {
    gather(warnings, (&at.field("metadata"), &at.field("spec")), metadata, spec);
}

fn gather(
    warnings: &mut Vec<String>,
    (metadata_at, at): (&At<'_>, &At<'_>),
    metadata: &ObjectMeta,
    spec: &PodSpec,
) {
    scheduling::nodes(warnings, at, spec);
    scheduling::topology(warnings, at, spec);
    let annotations_at = metadata_at.field("annotations");
    let annotations = metadata.annotations.or_empty();
    for (key, advice) in [
        (
            "scheduler.alpha.kubernetes.io/critical-pod",
            "non-functional in v1.16+; use the \"priorityClassName\" field instead",
        ),
        (
            "security.alpha.kubernetes.io/sysctls",
            "non-functional in v1.11+; use the \"sysctls\" field instead",
        ),
        (
            "security.alpha.kubernetes.io/unsafe-sysctls",
            "non-functional in v1.11+; use the \"sysctls\" field instead",
        ),
    ] {
        if annotations.contains_key(key) {
            warnings.push(format!("{}: {advice}", annotations_at.key(key)));
        }
    }
    let volumes_at = at.field("volumes");
    for (index, volume) in spec.volumes.or_empty().iter().enumerate() {
        volumes::deprecated(warnings, &volumes_at.index(index), volume);
    }
    for volume in spec.volumes.or_empty() {
        volumes::overlapping_paths(warnings, volume);
    }
    duplicate_references(warnings, at, spec);
    let overhead_at = at.field("overhead");
    for name in ["memory", "ephemeral-storage"] {
        if let Some(quantity) = spec.overhead.or_empty().get(name) {
            resources::warn_fraction(warnings, &overhead_at.key(name), quantity);
        }
    }
    old_profiles(warnings, &annotations_at, annotations, spec);
    visit::containers(spec, at, |container, at| {
        old_container_profiles(warnings, &annotations_at, annotations, spec, container);
        fractions(warnings, at, container);
        hidden_variables(warnings, at, container);
    });
    ports::numbers(warnings, at, spec);
    ports::names(warnings, at, spec);
    if spec.termination_grace_period_seconds.is_some_and(|secs| secs < 0) {
        let at = at.field("terminationGracePeriodSeconds");
        warnings.push(format!(
            "{at}: must be >= 0; negative values are invalid and will be treated as 1"
        ));
    }
    scheduling::affinity(warnings, at, spec);
    addresses(warnings, at, spec);
}

fn duplicate_references(warnings: &mut Vec<String>, at: &At<'_>, spec: &PodSpec) {
    let all = at.field("hostAliases");
    let mut seen = BTreeSet::new();
    for (index, alias) in spec.host_aliases.or_empty().iter().enumerate() {
        if !seen.insert(&alias.ip) {
            let at = all.index(index);
            warnings.push(format!("{}: duplicate ip {}", at.field("ip"), quote(&alias.ip)));
        }
    }
    let all = at.field("imagePullSecrets");
    let secrets = spec.image_pull_secrets.or_empty();
    let mut seen = BTreeSet::new();
    for (index, secret) in secrets.iter().enumerate() {
        if !seen.insert(&secret.name) {
            let at = all.index(index);
            warnings.push(format!("{}: duplicate name {}", at.field("name"), quote(&secret.name)));
        }
    }
    for (index, _) in secrets.iter().enumerate().filter(|(_, secret)| secret.name.is_empty()) {
        let at = all.index(index);
        warnings.push(format!("{}: invalid empty name \"\"", at.field("name")));
    }
}

type Annotations = BTreeMap<String, String>;

const USE_SECCOMP: &str = "non-functional in v1.27+; use the \"seccompProfile\" field instead";

fn old_profiles(
    warnings: &mut Vec<String>,
    at: &At<'_>,
    annotations: &Annotations,
    spec: &PodSpec,
) {
    let security = spec.security_context.as_ref();
    if security.is_none_or(|security| security.seccomp_profile.is_none())
        && annotations.contains_key(SECCOMP_POD)
    {
        warnings.push(format!("{}: {USE_SECCOMP}", at.key(SECCOMP_POD)));
    }
}

fn old_container_profiles(
    warnings: &mut Vec<String>,
    at: &At<'_>,
    annotations: &Annotations,
    spec: &PodSpec,
    container: &Container,
) {
    let security = container.security_context.as_ref();
    let key = format!("{SECCOMP_CONTAINER_PREFIX}{}", container.name);
    if security.is_none_or(|security| security.seccomp_profile.is_none())
        && annotations.contains_key(&key)
    {
        warnings.push(format!("{}: {USE_SECCOMP}", at.key(&key)));
    }
    let key = format!("{APP_ARMOR_PREFIX}{}", container.name);
    let of_pod = spec.security_context.as_ref().and_then(|s| s.app_armor_profile.as_ref());
    if let Some(annotation) = annotations.get(&key)
        && (of_pod.is_none() || of_pod != app_armor_profile(annotation).as_ref())
    {
        warnings.push(format!(
            "{}: deprecated since v1.30; use the \"appArmorProfile\" field instead",
            at.key(&key)
        ));
    }
}

fn fractions(warnings: &mut Vec<String>, at: &At<'_>, container: &Container) {
    let Some(requirements) = &container.resources else {
        return;
    };
    let resources_at = at.field("resources");
    for name in ["memory", "ephemeral-storage"] {
        for (field, list) in
            [("limits", &requirements.limits), ("requests", &requirements.requests)]
        {
            let list_at = resources_at.field(field);
            if let Some(quantity) = list.or_empty().get(name) {
                resources::warn_fraction(warnings, &list_at.key(name), quantity);
            }
        }
    }
}

fn hidden_variables(warnings: &mut Vec<String>, at: &At<'_>, container: &Container) {
    let all = at.field("env");
    let mut seen = BTreeSet::new();
    for (index, variable) in container.env.or_empty().iter().enumerate() {
        if seen.insert(&variable.name) {
            continue;
        }
        // A value that builds on the earlier one is no accident.
        let (value, reference) = (variable.value.or_empty(), format!("$({})", variable.name));
        let extends =
            variable.value_from.is_none() && value != reference && value.contains(&reference);
        if !extends {
            let name = quote(&variable.name);
            warnings.push(format!(
                "{}: hides previous definition of {name}, which may be dropped when using apply",
                all.index(index)
            ));
        }
    }
}

fn addresses(warnings: &mut Vec<String>, at: &At<'_>, spec: &PodSpec) {
    if let Some(config) = &spec.dns_config {
        let config_at = at.field("dnsConfig");
        let servers_at = config_at.field("nameservers");
        for (index, server) in config.nameservers.or_empty().iter().enumerate() {
            address::warn(warnings, &servers_at.index(index), server);
        }
    }
    let aliases_at = at.field("hostAliases");
    for (index, alias) in spec.host_aliases.or_empty().iter().enumerate() {
        let at = aliases_at.index(index);
        address::warn(warnings, &at.field("ip"), &alias.ip);
    }
}
