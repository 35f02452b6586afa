//! What holds for the status that nodes and schedulers report.

use k8s_openapi::api::core::v1::{
    Container, ContainerStatus, Pod, PodCondition, PodSpec, PodStatus,
};
use meta::field::FieldError;
use meta::names;

use super::disabled;
use super::update::annotations_update;
use crate::address;
use crate::check::{At, Errors};
use crate::internal;
use crate::wire::OrEmpty;

const STATUS: At<'static> = At::root("status");

/// Fills in what reporters that know less of the status leave out.
pub(super) fn prepare(new: &mut Pod, old: &Pod) {
    new.metadata.deletion_timestamp.clone_from(&old.metadata.deletion_timestamp);
    new.metadata.owner_references.clone_from(&old.metadata.owner_references);
    if let Some(status) = &mut new.status {
        disabled::drop_status(status);
    }
    let Some(old) = &old.status else { return };
    let new = new.status.get_or_insert_default();
    if new.qos_class.is_unset() {
        new.qos_class.clone_from(&old.qos_class);
    }
    if new.resource_claim_statuses.is_none() {
        new.resource_claim_statuses.clone_from(&old.resource_claim_statuses);
    }
    if new.extended_resource_claim_status.is_none() {
        new.extended_resource_claim_status.clone_from(&old.extended_resource_claim_status);
    }
    if new.observed_generation.unwrap_or_default() == 0 {
        new.observed_generation = old.observed_generation;
    }
    let mut known: Vec<&PodCondition> = old.conditions.or_empty().iter().collect();
    for condition in new.conditions.iter_mut().flatten() {
        let Some(found) = known.iter().position(|old| old.type_ == condition.type_) else {
            continue;
        };
        let old = known.remove(found);
        if condition.observed_generation.unwrap_or_default() == 0 {
            condition.observed_generation = old.observed_generation;
        }
    }
}

/// What is wrong with a status that replaces that of `old`.
pub(super) fn validate(new: &Pod, old: &Pod) -> Vec<FieldError> {
    let mut errors = Errors::new();
    annotations_update(&mut errors, new, old);
    let (none, spec) = (PodStatus::default(), old.spec.clone().unwrap_or_default());
    let (status, old_status) =
        (new.status.as_ref().unwrap_or(&none), old.status.as_ref().unwrap_or(&none));
    conditions(&mut errors, status.conditions.or_empty());
    nominated_node(&mut errors, status, old_status, !spec.node_name.is_unset());
    if let Some(generation) = status.observed_generation.filter(|generation| *generation < 0) {
        let at = STATUS.field("observedGeneration");
        errors.invalid(&at, generation, "must be a non-negative integer");
    }
    errors.immutable(&STATUS.field("qosClass"), &status.qos_class, &old_status.qos_class);
    let always = spec.restart_policy.or_empty() == "Always";
    let on_failure = spec.restart_policy.or_empty() == "OnFailure";
    let restarts = |containers: &[Container], name: &str, code: i32| {
        let own = containers.iter().find(|container| container.name == name);
        let by_rule = own.is_some_and(|container| follows_rule(container, code));
        by_rule
            || match own.and_then(|container| container.restart_policy.as_deref()) {
                Some("Always") => true,
                Some("OnFailure") => code != 0,
                Some(_) => false,
                None => always || on_failure && code != 0,
            }
    };
    let init = spec.init_containers.or_empty();
    let rules = init.iter().chain(&spec.containers).flat_map(|c| c.restart_policy_rules.or_empty());
    let all_restart = rules.into_iter().any(|rule| rule.action == "RestartAllContainers");
    transitions(
        &mut errors,
        &STATUS.field("containerStatuses"),
        (status.container_statuses.or_empty(), old_status.container_statuses.or_empty()),
        |name, code| all_restart || restarts(&spec.containers, name, code),
    );
    transitions(
        &mut errors,
        &STATUS.field("initContainerStatuses"),
        (status.init_container_statuses.or_empty(), old_status.init_container_statuses.or_empty()),
        |name, code| all_restart || restarts(init, name, code),
    );
    transitions(
        &mut errors,
        &STATUS.field("ephemeralContainerStatuses"),
        (
            status.ephemeral_container_statuses.or_empty(),
            old_status.ephemeral_container_statuses.or_empty(),
        ),
        |_, _| false,
    );
    allocated(
        &mut errors,
        "containerStatuses",
        status.container_statuses.or_empty(),
        &spec.containers,
    );
    allocated(
        &mut errors,
        "initContainerStatuses",
        status.init_container_statuses.or_empty(),
        init,
    );
    resource_claims(&mut errors, new, status);
    extended_resource_claim(&mut errors, &spec, status);
    addresses(&mut errors, status);
    errors.into_list()
}

