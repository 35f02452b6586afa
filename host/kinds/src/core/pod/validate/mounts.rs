//! Where a container sees its volumes.
//!
//! See <https://kubernetes.io/docs/concepts/storage/volumes/>.

use std::collections::BTreeSet;

use k8s_openapi::api::core::v1::{Container, VolumeMount};

use super::Context;
use super::volume::{local_descending_path, no_backsteps};
use crate::check::{At, Errors};
use crate::wire::OrEmpty;

/// Volumes that are seen as folders or files.
pub(super) fn mounts(
    errors: &mut Errors,
    all: &At<'_>,
    container: &Container,
    context: &Context<'_>,
) {
    let devices = container.volume_devices.or_empty();
    let mut paths = BTreeSet::new();
    for (index, mount) in container.volume_mounts.or_empty().iter().enumerate() {
        let at = all.index(index);
        let (name_at, path_at) = (at.field("name"), at.field("mountPath"));
        if mount.name.is_empty() {
            errors.required(&name_at, "");
        }
        if !context.volumes.contains_key(mount.name.as_str()) {
            errors.not_found(&name_at, &mount.name);
        }
        if mount.mount_path.is_empty() {
            errors.required(&path_at, "");
        }
        if !paths.insert(mount.mount_path.as_str()) {
            errors.invalid(&path_at, &mount.mount_path, "must be unique");
        }
        if devices.iter().any(|device| device.name == mount.name) {
            let detail = "must not already exist in volumeDevices";
            errors.invalid(&name_at, &mount.name, detail);
        }
        if devices.iter().any(|device| device.device_path == mount.mount_path) {
            let detail = "must not already exist as a path in volumeDevices";
            errors.invalid(&path_at, &mount.mount_path, detail);
        }
        // The list, and not the mount, is where clients find errors in these fields.
        sub_paths(errors, all, &at, mount);
        propagation(errors, &all.field("mountPropagation"), mount, container);
        recursive_read_only(errors, &all.field("recursiveReadOnly"), mount);
    }
}

fn sub_paths(errors: &mut Errors, all: &At<'_>, at: &At<'_>, mount: &VolumeMount) {
    let (sub_path, expression) = (mount.sub_path.or_empty(), mount.sub_path_expr.or_empty());
    if !sub_path.is_empty() {
        local_descending_path(errors, &all.field("subPath"), sub_path);
    }
    if !expression.is_empty() {
        if !sub_path.is_empty() {
            let detail = "subPathExpr and subPath are mutually exclusive";
            errors.invalid(&at.field("subPathExpr"), expression, detail);
        }
        local_descending_path(errors, &all.field("subPathExpr"), expression);
    }
}

fn propagation(errors: &mut Errors, at: &At<'_>, mount: &VolumeMount, container: &Container) {
    let Some(mode) = &mount.mount_propagation else {
        return;
    };
    errors.one_of(at, mode, &["Bidirectional", "HostToContainer", "None"]);
    let security = container.security_context.as_ref();
    let is_privileged = security.and_then(|context| context.privileged).unwrap_or_default();
    if mode == "Bidirectional" && !is_privileged {
        let detail = "Bidirectional mount propagation is available only to privileged containers";
        errors.forbidden(at, detail);
    }
}

fn recursive_read_only(errors: &mut Errors, at: &At<'_>, mount: &VolumeMount) {
    match mount.recursive_read_only.as_deref() {
        None | Some("Disabled") => {}
        Some("Enabled" | "IfPossible") => {
            if !mount.read_only.unwrap_or_default() {
                errors.forbidden(at, "may only be specified when readOnly is true");
            }
            if mount.mount_propagation.as_deref().is_some_and(|mode| mode != "None") {
                let detail = "may only be specified when mountPropagation is None or not specified";
                errors.forbidden(at, detail);
            }
        }
        Some(mode) => errors.not_supported(at, mode, &["Disabled", "Enabled", "IfPossible"]),
    }
}

/// Volumes that are seen as raw devices.
pub(super) fn devices(
    errors: &mut Errors,
    all: &At<'_>,
    container: &Container,
    context: &Context<'_>,
) {
    let mounts = container.volume_mounts.or_empty();
    let (mut names, mut paths) = (BTreeSet::new(), BTreeSet::new());
    for (index, device) in container.volume_devices.or_empty().iter().enumerate() {
        let at = all.index(index);
        let (name_at, path_at) = (at.field("name"), at.field("devicePath"));
        let (name, path) = (device.name.as_str(), device.device_path.as_str());
        if name.is_empty() {
            errors.required(&name_at, "");
        }
        if names.contains(name) {
            errors.invalid(&name_at, name, "must be unique");
        }
        match context.volumes.get(name) {
            None => errors.not_found(&name_at, name),
            Some(volume)
                if volume.persistent_volume_claim.is_none() && volume.ephemeral.is_none() =>
            {
                let detail = "can only use volume source type of PersistentVolumeClaim or \
                              Ephemeral for block mode";
                errors.invalid(&name_at, name, detail);
            }
            Some(_) => {}
        }
        if path.is_empty() {
            errors.required(&path_at, "");
        }
        if paths.contains(path) {
            errors.invalid(&path_at, path, "must be unique");
        }
        let mut backsteps = Errors::new();
        no_backsteps(&mut backsteps, &path_at, path);
        if backsteps.is_empty() {
            paths.insert(path);
        } else {
            errors.invalid(&path_at, path, "can not contain backsteps ('..')");
        }
        if mounts.iter().any(|mount| mount.name == name) {
            errors.invalid(&name_at, name, "must not already exist in volumeMounts");
        }
        if mounts.iter().any(|mount| mount.mount_path == path) {
            let detail = "must not already exist as a path in volumeMounts";
            errors.invalid(&path_at, path, detail);
        }
        if !name.is_empty() {
            names.insert(name);
        }
    }
}
