//! What holds for containers: all kinds of them, then containers that run, containers that initialise, and ephemeral ones.
//!
//! See <https://kubernetes.io/docs/concepts/workloads/pods/>.

use std::collections::BTreeSet;

use k8s_openapi::api::core::v1::{
    Container, ContainerPort, ContainerResizePolicy, ContainerRestartRule, EphemeralContainer,
    ResourceRequirements,
};
use meta::names;

use super::Context;
use super::{env, mounts, probe, resource_requirements, security};
use crate::check::{At, Errors};
use crate::core::pod::qos::is_sidecar;
use crate::core::pod::visit::as_container;
use crate::wire::OrEmpty;

/// The containers that make up the Pod.
pub(super) fn containers(errors: &mut Errors, at: &At<'_>, context: &Context<'_>) {
    let containers = &context.spec.containers;
    if containers.is_empty() {
        errors.required(at, "");
        return;
    }
    let mut names = BTreeSet::new();
    for (index, container) in containers.iter().enumerate() {
        let at = at.index(index);
        any(errors, &at, container, context);
        if !names.insert(container.name.as_str()) {
            errors.duplicate(&at.field("name"), &container.name);
        }
        probe::lifecycle(errors, &at.field("lifecycle"), container.lifecycle.as_ref(), context);
        probe::all(errors, &at, container);
        restart_policy(errors, &at, container);
    }
    host_port_conflicts(errors, at, containers);
}

/// Containers that run before the others; sidecars go on running.
pub(super) fn init_containers(errors: &mut Errors, all: &At<'_>, context: &Context<'_>) {
    let mut names: BTreeSet<&str> =
        context.spec.containers.iter().map(|container| container.name.as_str()).collect();
    for (index, container) in context.spec.init_containers.or_empty().iter().enumerate() {
        let at = all.index(index);
        any(errors, &at, container, context);
        if container.restart_policy.is_some() {
            restart_policy(errors, &at, container);
        } else if !container.restart_policy_rules.is_unset() {
            let detail = "must specify restartPolicy when restart rules are used";
            errors.required(&at.field("restartPolicy"), detail);
        }
        if !container.name.is_empty() && !names.insert(&container.name) {
            errors.duplicate(&at.field("name"), &container.name);
        }
        host_port_conflicts(errors, all, std::slice::from_ref(container));
        if is_sidecar(container) {
            let lifecycle = container.lifecycle.as_ref();
            probe::lifecycle(errors, &at.field("lifecycle"), lifecycle, context);
            probe::all(errors, &at, container);
        } else {
            no_probes(errors, &at, container);
        }
    }
}

fn no_probes(errors: &mut Errors, at: &At<'_>, container: &Container) {
    let fields = [
        ("lifecycle", container.lifecycle.is_some()),
        ("livenessProbe", container.liveness_probe.is_some()),
        ("readinessProbe", container.readiness_probe.is_some()),
        ("startupProbe", container.startup_probe.is_some()),
    ];
    for (name, _) in fields.into_iter().filter(|(_, is_set)| *is_set) {
        let detail = "may not be set for init containers without restartPolicy=Always";
        errors.forbidden(&at.field(name), detail);
    }
    let policies = at.field("resizePolicy");
    for (index, policy) in container.resize_policy.or_empty().iter().enumerate() {
        if policy.restart_policy == "RestartContainer" {
            let detail = "must not be set to 'RestartContainer' for non-sidecar initContainers";
            let at = policies.index(index);
            errors.invalid(&at.field("restartPolicy"), &policy.restart_policy, detail);
        }
    }
}

/// Containers that somebody adds to a running Pod to look into it.
pub(super) fn ephemeral_containers(errors: &mut Errors, at: &At<'_>, context: &Context<'_>) {
    let spec = context.spec;
    let others: BTreeSet<&str> = spec
        .containers
        .iter()
        .chain(spec.init_containers.or_empty())
        .map(|container| container.name.as_str())
        .collect();
    let mut names = others.clone();
    for (index, ephemeral) in spec.ephemeral_containers.or_empty().iter().enumerate() {
        let at = at.index(index);
        let container = as_container(ephemeral);
        any(errors, &at, &container, context);
        image_is_trimmed(errors, &at, container.image.or_empty());
        if !names.insert(&ephemeral.name) {
            errors.duplicate(&at.field("name"), &ephemeral.name);
        }
        let target = ephemeral.target_container_name.or_empty();
        if !target.is_empty() && !others.contains(target) {
            errors.not_found(&at.field("targetContainerName"), target);
        }
        only_ephemeral_fields(errors, &at, ephemeral);
    }
}

