//! PKCS #10: what whoever wants a certificate sends to who signs it, in PEM.
//!
//! See <https://www.rfc-editor.org/rfc/rfc2986>.

use x509_parser::certification_request::X509CertificationRequest;
use x509_parser::prelude::FromDer as _;

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
    pub organizations: Vec<String>,
}

/// Reads a request.
pub fn read(pem: &[u8]) -> Result<Subject, Error> {
    parse(pem, |request| {
        let subject = &request.certification_request_info.subject;
        let organizations = subject.iter_organization().filter_map(|own| own.as_str().ok());
        Ok(Subject { organizations: organizations.map(str::to_owned).collect() })
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
