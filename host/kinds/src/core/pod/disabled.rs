//! Fields that the API knows and that Kubernetes 1.37 does not act on by default. As there, they are dropped without a word.
//!
//! See <https://kubernetes.io/docs/reference/command-line-tools-reference/feature-gates/>.

use k8s_openapi::api::core::v1::{Container, EphemeralContainer, Lifecycle, PodSpec, Probe};

/// Drops what nobody would act on.
pub(crate) fn drop(spec: &mut PodSpec) {
    spec.eviction_responders = None;
    spec.scheduling_group = None;
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
        drop_lifecycle(lifecycle.as_mut());
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
        drop_lifecycle(lifecycle.as_mut());
        for mount in volume_mounts.iter_mut().flatten() {
            mount.bind_mount_options = None;
        }
    }
}

fn drop_probe(probe: &mut Probe) {
    if let Some(action) = &mut probe.http_get {
        action.protocol = None;
    }
}

fn drop_lifecycle(lifecycle: Option<&mut Lifecycle>) {
    let Some(lifecycle) = lifecycle else { return };
    lifecycle.stop_signal = None;
    for handler in [&mut lifecycle.post_start, &mut lifecycle.pre_stop].into_iter().flatten() {
        if let Some(action) = &mut handler.http_get {
            action.protocol = None;
        }
    }
}