fn only_ephemeral_fields(errors: &mut Errors, at: &At<'_>, container: &EphemeralContainer) {
    const REFUSED: &str = "cannot be set for an Ephemeral Container";
    let resources = container.resources.as_ref();
    let fields = [
        ("ports", container.ports.is_some()),
        (
            "resources",
            resources.is_some_and(|resources| *resources != ResourceRequirements::default()),
        ),
        ("resizePolicy", container.resize_policy.is_some()),
        ("restartPolicy", container.restart_policy.is_some()),
        ("restartPolicyRules", container.restart_policy_rules.is_some()),
        ("livenessProbe", container.liveness_probe.is_some()),
        ("readinessProbe", container.readiness_probe.is_some()),
        ("startupProbe", container.startup_probe.is_some()),
        ("lifecycle", container.lifecycle.is_some()),
    ];
    for (name, _) in fields.into_iter().filter(|(_, is_set)| *is_set) {
        errors.forbidden(&at.field(name), REFUSED);
    }
    let mounts_at = at.field("volumeMounts");
    for (index, mount) in container.volume_mounts.or_empty().iter().enumerate() {
        let at = mounts_at.index(index);
        if !mount.sub_path.is_unset() {
            errors.forbidden(&at.field("subPath"), REFUSED);
        }
        if !mount.sub_path_expr.is_unset() {
            errors.forbidden(&at.field("subPathExpr"), REFUSED);
        }
    }
}

/// What holds for every container.
fn any(errors: &mut Errors, at: &At<'_>, container: &Container, context: &Context<'_>) {
    let name_at = at.field("name");
    if container.name.is_empty() {
        errors.required(&name_at, "");
    } else {
        let messages = names::is_dns1123_label(&container.name);
        errors.invalid_each(&name_at, &container.name, messages);
    }
    if container.image.is_unset() {
        errors.required(&at.field("image"), "");
    }
    errors.required_one_of(
        &at.field("terminationMessagePolicy"),
        container.termination_message_policy.or_empty(),
        &["File", "FallbackToLogsOnError"],
    );
    ports(errors, &at.field("ports"), container.ports.or_empty());
    env::variables(errors, &at.field("env"), container.env.or_empty());
    env::sources(errors, &at.field("envFrom"), container.env_from.or_empty());
    mounts::mounts(errors, &at.field("volumeMounts"), container, context);
    mounts::devices(errors, &at.field("volumeDevices"), container, context);
    pull_policy(errors, &at.field("imagePullPolicy"), container.image_pull_policy.or_empty());
    if let Some(resources) = &container.resources {
        let at = at.field("resources");
        resource_requirements::container(errors, &at, resources, &context.claims);
    }
    let policies = container.resize_policy.or_empty();
    resize_policy(errors, &at.field("resizePolicy"), policies, context);
    let security_at = at.field("securityContext");
    security::container(errors, &security_at, container.security_context.as_ref(), context);
}

pub(super) fn pull_policy(errors: &mut Errors, at: &At<'_>, policy: &str) {
    errors.required_one_of(at, policy, &["Always", "IfNotPresent", "Never"]);
}

/// Refuses blanks around the name of an image, which are allowed in templates.
pub(crate) fn image_is_trimmed(errors: &mut Errors, at: &At<'_>, image: &str) {
    if image.trim() != image {
        let detail = "must not have leading or trailing whitespace";
        errors.invalid(&at.field("image"), image, detail);
    }
}

