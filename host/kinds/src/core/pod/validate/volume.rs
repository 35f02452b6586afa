//! What holds for the volumes of a Pod.
//!
//! See <https://kubernetes.io/docs/concepts/storage/volumes/>.

use std::collections::{BTreeMap, BTreeSet};

use k8s_openapi::api::core::v1::{
    CSIVolumeSource, ConfigMapVolumeSource, DownwardAPIVolumeFile, DownwardAPIVolumeSource,
    EmptyDirVolumeSource, EphemeralVolumeSource, HostPathVolumeSource, ImageVolumeSource,
    KeyToPath, PersistentVolumeClaimVolumeSource, SecretVolumeSource, Volume,
};
use meta::names;

use super::container::pull_policy;
use super::{env, old_volume, projected};
use crate::check::{At, Errors};
use crate::core::volume_claim;
use crate::resources;
use crate::wire::OrEmpty;

/// Volumes that can be mounted, by name.
pub(super) type Volumes<'a> = BTreeMap<&'a str, &'a Volume>;

/// Checks all volumes and returns the good ones. `pod_name` is empty in templates.
pub(super) fn volumes<'a>(
    errors: &mut Errors,
    all: &At<'_>,
    volumes: &'a [Volume],
    pod_name: &str,
) -> Volumes<'a> {
    let claim_of = |volume: &Volume| format!("{pod_name}-{}", volume.name);
    let made_claims: BTreeSet<String> = volumes
        .iter()
        .filter(|volume| volume.ephemeral.is_some() && !pod_name.is_empty())
        .map(claim_of)
        .collect();
    let mut good = Volumes::new();
    for (index, volume) in volumes.iter().enumerate() {
        let at = all.index(index);
        let before = errors.len();
        source(errors, &at, volume);
        if volume.ephemeral.is_some() && !pod_name.is_empty() && !volume.name.is_empty() {
            let claim = claim_of(volume);
            for message in names::is_dns1123_subdomain(&claim) {
                let detail = format!("PVC name {}: {message}", meta::quote(&claim));
                errors.invalid(&at.field("name"), &volume.name, detail);
            }
        }
        let name_at = at.field("name");
        if volume.name.is_empty() {
            errors.required(&name_at, "");
        } else {
            let messages = names::is_dns1123_label(&volume.name);
            errors.invalid_each(&name_at, &volume.name, messages);
        }
        if good.contains_key(volume.name.as_str()) {
            errors.duplicate(&name_at, &volume.name);
        }
        if errors.len() == before {
            good.insert(&volume.name, volume);
        }
        if let Some(claim) = &volume.persistent_volume_claim
            && made_claims.contains(&claim.claim_name)
        {
            let detail = "must not reference a PVC that gets created for an ephemeral volume";
            let claim_at = at.field("persistentVolumeClaim");
            errors.invalid(&claim_at.field("claimName"), &claim.claim_name, detail);
        }
    }
    good
}

/// One type at most, and at least one. The names in errors differ from the fields in places, as clients know them.
fn source(errors: &mut Errors, at: &At<'_>, volume: &Volume) {
    let mut one = One::new(errors, at);
    one.of("emptyDir", volume.empty_dir.as_ref(), empty_dir);
    one.of("hostPath", volume.host_path.as_ref(), host_path);
    one.of("gitRepo", volume.git_repo.as_ref(), old_volume::git_repo);
    let gce_disk = volume.gce_persistent_disk.as_ref();
    one.named("gcePersistentDisk", "persistentDisk", gce_disk, old_volume::gce_disk);
    let aws_disk = volume.aws_elastic_block_store.as_ref();
    one.of("awsElasticBlockStore", aws_disk, old_volume::aws_disk);
    one.of("secret", volume.secret.as_ref(), secret);
    one.of("nfs", volume.nfs.as_ref(), old_volume::nfs);
    one.of("iscsi", volume.iscsi.as_ref(), old_volume::iscsi);
    one.of("glusterfs", volume.glusterfs.as_ref(), old_volume::glusterfs);
    one.of("flocker", volume.flocker.as_ref(), old_volume::flocker);
    one.of("persistentVolumeClaim", volume.persistent_volume_claim.as_ref(), claim);
    one.of("rbd", volume.rbd.as_ref(), old_volume::rbd);
    one.of("cinder", volume.cinder.as_ref(), old_volume::cinder);
    one.named("cephFS", "cephfs", volume.cephfs.as_ref(), old_volume::ceph_fs);
    one.of("quobyte", volume.quobyte.as_ref(), old_volume::quobyte);
    one.named("downwarAPI", "downwardAPI", volume.downward_api.as_ref(), downward_api);
    one.of("fc", volume.fc.as_ref(), old_volume::fibre_channel);
    one.of("flexVolume", volume.flex_volume.as_ref(), old_volume::flex);
    one.of("configMap", volume.config_map.as_ref(), config_map);
    one.of("azureFile", volume.azure_file.as_ref(), old_volume::azure_file);
    one.of("vsphereVolume", volume.vsphere_volume.as_ref(), old_volume::vsphere);
    one.of("photonPersistentDisk", volume.photon_persistent_disk.as_ref(), old_volume::photon);
    one.of("portworxVolume", volume.portworx_volume.as_ref(), old_volume::portworx);
    one.of("azureDisk", volume.azure_disk.as_ref(), old_volume::azure_disk);
    one.of("storageos", volume.storageos.as_ref(), old_volume::storage_os);
    one.of("projected", volume.projected.as_ref(), projected::validate);
    one.of("scaleIO", volume.scale_io.as_ref(), old_volume::scale_io);
    one.of("csi", volume.csi.as_ref(), csi);
    one.of("ephemeral", volume.ephemeral.as_ref(), ephemeral);
    one.of("image", volume.image.as_ref(), image);
    one.require();
    if let Some(iscsi) = &volume.iscsi {
        old_volume::iscsi_volume_name(errors, at, &volume.name, iscsi);
    }
}

