//! Certificates as they stand in PEM blocks.
//!
//! See <https://www.rfc-editor.org/rfc/rfc5280>.

use x509_parser::certificate::X509Certificate;
use x509_parser::prelude::FromDer as _;

/// What lines around a block call it.
pub(super) const LABEL: &str = "CERTIFICATE";

/// The certificate that these bytes are.
pub(super) fn read(der: &[u8]) -> Option<X509Certificate<'_>> {
    match X509Certificate::from_der(der) {
        Ok(([], certificate)) => Some(certificate),
        Ok(_) | Err(_) => None,
    }
}
