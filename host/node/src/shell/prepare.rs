//! Making a Pod's volumes, keeping them current, and removing them.

use std::net::IpAddr;
use std::sync::Arc;

use k8s_openapi::api::core::v1 as core;

use crate::materials::{Materials, Needs};
use crate::shared::Shared;
use crate::volumes::{self, Kind};

/// Makes all volumes. An error is the text of the event.
pub(crate) async fn prepare(
    shared: &Arc<Shared>,
    pod: &Arc<core::Pod>,
    ip: IpAddr,
) -> Result<(), String> {
    let Some(spec) = &pod.spec else { return Ok(()) };
    for volume in spec.volumes.iter().flatten() {
        if let Kind::Unsupported(type_) = volumes::kind(volume) {
            let name = &volume.name;
            return Err(format!(
                "MountVolume.SetUp failed for volume \"{name}\" : volume type {type_} is not supported by this node"
            ));
        }
    }
    if spec.volumes.iter().flatten().next().is_none() {
        return Ok(());
    }
    let materials = read(shared, pod).await?;
    write(shared, pod, ip, materials).await
}

/// Brings the files of volumes up to date with what they come from.
pub(crate) async fn refresh(
    shared: &Arc<Shared>,
    pod: &Arc<core::Pod>,
    ip: IpAddr,
) -> Result<(), String> {
    let materials = read(shared, pod).await?;
    write(shared, pod, ip, materials).await
}

async fn read(shared: &Shared, pod: &core::Pod) -> Result<Materials, String> {
    let needs = Needs::of_volumes(pod);
    if needs.is_empty() {
        return Ok(Materials::default());
    }
    let read = shared.sources.read(&shared.client, pod, &needs, shared.now()).await;
    read.map_err(|error| format!("MountVolume.SetUp failed : {error}"))
}

async fn write(
    shared: &Arc<Shared>,
    pod: &Arc<core::Pod>,
    ip: IpAddr,
    materials: Materials,
) -> Result<(), String> {
    let (shared, pod) = (Arc::clone(shared), Arc::clone(pod));
    let written = tokio::task::spawn_blocking(move || {
        let root = shared.volumes(pod.metadata.uid.as_deref().unwrap_or_default());
        let facts = shared.facts(&pod, Some(ip));
        for volume in pod.spec.iter().flat_map(|spec| spec.volumes.iter().flatten()) {
            let name = &volume.name;
            let failed =
                |error: String| format!("MountVolume.SetUp failed for volume \"{name}\" : {error}");
            let folder = root.join(name);
            match volumes::kind(volume) {
                Kind::Empty => {
                    std::fs::create_dir_all(&folder).map_err(|e| failed(e.to_string()))?;
                }
                Kind::Files => {
                    let files = volumes::project(volume, &facts, &materials)
                        .map_err(|error| failed(error.to_string()))?;
                    volumes::write(&folder, &files).map_err(|error| failed(error.to_string()))?;
                }
                Kind::Host { path, is_created } => {
                    if is_created {
                        std::fs::create_dir_all(path).map_err(|e| failed(e.to_string()))?;
                    }
                    if !std::path::Path::new(path).is_dir() {
                        return Err(failed(format!(
                            "hostPath type check failed: {path} is not a directory"
                        )));
                    }
                }
                Kind::Unsupported(_) => {}
            }
        }
        Ok(())
    });
    match written.await {
        Ok(result) => result,
        Err(_) => Err("writing volumes failed".to_owned()),
    }
}

/// Removes all volumes of a Pod.
pub(crate) async fn remove(shared: &Shared, uid: &str) {
    let folder = shared.volumes(uid);
    if let Err(error) = tokio::fs::remove_dir_all(&folder).await
        && error.kind() != std::io::ErrorKind::NotFound
    {
        tracing::warn!(folder = %folder.display(), %error, "cannot remove a Pod's volumes");
    }
}
