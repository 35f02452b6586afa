//! What holds for requests for certificates, and what may be changed through which path.

use std::collections::BTreeSet;

use k8s_openapi::api::certificates::v1::{
    CertificateSigningRequest, CertificateSigningRequestCondition, CertificateSigningRequestSpec,
};
use meta::field::{BadValue, FieldError};

use super::super::{pkcs10, x509};
use super::{APPROVED, DENIED, FAILED, conditions};
use crate::check::{At, Errors, json};
use crate::wire::OrEmpty;
use crate::{pem, signer};

/// The path that writes.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Through {
    Main,
    Status,
    Approval,
}

const SPEC: At<'static> = At::root("spec");
const STATUS: At<'static> = At::root("status");

/// What is wrong with a new request.
pub(super) fn create(request: &CertificateSigningRequest) -> Vec<FieldError> {
    let mut errors = Errors::new();
    whole(&mut errors, request, None);
    errors.into_list()
}

/// What is wrong with a request that replaces `old`.
pub(super) fn update(
    new: &CertificateSigningRequest,
    old: &CertificateSigningRequest,
    through: Through,
) -> Vec<FieldError> {
    let mut errors = Errors::new();
    whole(&mut errors, new, Some(old));
    let at = STATUS.field("conditions");
    for name in [APPROVED, DENIED, FAILED] {
        if of_type(new, name).len() < of_type(old, name).len() {
            let name = meta::quote(name);
            errors.forbidden(&at, format!("updates may not remove a condition of type {name}"));
        }
    }
    // A decision is made through `/approval` only.
    if through != Through::Approval {
        for name in [APPROVED, DENIED] {
            if of_type(new, name).len() > of_type(old, name).len() {
                let name = meta::quote(name);
                errors.forbidden(&at, format!("updates may not add a condition of type {name}"));
            }
        }
    }
    let known = certificate(old);
    if certificate(new) != known {
        let at = STATUS.field("certificate");
        if through != Through::Status {
            errors.forbidden(&at, "updates may not set certificate content");
        } else if !known.is_empty() {
            errors.forbidden(&at, "updates may not modify existing certificate content");
        }
    }
    one_decision(&mut errors, new);
    errors.into_list()
}

/// A request is approved or denied, not both.
fn one_decision(errors: &mut Errors, request: &CertificateSigningRequest) {
    if of_type(request, APPROVED).is_empty() || of_type(request, DENIED).is_empty() {
        return;
    }
    let members = [APPROVED, DENIED].map(|name| format!("conditions[{{\"type\": \"{name}\"}}]"));
    let detail = format!("must specify at most one of: `{}`", members.join("`, `"));
    let shown = format!("{{{}}}", members.join(", "));
    errors.invalid(&STATUS.field("conditions"), shown, detail);
}

fn certificate(request: &CertificateSigningRequest) -> &[u8] {
    let status = request.status.as_ref();
    status.and_then(|status| status.certificate.as_ref()).map(|bytes| &*bytes.0).unwrap_or_default()
}

fn of_type<'a>(
    request: &'a CertificateSigningRequest,
    name: &str,
) -> Vec<&'a CertificateSigningRequestCondition> {
    conditions(request).iter().filter(|condition| condition.type_ == name).collect()
}

/// What is wrong with a request by itself. What was accepted before can be carried along.
fn whole(
    errors: &mut Errors,
    request: &CertificateSigningRequest,
    old: Option<&CertificateSigningRequest>,
) {
    let spec = &request.spec;
    if let Err(error) = pkcs10::verify(&spec.request.0) {
        let is_missing = spec.request.0.is_empty();
        let shown = if is_missing { BadValue::null() } else { json(&spec.request) };
        errors.invalid(&SPEC.field("request"), shown, error.to_string());
    }
    usages(errors, spec);
    let signer_at = SPEC.field("signerName");
    if spec.signer_name == LEGACY_SIGNER {
        let detail = "the legacy signerName is not allowed via this API version";
        errors.invalid(&signer_at, &spec.signer_name, detail);
    } else {
        signer::signer_name(errors, &signer_at, &spec.signer_name);
    }
    if let Some(secs) = spec.expiration_seconds.filter(|secs| *secs < EXPIRATION_SECS_MIN) {
        let detail = "may not specify a duration less than 600 seconds (10 minutes)";
        errors.invalid(&SPEC.field("expirationSeconds"), secs, detail);
    }
    validate_conditions(errors, conditions(request));
    let content = certificate(request);
    if old.is_none_or(|old| certificate(old) != content)
        && let Err(text) = validate_certificate(content)
    {
        errors.invalid(&STATUS.field("certificate"), "<certificate data>", text);
    }
}

const LEGACY_SIGNER: &str = "kubernetes.io/legacy-unknown";
const EXPIRATION_SECS_MIN: i32 = 600;
const USAGES: &[&str] = &[
    "any",
    "cert sign",
    "client auth",
    "code signing",
    "content commitment",
    "crl sign",
    "data encipherment",
    "decipher only",
    "digital signature",
    "email protection",
    "encipher only",
    "ipsec end system",
    "ipsec tunnel",
    "ipsec user",
    "key agreement",
    "key encipherment",
    "microsoft sgc",
    "netscape sgc",
    "ocsp signing",
    "s/mime",
    "server auth",
    "signing",
    "timestamping",
];

fn usages(errors: &mut Errors, spec: &CertificateSigningRequestSpec) {
    let (usages, all) = (spec.usages.or_empty(), SPEC.field("usages"));
    if usages.is_empty() {
        errors.required(&all, "");
    }
    for (index, usage) in usages.iter().enumerate() {
        errors.one_of(&all.index(index), usage, USAGES);
    }
    let mut seen = BTreeSet::new();
    for (index, usage) in usages.iter().enumerate() {
        if !seen.insert(usage) {
            errors.duplicate(&all.index(index), usage);
        }
    }
}

fn validate_conditions(errors: &mut Errors, conditions: &[CertificateSigningRequestCondition]) {
    let all = STATUS.field("conditions");
    let mut seen = BTreeSet::new();
    for (index, condition) in conditions.iter().enumerate() {
        let at = all.index(index);
        let (name, type_at) = (condition.type_.as_str(), at.field("type"));
        if name.is_empty() {
            errors.required(&type_at, "");
        }
        let allowed: &[&str] = match name {
            APPROVED | DENIED | FAILED => &["True"],
            _ => &["False", "True", "Unknown"],
        };
        errors.required_one_of(&at.field("status"), &condition.status, allowed);
        if !seen.insert(name) {
            errors.duplicate(&type_at, name);
        }
    }
}

fn validate_certificate(text: &[u8]) -> Result<(), String> {
    if text.is_empty() {
        return Ok(());
    }
    let blocks = pem::blocks(text);
    for block in &blocks {
        if block.label != x509::LABEL {
            let label = meta::quote(block.label);
            return Err(format!("only CERTIFICATE PEM blocks are allowed, found {label}"));
        }
        if block.has_headers {
            return Err("no PEM block headers are permitted".to_owned());
        }
        if block.contents.is_empty() {
            return Err("found CERTIFICATE PEM block containing 0 certificates".to_owned());
        }
        if x509::read(&block.contents).is_none() {
            return Err("a CERTIFICATE PEM block holds no certificate".to_owned());
        }
    }
    if blocks.is_empty() {
        return Err("must contain at least one CERTIFICATE PEM block".to_owned());
    }
    Ok(())
}
