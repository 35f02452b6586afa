//! Certificates that others ask for: the name and the key are theirs, everything else is decided here.
//!
//! What `rcgen` writes has one text for each kind of attribute, and knows the keys that it can make itself. So
//! it writes a certificate for another name and key, and those of the request take their places, as they are,
//! before it is signed.
//!
//! See <https://kubernetes.io/docs/reference/access-authn-authz/certificate-signing-requests/>.

use jiff::Timestamp;
use kinds::certificates::pkcs10::{self, Subject};
use kinds::certificates::x509;
use pem::{EncodeConfig, LineEnding, Pem};
use rcgen::{
    CustomExtension, ExtendedKeyUsagePurpose, KeyUsagePurpose, SanType, SerialNumber,
    SigningKey as _,
};
use x509_parser::asn1_rs::{Any, BitString, FromDer as _, Sequence, ToDer as _};

use super::certificate::{Authority, params};

/// What shall be signed.
#[derive(Debug, Clone, Copy)]
pub struct Order<'a> {
    /// A PKCS #10 request in PEM.
    pub request: &'a [u8],
    /// What the certificate is for, in Kubernetes' words.
    pub usages: &'a [String],
    pub not_before: Timestamp,
    /// Until when, unless the authority ends earlier.
    pub not_after: Timestamp,
}

