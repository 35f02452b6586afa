//! Tokens of `ServiceAccounts`: what they claim, who they are, and whether they still count.
//!
//! A token counts as long as its times hold and as the `ServiceAccount` and the Pod, Secret or Node it is bound to exist with the same uid.
//!
//! See <https://kubernetes.io/docs/reference/access-authn-authz/service-accounts-admin/#bound-service-account-tokens>.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use store::Snapshot;

use super::recent::{Recent, digest};
use super::secret_token::{self, SecretToken};
use super::stored::{self, Stored};
use super::{CREDENTIAL_ID, credential};
use crate::seams::Identity;
use crate::trust::signing::Signer;

pub(super) const PREFIX: &str = "system:serviceaccount:";
const ALL_ACCOUNTS: &str = "system:serviceaccounts";
/// How far clocks may differ, and how long something that is being deleted still counts.
const LEEWAY: SignedDuration = SignedDuration::from_secs(60);
/// Longer texts are no tokens of ours and are not looked at.
const TOKEN_BYTES_MAX: usize = 16 * 1024;

/// What a token says.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Claims {
    #[serde(default, deserialize_with = "one_or_many")]
    pub(super) aud: Vec<String>,
    #[serde(default)]
    pub(super) exp: i64,
    #[serde(default)]
    pub(super) iat: i64,
    #[serde(default)]
    pub(super) iss: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub(super) jti: String,
    #[serde(rename = "kubernetes.io")]
    pub(super) kubernetes: Bound,
    #[serde(default)]
    pub(super) nbf: i64,
    #[serde(default)]
    pub(super) sub: String,
}

/// What a token is bound to.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct Bound {
    #[serde(default)]
    pub(super) namespace: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) node: Option<Reference>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) pod: Option<Reference>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) secret: Option<Reference>,
    #[serde(default)]
    pub(super) serviceaccount: Reference,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) warnafter: Option<i64>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Reference {
    #[serde(default)]
    pub(super) name: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub(super) uid: String,
}

/// Issues and recognizes the tokens of `ServiceAccounts`.
#[derive(Debug)]
pub struct Tokens {
    signer: Arc<Signer>,
    issuer: String,
    audiences: Vec<String>,
    /// Claims whose signature was found good.
    opened: Recent<Arc<Claims>>,
    /// The same of tokens that are kept in Secrets.
    kept: Recent<Arc<SecretToken>>,
}

impl Tokens {
    /// `issuer` is the URL that tokens name; without other `audiences` it is the audience as well.
    pub fn new(signer: Arc<Signer>, issuer: &str, audiences: &[String]) -> Self {
        let audiences =
            if audiences.is_empty() { vec![issuer.to_owned()] } else { audiences.to_vec() };
        Self {
            signer,
            issuer: issuer.to_owned(),
            audiences,
            opened: Recent::default(),
            kept: Recent::default(),
        }
    }

    /// The audiences of tokens for this API.
    pub fn audiences(&self) -> &[String] {
        &self.audiences
    }

    pub(super) fn issuer(&self) -> &str {
        &self.issuer
    }

    pub(super) fn signer(&self) -> &Signer {
        &self.signer
    }

    pub(super) fn sign(&self, claims: &Claims) -> Result<String, String> {
        self.signer.sign(claims).map_err(|error| error.to_string())
    }

    /// Whose token it is and for which of `audiences`. Nothing if it is no token of ours; an error's text tells why a token does not count.
    pub(super) fn authenticate(
        &self,
        token: &str,
        audiences: &[String],
        snapshot: &Snapshot,
        now: Timestamp,
    ) -> Result<Option<(Identity, Vec<String>)>, String> {
        let issuer = if token.len() > TOKEN_BYTES_MAX { None } else { issuer_of(token) };
        let Some(issuer) = issuer else { return Ok(None) };
        if issuer == secret_token::ISSUER {
            let claims = open(&self.signer, &self.kept, token)?;
            let fitting = fitting(&[], audiences, &self.audiences)?;
            claims.check(token, snapshot)?;
            return Ok(Some((claims.identity(), fitting)));
        }
        if issuer != self.issuer {
            return Ok(None);
        }
        let claims = open(&self.signer, &self.opened, token)?;
        let fitting = fitting(&claims.aud, audiences, &self.audiences)?;
        check(&claims, snapshot, now)?;
        Ok(Some((identity(&claims), fitting)))
    }
}

/// The claims of a token, if the signature is good.
fn open<C: DeserializeOwned>(
    signer: &Signer,
    known: &Recent<Arc<C>>,
    token: &str,
) -> Result<Arc<C>, String> {
    let key = digest(token.as_bytes());
    if let Some(claims) = known.get(&key) {
        return Ok(claims);
    }
    let opened = signer.open(token).map_err(|_| "invalid signature, no keys found".to_owned())?;
    let claims = Arc::new(opened);
    known.put(key, Arc::clone(&claims));
    Ok(claims)
}

/// Reads the issuer without believing it, to leave foreign tokens to others.
fn issuer_of(token: &str) -> Option<String> {
    #[derive(Deserialize)]
    struct Issued {
        iss: String,
    }
    use base64::Engine as _;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;
    let payload = token.split('.').nth(1).unwrap_or_default();
    let bytes = URL_SAFE_NO_PAD.decode(payload).ok()?;
    serde_json::from_slice(&bytes).ok().map(|Issued { iss }| iss)
}

