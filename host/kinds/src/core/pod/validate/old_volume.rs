//! Volumes of drivers that are gone or about to go. The API still accepts and checks them.
//!
//! See <https://kubernetes.io/docs/concepts/storage/volumes/#out-of-tree-volume-plugins>.

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::{
    AWSElasticBlockStoreVolumeSource, AzureDiskVolumeSource, AzureFileVolumeSource,
    CephFSVolumeSource, CinderVolumeSource, FCVolumeSource, FlexVolumeSource, FlockerVolumeSource,
    GCEPersistentDiskVolumeSource, GitRepoVolumeSource, GlusterfsVolumeSource, ISCSIVolumeSource,
    NFSVolumeSource, PhotonPersistentDiskVolumeSource, PortworxVolumeSource, QuobyteVolumeSource,
    RBDVolumeSource, ScaleIOVolumeSource, StorageOSVolumeSource, VsphereVirtualDiskVolumeSource,
};
use meta::names;

use super::volume::{local_descending_path, required};
use crate::check::{At, Errors, json};
use crate::wire::OrEmpty;

pub(super) fn git_repo(errors: &mut Errors, at: &At<'_>, source: &GitRepoVolumeSource) {
    required(errors, at, "repository", &source.repository);
    local_descending_path(errors, &at.field("directory"), source.directory.or_empty());
}

pub(crate) fn gce_disk(errors: &mut Errors, at: &At<'_>, source: &GCEPersistentDiskVolumeSource) {
    required(errors, at, "pdName", &source.pd_name);
    partition(errors, at, source.partition);
}

pub(crate) fn aws_disk(
    errors: &mut Errors,
    at: &At<'_>,
    source: &AWSElasticBlockStoreVolumeSource,
) {
    required(errors, at, "volumeID", &source.volume_id);
    partition(errors, at, source.partition);
}

fn partition(errors: &mut Errors, at: &At<'_>, partition: Option<i32>) {
    let partition = partition.unwrap_or_default();
    if !(0..=255).contains(&partition) {
        // The text says 1, although 0 stands for the whole disk.
        let detail = "must be between 1 and 255, inclusive";
        errors.invalid(&at.field("partition"), partition, detail);
    }
}

pub(crate) fn nfs(errors: &mut Errors, at: &At<'_>, source: &NFSVolumeSource) {
    required(errors, at, "server", &source.server);
    required(errors, at, "path", &source.path);
    if !source.path.starts_with('/') {
        errors.invalid(&at.field("path"), &source.path, "must be an absolute path");
    }
}

pub(super) fn iscsi(errors: &mut Errors, at: &At<'_>, source: &ISCSIVolumeSource) {
    required(errors, at, "targetPortal", &source.target_portal);
    if source.iqn.is_empty() {
        errors.required(&at.field("iqn"), "");
    } else {
        iscsi_name(errors, &at.field("iqn"), &source.iqn, ISCSI_HINT);
    }
    lun(errors, at, source.lun);
    let discovers = source.chap_auth_discovery.unwrap_or_default();
    let authenticates = source.chap_auth_session.unwrap_or_default();
    if (discovers || authenticates) && source.secret_ref.is_none() {
        errors.required(&at.field("secretRef"), "");
    }
    if let Some(initiator) = &source.initiator_name {
        iscsi_name(errors, &at.field("initiatorname"), initiator, ISCSI_HINT);
    }
}

/// The number of a disk behind an address.
pub(crate) fn lun(errors: &mut Errors, at: &At<'_>, lun: i32) {
    if !(0..=255).contains(&lun) {
        errors.invalid(&at.field("lun"), lun, "must be between 0 and 255, inclusive");
    }
}

/// The initiator gets a name made of the volume's and the portal's, which has to fit.
pub(super) fn iscsi_volume_name(
    errors: &mut Errors,
    at: &At<'_>,
    volume: &str,
    source: &ISCSIVolumeSource,
) {
    const CHARACTERS_MAX: usize = 64;
    let length = volume.len() + ":".len() + source.target_portal.len();
    if source.initiator_name.is_some() && length > CHARACTERS_MAX {
        let detail = "Total length of <volume name>:<iscsi.targetPortal> must be under 64 \
                      characters if iscsi.initiatorName is specified.";
        errors.invalid(&at.field("name"), volume, detail);
    }
}

const ISCSI_HINT: &str = " starting with iqn, eui, or naa";

