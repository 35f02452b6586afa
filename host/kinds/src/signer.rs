//! Names of those who sign certificates, and of the bundles in which they are trusted.
//!
//! See <https://kubernetes.io/docs/reference/access-authn-authz/certificate-signing-requests/#signers>.

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

/// Whether the signer is one of Kubernetes itself.
pub(crate) fn is_kubernetes_signer(name: &str) -> bool {
    let domain = name.split('/').next().unwrap_or_default();
    domain == "kubernetes.io" || domain.ends_with(".kubernetes.io")
}

/// What is wrong with the name of a bundle. Bundles of a signer begin with its name: `example.com:path:rest`.
pub(crate) fn trust_bundle_name(name: &str) -> Vec<String> {
    let own = name.rsplit_once(':').map_or(name, |(_, own)| own);
    names::is_dns1123_subdomain(own)
}
