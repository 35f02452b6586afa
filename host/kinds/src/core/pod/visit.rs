//! All containers of a Pod in one walk: those that initialise, those that run, and ephemeral ones.

use k8s_openapi::api::core::v1::{Container, EphemeralContainer, PodSpec};

use crate::check::At;
use crate::wire::OrEmpty;

/// Calls `visit` for every container with its path below `spec`.
pub(crate) fn containers(
    spec: &PodSpec,
    spec_at: &At<'_>,
    mut visit: impl FnMut(&Container, &At<'_>),
) {
    let init_at = spec_at.field("initContainers");
    for (index, container) in spec.init_containers.or_empty().iter().enumerate() {
        visit(container, &init_at.index(index));
    }
    let at = spec_at.field("containers");
    for (index, container) in spec.containers.iter().enumerate() {
        visit(container, &at.index(index));
    }
    let ephemeral_at = spec_at.field("ephemeralContainers");
    for (index, container) in spec.ephemeral_containers.or_empty().iter().enumerate() {
        visit(&as_container(container), &ephemeral_at.index(index));
    }
}

/// An ephemeral container under the type that the others have. The two types share all fields but the target.
pub(crate) fn as_container(ephemeral: &EphemeralContainer) -> Container {
    let EphemeralContainer {
        args,
        command,
        env,
        env_from,
        image,
        image_pull_policy,
        lifecycle,
        liveness_probe,
        name,
        ports,
        readiness_probe,
        resize_policy,
        resources,
        restart_policy,
        restart_policy_rules,
        security_context,
        startup_probe,
        stdin,
        stdin_once,
        target_container_name: _,
        termination_message_path,
        termination_message_policy,
        tty,
        volume_devices,
        volume_mounts,
        working_dir,
    } = ephemeral.clone();
    Container {
        args,
        command,
        env,
        env_from,
        image,
        image_pull_policy,
        lifecycle,
        liveness_probe,
        name,
        ports,
        readiness_probe,
        resize_policy,
        resources,
        restart_policy,
        restart_policy_rules,
        security_context,
        startup_probe,
        stdin,
        stdin_once,
        termination_message_path,
        termination_message_policy,
        tty,
        volume_devices,
        volume_mounts,
        working_dir,
    }
}