fn conditions(errors: &mut Errors, conditions: &[PodCondition]) {
    let all = STATUS.field("conditions");
    for (index, condition) in conditions.iter().enumerate() {
        let at = all.index(index);
        if let Some(generation) = condition.observed_generation.filter(|g| *g < 0) {
            let detail = "must be a non-negative integer";
            errors.invalid(&at.field("observedGeneration"), generation, detail);
        }
        if !matches!(condition.type_.as_str(), "PodScheduled" | "Ready" | "Initialized") {
            let messages = names::is_qualified_name(&condition.type_);
            errors.invalid_each(&at.field("Type"), &condition.type_, messages);
        }
    }
}

fn nominated_node(errors: &mut Errors, new: &PodStatus, old: &PodStatus, is_bound: bool) {
    let name = new.nominated_node_name.or_empty();
    if name.is_empty() || name == old.nominated_node_name.or_empty() {
        return;
    }
    let at = STATUS.field("nominatedNodeName");
    errors.invalid_each(&at, name, names::is_dns1123_subdomain(name));
    if is_bound {
        errors.forbidden(&at, "may not be set on pods that are already bound to a node");
    }
}

/// Whether the container starts again because of its exit code.
fn follows_rule(container: &Container, code: i32) -> bool {
    container.restart_policy_rules.or_empty().iter().any(|rule| {
        rule.exit_codes.as_ref().is_some_and(|codes| {
            codes.values.or_empty().contains(&code) == (codes.operator == "In")
        })
    })
}

/// A container that has ended stays ended, unless it is one that starts again.
fn transitions(
    errors: &mut Errors,
    all: &At<'_>,
    (new, old): (&[ContainerStatus], &[ContainerStatus]),
    restarts: impl Fn(&str, i32) -> bool,
) {
    fn ended(status: &ContainerStatus) -> Option<i32> {
        let terminated = status.state.as_ref()?.terminated.as_ref()?;
        Some(terminated.exit_code)
    }
    for (index, old) in old.iter().enumerate() {
        let Some(code) = ended(old) else { continue };
        let now = new.iter().find(|new| new.name == old.name);
        if now.is_some_and(|new| ended(new).is_none()) && !restarts(&old.name, code) {
            let at = all.index(index);
            let detail = "may not be transitioned to non-terminated state";
            errors.forbidden(&at.field("state"), detail);
        }
    }
}

/// What a node says of a resource is of one that the container asks for; devices are named after their claim.
fn allocated(
    errors: &mut Errors,
    field: &str,
    statuses: &[ContainerStatus],
    containers: &[Container],
) {
    const OF_A_CLAIM: &str = "claim:";
    let all = STATUS.field(field);
    for (index, status) in statuses.iter().enumerate() {
        let own = containers.iter().find(|container| container.name == status.name);
        let requests = own.and_then(|container| container.resources.as_ref()?.requests.as_ref());
        let at = all.index(index);
        let of_resources = at.field("allocatedResourcesStatus");
        for (index, resource) in status.allocated_resources_status.or_empty().iter().enumerate() {
            let is_known = requests.is_some_and(|requests| requests.contains_key(&resource.name));
            if !is_known && !resource.name.starts_with(OF_A_CLAIM) {
                let detail = "must match one of the container's resource requests";
                errors.invalid(&of_resources.index(index).field("name"), &resource.name, detail);
            }
        }
    }
}

