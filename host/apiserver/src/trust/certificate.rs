//! Making and reading certificates: the authority, what it signs, and what a certificate on disk says.

use std::net::IpAddr;
use std::path::Path;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use rcgen::{
    BasicConstraints, Certificate, CertificateParams, DistinguishedName, DnType,
    ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair, KeyUsagePurpose, PKCS_ECDSA_P256_SHA256,
};
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject as _;
use x509_parser::prelude::{FromDer as _, GeneralName, X509Certificate};

use super::plan::Seen;
use super::{Client, Error, Identity};

const AUTHORITY_LIFE: SignedDuration = SignedDuration::from_hours(24 * 3650);
const LEAF_LIFE: SignedDuration = SignedDuration::from_hours(24 * 365);
/// How far a client's clock may be behind.
const BACKDATED: SignedDuration = SignedDuration::from_hours(1);

/// The authority: its certificate and the key that signs.
pub(super) struct Authority {
    certificate: String,
    issuer: Issuer<'static, KeyPair>,
}

impl std::fmt::Debug for Authority {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Authority").finish_non_exhaustive()
    }
}

impl Authority {
    pub(super) fn new(now: Timestamp) -> Result<Self, Error> {
        Self::with_key(KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256)?, now)
    }

    pub(super) fn from_identity(identity: &Identity, path: &Path) -> Result<Self, Error> {
        let damaged = |problem: String| Error::damaged(path, problem);
        let key = KeyPair::from_pem(&identity.key)
            .map_err(|error| damaged(format!("its key cannot be used: {error}")))?;
        let issuer = Issuer::from_ca_cert_pem(&identity.certificate, key)
            .map_err(|error| damaged(error.to_string()))?;
        Ok(Self { certificate: identity.certificate.clone(), issuer })
    }

    /// A later certificate for the same key and name: what the old one vouched for stays valid.
    pub(super) fn renewed(&self, now: Timestamp) -> Result<Self, Error> {
        Self::with_key(KeyPair::from_pem(&self.issuer.key().serialize_pem())?, now)
    }

    fn with_key(key: KeyPair, now: Timestamp) -> Result<Self, Error> {
        let mut params = own_params(now, AUTHORITY_LIFE, "skiff-ca", &[]);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![
            KeyUsagePurpose::DigitalSignature,
            KeyUsagePurpose::KeyCertSign,
            KeyUsagePurpose::CrlSign,
        ];
        let certificate = params.self_signed(&key)?.pem();
        Ok(Self { certificate, issuer: Issuer::new(params, key) })
    }

    pub(super) fn certificate(&self) -> &str {
        &self.certificate
    }

    pub(super) fn issuer(&self) -> &Issuer<'static, KeyPair> {
        &self.issuer
    }

    pub(super) fn identity(&self) -> Identity {
        let key = self.issuer.key().serialize_pem();
        Identity { certificate: self.certificate.clone(), key }
    }

    pub(super) fn issue_server(&self, names: &[String], now: Timestamp) -> Result<Identity, Error> {
        let mut params = own_params(now, LEAF_LIFE, "kubernetes", &[]);
        params.subject_alt_names = CertificateParams::new(names.to_vec())?.subject_alt_names;
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        self.issue(params)
    }

    pub(super) fn issue_client(&self, client: &Client, now: Timestamp) -> Result<Identity, Error> {
        let mut params = own_params(now, LEAF_LIFE, &client.user, &client.groups);
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        self.issue(params)
    }

    fn issue(&self, mut params: CertificateParams) -> Result<Identity, Error> {
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.use_authority_key_identifier_extension = true;
        let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256)?;
        let certificate: Certificate = params.signed_by(&key, &self.issuer)?;
        Ok(Identity { certificate: certificate.pem(), key: key.serialize_pem() })
    }
}

