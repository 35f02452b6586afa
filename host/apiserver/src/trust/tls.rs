//! The TLS side of trust: which certificate a handshake presents (the newest one, swapped in while
//! running), that clients are asked for a certificate, and whether such a certificate leads to the authority.

use std::path::Path;
use std::sync::Arc;

use arc_swap::ArcSwapOption;
use rustls::client::danger::HandshakeSignatureValid;
use rustls::crypto::{CryptoProvider, WebPkiSupportedAlgorithms};
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::server::{ClientHello, ResolvesServerCert, WebPkiClientVerifier};
use rustls::sign::CertifiedKey;
use rustls::{
    DigitallySignedStruct, DistinguishedName, RootCertStore, ServerConfig, SignatureScheme,
};
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, PrivateKeyDer, UnixTime};

use super::{Error, Identity};

/// Hands out the certificate of the moment.
#[derive(Debug, Default)]
pub(super) struct Resolver {
    current: ArcSwapOption<CertifiedKey>,
}

impl Resolver {
    pub(super) fn swap(&self, identity: &Identity, path: &Path) -> Result<(), Error> {
        let damaged = |problem: String| Error::damaged(path, problem);
        let chain: Vec<_> = CertificateDer::pem_slice_iter(identity.certificate.as_bytes())
            .collect::<Result<_, _>>()
            .map_err(|error| damaged(error.to_string()))?;
        let key = PrivateKeyDer::from_pem_slice(identity.key.as_bytes())
            .map_err(|error| damaged(format!("its key cannot be read: {error}")))?;
        let certified = CertifiedKey::from_der(chain, key, &provider()).map_err(Error::Tls)?;
        self.current.store(Some(Arc::new(certified)));
        Ok(())
    }
}

impl ResolvesServerCert for Resolver {
    fn resolve(&self, _hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        self.current.load_full()
    }
}

/// A listener's configuration: HTTP/2 and 1.1, client certificates asked for.
pub(super) fn server_config(resolver: Arc<Resolver>) -> Result<Arc<ServerConfig>, Error> {
    let provider = Arc::new(provider());
    let algorithms = provider.signature_verification_algorithms;
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(Error::Tls)?
        .with_client_cert_verifier(Arc::new(AskForCertificate { algorithms }))
        .with_cert_resolver(resolver);
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}

/// Checks that a client holds the key of the certificate it sends, and leaves open whose certificate that is:
/// authentication refuses a foreign one with an answer that says so, or lets a token count instead.
#[derive(Debug)]
struct AskForCertificate {
    algorithms: WebPkiSupportedAlgorithms,
}

impl ClientCertVerifier for AskForCertificate {
    fn client_auth_mandatory(&self) -> bool {
        false
    }

    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &[]
    }

    fn verify_client_cert(
        &self,
        _end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _now: UnixTime,
    ) -> Result<ClientCertVerified, rustls::Error> {
        Ok(ClientCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        rustls::crypto::verify_tls12_signature(message, certificate, signed, &self.algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        rustls::crypto::verify_tls13_signature(message, certificate, signed, &self.algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}

/// Tells whether a chain of certificates leads to the authority.
pub struct ClientVerifier(Arc<dyn ClientCertVerifier>);

impl std::fmt::Debug for ClientVerifier {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_tuple("ClientVerifier").finish()
    }
}

impl ClientVerifier {
    pub(super) fn new(authority: &str) -> Result<Self, Error> {
        let mut roots = RootCertStore::empty();
        for certificate in CertificateDer::pem_slice_iter(authority.as_bytes()).flatten() {
            roots.add(certificate).map_err(Error::Tls)?;
        }
        WebPkiClientVerifier::builder_with_provider(Arc::new(roots), Arc::new(provider()))
            .build()
            .map(Self)
            .map_err(|error| Error::Tls(rustls::Error::General(error.to_string())))
    }

    /// Checks signatures, validity and purpose of the first certificate of `chain`.
    pub fn verify(
        &self,
        chain: &[CertificateDer<'static>],
        now: jiff::Timestamp,
    ) -> Result<(), rustls::Error> {
        let Some((own, intermediates)) = chain.split_first() else {
            return Err(rustls::Error::NoCertificatesPresented);
        };
        let seconds = u64::try_from(now.as_second()).unwrap_or_default();
        let now = UnixTime::since_unix_epoch(std::time::Duration::from_secs(seconds));
        self.0.verify_client_cert(own, intermediates, now).map(|_| ())
    }
}

fn provider() -> CryptoProvider {
    rustls::crypto::ring::default_provider()
}
