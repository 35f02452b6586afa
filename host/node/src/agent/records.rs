//! The desired state on disk: every Pod of this node with its last status, so that the same Pods run again after a restart, with or
//! without a control plane.
//!
//! One file for each Pod, replaced by rename. A record that is a moment old is good enough: the machine starts from whatever it says.

use std::io;
use std::path::PathBuf;

use k8s_openapi::api::core::v1::Pod;

/// The records of a node.
#[derive(Clone, Debug)]
pub(super) struct Records {
    folder: PathBuf,
}

impl Records {
    pub(super) fn open(folder: PathBuf) -> io::Result<Self> {
        std::fs::create_dir_all(&folder)?;
        Ok(Self { folder })
    }

    /// All Pods on record. A record that cannot be read is put aside and not in the way again.
    pub(super) fn load(&self) -> io::Result<Vec<Pod>> {
        let mut pods = Vec::new();
        for entry in std::fs::read_dir(&self.folder)? {
            let path = entry?.path();
            if path.extension().is_none_or(|extension| extension != "json") {
                continue;
            }
            match serde_json::from_slice::<Pod>(&std::fs::read(&path)?) {
                Ok(pod) if pod.metadata.uid.is_some() => pods.push(pod),
                Ok(_) | Err(_) => {
                    tracing::warn!(path = %path.display(), "a Pod's record is broken");
                    std::fs::rename(&path, path.with_extension("broken"))?;
                }
            }
        }
        Ok(pods)
    }

    pub(super) fn save(&self, pod: &Pod) -> io::Result<()> {
        let Some(uid) = &pod.metadata.uid else { return Ok(()) };
        let bytes = serde_json::to_vec(pod).map_err(io::Error::other)?;
        let temporary = self.folder.join(format!("{uid}.new"));
        std::fs::write(&temporary, bytes)?;
        std::fs::rename(temporary, self.folder.join(format!("{uid}.json")))
    }

    pub(super) fn remove(&self, uid: &str) {
        let path = self.folder.join(format!("{uid}.json"));
        if let Err(error) = std::fs::remove_file(&path)
            && error.kind() != io::ErrorKind::NotFound
        {
            tracing::warn!(path = %path.display(), %error, "cannot remove a Pod's record");
        }
    }
}
