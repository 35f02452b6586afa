//! Reading `ConfigMaps`, Secrets and tokens for Pods. A thousand Pods that begin at once and share one `ConfigMap` read it once.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use api::{Client, Error, Object};
use jiff::{SignedDuration, Timestamp};
use k8s_openapi::api::authentication::v1::{BoundObjectReference, TokenRequest, TokenRequestSpec};
use k8s_openapi::api::core::v1::{ConfigMap, Pod, Secret, ServiceAccount};
use parking_lot::Mutex;

use crate::materials::{Materials, Needs, TokenNeed};

/// How long something read may be used again.
const FRESH: Duration = Duration::from_secs(5);
const KEPT_MAX: usize = 1024;

/// Why something could not be read. What does not exist is no error here.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ReadError {
    #[error("failed to read {what}: {source}")]
    Read { what: String, source: Error },
    #[error("failed to fetch token: {0}")]
    Token(Error),
}

/// What was read a moment ago.
#[derive(Debug, Default)]
pub(crate) struct Sources {
    config_maps: Kept<ConfigMap>,
    secrets: Kept<Secret>,
}

type Kept<K> = Mutex<HashMap<(String, String), (Timestamp, Arc<K>)>>;

impl Sources {
    /// Reads all that is needed.
    pub(crate) async fn read(
        &self,
        client: &Client,
        pod: &Pod,
        needs: &Needs,
        now: Timestamp,
    ) -> Result<Materials, ReadError> {
        let namespace = pod.metadata.namespace.as_deref().unwrap_or_default();
        let mut materials = Materials::default();
        for name in &needs.config_maps {
            let found = get(&self.config_maps, client, namespace, name, "configmap", now).await?;
            materials.config_maps.extend(found.map(|found| (name.clone(), found)));
        }
        for name in &needs.secrets {
            let found = get(&self.secrets, client, namespace, name, "secret", now).await?;
            materials.secrets.extend(found.map(|found| (name.clone(), found)));
        }
        for need in &needs.tokens {
            let token = token(client, pod, need).await.map_err(ReadError::Token)?;
            materials.tokens.insert(need.clone(), token);
        }
        Ok(materials)
    }

    /// Reads one Secret, for pull credentials.
    pub(crate) async fn secret(
        &self,
        client: &Client,
        namespace: &str,
        name: &str,
        now: Timestamp,
    ) -> Result<Option<Arc<Secret>>, ReadError> {
        get(&self.secrets, client, namespace, name, "secret", now).await
    }
}

async fn get<K>(
    kept: &Kept<K>,
    client: &Client,
    namespace: &str,
    name: &str,
    what: &str,
    now: Timestamp,
) -> Result<Option<Arc<K>>, ReadError>
where
    K: Object + k8s_openapi::Resource,
    K::Scope: 'static,
{
    let key = (namespace.to_owned(), name.to_owned());
    let fresh = SignedDuration::try_from(FRESH).unwrap_or(SignedDuration::ZERO);
    if let Some((read, found)) = kept.lock().get(&key)
        && now.duration_since(*read) < fresh
    {
        return Ok(Some(Arc::clone(found)));
    }
    match client.api::<K>(Some(namespace)).get(name).await {
        Ok(found) => {
            let found = Arc::new(found);
            let mut kept = kept.lock();
            if kept.len() >= KEPT_MAX {
                kept.clear();
            }
            kept.insert(key, (now, Arc::clone(&found)));
            Ok(Some(found))
        }
        Err(Error::NotFound(_)) => Ok(None),
        Err(source) => {
            let what = format!("{what} \"{namespace}/{name}\"");
            Err(ReadError::Read { what, source })
        }
    }
}

/// Asks for a token of the Pod's service account that is bound to the Pod.
async fn token(client: &Client, pod: &Pod, need: &TokenNeed) -> Result<String, Error> {
    let account = pod.spec.as_ref().and_then(|spec| spec.service_account_name.as_deref());
    let accounts = client.api::<ServiceAccount>(pod.metadata.namespace.as_deref());
    let audiences = (!need.audience.is_empty()).then(|| vec![need.audience.clone()]);
    let request = TokenRequest {
        spec: Some(TokenRequestSpec {
            audiences,
            expiration_seconds: Some(need.lifetime_secs),
            bound_object_ref: Some(BoundObjectReference {
                api_version: Some("v1".to_owned()),
                kind: Some("Pod".to_owned()),
                name: pod.metadata.name.clone(),
                uid: pod.metadata.uid.clone(),
            }),
            ..TokenRequestSpec::default()
        }),
        ..TokenRequest::default()
    };
    let answer: TokenRequest =
        accounts.post_at(account.unwrap_or("default"), "token", &request).await?;
    Ok(answer.status.and_then(|status| status.token).unwrap_or_default())
}