/// What is wrong with a name of iSCSI; `hint` goes on to say how names begin.
pub(crate) fn iscsi_name(errors: &mut Errors, at: &At<'_>, name: &str, hint: &str) {
    let is_good = match name.get(..3) {
        Some("iqn") => is_iqn(name),
        Some("eui") => name.len() == 20 && name[4..].bytes().all(|b| b.is_ascii_alphanumeric()),
        Some("naa") => name.len() == 36 && name[4..].bytes().all(|b| b.is_ascii_alphanumeric()),
        _ => {
            errors.invalid(at, name, format!("must be valid format{hint}"));
            return;
        }
    };
    if !is_good {
        errors.invalid(at, name, "must be valid format");
    }
}

/// `iqn.2001-04.com.example:storage`
fn is_iqn(name: &str) -> bool {
    let Some(rest) = name.strip_prefix("iqn.") else {
        return false;
    };
    let Some((date, rest)) = rest.split_once('.') else {
        return false;
    };
    let Some((authority, target)) = rest.split_once(':') else {
        return false;
    };
    let date = date.as_bytes();
    let is_date = date.len() == 7
        && date.iter().enumerate().all(
            |(i, b)| {
                if i == 4 { *b == b'-' } else { b.is_ascii_digit() }
            },
        );
    is_date
        && !authority.is_empty()
        && authority.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.'))
        && !target.is_empty()
        && !target.contains([',', ';', '*', '&', '$', '|', ' ', '\t', '\n', '\r'])
}

pub(super) fn glusterfs(errors: &mut Errors, at: &At<'_>, source: &GlusterfsVolumeSource) {
    required(errors, at, "endpoints", &source.endpoints);
    required(errors, at, "path", &source.path);
}

pub(crate) fn flocker(errors: &mut Errors, at: &At<'_>, source: &FlockerVolumeSource) {
    let name = source.dataset_name.or_empty();
    match (name.is_empty(), source.dataset_uuid.is_unset()) {
        (true, true) => errors.required(at, "one of datasetName and datasetUUID is required"),
        (false, false) => {
            let detail = "datasetName and datasetUUID can not be specified simultaneously";
            errors.invalid(at, "resource", detail);
        }
        _ => {}
    }
    if name.contains('/') {
        errors.invalid(&at.field("datasetName"), name, "must not contain '/'");
    }
}

/// A cluster of Ceph is found through its monitors.
pub(crate) fn monitors(errors: &mut Errors, at: &At<'_>, monitors: &[String]) {
    if monitors.is_empty() {
        errors.required(&at.field("monitors"), "");
    }
}

pub(super) fn rbd(errors: &mut Errors, at: &At<'_>, source: &RBDVolumeSource) {
    monitors(errors, at, &source.monitors);
    required(errors, at, "image", &source.image);
}

pub(super) fn cinder(errors: &mut Errors, at: &At<'_>, source: &CinderVolumeSource) {
    required(errors, at, "volumeID", &source.volume_id);
    if let Some(secret) = &source.secret_ref {
        required(errors, &at.field("secretRef"), "name", &secret.name);
    }
}

pub(super) fn ceph_fs(errors: &mut Errors, at: &At<'_>, source: &CephFSVolumeSource) {
    monitors(errors, at, &source.monitors);
}

pub(crate) fn quobyte(errors: &mut Errors, at: &At<'_>, source: &QuobyteVolumeSource) {
    const HOSTS: &str = "must be a host:port pair or multiple pairs separated by commas";
    let registry = source.registry.as_str();
    if registry.is_empty() {
        errors.required(&at.field("registry"), HOSTS);
    } else if source.tenant.or_empty().len() > 64 {
        let detail = "must be a UUID and may not exceed a length of 64 characters";
        errors.required(&at.field("tenant"), detail);
    } else {
        for _ in registry.split(',').filter(|host| !host.contains(':')) {
            errors.invalid(&at.field("registry"), registry, HOSTS);
        }
    }
    required(errors, at, "volume", &source.volume);
}

pub(crate) fn fibre_channel(errors: &mut Errors, at: &At<'_>, source: &FCVolumeSource) {
    let names = source.target_wwns.or_empty();
    let names_at = at.field("targetWWNs");
    match (names.is_empty(), source.wwids.is_unset()) {
        (true, true) => {
            let detail = "must specify either targetWWNs or wwids, but not both";
            errors.required(&names_at, detail);
        }
        (false, false) => {
            let detail = "targetWWNs and wwids can not be specified simultaneously";
            errors.invalid(&names_at, json(&names), detail);
        }
        _ => {}
    }
    if names.is_empty() {
        return;
    }
    match source.lun {
        None => {
            errors.required(&at.field("lun"), "lun is required if targetWWNs is specified");
        }
        Some(number) => lun(errors, at, number),
    }
}