/// The claim that was made for devices which containers ask for as if they were resources, and for which of them it was.
fn extended_resource_claim(errors: &mut Errors, spec: &PodSpec, status: &PodStatus) {
    let Some(claim) = &status.extended_resource_claim_status else { return };
    let at = STATUS.field("extendedResourceClaimStatus");
    if claim.request_mappings.is_empty() {
        errors.required(&at.field("requestMappings"), "at least one request mapping is required");
    }
    let all = at.field("requestMappings");
    for (index, mapping) in claim.request_mappings.iter().enumerate() {
        let mapping_at = all.index(index);
        let mut known = spec.init_containers.or_empty().iter().chain(&spec.containers);
        let (container_at, resource_at) =
            (mapping_at.field("containerName"), mapping_at.field("resourceName"));
        match known.rfind(|container| container.name == mapping.container_name) {
            None => {
                let detail = "must match the name of an entry in spec.initContainers.name or \
                              spec.containers.name";
                errors.invalid(&container_at, &mapping.container_name, detail);
            }
            Some(container) if !requests(container, &mapping.resource_name) => {
                let detail = "must match the extended resource name of an entry in \
                              spec.initContainers.resources.requests or \
                              spec.containers.resources.requests";
                errors.invalid(&resource_at, &mapping.resource_name, detail);
            }
            Some(_) => {}
        }
        let messages = names::is_dns1123_label(&mapping.request_name);
        errors.invalid_each(&at.field("requestName"), &mapping.request_name, messages);
        if claim.request_mappings.iter().take(index).any(|earlier| earlier == mapping) {
            errors.duplicate(&container_at, &mapping.container_name);
            errors.duplicate(&resource_at, &mapping.resource_name);
            errors.duplicate(&mapping_at.field("requestName"), &mapping.request_name);
        }
    }
    let (name, at) = (&claim.resource_claim_name, at.field("resourceClaimName"));
    if name.is_empty() {
        errors.required(&at, "");
    } else {
        errors.invalid_each(&at, name, names::is_dns1123_subdomain(name));
    }
}

fn requests(container: &Container, resource: &str) -> bool {
    let requests = container.resources.as_ref().and_then(|needs| needs.requests.as_ref());
    requests.is_some_and(|requests| requests.contains_key(resource))
}

fn resource_claims(errors: &mut Errors, pod: &Pod, status: &PodStatus) {
    let claims = pod.spec.as_ref().map(|spec| spec.resource_claims.or_empty()).unwrap_or_default();
    let all = STATUS.field("resourceClaimStatuses");
    let statuses = status.resource_claim_statuses.or_empty();
    for (index, claim) in statuses.iter().enumerate() {
        let at = all.index(index);
        let name_at = at.field("name");
        if !claims.iter().any(|known| known.name == claim.name) {
            let detail = "must match the name of an entry in `spec.resourceClaims`";
            errors.invalid(&name_at, &claim.name, detail);
        }
        if statuses.iter().take(index).any(|earlier| earlier.name == claim.name) {
            errors.duplicate(&name_at, &claim.name);
        }
        if let Some(name) = &claim.resource_claim_name {
            let messages = names::is_dns1123_subdomain(name);
            errors.invalid_each(&at.field("resourceClaimName"), name, messages);
        }
    }
}

fn addresses(errors: &mut Errors, status: &PodStatus) {
    let pod_ips: Vec<&str> = status.pod_ips.or_empty().iter().map(|ip| ip.ip.as_str()).collect();
    let at = STATUS.field("podIPs");
    let first = family_each(errors, &at, &pod_ips, &internal::value("[@PodIP", &status.pod_ips));
    let pod_ip = status.pod_ip.or_empty();
    match first {
        first if first.is_some() == pod_ip.is_empty() => {
            let detail = "podIP and podIPs must either both be set or both be unset";
            errors.invalid(&at, internal::value("[@PodIP", &status.pod_ips), detail);
        }
        Some(first) if first != pod_ip => {
            errors.invalid(&at.index(0).field("ip"), first, "must be equal to `podIP`");
        }
        _ => {}
    }
    let host_ips: Vec<&str> = status.host_ips.or_empty().iter().map(|ip| ip.ip.as_str()).collect();
    let at = STATUS.field("hostIPs");
    if let Some(first) = host_ips.first()
        && *first != status.host_ip.or_empty()
    {
        errors.invalid(&at.index(0).field("ip"), *first, "must be equal to `hostIP`");
    }
    family_each(errors, &at, &host_ips, &internal::value("[@HostIP", &status.host_ips));
}

/// One address for each family at most. Returns the first address.
fn family_each<'a>(
    errors: &mut Errors,
    at: &At<'_>,
    ips: &[&'a str],
    shown: &meta::field::BadValue,
) -> Option<&'a str> {
    for (index, ip) in ips.iter().enumerate() {
        address::validate(errors, &at.index(index), ip);
    }
    let broken = ips.iter().enumerate().find(|(_, ip)| ip.parse::<std::net::IpAddr>().is_err());
    if let Some((index, ip)) = broken.filter(|_| ips.len() > 1) {
        let detail = format!("failed to check for dual stack with error:invalid IP[{index}]: {ip}");
        errors.internal(at, &detail);
    }
    if ips.len() > 1 && (ips.len() > 2 || !address::is_dual_stack(ips.iter().copied())) {
        let detail = "may specify no more than one IP for each IP family";
        errors.invalid(at, shown.clone(), detail);
    }
    ips.first().copied()
}
