//! Certificates as they stand in PEM blocks.
//!
//! See <https://www.rfc-editor.org/rfc/rfc5280>.

use jiff::Timestamp;
use x509_parser::certificate::X509Certificate;
use x509_parser::prelude::FromDer as _;

use crate::pem;

/// What lines around a block call it.
pub(super) const LABEL: &str = "CERTIFICATE";

/// The certificate that these bytes are.
pub(super) fn read(der: &[u8]) -> Option<X509Certificate<'_>> {
    match X509Certificate::from_der(der) {
        Ok(([], certificate)) => Some(certificate),
        Ok(_) | Err(_) => None,
    }
}

/// Until when the first certificate of a PEM text is valid; none if it is no certificate.
#[must_use]
pub fn not_after(pem: &[u8]) -> Option<Timestamp> {
    let blocks = pem::blocks(pem);
    let block = blocks.first().filter(|block| block.label == LABEL)?;
    let end = read(&block.contents)?.validity().not_after.timestamp();
    Timestamp::from_second(end).ok()
}
