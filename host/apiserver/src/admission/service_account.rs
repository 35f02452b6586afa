//! Every Pod runs as a `ServiceAccount` of its namespace and, unless it declines, gets a volume with a token of it.
//!
//! See <https://kubernetes.io/docs/reference/access-authn-authz/service-accounts-admin/>.

use k8s_openapi::api::core::v1::{
    ConfigMapProjection, Container, DownwardAPIProjection, DownwardAPIVolumeFile, KeyToPath,
    LocalObjectReference, ObjectFieldSelector, Pod, PodSpec, ProjectedVolumeSource, ServiceAccount,
    ServiceAccountTokenProjection, Volume, VolumeMount, VolumeProjection,
};
use kinds::Object;
use meta::{Key, StatusError};

use super::{Attempted, Plugin, core};

const DEFAULT: &str = "default";
const MOUNT_PATH: &str = "/var/run/secrets/kubernetes.io/serviceaccount";
const VOLUME_PREFIX: &str = "kube-api-access-";
const ROOT_CA: &str = "kube-root-ca.crt";
/// An hour and a little: the seconds mark the token as one that was not asked for, so that its use beyond an hour can be told.
const TOKEN_SECONDS: i64 = 3607;
const FILE_MODE: i32 = 0o644;
/// A static Pod's image in the API carries this annotation; its node made it and it must stay as it is.
const MIRROR: &str = "kubernetes.io/config.mirror";

pub(super) struct ServiceAccountDefaults;

impl Plugin for ServiceAccountDefaults {
    fn mutate(
        &self,
        attempted: &Attempted<'_>,
        object: &mut dyn Object,
    ) -> Result<(), StatusError> {
        let Some(pod) = object.as_any_mut().downcast_mut::<Pod>().filter(|_| attempted.creates())
        else {
            return Ok(());
        };
        let mirror = pod
            .metadata
            .annotations
            .as_ref()
            .is_some_and(|annotations| annotations.contains_key(MIRROR));
        let spec = pod.spec.get_or_insert_default();
        if mirror {
            return check_mirror(attempted, spec);
        }
        let name =
            spec.service_account_name.clone().filter(|name| !name.is_empty()).unwrap_or_else(
                || {
                    spec.service_account = Some(DEFAULT.to_owned());
                    DEFAULT.to_owned()
                },
            );
        spec.service_account_name = Some(name.clone());
        let account = find(attempted, &name)?;
        let mounts = spec
            .automount_service_account_token
            .or(account.automount_service_account_token)
            .unwrap_or(true);
        if mounts {
            mount(spec);
        }
        if spec.image_pull_secrets.as_ref().is_none_or(Vec::is_empty) {
            let secrets: Vec<LocalObjectReference> = account.image_pull_secrets.unwrap_or_default();
            spec.image_pull_secrets = (!secrets.is_empty()).then_some(secrets);
        }
        Ok(())
    }
}

fn check_mirror(attempted: &Attempted<'_>, spec: &PodSpec) -> Result<(), StatusError> {
    if spec.service_account_name.as_deref().is_some_and(|name| !name.is_empty()) {
        return Err(attempted.forbid("a mirror pod may not reference service accounts"));
    }
    let volumes = spec.volumes.as_deref().unwrap_or_default();
    if volumes.iter().any(|volume| volume.secret.is_some()) {
        return Err(attempted.forbid("a mirror pod may not reference secrets"));
    }
    Ok(())
}

fn find(attempted: &Attempted<'_>, name: &str) -> Result<ServiceAccount, StatusError> {
    let namespace = attempted.namespace;
    let key = Key::new(&core("serviceaccounts"), namespace, name);
    let entry = attempted.snapshot.get(key.as_str());
    entry.and_then(|entry| serde_json::from_slice(&entry.body).ok()).ok_or_else(|| {
        let why = Attempted::unusable(name)
            .unwrap_or_else(|| format!("serviceaccount {} not found", meta::quote(name)));
        attempted.forbid(&format!("error looking up service account {namespace}/{name}: {why}"))
    })
}

/// Mounts the token into each container that has nothing at its place.
fn mount(spec: &mut PodSpec) {
    let volumes = spec.volumes.get_or_insert_default();
    let existing = volumes
        .iter()
        .map(|volume| &volume.name)
        .find(|name| name.starts_with(VOLUME_PREFIX))
        .cloned();
    let has_volume = existing.is_some();
    let name = existing.unwrap_or_else(|| crate::verbs::generate_name(VOLUME_PREFIX));
    let mut needed = false;
    let containers = spec.init_containers.iter_mut().flatten().chain(&mut spec.containers);
    for container in containers {
        needed |= mount_into(container, &name);
    }
    if needed && !has_volume {
        // Nearly every Pod gets one, of some kilobytes, and is kept: no room for more.
        volumes.reserve_exact(1);
        volumes.push(token_volume(name));
    }
}

fn mount_into(container: &mut Container, name: &str) -> bool {
    let mounts = container.volume_mounts.get_or_insert_default();
    if mounts.iter().any(|mount| mount.mount_path == MOUNT_PATH) {
        return false;
    }
    mounts.reserve_exact(1);
    mounts.push(VolumeMount {
        name: name.to_owned(),
        read_only: Some(true),
        mount_path: MOUNT_PATH.to_owned(),
        ..VolumeMount::default()
    });
    true
}

/// Token, certificates and namespace, as clients inside a Pod look for them.
fn token_volume(name: String) -> Volume {
    let token = VolumeProjection {
        service_account_token: Some(ServiceAccountTokenProjection {
            expiration_seconds: Some(TOKEN_SECONDS),
            path: "token".to_owned(),
            ..ServiceAccountTokenProjection::default()
        }),
        ..VolumeProjection::default()
    };
    let certificates = VolumeProjection {
        config_map: Some(ConfigMapProjection {
            name: ROOT_CA.to_owned(),
            items: Some(vec![KeyToPath {
                key: "ca.crt".to_owned(),
                path: "ca.crt".to_owned(),
                ..KeyToPath::default()
            }]),
            ..ConfigMapProjection::default()
        }),
        ..VolumeProjection::default()
    };
    let namespace = VolumeProjection {
        downward_api: Some(DownwardAPIProjection {
            items: Some(vec![DownwardAPIVolumeFile {
                path: "namespace".to_owned(),
                field_ref: Some(ObjectFieldSelector {
                    api_version: Some("v1".to_owned()),
                    field_path: "metadata.namespace".to_owned(),
                }),
                ..DownwardAPIVolumeFile::default()
            }]),
        }),
        ..VolumeProjection::default()
    };
    Volume {
        name,
        projected: Some(ProjectedVolumeSource {
            sources: Some(vec![token, certificates, namespace]),
            default_mode: Some(FILE_MODE),
            ..ProjectedVolumeSource::default()
        }),
        ..Volume::default()
    }
}
