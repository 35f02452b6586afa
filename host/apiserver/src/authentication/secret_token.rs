//! Tokens of `ServiceAccounts` that are kept in Secrets: they have no end, and count as long as account and Secret are there and the Secret
//! still holds them.
//!
//! See <https://kubernetes.io/docs/concepts/configuration/secret/#serviceaccount-token-secrets>.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jsonwebtoken::errors::Error as JwtError;
use meta::{GroupResource, Key};
use serde::{Deserialize, Serialize};
use store::Snapshot;

use super::service_account::{claimed, groups, user_name};
use super::stored::Metadata;
use crate::seams::Identity;
use crate::trust::signing::Signer;

/// Who issues such tokens, in every cluster.
pub(super) const ISSUER: &str = "kubernetes/serviceaccount";

/// What such a token says.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct SecretToken {
    iss: String,
    #[serde(rename = "kubernetes.io/serviceaccount/namespace")]
    namespace: String,
    #[serde(rename = "kubernetes.io/serviceaccount/secret.name")]
    secret: String,
    #[serde(rename = "kubernetes.io/serviceaccount/service-account.name")]
    account: String,
    #[serde(rename = "kubernetes.io/serviceaccount/service-account.uid")]
    uid: String,
    sub: String,
}

impl SecretToken {
    /// The token of an account, to be kept in a Secret of its namespace.
    pub fn new(namespace: &str, account: &str, uid: &str, secret: &str) -> Self {
        Self {
            iss: ISSUER.to_owned(),
            namespace: namespace.to_owned(),
            secret: secret.to_owned(),
            account: account.to_owned(),
            uid: uid.to_owned(),
            sub: user_name(namespace, account),
        }
    }

    /// The token in its compact form.
    pub fn sign(&self, signer: &Signer) -> Result<String, JwtError> {
        signer.sign(self)
    }

    pub(super) fn identity(&self) -> Identity {
        Identity {
            name: user_name(&self.namespace, &self.account),
            uid: self.uid.clone(),
            groups: groups(&self.namespace),
            ..Identity::default()
        }
    }

    /// Why the token does not count any more. `token` is its compact form.
    pub(super) fn check(&self, token: &str, snapshot: &Snapshot) -> Result<(), String> {
        if self.sub != user_name(&self.namespace, &self.account) {
            return Err("sub claim is not that of the service account".to_owned());
        }
        let secret = Held::read(snapshot, &self.namespace, &self.secret);
        let secret = secret.filter(|secret| secret.metadata.deletion_timestamp.is_none());
        let Some(secret) = secret else {
            return Err("service account token has been invalidated".to_owned());
        };
        if STANDARD.decode(&secret.data.token).ok().as_deref() != Some(token.as_bytes()) {
            return Err("service account token does not match the one in its secret".to_owned());
        }
        let account = claimed(snapshot, &self.namespace, &self.account, &self.uid)?;
        if account.metadata.deletion_timestamp.is_some() {
            return Err(format!(
                "service account {}/{} has been deleted",
                self.namespace, self.account
            ));
        }
        Ok(())
    }
}

/// The part of a Secret that counts.
#[derive(Deserialize)]
struct Held {
    metadata: Metadata,
    #[serde(default)]
    data: Data,
}

#[derive(Default, Deserialize)]
struct Data {
    #[serde(default)]
    token: String,
}

impl Held {
    fn read(snapshot: &Snapshot, namespace: &str, name: &str) -> Option<Self> {
        let key = Key::new(&GroupResource::new("", "secrets"), namespace, name);
        serde_json::from_slice(&snapshot.get(key.as_str())?.body).ok()
    }
}