fn ports(errors: &mut Errors, all: &At<'_>, ports: &[ContainerPort]) {
    let mut port_names = BTreeSet::new();
    for (index, port) in ports.iter().enumerate() {
        let at = all.index(index);
        let name = port.name.or_empty();
        if !name.is_empty() {
            let messages = names::is_port_name(name);
            if messages.is_empty() && !port_names.insert(name) {
                errors.duplicate(&at.field("name"), name);
            }
            errors.invalid_each(&at.field("name"), name, messages);
        }
        if port.container_port == 0 {
            errors.required(&at.field("containerPort"), "");
        } else {
            port_number(errors, &at.field("containerPort"), port.container_port);
        }
        let host_port = port.host_port.unwrap_or_default();
        if host_port != 0 {
            port_number(errors, &at.field("hostPort"), host_port);
        }
        let protocol = port.protocol.or_empty();
        errors.required_one_of(&at.field("protocol"), protocol, &["SCTP", "TCP", "UDP"]);
    }
}

pub(crate) fn port_number(errors: &mut Errors, at: &At<'_>, port: i32) {
    for message in names::is_port_number(i64::from(port)) {
        errors.invalid(at, port, message);
    }
}

fn host_port_conflicts(errors: &mut Errors, all: &At<'_>, containers: &[Container]) {
    let mut taken = BTreeSet::new();
    for (index, container) in containers.iter().enumerate() {
        let container_at = all.index(index);
        let ports_at = container_at.field("ports");
        for (index, port) in container.ports.or_empty().iter().enumerate() {
            let host_port = port.host_port.unwrap_or_default();
            if host_port == 0 {
                continue;
            }
            let (protocol, ip) = (port.protocol.or_empty(), port.host_ip.or_empty());
            let key = format!("{protocol}/{ip}/{host_port}");
            if taken.contains(&key) {
                errors.duplicate(&ports_at.index(index).field("hostPort"), key);
            } else {
                taken.insert(key);
            }
        }
    }
}

fn resize_policy(
    errors: &mut Errors,
    at: &At<'_>,
    policies: &[ContainerResizePolicy],
    context: &Context<'_>,
) {
    let mut seen = BTreeSet::new();
    for (index, policy) in policies.iter().enumerate() {
        if !seen.insert(&policy.resource_name) {
            errors.duplicate(&at.index(index), &policy.resource_name);
        }
        errors.required_one_of(at, &policy.resource_name, &["cpu", "memory"]);
        let restart = policy.restart_policy.as_str();
        errors.required_one_of(at, restart, &["NotRequired", "RestartContainer"]);
        if context.spec.restart_policy.or_empty() == "Never" && restart != "NotRequired" {
            let detail = "must be 'NotRequired' when pod `restartPolicy` is 'Never'";
            errors.invalid(at, restart, detail);
        }
    }
}

const RESTART_RULES_MAX: usize = 20;
const EXIT_CODES_MAX: usize = 255;

fn restart_policy(errors: &mut Errors, at: &At<'_>, container: &Container) {
    let rules = container.restart_policy_rules.or_empty();
    let policy_at = at.field("restartPolicy");
    match &container.restart_policy {
        Some(policy) => errors.one_of(&policy_at, policy, &["Always", "Never", "OnFailure"]),
        None if rules.is_empty() => {}
        None => {
            let detail = "must specify restartPolicy when restart rules are used";
            errors.required(&policy_at, detail);
        }
    }
    let rules_at = at.field("restartPolicyRules");
    if rules.len() > RESTART_RULES_MAX {
        errors.too_many(&rules_at, rules.len(), RESTART_RULES_MAX);
    }
    for (index, rule) in rules.iter().enumerate() {
        restart_rule(errors, &rules_at.index(index), rule);
    }
}

fn restart_rule(errors: &mut Errors, at: &At<'_>, rule: &ContainerRestartRule) {
    errors.one_of(&at.field("action"), &rule.action, &["Restart", "RestartAllContainers"]);
    let codes_at = at.field("exitCodes");
    let Some(codes) = &rule.exit_codes else {
        errors.required(&codes_at, "must be specified");
        return;
    };
    errors.one_of(&codes_at.field("operator"), &codes.operator, &["In", "NotIn"]);
    let count = codes.values.or_empty().len();
    if count > EXIT_CODES_MAX {
        errors.too_many(&codes_at.field("values"), count, EXIT_CODES_MAX);
    }
}
