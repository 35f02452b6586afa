//! Volume mounts as the folders that a guest gets.
//!
//! A guest can only be given folders. A mount of a single file (`subPath` to a file) becomes a folder of its own with a copy of that file in it, at
//! the place of the file's folder. A `subPath` is resolved on disk and must stay inside its volume, since the other containers may have put
//! links there.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Component, Path, PathBuf};

use k8s_openapi::api::core::v1 as core;
use runtime::Mount;

use super::{Kind, kind};

/// Why a container cannot be given its volumes.
#[derive(Debug, thiserror::Error)]
pub(crate) enum MountError {
    #[error("no volume with name \"{0}\" found in list of volumes")]
    Volume(String),
    #[error("subPath \"{0}\" leads out of its volume")]
    SubPath(String),
    #[error("cannot prepare the mount at {at}: {source}")]
    Io { at: String, source: io::Error },
}

/// The folders of a container. `volumes` holds the Pod's volumes, `files` is a folder for the copies of single files.
pub(crate) fn mounts(
    pod: &core::Pod,
    container: &core::Container,
    volumes: &Path,
    files: &Path,
    expand: impl Fn(&str) -> String,
) -> Result<Vec<Mount>, MountError> {
    let defined = || pod.spec.iter().flat_map(|spec| spec.volumes.iter().flatten());
    let mut folders: Vec<Mount> = Vec::new();
    let mut single: BTreeMap<String, PathBuf> = BTreeMap::new();
    for (index, mount) in container.volume_mounts.iter().flatten().enumerate() {
        let volume = defined()
            .find(|volume| volume.name == mount.name)
            .ok_or_else(|| MountError::Volume(mount.name.clone()))?;
        let (root, is_files) = match kind(volume) {
            Kind::Host { path, .. } => (PathBuf::from(path), false),
            Kind::Files => (volumes.join(&volume.name), true),
            Kind::Empty | Kind::Unsupported(_) => (volumes.join(&volume.name), false),
        };
        let fail = |source| MountError::Io { at: mount.mount_path.clone(), source };
        let sub_path = match (&mount.sub_path, &mount.sub_path_expr) {
            (Some(path), _) => path.clone(),
            (None, Some(expression)) => expand(expression),
            (None, None) => String::new(),
        };
        let host = inside(&root, &sub_path, !is_files)?;
        let host = host.map_err(fail)?;
        if fs::metadata(&host).map_err(fail)?.is_dir() {
            folders.push(Mount {
                host,
                guest: mount.mount_path.clone(),
                read_only: mount.read_only == Some(true) || is_files,
            });
            continue;
        }
        let at = Path::new(&mount.mount_path);
        let guest = at.parent().unwrap_or_else(|| Path::new("/")).to_string_lossy().into_owned();
        let folder = single.entry(guest).or_insert_with(|| files.join(index.to_string())).clone();
        fs::create_dir_all(&folder).map_err(fail)?;
        fs::copy(&host, folder.join(at.file_name().unwrap_or_default())).map_err(fail)?;
    }
    folders.extend(single.into_iter().map(|(guest, host)| Mount { host, guest, read_only: true }));
    Ok(folders)
}

/// A path within a volume, as it is on disk. A missing folder is made where the volume can be written to.
fn inside(
    root: &Path,
    sub_path: &str,
    is_created: bool,
) -> Result<io::Result<PathBuf>, MountError> {
    let outside = || MountError::SubPath(sub_path.to_owned());
    if sub_path.is_empty() {
        return Ok(Ok(root.to_owned()));
    }
    let relative = Path::new(sub_path);
    if !relative.components().all(|part| matches!(part, Component::Normal(_) | Component::CurDir)) {
        return Err(outside());
    }
    let root = match root.canonicalize() {
        Ok(root) => root,
        Err(error) => return Ok(Err(error)),
    };
    // Part by part: a link in the middle must not make a folder be made elsewhere.
    let mut at = root.clone();
    for part in relative.components() {
        at.push(part);
        if at.symlink_metadata().is_err()
            && is_created
            && let Err(error) = fs::create_dir(&at)
        {
            return Ok(Err(error));
        }
        at = match at.canonicalize() {
            Ok(resolved) => resolved,
            Err(error) => return Ok(Err(error)),
        };
        if !at.starts_with(&root) {
            return Err(outside());
        }
    }
    Ok(Ok(at))
}

#[cfg(test)]
#[test]
#[expect(clippy::unwrap_used, reason = "tests")]
fn sub_paths_stay_in_their_volume() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("volume");
    fs::create_dir(&root).unwrap();
    std::os::unix::fs::symlink("/etc", root.join("link")).unwrap();
    let made = inside(&root, "a/b", true).unwrap().unwrap();
    assert!(made.ends_with("volume/a/b") && made.is_dir());
    assert!(inside(&root, "a/none", false).unwrap().is_err());
    for outside in ["../x", "/etc", "link", "link/x"] {
        assert!(matches!(inside(&root, outside, true), Err(MountError::SubPath(_))), "{outside}");
    }
}
