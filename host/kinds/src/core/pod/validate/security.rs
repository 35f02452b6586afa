//! Identities, capabilities and profiles of containers and of the Pod.
//!
//! See <https://kubernetes.io/docs/tasks/configure-pod-container/security-context/>.

use std::collections::BTreeSet;

use k8s_openapi::api::core::v1::{
    AppArmorProfile, PodSecurityContext, PodSpec, SeccompProfile, SecurityContext, Sysctl,
};
use meta::names;

use super::volume::local_descending_path;
use super::{Context, windows};
use crate::check::{At, Errors};
use crate::internal;
use crate::wire::OrEmpty;

pub(super) fn container(
    errors: &mut Errors,
    at: &At<'_>,
    security: Option<&SecurityContext>,
    context: &Context<'_>,
) {
    let Some(security) = security else { return };
    user(errors, &at.field("runAsUser"), security.run_as_user);
    group(errors, &at.field("runAsGroup"), security.run_as_group);
    if let Some(mount) = &security.proc_mount {
        let at = at.field("procMount");
        errors.one_of(&at, mount, &["Default", "Unmasked"]);
        if mount == "Unmasked" && context.spec.host_users.unwrap_or(true) {
            errors.invalid(&at, mount, "`hostUsers` must be false to use `Unmasked`");
        }
    }
    seccomp(errors, &at.field("seccompProfile"), security.seccomp_profile.as_ref());
    if security.allow_privilege_escalation == Some(false) {
        privilege_escalation(errors, at, security);
    }
    windows::options(errors, &at.field("windowsOptions"), security.windows_options.as_ref());
    app_armor(errors, &at.field("appArmorProfile"), security.app_armor_profile.as_ref());
}

fn privilege_escalation(errors: &mut Errors, at: &At<'_>, security: &SecurityContext) {
    if security.privileged.unwrap_or_default() {
        let detail = "cannot set `allowPrivilegeEscalation` to false and `privileged` to true";
        errors.invalid(at, internal::value("@SecurityContext", security), detail);
    }
    let added = security.capabilities.as_ref().map(|capabilities| capabilities.add.or_empty());
    if added.is_some_and(|added| added.iter().any(|name| name == "CAP_SYS_ADMIN")) {
        let detail = "cannot set `allowPrivilegeEscalation` to false and `capabilities.Add` \
                      CAP_SYS_ADMIN";
        errors.invalid(at, internal::value("@SecurityContext", security), detail);
    }
}

pub(super) fn pod(errors: &mut Errors, at: &At<'_>, spec: &PodSpec) {
    let Some(security) = &spec.security_context else {
        return;
    };
    group(errors, &at.field("fsGroup"), security.fs_group);
    user(errors, &at.field("runAsUser"), security.run_as_user);
    group(errors, &at.field("runAsGroup"), security.run_as_group);
    let groups_at = at.field("supplementalGroups");
    for (index, id) in security.supplemental_groups.or_empty().iter().enumerate() {
        group(errors, &groups_at.index(index), Some(*id));
    }
    sysctls(errors, &at.field("sysctls"), security.sysctls.or_empty(), spec);
    policies(errors, at, security);
    seccomp(errors, &at.field("seccompProfile"), security.seccomp_profile.as_ref());
    windows::options(errors, &at.field("windowsOptions"), security.windows_options.as_ref());
    app_armor(errors, &at.field("appArmorProfile"), security.app_armor_profile.as_ref());
}

fn policies(errors: &mut Errors, at: &At<'_>, security: &PodSecurityContext) {
    let fields: [(&str, &Option<String>, &[&str]); 3] = [
        ("fsGroupChangePolicy", &security.fs_group_change_policy, &["Always", "OnRootMismatch"]),
        ("supplementalGroupsPolicy", &security.supplemental_groups_policy, &["Merge", "Strict"]),
        ("seLinuxChangePolicy", &security.se_linux_change_policy, &["MountOption", "Recursive"]),
    ];
    for (name, value, allowed) in fields {
        if let Some(value) = value {
            errors.one_of(&at.field(name), value, allowed);
        }
    }
}

fn user(errors: &mut Errors, at: &At<'_>, id: Option<i64>) {
    let Some(id) = id else { return };
    for message in names::is_user_id(id) {
        errors.invalid(at, id, message);
    }
}

fn group(errors: &mut Errors, at: &At<'_>, id: Option<i64>) {
    let Some(id) = id else { return };
    for message in names::is_group_id(id) {
        errors.invalid(at, id, message);
    }
}

