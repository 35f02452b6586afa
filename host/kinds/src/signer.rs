//! Names of those who sign certificates, and of the bundles in which they are trusted.
//!
//! See <https://kubernetes.io/docs/reference/access-authn-authz/certificate-signing-requests/#signers>.

use std::collections::BTreeMap;

use meta::names;

use crate::check::{At, Errors};

const DOMAIN_BYTES_MAX: usize = 253;
/// A label, a dot and a subdomain.
const PATH_BYTES_MAX: usize = 63 + 1 + 253;
const NAME_BYTES_MAX: usize = DOMAIN_BYTES_MAX + 1 + PATH_BYTES_MAX;

/// What is wrong with the name of a signer, `example.com/path`.
pub(crate) fn signer_name(errors: &mut Errors, at: &At<'_>, name: &str) {
    if name.is_empty() {
        errors.required(at, "");
        return;
    }
    let Some((domain, path)) = name.split_once('/').filter(|(_, path)| !path.contains('/')) else {
        let detail =
            "must be a fully qualified domain and path of the form 'example.com/signer-name'";
        errors.invalid(at, name, detail);
        return;
    };
    if domain.len() > DOMAIN_BYTES_MAX {
        errors.too_long(at, DOMAIN_BYTES_MAX);
    }
    labels(errors, at, domain, names::is_dns1123_label);
    if !domain.contains('.') {
        let detail = "should be a domain with at least two segments separated by dots";
        errors.invalid(at, domain, detail);
    }
    labels(errors, at, path, names::is_dns1123_subdomain);
    if name.len() > NAME_BYTES_MAX {
        errors.too_long(at, NAME_BYTES_MAX);
    }
}

/// Checks labels up to the first bad one; the others would only repeat its message.
fn labels(errors: &mut Errors, at: &At<'_>, text: &str, rule: fn(&str) -> Vec<String>) {
    let bad = text.split('.').map(|label| (label, rule(label))).find(|(_, bad)| !bad.is_empty());
    let Some((label, messages)) = bad else { return };
    for message in messages {
        let detail = format!("validating label {}: {message}", meta::quote(label));
        errors.invalid(at, text, detail);
    }
}

/// How long certificates of Pods live at least.
pub(crate) const CERTIFICATE_SECS_MIN: i32 = 3600;
const CERTIFICATE_SECS_MAX: i32 = 91 * 24 * 3600;
const KUBERNETES_CERTIFICATE_SECS_MAX: i32 = 24 * 3600;

/// How long certificates that a signer makes for Pods may live at most.
pub(crate) fn certificate_secs_max(signer: &str) -> i32 {
    if is_kubernetes_signer(signer) {
        KUBERNETES_CERTIFICATE_SECS_MAX
    } else {
        CERTIFICATE_SECS_MAX
    }
}

/// Whether the signer is one of Kubernetes itself.
fn is_kubernetes_signer(name: &str) -> bool {
    let domain = name.split('/').next().unwrap_or_default();
    domain == "kubernetes.io" || domain.ends_with(".kubernetes.io")
}

/// What is wrong with the name of an object that belongs to a signer, or to none if that is empty: the name begins with that of the signer, and
/// `rule` says what is wrong with the rest.
pub(crate) fn own_name(
    signer: &str,
    name: &str,
    rule: impl FnOnce(&str) -> Vec<String>,
) -> Vec<String> {
    if signer.is_empty() {
        if name.contains(':') {
            let text = "ClusterTrustBundle without signer name must not have \":\" in its name";
            return vec![text.to_owned()];
        }
        return rule(name);
    }
    let prefix = format!("{}:", signer.replace('/', ":"));
    match name.strip_prefix(&prefix) {
        Some(own) => rule(own),
        None => vec![format!(
            "ClusterTrustBundle for signerName {signer} must be named with prefix {prefix}"
        )],
    }
}

/// What is wrong with the name of a bundle. Bundles of a signer begin with its name: `example.com:path:rest`.
pub(crate) fn trust_bundle_name(name: &str) -> Vec<String> {
    let own = name.rsplit_once(':').map_or(name, |(_, own)| own);
    names::is_dns1123_subdomain(own)
}

const ANNOTATIONS_BYTES_MAX: usize = 256 * 1024;

/// What is wrong with words of a user to a signer.
pub(crate) fn user_annotations(
    errors: &mut Errors,
    at: &At<'_>,
    annotations: &BTreeMap<String, String>,
) {
    for key in annotations.keys() {
        // The rule is one of lower case, and Kubernetes shows what it checked.
        let key = key.to_lowercase();
        let messages = names::is_qualified_name(&key);
        if key.is_empty() {
            errors.required(at, "");
        } else if messages.is_empty() && !key.contains('/') {
            errors.invalid(at, &key, "must be a domain-prefixed key (such as \"acme.io/foo\")");
        } else {
            errors.invalid_each(at, &key, messages);
        }
    }
    let bytes: usize = annotations.iter().map(|(key, value)| key.len() + value.len()).sum();
    if bytes > ANNOTATIONS_BYTES_MAX {
        errors.too_long(at, ANNOTATIONS_BYTES_MAX);
    }
}
