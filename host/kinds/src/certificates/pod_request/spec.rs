//! What a request for a certificate of a Pod must say.

use k8s_openapi::api::certificates::v1::PodCertificateRequestSpec;
use meta::field::{BadValue, FieldError};
use x509_parser::certification_request::X509CertificationRequest;
use x509_parser::oid_registry::{
    OID_EC_P256, OID_KEY_TYPE_EC_PUBLIC_KEY, OID_NIST_EC_P384, OID_NIST_EC_P521, OID_SIG_ED25519,
};
use x509_parser::prelude::FromDer as _;
use x509_parser::public_key::PublicKey;
use x509_parser::x509::SubjectPublicKeyInfo;

use super::{DEFAULT_SECS, SPEC};
use crate::check::{At, Errors};
use crate::wire::OrEmpty;
use crate::{NameRule, signer};

pub(super) fn validate(spec: &PodCertificateRequestSpec) -> Vec<FieldError> {
    let mut errors = Errors::new();
    signer::signer_name(&mut errors, &SPEC.field("signerName"), &spec.signer_name);
    let annotations = spec.unverified_user_annotations.or_empty();
    signer::user_annotations(&mut errors, &SPEC.field("unverifiedUserAnnotations"), annotations);
    for (name_at, name, uid_at, uid) in [
        ("podName", &spec.pod_name, "podUID", &spec.pod_uid),
        (
            "serviceAccountName",
            &spec.service_account_name,
            "serviceAccountUID",
            &spec.service_account_uid,
        ),
        ("nodeName", &spec.node_name, "nodeUID", &spec.node_uid),
    ] {
        errors.invalid_each(&SPEC.field(name_at), name, NameRule::Subdomain.check(name));
        validate_uid(&mut errors, &SPEC.field(uid_at), uid);
    }
    let (min, max) =
        (signer::CERTIFICATE_SECS_MIN, signer::certificate_secs_max(&spec.signer_name));
    let secs = spec.max_expiration_seconds.unwrap_or(DEFAULT_SECS);
    if !(min..=max).contains(&secs) {
        let detail = format!("must be in the range [{min}, {max}]");
        errors.invalid(&SPEC.field("maxExpirationSeconds"), secs, detail);
    }
    validate_request(&mut errors, &spec.stub_pkc_s10_request.0);
    errors.into_list()
}

const UID_BYTES_MAX: usize = 128;

fn validate_uid(errors: &mut Errors, at: &At<'_>, uid: &str) {
    if uid.is_empty() {
        errors.invalid(at, uid, "must not be empty");
    }
    if uid.len() > UID_BYTES_MAX {
        errors.too_long(at, UID_BYTES_MAX);
    }
}

const REQUEST_BYTES_MAX: usize = 10 * 1024;
const UNREADABLE: &str = "must be a valid PKCS#10 CSR";

fn validate_request(errors: &mut Errors, der: &[u8]) {
    let at = SPEC.field("stubPKCS10Request");
    if der.is_empty() {
        let detail = "exactly one of (stubPKCS10Request) or (pkixPublicKey, proofOfPossession) \
                      must be set";
        errors.invalid(&SPEC, BadValue::Omitted, detail);
        return;
    }
    if der.len() > REQUEST_BYTES_MAX {
        errors.too_long(&at, REQUEST_BYTES_MAX);
        return;
    }
    let Some(request) = read(der) else {
        errors.invalid(&at, BadValue::Omitted, UNREADABLE);
        return;
    };
    if let Err((shown, detail)) = validate_key(&request.certification_request_info.subject_pki) {
        errors.invalid(&at, shown, detail);
    } else if request.verify_signature().is_err() {
        errors.invalid(&at, BadValue::Omitted, "invalid signature");
    }
}

/// The request for a certificate that these bytes are.
fn read(der: &[u8]) -> Option<X509CertificationRequest<'_>> {
    match X509CertificationRequest::from_der(der) {
        Ok(([], request)) => Some(request),
        Ok(_) | Err(_) => None,
    }
}

/// The key for which these bytes ask for a certificate.
pub(super) fn key(der: &[u8]) -> Option<Vec<u8>> {
    read(der).map(|request| request.certification_request_info.subject_pki.raw.to_vec())
}

const RSA_BITS: &[usize] = &[3072, 4096];

/// Refuses keys that are weak, or of a kind that not everybody knows.
fn validate_key(key: &SubjectPublicKeyInfo<'_>) -> Result<(), (BadValue, &'static str)> {
    let algorithm = &key.algorithm.algorithm;
    match key.parsed() {
        Ok(PublicKey::RSA(rsa)) if RSA_BITS.contains(&rsa.key_size()) => Ok(()),
        Ok(PublicKey::RSA(rsa)) => {
            let shown = format!("{}-bit modulus", rsa.key_size());
            Err((shown.into(), "RSA keys must have modulus size 3072 or 4096"))
        }
        Ok(_) if *algorithm == OID_KEY_TYPE_EC_PUBLIC_KEY => {
            let curve = key.algorithm.parameters.as_ref().and_then(|any| any.as_oid().ok());
            let known = [OID_EC_P256, OID_NIST_EC_P384, OID_NIST_EC_P521];
            if curve.is_some_and(|curve| known.contains(&curve)) {
                Ok(())
            } else {
                Err((BadValue::Omitted, UNREADABLE))
            }
        }
        Ok(_) if *algorithm == OID_SIG_ED25519 => Ok(()),
        Ok(_) => Err((
            BadValue::Omitted,
            "unknown public key type; supported types are Ed25519, ECDSA, and RSA",
        )),
        Err(_) => Err((BadValue::Omitted, UNREADABLE)),
    }
}