/// Why a request is not signed.
#[derive(Debug, thiserror::Error)]
pub enum RequestError {
    #[error("the request cannot be signed")]
    Request(#[from] pkcs10::Error),
    #[error("unrecognized usage: {0:?}")]
    Usage(String),
    #[error("the authority has ended at {0}")]
    Ended(Timestamp),
    #[error("a name in the request is not ASCII")]
    Name(#[source] rcgen::Error),
    #[error("the certificate cannot be made")]
    Issue(#[source] rcgen::Error),
    #[error("the certificate that was made cannot be read")]
    Shape,
}

const KEY_USAGES: [(&str, KeyUsagePurpose); 10] = [
    ("signing", KeyUsagePurpose::DigitalSignature),
    ("digital signature", KeyUsagePurpose::DigitalSignature),
    ("content commitment", KeyUsagePurpose::ContentCommitment),
    ("key encipherment", KeyUsagePurpose::KeyEncipherment),
    ("key agreement", KeyUsagePurpose::KeyAgreement),
    ("data encipherment", KeyUsagePurpose::DataEncipherment),
    ("cert sign", KeyUsagePurpose::KeyCertSign),
    ("crl sign", KeyUsagePurpose::CrlSign),
    ("encipher only", KeyUsagePurpose::EncipherOnly),
    ("decipher only", KeyUsagePurpose::DecipherOnly),
];

/// Purposes in the order in which certificates list them.
fn purposes() -> [(&'static str, ExtendedKeyUsagePurpose); 13] {
    use ExtendedKeyUsagePurpose as Purpose;
    let ipsec = |last| Purpose::Other(vec![1, 3, 6, 1, 5, 5, 7, 3, last]);
    [
        ("any", Purpose::Any),
        ("server auth", Purpose::ServerAuth),
        ("client auth", Purpose::ClientAuth),
        ("code signing", Purpose::CodeSigning),
        ("email protection", Purpose::EmailProtection),
        ("s/mime", Purpose::EmailProtection),
        ("ipsec end system", ipsec(5)),
        ("ipsec tunnel", ipsec(6)),
        ("ipsec user", ipsec(7)),
        ("timestamping", Purpose::TimeStamping),
        ("ocsp signing", Purpose::OcspSigning),
        ("microsoft sgc", Purpose::Other(vec![1, 3, 6, 1, 4, 1, 311, 10, 3, 3])),
        ("netscape sgc", Purpose::Other(vec![2, 16, 840, 1, 113_730, 4, 1])),
    ]
}

impl Authority {
    /// Signs what was asked for; PEM.
    pub(super) fn sign(&self, order: &Order<'_>) -> Result<String, RequestError> {
        let (subject, raw) = pkcs10::read_signed(order.request)?;
        let end = x509::not_after(self.certificate().as_bytes()).ok_or(RequestError::Shape)?;
        if order.not_before >= end {
            return Err(RequestError::Ended(end));
        }
        let mut params = params(order.not_before, order.not_after.min(end), "", &[]);
        params.use_authority_key_identifier_extension = true;
        // Otherwise it follows from the key, which is not the one of the request.
        params.serial_number = Some(serial());
        params.subject_alt_names = names(&subject).map_err(RequestError::Name)?;
        (params.key_usages, params.extended_key_usages) = usages(order.usages)?;
        params.custom_extensions = vec![no_authority()];
        let issuer = self.issuer();
        let draft = params.signed_by(issuer.key(), issuer).map_err(RequestError::Issue)?;
        let to_sign = taken_over(draft.der(), &raw).ok_or(RequestError::Shape)?;
        let signature = issuer.key().sign(&to_sign).map_err(RequestError::Issue)?;
        let der = signed(draft.der(), &to_sign, &signature).ok_or(RequestError::Shape)?;
        let lines = EncodeConfig::new().set_line_ending(LineEnding::LF);
        Ok(pem::encode_config(&Pem::new("CERTIFICATE", der), lines))
    }
}

/// 127 random bits: the number is positive.
fn serial() -> SerialNumber {
    let mut bytes: [u8; 16] = rand::random();
    bytes[0] &= 0x7f;
    SerialNumber::from_slice(&bytes)
}

fn names(subject: &Subject) -> Result<Vec<SanType>, rcgen::Error> {
    let mut names = Vec::new();
    for name in &subject.dns_names {
        names.push(SanType::DnsName(name.as_str().try_into()?));
    }
    for email in &subject.emails {
        names.push(SanType::Rfc822Name(email.as_str().try_into()?));
    }
    names.extend(subject.addresses.iter().copied().map(SanType::IpAddress));
    for uri in &subject.uris {
        names.push(SanType::URI(uri.as_str().try_into()?));
    }
    Ok(names)
}

type Usages = (Vec<KeyUsagePurpose>, Vec<ExtendedKeyUsagePurpose>);

fn usages(wanted: &[String]) -> Result<Usages, RequestError> {
    let purposes = purposes();
    let is_known = |usage: &str| {
        KEY_USAGES.iter().any(|(name, _)| *name == usage)
            || purposes.iter().any(|(name, _)| *name == usage)
    };
    if let Some(usage) = wanted.iter().find(|usage| !is_known(usage)) {
        return Err(RequestError::Usage(usage.clone()));
    }
    let is_wanted = |name: &str| wanted.iter().any(|usage| usage == name);
    let mut keys: Vec<_> =
        KEY_USAGES.iter().filter(|(name, _)| is_wanted(name)).map(|(_, usage)| *usage).collect();
    keys.dedup();
    let mut ends: Vec<_> =
        purposes.into_iter().filter(|(name, _)| is_wanted(name)).map(|(_, usage)| usage).collect();
    ends.dedup();
    Ok((keys, ends))
}

/// Says that this is no authority: basic constraints without content.
fn no_authority() -> CustomExtension {
    let mut extension = CustomExtension::from_oid_content(&[2, 5, 29, 19], vec![0x30, 0]);
    extension.set_criticality(true);
    extension
}

/// Where the name and the key of a certificate stand among the parts that are signed.
const NAME: usize = 5;
const KEY: usize = 6;

/// What is to be signed: the draft with the name and the key of the request.
fn taken_over(draft: &[u8], raw: &pkcs10::Raw) -> Option<Vec<u8>> {
    let mut parts = parts(parts(draft)?.first()?)?;
    *parts.get_mut(NAME)? = &raw.name;
    *parts.get_mut(KEY)? = &raw.key;
    sequence(&parts.concat())
}

/// The draft with other content and its signature.
fn signed(draft: &[u8], to_sign: &[u8], signature: &[u8]) -> Option<Vec<u8>> {
    let algorithm = *parts(draft)?.get(1)?;
    let signature = BitString::new(0, signature).to_der_vec().ok()?;
    sequence(&[to_sign, algorithm, &signature].concat())
}

fn sequence(content: &[u8]) -> Option<Vec<u8>> {
    Sequence::new(content.into()).to_der_vec().ok()
}

/// The encoded parts of an encoded sequence.
fn parts(der: &[u8]) -> Option<Vec<&[u8]>> {
    let (_, whole) = Any::from_der(der).ok()?;
    let mut rest = whole.data;
    let mut parts = Vec::new();
    while !rest.is_empty() {
        let (next, _) = Any::from_der(rest).ok()?;
        parts.push(rest.get(..rest.len() - next.len())?);
        rest = next;
    }
    Some(parts)
}

#[cfg(test)]
mod tests;
