//! What holds for the storage behind a volume: one type at most, and at least one.
//!
//! Types that name no secret are those of Pods; the others name secrets together with their namespaces.

use k8s_openapi::api::core::v1::{
    AzureFilePersistentVolumeSource, CSIPersistentVolumeSource, CephFSPersistentVolumeSource,
    CinderPersistentVolumeSource, FlexPersistentVolumeSource, GlusterfsPersistentVolumeSource,
    ISCSIPersistentVolumeSource, LocalVolumeSource, PersistentVolumeSpec,
    RBDPersistentVolumeSource, ScaleIOPersistentVolumeSource, SecretReference,
    StorageOSPersistentVolumeSource,
};
use meta::names;

use super::spec::Place;
use crate::check::{At, Errors};
use crate::core::pod::validate::old_volume;
use crate::core::pod::validate::volume::{One, csi_driver_name, host_path, no_backsteps, required};
use crate::wire::OrEmpty;

pub(super) fn validate(
    errors: &mut Errors,
    at: &At<'_>,
    spec: &PersistentVolumeSpec,
    place: Place<'_>,
) {
    let mut one = One::new(errors, at);
    one.of("hostPath", spec.host_path.as_ref(), host_path);
    let gce_disk = spec.gce_persistent_disk.as_ref();
    one.named("gcePersistentDisk", "persistentDisk", gce_disk, old_volume::gce_disk);
    let aws_disk = spec.aws_elastic_block_store.as_ref();
    one.of("awsElasticBlockStore", aws_disk, old_volume::aws_disk);
    one.of("glusterfs", spec.glusterfs.as_ref(), glusterfs);
    one.of("flocker", spec.flocker.as_ref(), old_volume::flocker);
    one.of("nfs", spec.nfs.as_ref(), old_volume::nfs);
    one.of("rbd", spec.rbd.as_ref(), rbd);
    one.of("quobyte", spec.quobyte.as_ref(), old_volume::quobyte);
    one.named("cephFS", "cephfs", spec.cephfs.as_ref(), ceph_fs);
    one.of("iscsi", spec.iscsi.as_ref(), |errors, at, source| iscsi(errors, at, source, place));
    one.of("cinder", spec.cinder.as_ref(), cinder);
    one.of("fc", spec.fc.as_ref(), old_volume::fibre_channel);
    // This one is never refused as the second.
    one.again("flexVolume", spec.flex_volume.as_ref(), flex);
    one.of("azureFile", spec.azure_file.as_ref(), azure_file);
    one.of("vsphereVolume", spec.vsphere_volume.as_ref(), old_volume::vsphere);
    one.of("photonPersistentDisk", spec.photon_persistent_disk.as_ref(), old_volume::photon);
    one.of("portworxVolume", spec.portworx_volume.as_ref(), old_volume::portworx);
    one.of("azureDisk", spec.azure_disk.as_ref(), old_volume::azure_disk);
    one.of("scaleIO", spec.scale_io.as_ref(), scale_io);
    let is_placed = spec.node_affinity.is_some() && place != Place::Attachment;
    one.of("local", spec.local.as_ref(), |errors, local_at, source| {
        local(errors, local_at, source);
        if !is_placed {
            let detail = "Local volume requires node affinity";
            errors.required(&at.field("nodeAffinity"), detail);
        }
    });
    one.of("storageos", spec.storageos.as_ref(), storage_os);
    one.of("csi", spec.csi.as_ref(), csi);
    one.require();
}

/// Whether a driver of this type mounts with options that an annotation names.
pub(super) fn takes_mount_options(spec: &PersistentVolumeSpec) -> bool {
    spec.gce_persistent_disk.is_some()
        || spec.aws_elastic_block_store.is_some()
        || spec.glusterfs.is_some()
        || spec.nfs.is_some()
        || spec.rbd.is_some()
        || spec.quobyte.is_some()
        || spec.iscsi.is_some()
        || spec.cinder.is_some()
        || spec.cephfs.is_some()
        || spec.azure_file.is_some()
        || spec.vsphere_volume.is_some()
        || spec.azure_disk.is_some()
        || spec.photon_persistent_disk.is_some()
}

fn glusterfs(errors: &mut Errors, at: &At<'_>, source: &GlusterfsPersistentVolumeSource) {
    required(errors, at, "endpoints", &source.endpoints);
    required(errors, at, "path", &source.path);
    let Some(namespace) = &source.endpoints_namespace else {
        return;
    };
    let at = at.field("endpointsNamespace");
    if namespace.is_empty() {
        let detail = "if the endpointnamespace is set, it must be a valid namespace name";
        errors.invalid(&at, namespace, detail);
    } else {
        errors.invalid_each(&at, namespace, names::is_dns1123_label(namespace));
    }
}

fn rbd(errors: &mut Errors, at: &At<'_>, source: &RBDPersistentVolumeSource) {
    old_volume::monitors(errors, at, &source.monitors);
    required(errors, at, "image", &source.image);
}