fn seccomp(errors: &mut Errors, at: &At<'_>, profile: Option<&SeccompProfile>) {
    let Some(profile) = profile else { return };
    let type_at = at.field("type");
    match profile.type_.as_str() {
        "Localhost" | "RuntimeDefault" | "Unconfined" => {}
        "" => errors.required(&type_at, "type is required when seccompProfile is set"),
        other => {
            errors.not_supported(&type_at, other, &["Localhost", "RuntimeDefault", "Unconfined"]);
        }
    }
    let local_at = at.field("localhostProfile");
    match (&profile.localhost_profile, profile.type_ == "Localhost") {
        (Some(path), true) => local_descending_path(errors, &local_at, path),
        (None, true) => {
            errors.required(&local_at, "must be set when seccomp type is Localhost");
        }
        (Some(_), false) => {
            let detail = "can only be set when seccomp type is Localhost";
            errors.invalid(&local_at, internal::value("@SeccompProfile", profile), detail);
        }
        (None, false) => {}
    }
}

const PATH_BYTES_MAX: usize = 4095;

/// What is wrong with a profile for `AppArmor`.
pub(crate) fn app_armor(errors: &mut Errors, at: &At<'_>, profile: Option<&AppArmorProfile>) {
    let Some(profile) = profile else { return };
    let local_at = at.field("localhostProfile");
    let missing = "must be set when AppArmor type is Localhost";
    match (profile.type_.as_str(), &profile.localhost_profile) {
        ("Localhost", None) => errors.required(&local_at, missing),
        ("Localhost", Some(name)) => {
            if name.trim() != name {
                errors.invalid(&local_at, name, "must not be padded with whitespace");
            } else if name.is_empty() {
                errors.required(&local_at, missing);
            }
            if name.len() > PATH_BYTES_MAX {
                errors.too_long(&local_at, PATH_BYTES_MAX);
            }
        }
        ("RuntimeDefault" | "Unconfined", None) => {}
        ("RuntimeDefault" | "Unconfined", Some(name)) => {
            let detail = "can only be set when AppArmor type is Localhost";
            errors.invalid(&local_at, name, detail);
        }
        ("", _) => {
            let detail = "type is required when appArmorProfile is set";
            errors.required(&at.field("type"), detail);
        }
        (other, _) => {
            let known = &["Localhost", "RuntimeDefault", "Unconfined"];
            errors.not_supported(&at.field("type"), other, known);
        }
    }
}

const SYSCTL_BYTES_MAX: usize = 253;

fn sysctls(errors: &mut Errors, all: &At<'_>, sysctls: &[Sysctl], spec: &PodSpec) {
    let mut names = BTreeSet::new();
    for (index, sysctl) in sysctls.iter().enumerate() {
        let at = all.index(index);
        let at = at.field("name");
        let name = sysctl.name.as_str();
        if name.is_empty() {
            errors.required(&at, "");
        } else if !is_sysctl(name) {
            let detail = format!(
                "must have at most {SYSCTL_BYTES_MAX} characters and match regex \
                 ^([a-z0-9]([-_a-z0-9]*[a-z0-9])?[\\./])*[a-z0-9]([-_a-z0-9]*[a-z0-9])?$"
            );
            errors.invalid(&at, name, detail);
        } else if names.contains(name) {
            errors.duplicate(&at, name);
        }
        let on_host = |field: Option<bool>| field.unwrap_or_default();
        if on_host(spec.host_network) && belongs_to_network(name) {
            errors.invalid(&at, name, "may not be specified when 'hostNetwork' is true");
        } else if on_host(spec.host_ipc) && belongs_to_ipc(name) {
            errors.invalid(&at, name, "may not be specified when 'hostIPC' is true");
        }
        names.insert(name);
    }
}

fn is_sysctl(name: &str) -> bool {
    name.len() <= SYSCTL_BYTES_MAX && name.split(['.', '/']).all(is_sysctl_segment)
}

fn is_sysctl_segment(segment: &str) -> bool {
    let alphanumeric = |byte: &u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let bytes = segment.as_bytes();
    bytes.first().is_some_and(alphanumeric)
        && bytes.last().is_some_and(alphanumeric)
        && bytes.iter().all(|byte| alphanumeric(byte) || matches!(byte, b'-' | b'_'))
}

fn belongs_to_network(name: &str) -> bool {
    name.replace('/', ".").starts_with("net.")
}

fn belongs_to_ipc(name: &str) -> bool {
    let name = name.replace('/', ".");
    matches!(name.as_str(), "kernel.sem" | "kernel.shm_rmid_forced")
        || ["kernel.shm", "kernel.msg", "fs.mqueue."].iter().any(|prefix| name.starts_with(prefix))
}
