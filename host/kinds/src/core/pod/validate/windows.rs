//! What only Pods for Windows, or only Pods for Linux, may say.
//!
//! See <https://kubernetes.io/docs/concepts/workloads/pods/#pod-os>.

use k8s_openapi::api::core::v1::{PodSpec, SecurityContext, WindowsSecurityContextOptions};
use meta::names;

use crate::check::{At, Errors};
use crate::core::pod::visit;
use crate::wire::OrEmpty;

/// Checks the operating system and what does not go with it.
pub(super) fn os(errors: &mut Errors, at: &At<'_>, spec: &PodSpec) {
    let Some(os) = &spec.os else { return };
    let os_at = at.field("os");
    match os.name.as_str() {
        "" => errors.required(&os_at.field("name"), ""),
        "linux" => linux(errors, at, spec),
        "windows" => windows(errors, at, spec),
        other => errors.not_supported(&os_at, other, &["linux", "windows"]),
    }
}

fn linux(errors: &mut Errors, at: &At<'_>, spec: &PodSpec) {
    const REFUSED: &str = "windows options cannot be set for a linux pod";
    if spec.security_context.as_ref().is_some_and(|s| s.windows_options.is_some()) {
        let at = at.field("securityContext");
        errors.forbidden(&at.field("windowsOptions"), REFUSED);
    }
    visit::containers(spec, at, |container, at| {
        if container.security_context.as_ref().is_some_and(|s| s.windows_options.is_some()) {
            let at = at.field("securityContext");
            errors.forbidden(&at.field("windowsOptions"), REFUSED);
        }
    });
}

const NOT_ON_WINDOWS: &str = "cannot be set for a windows pod";

fn windows(errors: &mut Errors, at: &At<'_>, spec: &PodSpec) {
    if let Some(security) = &spec.security_context {
        let at = at.field("securityContext");
        refuse(
            errors,
            &at,
            &[
                ("appArmorProfile", security.app_armor_profile.is_some()),
                ("seLinuxOptions", security.se_linux_options.is_some()),
                ("seccompProfile", security.seccomp_profile.is_some()),
                ("fsGroup", security.fs_group.is_some()),
                ("fsGroupChangePolicy", security.fs_group_change_policy.is_some()),
                ("sysctls", !security.sysctls.is_unset()),
                ("runAsUser", security.run_as_user.is_some()),
                ("runAsGroup", security.run_as_group.is_some()),
                ("supplementalGroups", security.supplemental_groups.is_some()),
                ("supplementalGroupsPolicy", security.supplemental_groups_policy.is_some()),
                ("seLinuxChangePolicy", security.se_linux_change_policy.is_some()),
            ],
        );
    }
    refuse(
        errors,
        at,
        &[
            ("hostUsers", spec.host_users.is_some()),
            ("hostPID", spec.host_pid.unwrap_or_default()),
            ("hostIPC", spec.host_ipc.unwrap_or_default()),
            ("shareProcessNamespace", spec.share_process_namespace.is_some()),
        ],
    );
    visit::containers(spec, at, |container, at| {
        if let Some(security) = &container.security_context {
            windows_container(errors, &at.field("securityContext"), security);
        }
    });
}

fn windows_container(errors: &mut Errors, at: &At<'_>, security: &SecurityContext) {
    refuse(
        errors,
        at,
        &[
            ("appArmorProfile", security.app_armor_profile.is_some()),
            ("seLinuxOptions", security.se_linux_options.is_some()),
            ("seccompProfile", security.seccomp_profile.is_some()),
            ("capabilities", security.capabilities.is_some()),
            ("readOnlyRootFilesystem", security.read_only_root_filesystem.is_some()),
            ("privileged", security.privileged.is_some()),
            ("allowPrivilegeEscalation", security.allow_privilege_escalation.is_some()),
            ("procMount", security.proc_mount.is_some()),
            ("runAsUser", security.run_as_user.is_some()),
            ("runAsGroup", security.run_as_group.is_some()),
        ],
    );
}

fn refuse(errors: &mut Errors, at: &At<'_>, fields: &[(&str, bool)]) {
    for (name, _) in fields.iter().filter(|(_, is_set)| *is_set) {
        errors.forbidden(&at.field(name), NOT_ON_WINDOWS);
    }
}

