//! What a Pod spec says when it says nothing.
//!
//! The same defaults hold in templates of workloads, with one difference: only a Pod of its own takes requests from limits, because a
//! template must stay as it was written.
//!
//! See <https://kubernetes.io/docs/reference/kubernetes-api/workload-resources/pod-v1/>.

use k8s_openapi::api::core::v1::{
    AzureDiskVolumeSource, Container, EmptyDirVolumeSource, EnvVar, EphemeralContainer,
    HTTPGetAction, HostPathVolumeSource, Lifecycle, Pod, PodIP, PodSecurityContext, PodSpec,
    PodStatus, Probe, ResourceRequirements, Volume,
};

use super::image::default_pull_policy;
use crate::core::volume_claim;
use crate::resources;
use crate::wire::{OrEmpty, default_text};

/// Defaults of a Pod of its own.
pub(super) fn set(pod: &mut Pod) {
    let spec = pod.spec.get_or_insert_default();
    set_spec(spec);
    if spec.termination_grace_period_seconds.is_some_and(|secs| secs < 0) {
        spec.termination_grace_period_seconds = Some(1);
    }
    let is_on_host_network = spec.host_network.unwrap_or_default();
    let init = spec.init_containers.iter_mut().flatten();
    for container in spec.containers.iter_mut().chain(init) {
        if let Some(resources) = &mut container.resources {
            requests_from_limits(resources);
        }
        if is_on_host_network {
            host_ports(container);
        }
    }
    spec.enable_service_links.get_or_insert(true);
    if let Some(status) = &mut pod.status {
        set_status(status);
    }
}

/// Defaults of any Pod spec, in a template too.
pub(crate) fn set_spec(spec: &mut PodSpec) {
    default_text(&mut spec.dns_policy, "ClusterFirst");
    default_text(&mut spec.restart_policy, "Always");
    default_text(&mut spec.scheduler_name, "default-scheduler");
    spec.security_context.get_or_insert_with(PodSecurityContext::default);
    spec.termination_grace_period_seconds.get_or_insert(30);
    // Two names for one field: the old one follows the new one.
    if spec.service_account_name.is_unset() {
        spec.service_account_name.clone_from(&spec.service_account);
    }
    spec.service_account.clone_from(&spec.service_account_name);
    for volume in spec.volumes.iter_mut().flatten() {
        set_volume(volume);
    }
    let init = spec.init_containers.iter_mut().flatten();
    for container in spec.containers.iter_mut().chain(init) {
        set_container(container);
    }
    for container in spec.ephemeral_containers.iter_mut().flatten() {
        set_ephemeral_container(container);
    }
    if let Some(resources) = &mut spec.resources {
        set_resources(resources);
    }
    if let Some(overhead) = &mut spec.overhead {
        resources::round_up(overhead);
    }
}

fn set_container(container: &mut Container) {
    if container.image_pull_policy.is_unset() {
        let policy = default_pull_policy(container.image.or_empty());
        container.image_pull_policy = Some(policy.to_owned());
    }
    default_text(&mut container.termination_message_path, "/dev/termination-log");
    default_text(&mut container.termination_message_policy, "File");
    for port in container.ports.iter_mut().flatten() {
        default_text(&mut port.protocol, "TCP");
    }
    set_env(container.env.as_deref_mut());
    set_resources(container.resources.get_or_insert_with(ResourceRequirements::default));
    for probe in [
        &mut container.liveness_probe,
        &mut container.readiness_probe,
        &mut container.startup_probe,
    ] {
        set_probe(probe.as_mut());
    }
    set_lifecycle(container.lifecycle.as_mut());
}

fn set_ephemeral_container(container: &mut EphemeralContainer) {
    if container.image_pull_policy.is_unset() {
        let policy = default_pull_policy(container.image.or_empty());
        container.image_pull_policy = Some(policy.to_owned());
    }
    default_text(&mut container.termination_message_path, "/dev/termination-log");
    default_text(&mut container.termination_message_policy, "File");
    for port in container.ports.iter_mut().flatten() {
        default_text(&mut port.protocol, "TCP");
    }
    set_env(container.env.as_deref_mut());
    set_resources(container.resources.get_or_insert_with(ResourceRequirements::default));
    for probe in [
        &mut container.liveness_probe,
        &mut container.readiness_probe,
        &mut container.startup_probe,
    ] {
        set_probe(probe.as_mut());
    }
    set_lifecycle(container.lifecycle.as_mut());
}

/// On the host's network a port of the container is a port of the host.
fn host_ports(container: &mut Container) {
    for port in container.ports.iter_mut().flatten() {
        if port.host_port.unwrap_or_default() == 0 && port.container_port != 0 {
            port.host_port = Some(port.container_port);
        }
    }
}

fn set_env(variables: Option<&mut [EnvVar]>) {
    for variable in variables.into_iter().flatten() {
        let Some(source) = &mut variable.value_from else {
            continue;
        };
        if let Some(field) = &mut source.field_ref {
            default_text(&mut field.api_version, "v1");
        }
        if let Some(file) = &mut source.file_key_ref {
            file.optional.get_or_insert(false);
        }
        if let Some(resource) = &mut source.resource_field_ref {
            resource.divisor.get_or_insert_with(resources::zero);
        }
    }
}

fn set_resources(requirements: &mut ResourceRequirements) {
    for list in [&mut requirements.limits, &mut requirements.requests].into_iter().flatten() {
        resources::round_up(list);
    }
}

