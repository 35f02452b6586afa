//! Fields that the API knows and that Kubernetes 1.37 does not act on by default. As there, they are dropped without a word.
//!
//! See <https://kubernetes.io/docs/reference/command-line-tools-reference/feature-gates/>.

use k8s_openapi::api::core::v1::{
    Container, DownwardAPIVolumeFile, EphemeralContainer, KeyToPath, Lifecycle, PodSpec, PodStatus,
    Probe, Volume, VolumeProjection,
};

/// Drops what nobody would act on.
pub(crate) fn drop(spec: &mut PodSpec) {
    spec.eviction_responders = None;
    spec.scheduling_group = None;
    spec.volumes.iter_mut().flatten().for_each(drop_volume);
    let init = spec.init_containers.iter_mut().flatten();
    for Container {
        lifecycle,
        liveness_probe,
        readiness_probe,
        startup_probe,
        volume_mounts,
        ..
    } in spec.containers.iter_mut().chain(init)
    {
        drop_lifecycle(lifecycle);
        for probe in [liveness_probe, readiness_probe, startup_probe].into_iter().flatten() {
            drop_probe(probe);
        }
        for mount in volume_mounts.iter_mut().flatten() {
            mount.bind_mount_options = None;
        }
    }
    for EphemeralContainer { lifecycle, volume_mounts, .. } in
        spec.ephemeral_containers.iter_mut().flatten()
    {
        drop_lifecycle(lifecycle);
        for mount in volume_mounts.iter_mut().flatten() {
            mount.bind_mount_options = None;
        }
    }
}

/// The same of what nodes report.
pub(crate) fn drop_status(status: &mut PodStatus) {
    status.volume_health = None;
    status.node_allocatable_resource_claim_statuses = None;
}

/// Owners and modes of what is made in a volume.
fn drop_volume(volume: &mut Volume) {
    if let Some(empty) = &mut volume.empty_dir {
        empty.mode = None;
    }
    if let Some(source) = &mut volume.config_map {
        source.default_user = None;
        drop_key_users(&mut source.items);
    }
    if let Some(source) = &mut volume.secret {
        source.default_user = None;
        drop_key_users(&mut source.items);
    }
    if let Some(source) = &mut volume.downward_api {
        source.default_user = None;
        drop_file_users(&mut source.items);
    }
    if let Some(source) = &mut volume.projected {
        source.default_user = None;
        source.sources.iter_mut().flatten().for_each(drop_projection);
    }
}

fn drop_projection(source: &mut VolumeProjection) {
    if let Some(source) = &mut source.config_map {
        drop_key_users(&mut source.items);
    }
    if let Some(source) = &mut source.secret {
        drop_key_users(&mut source.items);
    }
    if let Some(source) = &mut source.downward_api {
        drop_file_users(&mut source.items);
    }
    if let Some(source) = &mut source.service_account_token {
        source.user = None;
    }
    if let Some(source) = &mut source.cluster_trust_bundle {
        source.user = None;
    }
    if let Some(source) = &mut source.pod_certificate {
        source.user = None;
    }
}

fn drop_key_users(items: &mut Option<Vec<KeyToPath>>) {
    items.iter_mut().flatten().for_each(|item| item.user = None);
}

fn drop_file_users(items: &mut Option<Vec<DownwardAPIVolumeFile>>) {
    items.iter_mut().flatten().for_each(|item| item.user = None);
}

fn drop_probe(probe: &mut Probe) {
    if let Some(action) = &mut probe.grpc {
        action.mode = None;
    }
    if let Some(action) = &mut probe.http_get {
        action.protocol = None;
    }
}

fn drop_lifecycle(place: &mut Option<Lifecycle>) {
    let Some(lifecycle) = place else { return };
    if lifecycle.stop_signal.take().is_some() && *lifecycle == Lifecycle::default() {
        *place = None;
        return;
    }
    for handler in [&mut lifecycle.post_start, &mut lifecycle.pre_stop].into_iter().flatten() {
        if let Some(action) = &mut handler.http_get {
            action.protocol = None;
        }
    }
}