/// Containers that run as processes of the host: all of them or none.
pub(super) fn host_processes(errors: &mut Errors, at: &At<'_>, spec: &PodSpec) {
    let of_pod = spec.security_context.as_ref().and_then(|security| {
        security.windows_options.as_ref().and_then(|options| options.host_process)
    });
    let (mut all, mut on_host) = (0, 0);
    visit::containers(spec, at, |container, at| {
        all += 1;
        let of_container = container.security_context.as_ref().and_then(|security| {
            security.windows_options.as_ref().and_then(|options| options.host_process)
        });
        if let (Some(pod), Some(own)) = (of_pod, of_container)
            && pod != own
        {
            let detail =
                format!("pod hostProcess value must be identical if both are specified, was {pod}");
            let security_at = at.field("securityContext");
            let options_at = security_at.field("windowsOptions");
            errors.invalid(&options_at.field("hostProcess"), own, detail);
        }
        if of_container.or(of_pod).unwrap_or_default() {
            on_host += 1;
        }
    });
    if on_host == 0 {
        return;
    }
    if on_host != all {
        let detail = "If pod contains any hostProcess containers then all containers must be \
                      HostProcess containers";
        errors.invalid(at, "", detail);
    }
    if !spec.host_network.unwrap_or_default() {
        let detail = "hostNetwork must be true if pod contains any hostProcess containers";
        errors.invalid(&at.field("hostNetwork"), false, detail);
    }
}

const CREDENTIAL_KIB_MAX: usize = 64;
const DOMAIN_CHARACTERS_MAX: usize = 256;
const USER_CHARACTERS_MAX: usize = 104;

/// Options for Windows, which are checked whatever the operating system is.
pub(super) fn options(
    errors: &mut Errors,
    at: &At<'_>,
    options: Option<&WindowsSecurityContextOptions>,
) {
    let Some(options) = options else { return };
    if let Some(name) = &options.gmsa_credential_spec_name {
        let messages = names::is_dns1123_subdomain(name);
        errors.invalid_each(&at.field("gmsaCredentialSpecName"), name, messages);
    }
    if let Some(credential) = &options.gmsa_credential_spec {
        let at = at.field("gmsaCredentialSpec");
        if credential.is_empty() {
            errors.invalid(&at, credential, "gmsaCredentialSpec cannot be an empty string");
        } else if credential.len() > CREDENTIAL_KIB_MAX * 1024 {
            let detail = format!("gmsaCredentialSpec size must be under {CREDENTIAL_KIB_MAX} KiB");
            errors.invalid(&at, credential, detail);
        }
    }
    if let Some(name) = &options.run_as_user_name {
        let at = at.field("runAsUserName");
        for problem in user_name_problems(name) {
            errors.invalid(&at, name, format!("runAsUserName{problem}"));
        }
    }
}

fn user_name_problems(name: &str) -> Vec<String> {
    if name.is_empty() {
        return vec![" cannot be an empty string".to_owned()];
    }
    if name.chars().any(char::is_control) {
        return vec![" cannot contain control characters".to_owned()];
    }
    let (domain, user) = match name.split_once('\\') {
        Some((_, rest)) if rest.contains('\\') => {
            return vec![" cannot contain more than one backslash".to_owned()];
        }
        Some((domain, user)) => (Some(domain), user),
        None => (None, name),
    };
    let mut problems = Vec::new();
    if domain.is_some_and(|domain| domain.len() >= DOMAIN_CHARACTERS_MAX) {
        problems.push(format!("'s Domain length must be under {DOMAIN_CHARACTERS_MAX} characters"));
    }
    if domain.is_some_and(|domain| !is_net_bios(domain) && !is_dns(domain)) {
        problems.push("'s Domain doesn't match the NetBios nor the DNS format".to_owned());
    }
    if user.is_empty() {
        problems.push("'s User cannot be empty".to_owned());
    } else if user.len() > USER_CHARACTERS_MAX {
        problems.push(format!(
            "'s User length must not be longer than {USER_CHARACTERS_MAX} characters"
        ));
    }
    if !user.is_empty() && user.chars().all(|c| matches!(c, '.' | ' ')) {
        problems.push("'s User cannot contain only periods or spaces".to_owned());
    }
    if user
        .contains(['"', '/', '\\', ':', ';', '|', '=', ',', '+', '*', '?', '<', '>', '@', '[', ']'])
    {
        let refused = r#""/\:;|=,+*?<>@[]"#;
        problems.push(format!("'s User cannot contain the following characters: {refused}"));
    }
    problems
}

fn is_net_bios(domain: &str) -> bool {
    let length = domain.chars().count();
    (1..=15).contains(&length)
        && !domain.starts_with('.')
        && !domain.contains(['\\', '/', ':', '*', '?', '"', '<', '>', '|'])
}

fn is_dns(domain: &str) -> bool {
    domain.split('.').all(|label| {
        (1..=63).contains(&label.len())
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
    })
}
