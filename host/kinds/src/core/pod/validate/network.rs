//! What a Pod is called on the network, and how it finds names.
//!
//! See <https://kubernetes.io/docs/concepts/services-networking/dns-pod-service/>.

use k8s_openapi::api::core::v1::{HostAlias, PodSpec};
use meta::names;

use crate::address;
use crate::check::{At, Errors};
use crate::core::pod::visit;
use crate::wire::OrEmpty;

const NAMESERVERS_MAX: usize = 3;
const SEARCH_PATHS_MAX: usize = 32;
const SEARCH_CHARACTERS_MAX: usize = 2048;

/// How names are resolved.
pub(super) fn dns_config(errors: &mut Errors, at: &At<'_>, spec: &PodSpec) {
    let is_none = spec.dns_policy.or_empty() == "None";
    let servers_at = at.field("nameservers");
    let Some(config) = &spec.dns_config else {
        if is_none {
            errors.required(at, "must provide `dnsConfig` when `dnsPolicy` is None");
        }
        return;
    };
    let servers = config.nameservers.or_empty();
    if is_none && servers.is_empty() {
        let detail = "must provide at least one DNS nameserver when `dnsPolicy` is None";
        errors.required(&servers_at, detail);
        return;
    }
    if servers.len() > NAMESERVERS_MAX {
        let detail = format!("must not have more than {NAMESERVERS_MAX} nameservers");
        errors.invalid(&servers_at, servers, detail);
    }
    for (index, server) in servers.iter().enumerate() {
        address::validate(errors, &servers_at.index(index), server);
    }
    searches(errors, &at.field("searches"), config.searches.or_empty());
    let options_at = at.field("options");
    for (index, option) in config.options.or_empty().iter().enumerate() {
        if option.name.is_unset() {
            errors.required(&options_at.index(index), "must not be empty");
        }
    }
}

fn searches(errors: &mut Errors, at: &At<'_>, searches: &[String]) {
    if searches.len() > SEARCH_PATHS_MAX {
        let detail = format!("must not have more than {SEARCH_PATHS_MAX} search paths");
        errors.invalid(at, searches, detail);
    }
    if searches.join(" ").len() > SEARCH_CHARACTERS_MAX {
        let detail = format!(
            "must not have more than {SEARCH_CHARACTERS_MAX} characters (including spaces) in the \
             search list"
        );
        errors.invalid(at, searches, detail);
    }
    for (index, search) in searches.iter().enumerate().filter(|(_, search)| *search != ".") {
        let search = search.strip_suffix('.').unwrap_or(search);
        let messages = names::is_dns1123_subdomain_with_underscore(search);
        errors.invalid_each(&at.index(index), search, messages);
    }
}

/// Names that the Pod has for itself.
pub(super) fn host_names(errors: &mut Errors, at: &At<'_>, spec: &PodSpec) {
    const CHARACTERS_MAX: usize = 64;
    let Some(name) = &spec.hostname_override else {
        return;
    };
    let at = at.field("hostnameOverride");
    if spec.set_hostname_as_fqdn.unwrap_or_default() {
        errors.forbidden(&at, "may not be specified when setHostnameAsFQDN is true");
    }
    if spec.host_network.unwrap_or_default() {
        errors.forbidden(&at, "may not be specified when hostNetwork is true");
    }
    if name.len() > CHARACTERS_MAX {
        errors.too_long(&at, CHARACTERS_MAX);
    }
    errors.invalid_each(&at, name, names::is_dns1123_subdomain(name));
}

/// Names of others that the Pod knows by itself.
pub(super) fn host_aliases(errors: &mut Errors, all: &At<'_>, aliases: &[HostAlias]) {
    for (index, alias) in aliases.iter().enumerate() {
        let at = all.index(index);
        address::validate(errors, &at.field("ip"), &alias.ip);
        let names_at = at.field("hostnames");
        for (index, name) in alias.hostnames.or_empty().iter().enumerate() {
            errors.invalid_each(&names_at.index(index), name, names::is_dns1123_subdomain(name));
        }
    }
}

/// On the host's network a port has one number. A template may still leave the host's out.
pub(super) fn host_network(errors: &mut Errors, at: &At<'_>, spec: &PodSpec, is_template: bool) {
    if !spec.host_network.unwrap_or_default() {
        return;
    }
    let containers_at = at.field("containers");
    for (index, container) in spec.containers.iter().enumerate() {
        let container_at = containers_at.index(index);
        let ports_at = container_at.field("ports");
        for (index, port) in container.ports.or_empty().iter().enumerate() {
            let host_port = port.host_port.unwrap_or_default();
            if host_port != port.container_port && (!is_template || host_port != 0) {
                let detail = "must match `containerPort` when `hostNetwork` is true";
                let at = ports_at.index(index);
                errors.invalid(&at.field("hostPort"), host_port, detail);
            }
        }
    }
}

/// What a Pod cannot share with the host when it has users of its own.
pub(super) fn host_users(errors: &mut Errors, at: &At<'_>, spec: &PodSpec) {
    const REFUSED: &str = "when `hostUsers` is false";
    if spec.host_users.unwrap_or(true) {
        return;
    }
    for (name, field) in
        [("hostNetwork", spec.host_network), ("HostPID", spec.host_pid), ("HostIPC", spec.host_ipc)]
    {
        if field.unwrap_or_default() {
            errors.forbidden(&at.field(name), REFUSED);
        }
    }
    visit::containers(spec, at, |container, at| {
        if !container.volume_devices.is_unset() {
            errors.forbidden(&at.field("volumeDevices"), REFUSED);
        }
    });
}

/// Processes cannot be shared within the Pod and with the host at once.
pub(super) fn share_process_namespace(errors: &mut Errors, at: &At<'_>, spec: &PodSpec) {
    if spec.host_pid.unwrap_or_default() && spec.share_process_namespace == Some(true) {
        let detail = "ShareProcessNamespace and HostPID cannot both be enabled";
        errors.invalid(&at.field("shareProcessNamespace"), true, detail);
    }
}