fn ceph_fs(errors: &mut Errors, at: &At<'_>, source: &CephFSPersistentVolumeSource) {
    old_volume::monitors(errors, at, &source.monitors);
}

fn iscsi(errors: &mut Errors, at: &At<'_>, source: &ISCSIPersistentVolumeSource, place: Place<'_>) {
    const CHARACTERS_MAX: usize = 64;
    let portal = source.target_portal.as_str();
    required(errors, at, "targetPortal", portal);
    let volume = match place {
        Place::Volume(name) => name,
        Place::Attachment => "",
    };
    if source.initiator_name.is_some() && volume.len() + ":".len() + portal.len() > CHARACTERS_MAX {
        let detail = "Total length of <volume name>:<iscsi.targetPortal> must be under 64 \
                      characters if iscsi.initiatorName is specified.";
        errors.invalid(&at.field("targetportal"), portal, detail);
    }
    required(errors, at, "iqn", &source.iqn);
    if !source.iqn.is_empty() {
        old_volume::iscsi_name(errors, &at.field("iqn"), &source.iqn, "");
    }
    old_volume::lun(errors, at, source.lun);
    let discovers = source.chap_auth_discovery.unwrap_or_default();
    let authenticates = source.chap_auth_session.unwrap_or_default();
    let secret_at = at.field("secretRef");
    match &source.secret_ref {
        None if discovers || authenticates => errors.required(&secret_at, ""),
        Some(secret) => required(errors, &secret_at, "name", secret.name.or_empty()),
        None => {}
    }
    if let Some(initiator) = &source.initiator_name {
        old_volume::iscsi_name(errors, &at.field("initiatorname"), initiator, "");
    }
}

fn cinder(errors: &mut Errors, at: &At<'_>, source: &CinderPersistentVolumeSource) {
    required(errors, at, "volumeID", &source.volume_id);
    if let Some(secret) = &source.secret_ref {
        let at = at.field("secretRef");
        required(errors, &at, "name", secret.name.or_empty());
        required(errors, &at, "namespace", secret.namespace.or_empty());
    }
}

fn flex(errors: &mut Errors, at: &At<'_>, source: &FlexPersistentVolumeSource) {
    required(errors, at, "driver", &source.driver);
    old_volume::flex_options(errors, &at.field("options"), source.options.or_empty());
}

fn azure_file(errors: &mut Errors, at: &At<'_>, source: &AzureFilePersistentVolumeSource) {
    required(errors, at, "secretName", &source.secret_name);
    required(errors, at, "shareName", &source.share_name);
    if let Some(namespace) = &source.secret_namespace {
        required(errors, at, "secretNamespace", namespace);
    }
}

fn scale_io(errors: &mut Errors, at: &At<'_>, source: &ScaleIOPersistentVolumeSource) {
    required(errors, at, "gateway", &source.gateway);
    required(errors, at, "system", &source.system);
    required(errors, at, "volumeName", source.volume_name.or_empty());
}

fn local(errors: &mut Errors, at: &At<'_>, source: &LocalVolumeSource) {
    required(errors, at, "path", &source.path);
    no_backsteps(errors, &at.field("path"), &source.path);
}

fn storage_os(errors: &mut Errors, at: &At<'_>, source: &StorageOSPersistentVolumeSource) {
    let namespace = source.volume_namespace.or_empty();
    old_volume::storage_os_names(errors, at, source.volume_name.or_empty(), namespace);
    if let Some(secret) = &source.secret_ref {
        let at = at.field("secretRef");
        required(errors, &at, "name", secret.name.or_empty());
        required(errors, &at, "namespace", secret.namespace.or_empty());
    }
}

fn csi(errors: &mut Errors, at: &At<'_>, source: &CSIPersistentVolumeSource) {
    csi_driver_name(errors, &at.field("driver"), &source.driver);
    required(errors, at, "volumeHandle", &source.volume_handle);
    for (field, secret) in [
        ("controllerPublishSecretRef", &source.controller_publish_secret_ref),
        ("controllerExpandSecretRef", &source.controller_expand_secret_ref),
        ("nodePublishSecretRef", &source.node_publish_secret_ref),
        ("nodeExpandSecretRef", &source.node_expand_secret_ref),
    ] {
        if let Some(secret) = secret {
            secret_reference(errors, &at.field(field), secret);
        }
    }
}

fn secret_reference(errors: &mut Errors, at: &At<'_>, secret: &SecretReference) {
    let (name, namespace) = (secret.name.or_empty(), secret.namespace.or_empty());
    required(errors, at, "name", name);
    if !name.is_empty() {
        errors.invalid_each(&at.field("name"), name, names::is_dns1123_subdomain(name));
    }
    required(errors, at, "namespace", namespace);
    if !namespace.is_empty() {
        let messages = names::is_dns1123_label(namespace);
        errors.invalid_each(&at.field("namespace"), namespace, messages);
    }
}