fn fitting(own: &[String], asked: &[String], implicit: &[String]) -> Result<Vec<String>, String> {
    let own = if own.is_empty() { implicit } else { own };
    let both: Vec<String> =
        own.iter().filter(|audience| asked.contains(audience)).cloned().collect();
    if !both.is_empty() {
        return Ok(both);
    }
    let list = |audiences: &[String]| {
        let quoted: Vec<String> = audiences.iter().map(|audience| meta::quote(audience)).collect();
        format!("[{}]", quoted.join(" "))
    };
    Err(format!(
        "token audiences {} is invalid for the target audiences {}",
        list(own),
        list(asked)
    ))
}

fn check(claims: &Claims, snapshot: &Snapshot, now: Timestamp) -> Result<(), String> {
    let (second, leeway) = (now.as_second(), LEEWAY.as_secs());
    if second > claims.exp.saturating_add(leeway) {
        return Err("service account token has expired".to_owned());
    }
    if second < claims.nbf.saturating_sub(leeway) {
        return Err("service account token is not valid yet".to_owned());
    }
    if second < claims.iat.saturating_sub(leeway) {
        return Err("service account token is issued in the future".to_owned());
    }
    let gone_before = now.saturating_sub(LEEWAY).unwrap_or(Timestamp::MIN);
    let is_gone = |object: &Stored| {
        object.metadata.deletion_timestamp.is_some_and(|deleted| deleted < gone_before)
    };
    let bound = &claims.kubernetes;
    let (namespace, account) = (bound.namespace.as_str(), &bound.serviceaccount);
    let name = account.name.as_str();
    if is_gone(&claimed(snapshot, namespace, name, &account.uid)?) {
        return Err(format!("service account {namespace}/{name} has been deleted"));
    }
    let must_exist = |resource, word: &str, namespace: &str, reference: &Reference| {
        let invalidated = || "service account token has been invalidated".to_owned();
        let object =
            stored::core(snapshot, resource, namespace, &reference.name).ok_or_else(invalidated)?;
        if object.metadata.uid != reference.uid {
            let (is, was) = (&object.metadata.uid, &reference.uid);
            let lower = word.to_ascii_lowercase();
            return Err(format!(
                "{word} UID ({is}) does not match service account {lower} ref claim ({was})"
            ));
        }
        if is_gone(&object) { Err(invalidated()) } else { Ok(()) }
    };
    if let Some(secret) = &bound.secret {
        must_exist("secrets", "secret", namespace, secret)?;
    }
    match (&bound.pod, &bound.node) {
        // The node of a Pod's token is information only.
        (Some(pod), _) => must_exist("pods", "pod", namespace, pod),
        (None, Some(node)) => must_exist("nodes", "node", "", node),
        (None, None) => Ok(()),
    }
}

/// The account that a token claims to be of.
pub(super) fn claimed(
    snapshot: &Snapshot,
    namespace: &str,
    name: &str,
    uid: &str,
) -> Result<Stored, String> {
    let account = stored::core(snapshot, "serviceaccounts", namespace, name)
        .ok_or_else(|| format!("serviceaccounts {} not found", meta::quote(name)))?;
    let is = &account.metadata.uid;
    if is != uid {
        return Err(format!("service account UID ({is}) does not match claim ({uid})"));
    }
    Ok(account)
}

fn identity(claims: &Claims) -> Identity {
    let bound = &claims.kubernetes;
    let mut extra = BTreeMap::new();
    if !claims.jti.is_empty() {
        extra = credential(format!("JTI={}", claims.jti));
    }
    let mut add = |word: &str, reference: &Option<Reference>| {
        let Some(reference) = reference else { return };
        for (part, value) in [("name", &reference.name), ("uid", &reference.uid)] {
            if !value.is_empty() {
                extra.insert(
                    format!("authentication.kubernetes.io/{word}-{part}"),
                    vec![value.clone()],
                );
            }
        }
    };
    add("pod", &bound.pod);
    add("node", &bound.node);
    debug_assert!(CREDENTIAL_ID.starts_with("authentication.kubernetes.io/"));
    Identity {
        name: user_name(&bound.namespace, &bound.serviceaccount.name),
        uid: bound.serviceaccount.uid.clone(),
        groups: groups(&bound.namespace),
        extra,
    }
}

/// The user name of a `ServiceAccount`.
pub(super) fn user_name(namespace: &str, name: &str) -> String {
    format!("{PREFIX}{namespace}:{name}")
}

/// The groups of the `ServiceAccounts` of a namespace.
pub(super) fn groups(namespace: &str) -> Vec<String> {
    vec![ALL_ACCOUNTS.to_owned(), format!("{ALL_ACCOUNTS}:{namespace}")]
}

/// Namespace and name of the `ServiceAccount` with that user name.
pub(super) fn split_user_name(user: &str) -> Option<(&str, &str)> {
    let (namespace, name) = user.strip_prefix(PREFIX)?.split_once(':')?;
    let is_name = meta::names::is_dns1123_subdomain(name).is_empty();
    let is_namespace = meta::names::is_dns1123_label(namespace).is_empty();
    (is_name && is_namespace).then_some((namespace, name))
}

fn one_or_many<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum OneOrMany {
        One(String),
        Many(Vec<String>),
    }
    Ok(match OneOrMany::deserialize(deserializer)? {
        OneOrMany::One(audience) => vec![audience],
        OneOrMany::Many(audiences) => audiences,
    })
}
