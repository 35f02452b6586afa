//! Volumes that gather files from several sources.
//!
//! See <https://kubernetes.io/docs/concepts/storage/projected-volumes/>.

use std::collections::BTreeSet;

use k8s_openapi::api::core::v1::{
    ClusterTrustBundleProjection, KeyToPath, PodCertificateProjection, ProjectedVolumeSource,
    ServiceAccountTokenProjection, VolumeProjection,
};

use super::volume;
use crate::check::{At, Errors};
use crate::internal;
use crate::label_selector;
use crate::signer::{
    CERTIFICATE_SECS_MIN, certificate_secs_max, signer_name, trust_bundle_name, user_annotations,
};
use crate::wire::OrEmpty;

/// Paths that earlier sources have taken, and where to report a clash.
struct Paths<'a> {
    taken: BTreeSet<&'a str>,
    at: &'a At<'a>,
}

impl<'a> Paths<'a> {
    fn take(&mut self, errors: &mut Errors, path: &'a str, shown: &str) {
        if !path.is_empty() && !self.taken.insert(path) {
            errors.invalid(self.at, shown, "conflicting duplicate paths");
        }
    }

    fn take_all(&mut self, errors: &mut Errors, keys: &'a [KeyToPath], shown: &str) {
        for key in keys {
            self.take(errors, &key.path, shown);
        }
    }
}

pub(super) fn validate(errors: &mut Errors, at: &At<'_>, projected: &ProjectedVolumeSource) {
    volume::mode(errors, &at.field("defaultMode"), projected.default_mode);
    let mut paths = Paths { taken: BTreeSet::new(), at };
    let sources_at = at.field("sources");
    for (index, source) in projected.sources.or_empty().iter().enumerate() {
        let source_at = sources_at.index(index);
        let count = validate_source(errors, &source_at, source, &mut paths);
        if count > 1 {
            let detail = "may not specify more than 1 volume type per source";
            errors.forbidden(&source_at, detail);
        }
    }
}

fn validate_source<'a>(
    errors: &mut Errors,
    at: &At<'_>,
    source: &'a VolumeProjection,
    paths: &mut Paths<'a>,
) -> usize {
    let mut count = 0;
    let objects = [
        ("secret", source.secret.as_ref().map(|source| (&source.name, &source.items))),
        ("configMap", source.config_map.as_ref().map(|source| (&source.name, &source.items))),
    ];
    for (field, object) in objects {
        let Some((name, items)) = object else {
            continue;
        };
        count += 1;
        let at = at.field(field);
        volume::required(errors, &at, "name", name);
        volume::keys(errors, &at.field("items"), items.or_empty());
        paths.take_all(errors, items.or_empty(), name);
    }
    if let Some(api) = &source.downward_api {
        count += 1;
        for file in api.items.or_empty() {
            volume::downward_api_file(errors, &at.field("downwardAPI"), file);
            paths.take(errors, &file.path, &file.path);
        }
    }
    if let Some(token) = &source.service_account_token {
        count += 1;
        service_account_token(errors, &at.field("serviceAccountToken"), token, paths.at);
    }
    if let Some(bundle) = &source.cluster_trust_bundle {
        count += 1;
        trust_bundle(errors, &at.field("clusterTrustBundle"), bundle);
        paths.take(errors, &bundle.path, &bundle.path);
    }
    if let Some(certificate) = &source.pod_certificate {
        count += 1;
        pod_certificate(errors, &at.field("podCertificate"), certificate, paths);
    }
    count
}

const TOKEN_SECS_MIN: i64 = 10 * 60;
const TOKEN_SECS_MAX: i64 = 1 << 32;

