//! The key that signs `ServiceAccount` tokens: ES256, made at the first start. Its public half is published
//! as a JSON Web Key Set, so that others can check tokens as well.
//!
//! Signatures only: which claims a token carries and whether they hold is `authentication`'s business.
//!
//! Background: <https://kubernetes.io/docs/tasks/configure-pod-container/configure-service-account/#serviceaccount-token-volume-projection>

use std::sync::Once;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::crypto::{CryptoProvider, JwtSigner, JwtVerifier, KeyUtils};
use jsonwebtoken::errors::{Error as JwtError, ErrorKind};
use jsonwebtoken::signature::{self, Verifier};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use rcgen::{KeyPair, PKCS_ECDSA_P256_SHA256, PublicKeyData as _};
use ring::rand::SystemRandom;
use ring::signature::{
    ECDSA_P256_SHA256_FIXED, ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, UnparsedPublicKey,
};
use serde::Serialize;
use serde::de::DeserializeOwned;
use sha2::Digest as _;

use super::Error;

const ALGORITHM: Algorithm = Algorithm::ES256;
/// Bytes of an uncompressed point: a marker and two coordinates.
const POINT: usize = 65;

/// A new signing key, as PEM.
pub(super) fn generate() -> Result<String, Error> {
    Ok(KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256)?.serialize_pem())
}

/// Signs claims, and takes signed claims apart.
pub struct Signer {
    key_id: String,
    private: EncodingKey,
    public: DecodingKey,
    point: Vec<u8>,
}

impl std::fmt::Debug for Signer {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Signer").field("key_id", &self.key_id).finish_non_exhaustive()
    }
}

impl Signer {
    pub(crate) fn from_pem(pem: &str) -> Result<Self, Error> {
        install_provider();
        let pair = KeyPair::from_pem(pem)?;
        let private = EncodingKey::from_ec_pem(pem.as_bytes()).map_err(Error::SigningKey)?;
        let point = pair.der_bytes().to_vec();
        if !pair.is_compatible(&PKCS_ECDSA_P256_SHA256) || point.len() != POINT {
            return Err(Error::SigningKey(JwtError::from(ErrorKind::InvalidEcdsaKey)));
        }
        // The same derivation as in Kubernetes, so that a key keeps its name when a cluster moves.
        let key_id = URL_SAFE_NO_PAD.encode(sha2::Sha256::digest(pair.subject_public_key_info()));
        Ok(Self { key_id, private, public: DecodingKey::from_ec_der(&point), point })
    }

    /// A key that lives as long as the process, for servers without a data folder and for tests.
    pub fn ephemeral() -> Result<Self, Error> {
        Self::from_pem(&generate()?)
    }

    /// The token that carries `claims`.
    pub fn sign<C: Serialize>(&self, claims: &C) -> Result<String, JwtError> {
        let mut header = Header::new(ALGORITHM);
        header.kid = Some(self.key_id.clone());
        header.typ = None;
        jsonwebtoken::encode(&header, claims, &self.private)
    }

    /// The claims of a token that this key has signed. Times and audiences are not looked at.
    pub fn open<C: DeserializeOwned>(&self, token: &str) -> Result<C, JwtError> {
        let mut validation = Validation::new(ALGORITHM);
        validation.validate_exp = false;
        validation.validate_nbf = false;
        validation.validate_aud = false;
        validation.required_spec_claims.clear();
        jsonwebtoken::decode(token, &self.public, &validation).map(|data| data.claims)
    }

    /// The public half, as JSON Web Key Set.
    pub fn key_set(&self) -> serde_json::Value {
        let (x, y) = self.point.get(1..).unwrap_or_default().split_at(POINT / 2);
        serde_json::json!({ "keys": [{
            "use": "sig",
            "kty": "EC",
            "kid": self.key_id,
            "crv": "P-256",
            "alg": "ES256",
            "x": URL_SAFE_NO_PAD.encode(x),
            "y": URL_SAFE_NO_PAD.encode(y),
        }] })
    }
}

/// Gives the token library the cryptography that TLS uses as well.
fn install_provider() {
    static ONCE: Once = Once::new();
    static PROVIDER: CryptoProvider = CryptoProvider {
        signer_factory: |algorithm, key| match algorithm {
            Algorithm::ES256 => {
                Ok(Box::new(Es256Signer::new(key.as_bytes())?) as Box<dyn JwtSigner>)
            }
            _ => Err(ErrorKind::InvalidAlgorithm.into()),
        },
        verifier_factory: |algorithm, key| match algorithm {
            Algorithm::ES256 => {
                let point = key.try_get_as_bytes()?.to_vec();
                Ok(Box::new(Es256Verifier { point }) as Box<dyn JwtVerifier>)
            }
            _ => Err(ErrorKind::InvalidAlgorithm.into()),
        },
        key_utils: KeyUtils::new_unimplemented(),
    };
    ONCE.call_once(|| {
        if PROVIDER.install_default().is_err() {
            tracing::debug!("another part of the process has chosen the token cryptography");
        }
    });
}

struct Es256Signer {
    pair: EcdsaKeyPair,
    random: SystemRandom,
}

impl Es256Signer {
    fn new(pkcs8: &[u8]) -> Result<Self, JwtError> {
        let random = SystemRandom::new();
        let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, pkcs8, &random)
            .map_err(|_| JwtError::from(ErrorKind::InvalidEcdsaKey))?;
        Ok(Self { pair, random })
    }
}

impl signature::Signer<Vec<u8>> for Es256Signer {
    fn try_sign(&self, message: &[u8]) -> Result<Vec<u8>, signature::Error> {
        let signed = self.pair.sign(&self.random, message).map_err(|_| signature::Error::new())?;
        Ok(signed.as_ref().to_vec())
    }
}

impl JwtSigner for Es256Signer {
    fn algorithm(&self) -> Algorithm {
        ALGORITHM
    }
}

struct Es256Verifier {
    point: Vec<u8>,
}

impl Verifier<Vec<u8>> for Es256Verifier {
    fn verify(&self, message: &[u8], signature: &Vec<u8>) -> Result<(), signature::Error> {
        UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, &self.point)
            .verify(message, signature)
            .map_err(|_| signature::Error::new())
    }
}

impl JwtVerifier for Es256Verifier {
    fn algorithm(&self) -> Algorithm {
        ALGORITHM
    }
}