/// Checks the first type that a volume has, and refuses the others.
pub(crate) struct One<'a> {
    errors: &'a mut Errors,
    at: &'a At<'a>,
    has_type: bool,
}

impl<'a> One<'a> {
    pub(crate) fn new(errors: &'a mut Errors, at: &'a At<'a>) -> Self {
        Self { errors, at, has_type: false }
    }

    pub(crate) fn of<T>(
        &mut self,
        field: &str,
        source: Option<&T>,
        rule: impl FnOnce(&mut Errors, &At<'_>, &T),
    ) {
        self.named(field, field, source, rule);
    }

    /// The same for a type whose rule looks at it under another name.
    pub(crate) fn named<T>(
        &mut self,
        field: &str,
        field_in_rule: &str,
        source: Option<&T>,
        rule: impl FnOnce(&mut Errors, &At<'_>, &T),
    ) {
        let Some(source) = source else { return };
        if self.has_type {
            let detail = "may not specify more than 1 volume type";
            self.errors.forbidden(&self.at.field(field), detail);
        } else {
            rule(self.errors, &self.at.field(field_in_rule), source);
        }
        self.has_type = true;
    }

    /// The same for a type that is checked wherever it comes.
    pub(crate) fn again<T>(
        &mut self,
        field: &str,
        source: Option<&T>,
        rule: impl FnOnce(&mut Errors, &At<'_>, &T),
    ) {
        if let Some(source) = source {
            rule(self.errors, &self.at.field(field), source);
            self.has_type = true;
        }
    }

    /// Refuses a volume of no type.
    pub(crate) fn require(self) {
        if !self.has_type {
            self.errors.required(self.at, "must specify a volume type");
        }
    }
}

fn empty_dir(errors: &mut Errors, at: &At<'_>, source: &EmptyDirVolumeSource) {
    let limit = source.size_limit.as_ref().map(resources::parse);
    if limit.is_some_and(|limit| limit.is_negative()) {
        let detail = "SizeLimit field must be a valid resource quantity";
        errors.forbidden(&at.field("sizeLimit"), detail);
    }
}

fn claim(errors: &mut Errors, at: &At<'_>, source: &PersistentVolumeClaimVolumeSource) {
    required(errors, at, "claimName", &source.claim_name);
}

fn ephemeral(errors: &mut Errors, at: &At<'_>, source: &EphemeralVolumeSource) {
    let at = at.field("volumeClaimTemplate");
    match &source.volume_claim_template {
        None => errors.required(&at, ""),
        Some(template) => volume_claim::validate_template(errors, &at, template),
    }
}

fn image(errors: &mut Errors, at: &At<'_>, source: &ImageVolumeSource) {
    required(errors, at, "reference", source.reference.or_empty());
    pull_policy(errors, &at.field("pullPolicy"), source.pull_policy.or_empty());
}

pub(crate) fn required(errors: &mut Errors, at: &At<'_>, field: &str, value: &str) {
    if value.is_empty() {
        errors.required(&at.field(field), "");
    }
}

const HOST_PATH_TYPES: &[&str] = &[
    "",
    "BlockDevice",
    "CharDevice",
    "Directory",
    "DirectoryOrCreate",
    "File",
    "FileOrCreate",
    "Socket",
];

pub(crate) fn host_path(errors: &mut Errors, at: &At<'_>, source: &HostPathVolumeSource) {
    if source.path.is_empty() {
        errors.required(&at.field("path"), "");
        return;
    }
    no_backsteps(errors, &at.field("path"), &source.path);
    errors.one_of(&at.field("type"), source.type_.or_empty(), HOST_PATH_TYPES);
}

fn secret(errors: &mut Errors, at: &At<'_>, source: &SecretVolumeSource) {
    required(errors, at, "secretName", source.secret_name.or_empty());
    mode(errors, &at.field("defaultMode"), source.default_mode);
    keys(errors, &at.field("items"), source.items.or_empty());
}

fn config_map(errors: &mut Errors, at: &At<'_>, source: &ConfigMapVolumeSource) {
    required(errors, at, "name", &source.name);
    mode(errors, &at.field("defaultMode"), source.default_mode);
    keys(errors, &at.field("items"), source.items.or_empty());
}

fn downward_api(errors: &mut Errors, at: &At<'_>, source: &DownwardAPIVolumeSource) {
    mode(errors, &at.field("defaultMode"), source.default_mode);
    for file in source.items.or_empty() {
        downward_api_file(errors, at, file);
    }
}

const FIELDS: &[&str] = &[
    "metadata.annotations",
    "metadata.labels",
    "metadata.name",
    "metadata.namespace",
    "metadata.uid",
];

pub(super) fn downward_api_file(errors: &mut Errors, at: &At<'_>, file: &DownwardAPIVolumeFile) {
    required(errors, at, "path", &file.path);
    local_path(errors, &at.field("path"), &file.path);
    match (&file.field_ref, &file.resource_field_ref) {
        (Some(field), resource) => {
            env::object_field(errors, &at.field("fieldRef"), field, FIELDS);
            if resource.is_some() {
                let detail = "fieldRef and resourceFieldRef can not be specified simultaneously";
                errors.invalid(at, "resource", detail);
            }
        }
        (None, Some(resource)) => {
            env::resource_field(errors, &at.field("resourceFieldRef"), resource, true);
        }
        (None, None) => errors.required(at, "one of fieldRef and resourceFieldRef is required"),
    }
    mode(errors, &at.field("mode"), file.mode);
}

fn csi(errors: &mut Errors, at: &At<'_>, source: &CSIVolumeSource) {
    csi_driver_name(errors, &at.field("driver"), &source.driver);
    let Some(secret) = &source.node_publish_secret_ref else {
        return;
    };
    if secret.name.is_empty() {
        let at = at.field("nodePublishSecretRef");
        errors.required(&at.field("name"), "");
    } else {
        let messages = names::is_dns1123_subdomain(&secret.name);
        errors.invalid_each(&at.field("name"), &secret.name, messages);
    }
}

/// What is wrong with the name of a storage driver.
pub(crate) fn csi_driver_name(errors: &mut Errors, at: &At<'_>, name: &str) {
    const BYTES_MAX: usize = 63;
    if name.is_empty() {
        errors.required(at, "");
        return;
    }
    if name.len() > BYTES_MAX {
        errors.too_long(at, BYTES_MAX);
    }
    errors.invalid_each(at, name, names::is_dns1123_subdomain(&name.to_lowercase()));
}

pub(super) fn keys(errors: &mut Errors, all: &At<'_>, keys: &[KeyToPath]) {
    for (index, key) in keys.iter().enumerate() {
        key_to_path(errors, &all.index(index), key);
    }
}

fn key_to_path(errors: &mut Errors, at: &At<'_>, key: &KeyToPath) {
    required(errors, at, "key", &key.key);
    required(errors, at, "path", &key.path);
    local_path(errors, &at.field("path"), &key.path);
    mode(errors, &at.field("mode"), key.mode);
}

pub(super) fn mode(errors: &mut Errors, at: &At<'_>, mode: Option<i32>) {
    if let Some(mode) = mode.filter(|mode| !(0..=0o777).contains(mode)) {
        let detail = "must be a number between 0 and 0777 (octal), both inclusive";
        errors.invalid(at, mode, detail);
    }
}

/// A path below a folder that does not look like the folder's own bookkeeping.
pub(super) fn local_path(errors: &mut Errors, at: &At<'_>, path: &str) {
    local_descending_path(errors, at, path);
    if path.starts_with("..") && !path.starts_with("../") {
        errors.invalid(at, path, "must not start with '..'");
    }
}

/// A path below a folder.
pub(crate) fn local_descending_path(errors: &mut Errors, at: &At<'_>, path: &str) {
    if path.starts_with('/') {
        errors.invalid(at, path, "must be a relative path");
    }
    no_backsteps(errors, at, path);
}

pub(crate) fn no_backsteps(errors: &mut Errors, at: &At<'_>, path: &str) {
    if path.split('/').any(|part| part == "..") {
        errors.invalid(at, path, "must not contain '..'");
    }
}