fn service_account_token(
    errors: &mut Errors,
    at: &At<'_>,
    token: &ServiceAccountTokenProjection,
    volume_at: &At<'_>,
) {
    let expiration_at = at.field("expirationSeconds");
    match token.expiration_seconds {
        None => errors.required(&expiration_at, ""),
        Some(secs) if secs < TOKEN_SECS_MIN => {
            let detail = "may not specify a duration less than 10 minutes";
            errors.invalid(&expiration_at, secs, detail);
        }
        Some(secs) if secs > TOKEN_SECS_MAX => {
            let detail = "may not specify a duration larger than 2^32 seconds";
            errors.invalid(&expiration_at, secs, detail);
        }
        Some(_) => {}
    }
    // Errors in this path name the volume and not the source.
    let path_at = volume_at.field("path");
    if token.path.is_empty() {
        errors.required(&path_at, "");
    } else {
        volume::local_path(errors, &path_at, &token.path);
    }
}

fn trust_bundle(errors: &mut Errors, at: &At<'_>, bundle: &ClusterTrustBundleProjection) {
    match (&bundle.name, &bundle.signer_name) {
        (Some(_), Some(_)) => {
            let detail = "only one of name and signerName may be used";
            errors.invalid(at, internal::value("@ClusterTrustBundleProjection", bundle), detail);
        }
        (Some(name), None) => {
            let name_at = at.field("name");
            if name.is_empty() {
                errors.required(&name_at, "must be a valid object name");
            }
            for message in trust_bundle_name(name) {
                let detail = format!("not a valid clustertrustbundlename: {message}");
                errors.invalid(&name_at, name, detail);
            }
            if let Some(selector) = &bundle.label_selector {
                let detail = "labelSelector must be unset if name is specified";
                errors.invalid(
                    &at.field("labelSelector"),
                    internal::value("@LabelSelector", selector),
                    detail,
                );
            }
        }
        (None, Some(signer)) => {
            let signer_at = at.field("signerName");
            if signer.is_empty() {
                errors.required(&signer_at, "must be a valid signer name");
            }
            signer_name(errors, &signer_at, signer);
            let selector = bundle.label_selector.as_ref();
            label_selector::validate(errors, &at.field("labelSelector"), selector);
        }
        (None, None) => errors.required(at, "either name or signerName must be specified"),
    }
    volume::required(errors, at, "path", &bundle.path);
    volume::local_path(errors, &at.field("path"), &bundle.path);
}

const KEY_TYPES: &[&str] =
    &["RSA3072", "RSA4096", "ECDSAP256", "ECDSAP384", "ECDSAP521", "ED25519"];

fn pod_certificate<'a>(
    errors: &mut Errors,
    at: &At<'_>,
    certificate: &'a PodCertificateProjection,
    paths: &mut Paths<'a>,
) {
    signer_name(errors, &at.field("signerName"), &certificate.signer_name);
    let annotations_at = at.field("userAnnotations");
    user_annotations(errors, &annotations_at, certificate.user_annotations.or_empty());
    errors.one_of(&at.field("keyType"), &certificate.key_type, KEY_TYPES);
    if let Some(secs) = certificate.max_expiration_seconds {
        let at = at.field("maxExpirationSeconds");
        if secs < CERTIFICATE_SECS_MIN {
            let detail =
                format!("if provided, maxExpirationSeconds must be >= {CERTIFICATE_SECS_MIN}");
            errors.invalid(&at, secs, detail);
        }
        let max = certificate_secs_max(&certificate.signer_name);
        if secs > max {
            let detail = format!("if provided, maxExpirationSeconds must be <= {max}");
            errors.invalid(&at, secs, detail);
        }
    }
    let mut has_path = false;
    for (field, path) in [
        ("credentialBundlePath", &certificate.credential_bundle_path),
        ("keyPath", &certificate.key_path),
        ("certificateChainPath", &certificate.certificate_chain_path),
    ] {
        let path = path.or_empty();
        if !path.is_empty() {
            has_path = true;
            volume::local_path(errors, &at.field(field), path);
            paths.take(errors, path, path);
        }
    }
    if !has_path {
        let detail = "specify at least one of credentialBundlePath, keyPath, and \
                      certificateChainPath";
        errors.required(at, detail);
    }
}