pub(super) fn flex(errors: &mut Errors, at: &At<'_>, source: &FlexVolumeSource) {
    required(errors, at, "driver", &source.driver);
    flex_options(errors, &at.field("options"), source.options.or_empty());
}

/// Options in the name of Kubernetes are for Kubernetes to set.
pub(crate) fn flex_options(errors: &mut Errors, at: &At<'_>, options: &BTreeMap<String, String>) {
    for key in options.keys() {
        let namespace = key.split_once('/').map_or(key.as_str(), |(namespace, _)| namespace);
        let dotted = format!(".{}", namespace.to_lowercase());
        if dotted.ends_with(".kubernetes.io") || dotted.ends_with(".k8s.io") {
            let detail = "kubernetes.io and k8s.io namespaces are reserved";
            errors.invalid(&at.key(key), key, detail);
        }
    }
}

pub(super) fn azure_file(errors: &mut Errors, at: &At<'_>, source: &AzureFileVolumeSource) {
    required(errors, at, "secretName", &source.secret_name);
    required(errors, at, "shareName", &source.share_name);
}

pub(crate) fn azure_disk(errors: &mut Errors, at: &At<'_>, source: &AzureDiskVolumeSource) {
    const MANAGED: &str = "/subscriptions/{sub-id}/resourcegroups/{group-name}/providers/\
                           microsoft.compute/disks/{disk-id}";
    const BLOB: &str =
        "https://{account-name}.blob.core.windows.net/{container-name}/{disk-name}.vhd";
    required(errors, at, "diskName", &source.disk_name);
    required(errors, at, "diskURI", &source.disk_uri);
    if let Some(mode) = &source.caching_mode {
        errors.one_of(&at.field("cachingMode"), mode, &["None", "ReadOnly", "ReadWrite"]);
    }
    let Some(kind) = &source.kind else { return };
    errors.one_of(&at.field("kind"), kind, &["Dedicated", "Managed", "Shared"]);
    let uri = source.disk_uri.as_str();
    let (prefix, example) =
        if kind == "Managed" { ("/subscriptions/", MANAGED) } else { ("https://", BLOB) };
    if !uri.starts_with(prefix) {
        errors.not_supported(&at.field("diskURI"), uri, &[example]);
    }
}

pub(crate) fn vsphere(errors: &mut Errors, at: &At<'_>, source: &VsphereVirtualDiskVolumeSource) {
    required(errors, at, "volumePath", &source.volume_path);
}

pub(crate) fn photon(errors: &mut Errors, at: &At<'_>, source: &PhotonPersistentDiskVolumeSource) {
    required(errors, at, "pdID", &source.pd_id);
}

pub(crate) fn portworx(errors: &mut Errors, at: &At<'_>, source: &PortworxVolumeSource) {
    required(errors, at, "volumeID", &source.volume_id);
}

pub(super) fn scale_io(errors: &mut Errors, at: &At<'_>, source: &ScaleIOVolumeSource) {
    required(errors, at, "gateway", &source.gateway);
    required(errors, at, "system", &source.system);
    required(errors, at, "volumeName", source.volume_name.or_empty());
}

pub(super) fn storage_os(errors: &mut Errors, at: &At<'_>, source: &StorageOSVolumeSource) {
    let namespace = source.volume_namespace.or_empty();
    storage_os_names(errors, at, source.volume_name.or_empty(), namespace);
    if let Some(secret) = &source.secret_ref {
        required(errors, &at.field("secretRef"), "name", &secret.name);
    }
}

pub(crate) fn storage_os_names(errors: &mut Errors, at: &At<'_>, name: &str, namespace: &str) {
    if name.is_empty() {
        errors.required(&at.field("volumeName"), "");
    } else {
        errors.invalid_each(&at.field("volumeName"), name, names::is_dns1123_label(name));
    }
    if !namespace.is_empty() {
        let messages = names::is_dns1123_label(namespace);
        errors.invalid_each(&at.field("volumeNamespace"), namespace, messages);
    }
}
