//! Pods from files: every manifest in the node's folder is a Pod that runs here whether or not there is a control plane.
//!
//! The API server shows such a Pod through a mirror, which can be read and not changed. A file that changes is another Pod; one that goes
//! takes its Pod along. Reading is by a look at the folder every few seconds, as the kubelet does.
//! <https://kubernetes.io/docs/tasks/configure-pod-container/static-pod/>

use std::collections::BTreeMap;
use std::path::Path;

use api::{Client, Error, WriteParams};
use image::Digest;
use k8s_openapi::api::core::v1::{Node, Pod};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::OwnerReference;

/// Says that a Pod object is the mirror of a file.
pub(crate) const MIRROR: &str = "kubernetes.io/config.mirror";
const HASH: &str = "kubernetes.io/config.hash";
const SOURCE: &str = "kubernetes.io/config.source";
/// Larger files are no manifests.
const FILE_BYTES_MAX: u64 = 1 << 20;

/// The Pods of a folder, by uid. A file that is none is reported and left out.
pub(crate) fn read(folder: &Path, node: &str) -> std::io::Result<BTreeMap<String, Pod>> {
    let mut pods = BTreeMap::new();
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        let is_manifest = path
            .extension()
            .and_then(|extension| extension.to_str())
            .is_some_and(|extension| matches!(extension, "yaml" | "yml" | "json"));
        if !is_manifest || std::fs::metadata(&path)?.len() > FILE_BYTES_MAX {
            continue;
        }
        let text = std::fs::read_to_string(&path)?;
        match pod(&text, node) {
            Ok(pod) => {
                pods.insert(pod.metadata.uid.clone().unwrap_or_default(), pod);
            }
            Err(error) => tracing::warn!(path = %path.display(), %error, "not a Pod's manifest"),
        }
    }
    Ok(pods)
}

/// Why a file is no static Pod.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ManifestError {
    #[error("{0}")]
    Decode(String),
    #[error("the Pod has no {0}")]
    Missing(&'static str),
}

/// The Pod of a manifest, as it runs on this node. The same text gives the same uid.
fn pod(text: &str, node: &str) -> Result<Pod, ManifestError> {
    let mut pod: Pod =
        serde_saphyr::from_str(text).map_err(|error| ManifestError::Decode(error.to_string()))?;
    let name = pod.metadata.name.clone().ok_or(ManifestError::Missing("name"))?;
    let spec = pod.spec.as_mut().ok_or(ManifestError::Missing("spec"))?;
    if spec.containers.is_empty() {
        return Err(ManifestError::Missing("containers"));
    }
    spec.node_name = Some(node.to_owned());
    let hash = Digest::of(format!("{node}\n{text}").as_bytes()).hex()[..32].to_owned();
    let metadata = &mut pod.metadata;
    metadata.name = Some(format!("{name}-{node}"));
    metadata.namespace.get_or_insert_with(|| "default".to_owned());
    let annotations = metadata.annotations.get_or_insert_default();
    annotations.insert(SOURCE.to_owned(), "file".to_owned());
    annotations.insert(HASH.to_owned(), hash.clone());
    metadata.uid = Some(hash);
    pod.status = None;
    Ok(pod)
}

/// Whether an object of the API server is the mirror of a file.
pub(crate) fn is_mirror(pod: &Pod) -> bool {
    pod.metadata.annotations.as_ref().is_some_and(|annotations| annotations.contains_key(MIRROR))
}

/// Makes the API server show this Pod. A mirror of an older file is replaced.
pub(crate) async fn mirror(client: &Client, pod: &Pod, node: &str) -> Result<(), Error> {
    let owner = client.api::<Node>(None).get(node).await?;
    let hash = pod.metadata.uid.clone().unwrap_or_default();
    let mut mirror = pod.clone();
    mirror.metadata.uid = None;
    mirror.metadata.annotations.get_or_insert_default().insert(MIRROR.to_owned(), hash.clone());
    mirror.metadata.owner_references = Some(vec![OwnerReference {
        api_version: "v1".to_owned(),
        kind: "Node".to_owned(),
        name: node.to_owned(),
        uid: owner.metadata.uid.unwrap_or_default(),
        controller: Some(true),
        ..OwnerReference::default()
    }]);
    let pods = client.api::<Pod>(pod.metadata.namespace.as_deref());
    match pods.create(&mirror, &WriteParams::default()).await {
        Err(Error::AlreadyExists(_)) => {}
        created => return created.map(drop),
    }
    let name = pod.metadata.name.as_deref().unwrap_or_default();
    let existing = pods.get(name).await?;
    let annotations = existing.metadata.annotations.unwrap_or_default();
    if annotations.get(MIRROR) == Some(&hash) {
        return Ok(());
    }
    remove_mirror(client, pod).await?;
    pods.create(&mirror, &WriteParams::default()).await.map(drop)
}

/// Takes the mirror of a Pod away.
pub(crate) async fn remove_mirror(client: &Client, pod: &Pod) -> Result<(), Error> {
    let pods = client.api::<Pod>(pod.metadata.namespace.as_deref());
    let at_once =
        api::DeleteParams { grace_period_seconds: Some(0), ..api::DeleteParams::default() };
    match pods.delete(pod.metadata.name.as_deref().unwrap_or_default(), &at_once).await {
        Ok(_) | Err(Error::NotFound(_)) => Ok(()),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
#[test]
#[expect(clippy::unwrap_used, reason = "tests")]
fn manifests_become_pods_of_this_node_and_other_files_do_not() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
    let yaml = "apiVersion: v1\nkind: Pod\nmetadata: {name: web}\nspec:\n  containers: [{name: c, image: web}]\n";
    write("web.yaml", yaml);
    write("broken.yaml", "metadata: [");
    write(
        "empty.json",
        r#"{"apiVersion":"v1","kind":"Pod","metadata":{"name":"x"},"spec":{"containers":[]}}"#,
    );
    write("notes.txt", yaml);
    let pods = read(folder.path(), "n1").unwrap();
    let (uid, pod) = pods.first_key_value().unwrap();
    assert_eq!(pods.len(), 1);
    assert_eq!(pod.metadata.name.as_deref(), Some("web-n1"));
    assert_eq!(pod.metadata.namespace.as_deref(), Some("default"));
    assert_eq!(pod.spec.as_ref().unwrap().node_name.as_deref(), Some("n1"));
    write("web.yaml", &yaml.replace("image: web", "image: other"));
    assert!(!read(folder.path(), "n1").unwrap().contains_key(uid));
}
