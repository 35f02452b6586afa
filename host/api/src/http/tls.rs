//! What a client trusts and how it proves itself.

use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::CryptoProvider;
use rustls::{
    CipherSuite, ClientConfig, ConfigBuilder, DigitallySignedStruct, RootCertStore,
    SignatureScheme, WantsVerifier,
};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};

use super::Error;
use crate::kubeconfig::Target;

pub(super) fn config(target: &Target, protocols: &[&[u8]]) -> Result<ClientConfig, Error> {
    let builder = builder()?;
    let builder = if target.insecure {
        let provider = Arc::clone(builder.crypto_provider());
        builder.dangerous().with_custom_certificate_verifier(Arc::new(AnyServer(provider)))
    } else {
        builder.with_root_certificates(roots(target)?)
    };
    let mut config = match &target.identity {
        Some((chain, key)) => {
            let chain = certificates(chain).map_err(|e| bad("the client certificate", e))?;
            let key = PrivateKeyDer::from_pem_slice(key).map_err(|e| bad("the client key", e))?;
            let built = builder.with_client_auth_cert(chain, key);
            built.map_err(|e| bad("the client certificate and its key", e))?
        }
        None => builder.with_no_client_auth(),
    };
    config.alpn_protocols = protocols.iter().map(|p| p.to_vec()).collect();
    Ok(config)
}

/// Trusts whom this machine trusts, and the authorities given as PEM.
pub fn trusting(authorities: &[u8]) -> Result<ClientConfig, Error> {
    let mut roots = system_roots();
    add(&mut roots, authorities)?;
    Ok(builder()?.with_root_certificates(roots).with_no_client_auth())
}

fn builder() -> Result<ConfigBuilder<ClientConfig, WantsVerifier>, Error> {
    let mut provider = rustls::crypto::ring::default_provider();
    // As Go's clients and browsers ask for it: 128 bits are enough, and cost less than 256. The sort keeps the order of the others.
    provider
        .cipher_suites
        .sort_by_key(|suite| suite.suite() != CipherSuite::TLS13_AES_128_GCM_SHA256);
    ClientConfig::builder_with_provider(Arc::new(provider))
        .with_safe_default_protocol_versions()
        .map_err(|e| bad("the TLS versions", e))
}

fn roots(target: &Target) -> Result<RootCertStore, Error> {
    let Some(pem) = &target.authorities else { return Ok(system_roots()) };
    let mut roots = RootCertStore::empty();
    add(&mut roots, pem)?;
    Ok(roots)
}

fn system_roots() -> RootCertStore {
    let mut roots = RootCertStore::empty();
    // Systems hold old certificates that no library takes, and some have none at all: the rest is good.
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    roots
}

fn add(roots: &mut RootCertStore, pem: &[u8]) -> Result<(), Error> {
    for certificate in certificates(pem).map_err(|e| bad("the certificate authority", e))? {
        roots.add(certificate).map_err(|e| bad("the certificate authority", e))?;
    }
    Ok(())
}

fn certificates(pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, rustls_pki_types::pem::Error> {
    CertificateDer::pem_slice_iter(pem).collect()
}

fn bad(what: &'static str, source: impl std::error::Error + Send + Sync + 'static) -> Error {
    Error::Tls { what, source: Box::new(source) }
}

/// `insecure-skip-tls-verify`: the connection is encrypted, to whomever.
#[derive(Debug)]
struct AnyServer(Arc<CryptoProvider>);

impl ServerCertVerifier for AnyServer {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let known = &self.0.signature_verification_algorithms;
        rustls::crypto::verify_tls12_signature(message, certificate, signed, known)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let known = &self.0.signature_verification_algorithms;
        rustls::crypto::verify_tls13_signature(message, certificate, signed, known)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}
