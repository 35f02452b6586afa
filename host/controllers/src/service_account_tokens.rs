//! Fills the Secrets that ask for a token of a `ServiceAccount`, and removes them when the account is gone.
//!
//! Reads `ServiceAccounts` and Secrets of this one type; has tokens issued, and deletes.
//! See <https://kubernetes.io/docs/concepts/configuration/secret/#serviceaccount-token-secrets>.

use std::sync::Arc;

use jiff::SignedDuration;
use k8s_openapi::ByteString;
use k8s_openapi::api::core::v1::{Secret, ServiceAccount};
use kinds::wire::OrEmpty;

use crate::{Action, Controller, Key, Look, Plan, Sourced, Target, Watch};

const ACCOUNT_NAME: &str = "kubernetes.io/service-account.name";
const ACCOUNT_UID: &str = "kubernetes.io/service-account.uid";
/// A Secret may be seen before the account that was created just before it.
const ACCOUNT_WAIT: SignedDuration = SignedDuration::from_secs(10);

/// The controller.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ServiceAccountTokens;

impl Controller for ServiceAccountTokens {
    fn name(&self) -> &'static str {
        "serviceaccount-token"
    }

    fn watches(&self) -> Vec<Watch> {
        vec![
            Watch::itself::<Secret>(),
            Watch::of(|sources, account: &ServiceAccount| {
                let metadata = &account.metadata;
                let namespace = metadata.namespace.as_deref().unwrap_or_default();
                let secrets = sources.token_secrets.in_namespace(namespace);
                let of_account = |secret: &&Arc<Secret>| {
                    metadata.name.as_deref() == Some(note(secret, ACCOUNT_NAME))
                };
                let names = secrets.iter().filter(of_account);
                names.map(|secret| Key::new(namespace, secret.metadata.name.or_empty())).collect()
            }),
        ]
    }

    fn plan(&self, look: &Look<'_>, key: &Key) -> Plan {
        let mut plan = Plan::default();
        let Some(secret) = look.sources.token_secrets.get(&key.namespace, &key.name) else {
            return plan;
        };
        if secret.metadata.deletion_timestamp.is_some() {
            return plan;
        }
        let account =
            look.sources.service_accounts.get(&key.namespace, note(&secret, ACCOUNT_NAME));
        let uid = note(&secret, ACCOUNT_UID);
        let account =
            account.filter(|account| uid.is_empty() || account.metadata.uid.or_empty() == uid);
        match account {
            Some(account) if account.metadata.deletion_timestamp.is_none() => {
                fill(&mut plan, look, &secret, &account);
            }
            Some(_) => {}
            None => remove(&mut plan, look, &secret),
        }
        plan
    }
}

fn note<'a>(secret: &'a Secret, name: &str) -> &'a str {
    let notes = secret.metadata.annotations.as_ref();
    notes.and_then(|notes| notes.get(name)).map(String::as_str).unwrap_or_default()
}

fn value<'a>(secret: &'a Secret, name: &str) -> &'a [u8] {
    let data = secret.data.as_ref();
    data.and_then(|data| data.get(name)).map(|value| &*value.0).unwrap_or_default()
}

/// Puts in what is missing or old. What else is in the Secret stays.
fn fill(plan: &mut Plan, look: &Look<'_>, secret: &Secret, account: &ServiceAccount) {
    let root_ca = look.facts.root_ca.as_bytes();
    let is_trusting = root_ca.is_empty() || value(secret, "ca.crt") == root_ca;
    let has_token = !value(secret, "token").is_empty();
    if is_trusting && has_token && !value(secret, "namespace").is_empty() {
        return;
    }
    let mut wanted = secret.clone();
    let data = wanted.data.get_or_insert_default();
    if !is_trusting {
        data.insert("ca.crt".to_owned(), ByteString(root_ca.to_vec()));
    }
    let namespace = secret.metadata.namespace.or_empty();
    data.entry("namespace".to_owned()).or_insert_with(|| ByteString(namespace.as_bytes().to_vec()));
    let notes = wanted.metadata.annotations.get_or_insert_default();
    notes.insert(ACCOUNT_UID.to_owned(), account.metadata.uid.or_empty().to_owned());
    plan.act(if has_token {
        Action::Update { object: wanted.into_any(), announce: None }
    } else {
        Action::IssueToken { secret: Box::new(wanted), account: Target::of(account) }
    });
}

/// A Secret that was filled had an account, so that it is gone. The account of another may just not be seen yet.
fn remove(plan: &mut Plan, look: &Look<'_>, secret: &Secret) {
    let created = secret.metadata.creation_timestamp.as_ref().map(|time| time.0);
    let age = created.map_or(ACCOUNT_WAIT, |created| look.now.duration_since(created));
    if note(secret, ACCOUNT_UID).is_empty() && age < ACCOUNT_WAIT {
        let left = ACCOUNT_WAIT.saturating_sub(age);
        plan.wake_in(left.try_into().unwrap_or_default());
        return;
    }
    plan.act(Action::Delete {
        target: Target::exactly(secret),
        propagation: None,
        grace_secs: None,
        announce: None,
    });
}

#[cfg(test)]
mod tests;
