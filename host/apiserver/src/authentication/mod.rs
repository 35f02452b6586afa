//! Who a caller is: by client certificate, by bearer token (static, `ServiceAccount` or bootstrap), or nobody known.
//!
//! Certificates and signatures are checked once and remembered; whether a token's `ServiceAccount` and Pod still exist is looked up for each
//! request. What a known caller may do is `authorization`'s business.
//!
//! Start from [`Authenticator`]. See <https://kubernetes.io/docs/reference/access-authn-authz/authentication/>.

mod bearer;
mod bootstrap_token;
mod certificate;
mod impersonate;
mod openid;
mod recent;
mod reviews;
mod secret_token;
mod service_account;
mod static_tokens;
mod stored;
mod token_request;

use std::collections::BTreeMap;
use std::sync::Arc;

use futures::future::BoxFuture;
use http::request::Parts;
use meta::Clock;
use store::Store;

use crate::seams::{Authenticate, Identity, Peer, TokenAnswer};
use crate::trust::ClientVerifier;

pub(crate) use bearer::PROTOCOL_PREFIX;
pub(crate) use impersonate::impersonate;
pub(crate) use openid::openid;
pub(crate) use reviews::{self_subject_review, token_review};
pub use secret_token::SecretToken;
pub use service_account::Tokens;
pub use static_tokens::{Error as StaticTokensError, StaticTokens};
pub(crate) use token_request::{DEFAULT_SECS as TOKEN_SECS, token_request};

use certificate::Certificates;

const AUTHENTICATED: &str = "system:authenticated";
const UNAUTHENTICATED: &str = "system:unauthenticated";
const ANONYMOUS: &str = "system:anonymous";
const CREDENTIAL_ID: &str = "authentication.kubernetes.io/credential-id";
const INVALID_TOKEN: &str = "invalid bearer token";

/// Tries the ways to tell who one is, in order.
#[derive(Debug)]
pub struct Authenticator {
    store: Arc<Store>,
    clock: Arc<dyn Clock>,
    certificates: Certificates,
    static_tokens: StaticTokens,
    tokens: Tokens,
}

impl Authenticator {
    pub fn new(
        store: Arc<Store>,
        clock: Arc<dyn Clock>,
        verifier: ClientVerifier,
        static_tokens: StaticTokens,
        tokens: Tokens,
    ) -> Self {
        Self { store, clock, certificates: Certificates::new(verifier), static_tokens, tokens }
    }

    /// Whose token it is, for any of `audiences`, and for which of them.
    fn token(&self, token: &str, audiences: &[String]) -> Result<(Identity, Vec<String>), String> {
        if let Some(identity) = self.static_tokens.find(token) {
            return Ok((identity, audiences.to_vec()));
        }
        let snapshot = self.store.snapshot();
        let now = self.clock.now();
        let mut reason = INVALID_TOKEN.to_owned();
        match self.tokens.authenticate(token, audiences, &snapshot, now) {
            Ok(Some(found)) => return Ok(found),
            Ok(None) => {}
            Err(text) => reason = format!("[{INVALID_TOKEN}, {text}]"),
        }
        match bootstrap_token::authenticate(token, &snapshot, now) {
            Some(identity) => Ok((identity, audiences.to_vec())),
            None => Err(reason),
        }
    }

    fn caller(&self, parts: &Parts, peer: &Peer) -> Result<Option<Arc<Identity>>, String> {
        let mut failure = None;
        if !peer.certificates.chain().is_empty() {
            match self.certificates.authenticate(&peer.certificates, self.clock.now()) {
                Ok(Some(identity)) => return Ok(Some(identity)),
                Ok(None) => {}
                Err(reason) => failure = Some(reason),
            }
        }
        let Some(token) = bearer::token(&parts.headers)? else {
            return failure.map_or(Ok(None), Err);
        };
        let (identity, _) = self.token(&token, self.tokens.audiences())?;
        Ok(Some(Arc::new(authenticated(identity))))
    }
}

impl Authenticate for Authenticator {
    fn authenticate<'a>(
        &'a self,
        parts: &'a Parts,
        peer: &'a Peer,
    ) -> BoxFuture<'a, Result<Option<Arc<Identity>>, String>> {
        Box::pin(async move { self.caller(parts, peer) })
    }

    fn review(&self, token: &str, audiences: &[String]) -> TokenAnswer {
        let asked = if audiences.is_empty() { self.tokens.audiences() } else { audiences };
        match self.token(token, asked) {
            Ok((identity, audiences)) => Ok((authenticated(identity), audiences)),
            Err(reason) => Err(reason),
        }
    }

    fn tokens(&self) -> Option<&Tokens> {
        Some(&self.tokens)
    }
}

/// Adds the group that everybody is in who is known.
fn authenticated(mut identity: Identity) -> Identity {
    let says = |group: &str| identity.groups.iter().any(|own| own == group);
    if identity.name != ANONYMOUS && !says(AUTHENTICATED) && !says(UNAUTHENTICATED) {
        identity.groups.push(AUTHENTICATED.to_owned());
    }
    identity
}

fn credential(id: String) -> BTreeMap<String, Vec<String>> {
    BTreeMap::from([(CREDENTIAL_ID.to_owned(), vec![id])])
}

#[cfg(test)]
mod tests;
