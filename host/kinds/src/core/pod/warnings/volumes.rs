//! Advice about volumes: drivers that are gone, and files that hide each other.

use k8s_openapi::api::core::v1::{KeyToPath, Volume, VolumeProjection};
use meta::quote;

use crate::check::At;
use crate::core::volume_claim;
use crate::wire::OrEmpty;

/// Drivers that are gone or about to go.
pub(super) fn deprecated(warnings: &mut Vec<String>, at: &At<'_>, volume: &Volume) {
    if volume.photon_persistent_disk.is_some() {
        let at = at.field("photonPersistentDisk");
        warnings.push(format!("{at}: deprecated in v1.11, non-functional in v1.16+"));
    }
    if volume.git_repo.is_some() {
        let at = at.field("gitRepo");
        warnings.push(format!("{at}: deprecated in v1.11, and disabled by default in v1.33+"));
    }
    let of_old = [
        ("scaleIO", volume.scale_io.is_some(), "v1.16", "v1.22"),
        ("flocker", volume.flocker.is_some(), "v1.22", "v1.25"),
        ("storageOS", volume.storageos.is_some(), "v1.22", "v1.25"),
        ("quobyte", volume.quobyte.is_some(), "v1.22", "v1.25"),
        ("glusterfs", volume.glusterfs.is_some(), "v1.25", "v1.26"),
    ];
    let advise = |warnings: &mut Vec<String>, (field, deprecated, gone): (&str, &str, &str)| {
        let at = at.field(field);
        warnings.push(format!("{at}: deprecated in {deprecated}, non-functional in {gone}+"));
    };
    for (field, _, deprecated, gone) in of_old.into_iter().filter(|(_, is_set, ..)| *is_set) {
        advise(warnings, (field, deprecated, gone));
    }
    let template = volume.ephemeral.as_ref().and_then(|e| e.volume_claim_template.as_ref());
    if let Some(template) = template {
        let ephemeral_at = at.field("ephemeral");
        let template_at = ephemeral_at.field("volumeClaimTemplate");
        volume_claim::warn(warnings, &template_at.field("spec"), &template.spec);
    }
    if volume.cephfs.is_some() {
        advise(warnings, ("cephfs", "v1.28", "v1.31"));
    }
    if volume.rbd.is_some() {
        advise(warnings, ("rbd", "v1.28", "v1.31"));
    }
}

/// A file in a volume, and the source it comes from where there are several.
#[derive(Clone, PartialEq)]
struct Placed {
    path: String,
    source: String,
}

impl Placed {
    fn new(path: &str, source: impl Into<String>) -> Self {
        Self { path: path.trim_end_matches('/').to_owned(), source: source.into() }
    }

    fn overlaps(&self, other: &Self) -> bool {
        let (own, other) = (format!("{}/", self.path), format!("{}/", other.path));
        own != "/" && other != "/" && (own.starts_with(&other) || other.starts_with(&own))
    }
}

impl std::fmt::Display for Placed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&quote(&self.path))?;
        if self.source.is_empty() { Ok(()) } else { write!(f, " ({})", self.source) }
    }
}

/// Files of one volume that hide each other.
pub(super) fn overlapping_paths(warnings: &mut Vec<String>, volume: &Volume) {
    let name = quote(&volume.name);
    let mut warn = |what: &str, files: &[Placed]| {
        for (index, file) in files.iter().enumerate() {
            for earlier in files.iter().take(index).filter(|earlier| file.overlaps(earlier)) {
                warnings.push(format!(
                    "volume {name} ({what}): overlapping paths: {file} with {earlier}"
                ));
            }
        }
    };
    if let Some(source) = &volume.config_map {
        let what = format!("ConfigMap {}", quote(&source.name));
        warn(&what, &placed(source.items.or_empty(), ""));
    }
    if let Some(source) = &volume.secret {
        let what = format!("Secret {}", quote(source.secret_name.or_empty()));
        warn(&what, &placed(source.items.or_empty(), ""));
    }
    if let Some(source) = &volume.downward_api {
        let files = source.items.or_empty().iter().map(|file| Placed::new(&file.path, ""));
        warn("DownwardAPI", &files.collect::<Vec<_>>());
    }
    if let Some(projected) = &volume.projected {
        let sources = projected.sources.or_empty();
        let files: Vec<Placed> = sources.iter().flat_map(projected_files).collect();
        warn("Projected", &files);
        for _ in sources.iter().filter(|source| **source == VolumeProjection::default()) {
            warnings.push(format!("volume {name} (Projected) has no sources provided"));
        }
    }
}

fn placed(keys: &[KeyToPath], source: &str) -> Vec<Placed> {
    keys.iter().map(|key| Placed::new(&key.path, source)).collect()
}

fn projected_files(source: &VolumeProjection) -> Vec<Placed> {
    if let Some(map) = source.config_map.as_ref().filter(|map| map.items.is_some()) {
        return placed(map.items.or_empty(), &format!("ConfigMap {}", quote(&map.name)));
    }
    if let Some(secret) = source.secret.as_ref().filter(|secret| secret.items.is_some()) {
        return placed(secret.items.or_empty(), &format!("Secret {}", quote(&secret.name)));
    }
    if let Some(api) = source.downward_api.as_ref().filter(|api| api.items.is_some()) {
        let files = api.items.or_empty().iter();
        return files.map(|file| Placed::new(&file.path, "DownwardAPI")).collect();
    }
    if let Some(token) = &source.service_account_token {
        return vec![Placed::new(&token.path, "ServiceAccountToken")];
    }
    if let Some(bundle) = &source.cluster_trust_bundle {
        let name = bundle.name.as_ref().or(bundle.signer_name.as_ref()).map(String::as_str);
        let name = format!("ClusterTrustBundle {}", quote(name.unwrap_or_default()));
        return vec![Placed::new(&bundle.path, name)];
    }
    let Some(certificate) = &source.pod_certificate else {
        return Vec::new();
    };
    let files = [
        (&certificate.certificate_chain_path, "PodCertificate chain"),
        (&certificate.key_path, "PodCertificate key"),
        (&certificate.credential_bundle_path, "PodCertificate credential bundle"),
    ];
    let files = files.into_iter().filter(|(path, _)| !path.is_unset());
    files.map(|(path, what)| Placed::new(path.or_empty(), what)).collect()
}
