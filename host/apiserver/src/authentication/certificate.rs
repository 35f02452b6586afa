//! Callers with a client certificate: the common name is the user, the organizations are its groups.

use std::fmt::Write as _;
use std::sync::Arc;

use jiff::Timestamp;
use x509_parser::prelude::{FromDer as _, X509Certificate};

use super::recent::Recent;
use super::{authenticated, credential};
use crate::seams::{ClientCertificates, Identity};
use crate::trust::{self, ClientVerifier};

#[derive(Debug)]
pub(super) struct Certificates {
    verifier: ClientVerifier,
    verified: Recent<Verified>,
}

/// What a certificate says that leads to the authority.
#[derive(Debug, Clone)]
struct Verified {
    identity: Option<Arc<Identity>>,
    not_before: i64,
    not_after: i64,
}

impl Certificates {
    pub(super) fn new(verifier: ClientVerifier) -> Self {
        Self { verifier, verified: Recent::default() }
    }

    /// The caller; nobody if the certificate is good but names no user.
    pub(super) fn authenticate(
        &self,
        certificates: &ClientCertificates,
        now: Timestamp,
    ) -> Result<Option<Arc<Identity>>, String> {
        let Some(own) = certificates.chain().first() else { return Ok(None) };
        let key = certificates.digest();
        if let Some(known) = self.verified.get(key)
            && (known.not_before..=known.not_after).contains(&now.as_second())
        {
            return Ok(known.identity);
        }
        self.verifier
            .verify(certificates.chain(), now)
            .map_err(|error| format!("verifying the client certificate failed: {error}"))?;
        let (_, parsed) = X509Certificate::from_der(own)
            .map_err(|_| "the client certificate cannot be decoded".to_owned())?;
        let (name, groups) = trust::subject(&parsed);
        let mut id = "X509SHA256=".to_owned();
        for byte in key {
            let _ = write!(id, "{byte:02x}");
        }
        let identity = Identity { name, groups, extra: credential(id), ..Identity::default() };
        let identity = (!identity.name.is_empty()).then(|| Arc::new(authenticated(identity)));
        let validity = parsed.validity();
        let verified = Verified {
            identity: identity.clone(),
            not_before: validity.not_before.timestamp(),
            not_after: validity.not_after.timestamp(),
        };
        self.verified.put(*key, verified);
        Ok(identity)
    }
}