fn own_params(
    now: Timestamp,
    life: SignedDuration,
    user: &str,
    groups: &[String],
) -> CertificateParams {
    let begin = now.saturating_sub(BACKDATED).unwrap_or(Timestamp::UNIX_EPOCH);
    params(begin, now.saturating_add(life).unwrap_or(Timestamp::MAX), user, groups)
}

pub(super) fn params(
    begin: Timestamp,
    end: Timestamp,
    user: &str,
    groups: &[String],
) -> CertificateParams {
    let mut params = CertificateParams::default();
    let epoch = rcgen::date_time_ymd(1970, 1, 1);
    let since_epoch =
        |time: Timestamp| Duration::from_secs(u64::try_from(time.as_second()).unwrap_or_default());
    params.not_before = epoch + since_epoch(begin);
    params.not_after = epoch + since_epoch(end);
    let mut name = DistinguishedName::new();
    for group in groups {
        name.push(DnType::OrganizationName, group.as_str());
    }
    name.push(DnType::CommonName, user);
    params.distinguished_name = name;
    params
}

/// What the first certificate of `identity` says. Fails if it is none, or if the key is not its own.
pub(super) fn inspect(
    identity: &Identity,
    authority: &Authority,
    path: &Path,
) -> Result<Seen, Error> {
    let damaged = |problem: &str| Error::damaged(path, problem);
    let der = CertificateDer::from_pem_slice(identity.certificate.as_bytes())
        .map_err(|_| damaged("it holds no PEM certificate"))?;
    let (_, parsed) = X509Certificate::from_der(&der)
        .map_err(|_| damaged("its certificate cannot be decoded"))?;
    let key = KeyPair::from_pem(&identity.key).map_err(|_| damaged("its key cannot be used"))?;
    if rcgen::PublicKeyData::der_bytes(&key) != parsed.public_key().subject_public_key.data.as_ref()
    {
        return Err(damaged("its key belongs to another certificate"));
    }
    let time = |time: x509_parser::time::ASN1Time| {
        Timestamp::from_second(time.timestamp()).unwrap_or(Timestamp::MIN)
    };
    let (user, groups) = subject(&parsed);
    Ok(Seen {
        not_before: time(parsed.validity().not_before),
        not_after: time(parsed.validity().not_after),
        names: names(&parsed),
        user,
        groups,
        is_ours: is_signed_by(&parsed, authority),
    })
}

/// The user and the groups that a client certificate names: its common name and its organizations.
pub(crate) fn subject(certificate: &X509Certificate<'_>) -> (String, Vec<String>) {
    let text = |attribute: &x509_parser::x509::AttributeTypeAndValue<'_>| {
        attribute.as_str().ok().map(ToString::to_string)
    };
    let subject = certificate.subject();
    // Where a name is given twice the last one counts, as in Go's parser.
    let user = subject.iter_common_name().filter_map(text).last().unwrap_or_default();
    (user, subject.iter_organization().filter_map(text).collect())
}

fn names(certificate: &X509Certificate<'_>) -> Vec<String> {
    let Ok(Some(extension)) = certificate.subject_alternative_name() else { return Vec::new() };
    let names = extension.value.general_names.iter();
    names
        .filter_map(|name| match name {
            GeneralName::DNSName(name) => Some((*name).to_string()),
            GeneralName::IPAddress(bytes) => {
                let four = <[u8; 4]>::try_from(*bytes).map(IpAddr::from);
                let address = four.or_else(|_| <[u8; 16]>::try_from(*bytes).map(IpAddr::from));
                address.ok().map(|address| address.to_string())
            }
            _ => None,
        })
        .collect()
}

fn is_signed_by(certificate: &X509Certificate<'_>, authority: &Authority) -> bool {
    let Ok(der) = CertificateDer::from_pem_slice(authority.certificate.as_bytes()) else {
        return false;
    };
    let Ok((_, authority)) = X509Certificate::from_der(&der) else { return false };
    certificate.verify_signature(Some(authority.public_key())).is_ok()
}