fn requests_from_limits(requirements: &mut ResourceRequirements) {
    let Some(limits) = &requirements.limits else {
        return;
    };
    let requests = requirements.requests.get_or_insert_default();
    for (name, limit) in limits {
        requests.entry(name.clone()).or_insert_with(|| limit.clone());
    }
}

fn set_probe(probe: Option<&mut Probe>) {
    let Some(probe) = probe else { return };
    for (field, value) in [
        (&mut probe.timeout_seconds, 1),
        (&mut probe.period_seconds, 10),
        (&mut probe.success_threshold, 1),
        (&mut probe.failure_threshold, 3),
    ] {
        if field.unwrap_or_default() == 0 {
            *field = Some(value);
        }
    }
    set_http_get(probe.http_get.as_mut());
    if let Some(grpc) = &mut probe.grpc {
        grpc.service.get_or_insert_default();
    }
}

fn set_lifecycle(lifecycle: Option<&mut Lifecycle>) {
    let Some(lifecycle) = lifecycle else { return };
    for handler in [&mut lifecycle.post_start, &mut lifecycle.pre_stop].into_iter().flatten() {
        set_http_get(handler.http_get.as_mut());
    }
}

fn set_http_get(action: Option<&mut HTTPGetAction>) {
    let Some(action) = action else { return };
    default_text(&mut action.path, "/");
    default_text(&mut action.scheme, "HTTP");
}

/// Modes that files in volumes have: readable by all, as a decimal number.
const FILE_MODE: i32 = 0o644;
const TOKEN_SECS: i64 = 3600;

fn set_volume(volume: &mut Volume) {
    if names_no_source(volume) {
        volume.empty_dir = Some(EmptyDirVolumeSource::default());
    }
    if let Some(source) = &mut volume.secret {
        source.default_mode.get_or_insert(FILE_MODE);
    }
    if let Some(source) = &mut volume.config_map {
        source.default_mode.get_or_insert(FILE_MODE);
    }
    if let Some(source) = &mut volume.downward_api {
        source.default_mode.get_or_insert(FILE_MODE);
        for file in source.items.iter_mut().flatten() {
            if let Some(field) = &mut file.field_ref {
                default_text(&mut field.api_version, "v1");
            }
            if let Some(resource) = &mut file.resource_field_ref {
                resource.divisor.get_or_insert_with(resources::zero);
            }
        }
    }
    if let Some(projected) = &mut volume.projected {
        projected.default_mode.get_or_insert(FILE_MODE);
        for source in projected.sources.iter_mut().flatten() {
            if let Some(token) = &mut source.service_account_token {
                token.expiration_seconds.get_or_insert(TOKEN_SECS);
            }
            let files = source.downward_api.iter_mut().filter_map(|api| api.items.as_mut());
            for file in files.flatten() {
                if let Some(field) = &mut file.field_ref {
                    default_text(&mut field.api_version, "v1");
                }
                if let Some(resource) = &mut file.resource_field_ref {
                    resource.divisor.get_or_insert_with(resources::zero);
                }
            }
        }
    }
    set_shared_sources(volume.host_path.as_mut(), volume.azure_disk.as_mut());
    if let Some(image) = &mut volume.image
        && image.pull_policy.is_unset()
    {
        let policy = default_pull_policy(image.reference.or_empty());
        image.pull_policy = Some(policy.to_owned());
    }
    if let Some(template) =
        volume.ephemeral.as_mut().and_then(|ephemeral| ephemeral.volume_claim_template.as_mut())
    {
        volume_claim::set_defaults(&mut template.spec);
    }
    set_old_sources(volume);
}

/// Sources that Pods and persistent volumes describe alike.
pub(crate) fn set_shared_sources(
    host_path: Option<&mut HostPathVolumeSource>,
    azure_disk: Option<&mut AzureDiskVolumeSource>,
) {
    if let Some(host_path) = host_path {
        host_path.type_.get_or_insert_default();
    }
    if let Some(disk) = azure_disk {
        default_text(&mut disk.caching_mode, "ReadWrite");
        default_text(&mut disk.fs_type, "ext4");
        default_text(&mut disk.kind, "Shared");
        disk.read_only.get_or_insert(false);
    }
}

/// Sources that come from drivers of old; only their structural defaults are left.
fn set_old_sources(volume: &mut Volume) {
    if let Some(iscsi) = &mut volume.iscsi {
        default_text(&mut iscsi.iscsi_interface, "default");
    }
    if let Some(rbd) = &mut volume.rbd {
        default_text(&mut rbd.pool, "rbd");
        default_text(&mut rbd.user, "admin");
        default_text(&mut rbd.keyring, "/etc/ceph/keyring");
    }
    if let Some(scale_io) = &mut volume.scale_io {
        default_text(&mut scale_io.storage_mode, "ThinProvisioned");
        default_text(&mut scale_io.fs_type, "xfs");
    }
}

/// Whether the volume has a name and nothing else.
fn names_no_source(volume: &Volume) -> bool {
    *volume == Volume { name: volume.name.clone(), ..Volume::default() }
}

fn set_status(status: &mut PodStatus) {
    let first = status.pod_ips.as_ref().and_then(|ips| ips.first()).map(|ip| ip.ip.clone());
    match (status.pod_ip.or_empty(), first) {
        ("", Some(first)) => status.pod_ip = Some(first),
        (ip, first) if !ip.is_empty() && first.as_deref() != Some(ip) => {
            status.pod_ips = Some(vec![PodIP { ip: ip.to_owned() }]);
        }
        _ => {}
    }
}
