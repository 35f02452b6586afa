//! PKCS #10: what whoever wants a certificate sends to who signs it, in PEM.
//!
//! See <https://www.rfc-editor.org/rfc/rfc2986>.

use std::net::IpAddr;

use x509_parser::certification_request::X509CertificationRequest;
use x509_parser::extensions::ParsedExtension;
use x509_parser::prelude::{FromDer as _, GeneralName};

use crate::pem;

const LABEL: &str = "CERTIFICATE REQUEST";

/// Why a request for a certificate cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("PEM block type must be {LABEL}")]
    NotPem,
    #[error("the PEM block holds no certificate request")]
    NotDer,
    #[error("the signature is not that of the key in the request")]
    WrongSignature,
}

/// What a request says of whom it is for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Subject {
    pub common_name: String,
    pub organizations: Vec<String>,
    pub dns_names: Vec<String>,
    pub emails: Vec<String>,
    pub addresses: Vec<IpAddr>,
    pub uris: Vec<String>,
}

/// The parts of a request that a certificate repeats as they are, in DER.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Raw {
    pub name: Vec<u8>,
    pub key: Vec<u8>,
}

/// Reads a request.
pub fn read(pem: &[u8]) -> Result<Subject, Error> {
    parse(pem, |request| Ok(subject(request)))
}

/// Reads a request that was made by who has the key.
pub fn read_signed(pem: &[u8]) -> Result<(Subject, Raw), Error> {
    parse(pem, |request| {
        request.verify_signature().map_err(|_| Error::WrongSignature)?;
        let info = &request.certification_request_info;
        let raw = Raw { name: info.subject.as_raw().to_vec(), key: info.subject_pki.raw.to_vec() };
        Ok((subject(request), raw))
    })
}

/// Whether it is a request, made by who has the key.
pub(crate) fn verify(pem: &[u8]) -> Result<(), Error> {
    parse(pem, |request| request.verify_signature().map_err(|_| Error::WrongSignature))
}

fn parse<T>(
    text: &[u8],
    then: impl FnOnce(&X509CertificationRequest<'_>) -> Result<T, Error>,
) -> Result<T, Error> {
    let blocks = pem::blocks(text);
    let block = blocks.first().filter(|block| block.label == LABEL).ok_or(Error::NotPem)?;
    match X509CertificationRequest::from_der(&block.contents) {
        Ok(([], request)) => then(&request),
        Ok(_) | Err(_) => Err(Error::NotDer),
    }
}

fn subject(request: &X509CertificationRequest<'_>) -> Subject {
    let name = &request.certification_request_info.subject;
    let text =
        |own: &x509_parser::x509::AttributeTypeAndValue<'_>| own.as_str().ok().map(str::to_owned);
    let mut subject = Subject {
        // Where a name is given twice the last one counts, as in Go's parser.
        common_name: name.iter_common_name().filter_map(text).last().unwrap_or_default(),
        organizations: name.iter_organization().filter_map(text).collect(),
        ..Subject::default()
    };
    for extension in request.requested_extensions().into_iter().flatten() {
        let ParsedExtension::SubjectAlternativeName(names) = extension else { continue };
        for name in &names.general_names {
            add(&mut subject, name);
        }
    }
    subject
}

fn add(subject: &mut Subject, name: &GeneralName<'_>) {
    match name {
        GeneralName::DNSName(name) => subject.dns_names.push((*name).to_owned()),
        GeneralName::RFC822Name(email) => subject.emails.push((*email).to_owned()),
        GeneralName::URI(uri) => subject.uris.push((*uri).to_owned()),
        GeneralName::IPAddress(bytes) => {
            let four = <[u8; 4]>::try_from(*bytes).map(IpAddr::from);
            let address = four.or_else(|_| <[u8; 16]>::try_from(*bytes).map(IpAddr::from));
            subject.addresses.extend(address);
        }
        // Nobody signs other names.
        _ => {}
    }
}
