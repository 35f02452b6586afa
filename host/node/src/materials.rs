//! What a Pod refers to and needs read before it can start: `ConfigMaps`, Secrets, tokens. The list is pure; reading is the shell's.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use k8s_openapi::api::core::v1 as core;

/// Names of what must be read. An optional one may be missing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Needs {
    pub(crate) config_maps: BTreeSet<String>,
    pub(crate) secrets: BTreeSet<String>,
    pub(crate) tokens: BTreeSet<TokenNeed>,
}

/// A token of the Pod's service account.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct TokenNeed {
    /// Empty for the API server itself.
    pub(crate) audience: String,
    pub(crate) lifetime_secs: i64,
}

/// What was read; what does not exist is absent.
#[derive(Clone, Debug, Default)]
pub(crate) struct Materials {
    pub(crate) config_maps: BTreeMap<String, Arc<core::ConfigMap>>,
    pub(crate) secrets: BTreeMap<String, Arc<core::Secret>>,
    pub(crate) tokens: BTreeMap<TokenNeed, String>,
}

/// Kubernetes' lifetime of a token that asks for none.
const TOKEN_LIFETIME_SECS: i64 = 3600;

impl TokenNeed {
    pub(crate) fn of(projection: &core::ServiceAccountTokenProjection) -> Self {
        Self {
            audience: projection.audience.clone().unwrap_or_default(),
            lifetime_secs: projection.expiration_seconds.unwrap_or(TOKEN_LIFETIME_SECS),
        }
    }
}

impl Needs {
    /// What the volumes of a Pod need.
    pub(crate) fn of_volumes(pod: &core::Pod) -> Self {
        let mut needs = Self::default();
        for volume in pod.spec.iter().flat_map(|spec| spec.volumes.iter().flatten()) {
            if let Some(source) = &volume.config_map {
                needs.config_maps.insert(source.name.clone());
            }
            if let Some(name) = volume.secret.as_ref().and_then(|s| s.secret_name.as_ref()) {
                needs.secrets.insert(name.clone());
            }
            let projected = volume.projected.iter();
            for source in projected.flat_map(|projected| projected.sources.iter().flatten()) {
                if let Some(config_map) = &source.config_map {
                    needs.config_maps.insert(config_map.name.clone());
                }
                if let Some(secret) = &source.secret {
                    needs.secrets.insert(secret.name.clone());
                }
                if let Some(token) = &source.service_account_token {
                    needs.tokens.insert(TokenNeed::of(token));
                }
            }
        }
        needs
    }

    /// What the environment of a container needs.
    pub(crate) fn of_env(container: &core::Container) -> Self {
        let mut needs = Self::default();
        for source in container.env_from.iter().flatten() {
            if let Some(config_map) = &source.config_map_ref {
                needs.config_maps.insert(config_map.name.clone());
            }
            if let Some(secret) = &source.secret_ref {
                needs.secrets.insert(secret.name.clone());
            }
        }
        for source in container.env.iter().flatten().filter_map(|env| env.value_from.as_ref()) {
            if let Some(key) = &source.config_map_key_ref {
                needs.config_maps.insert(key.name.clone());
            }
            if let Some(key) = &source.secret_key_ref {
                needs.secrets.insert(key.name.clone());
            }
        }
        needs
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.config_maps.is_empty() && self.secrets.is_empty() && self.tokens.is_empty()
    }
}
