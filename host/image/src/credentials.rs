//! Pull secrets: which login goes with which registry.
//!
//! Reads the two secret types Kubernetes has for this (`kubernetes.io/dockerconfigjson` and the older `kubernetes.io/dockercfg`).
//! Keys name a host, or a host and the beginning of a path; a `*` stands for one label of the host. The longest match wins.
//! <https://kubernetes.io/docs/concepts/containers/images/#using-a-private-registry>

use std::collections::BTreeMap;
use std::fmt;

use base64::Engine as _;
use serde::Deserialize;

/// A user name and a password. Never shown.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Login {
    pub username: String,
    pub password: String,
}

impl fmt::Debug for Login {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Login").field("username", &self.username).finish_non_exhaustive()
    }
}

/// The logins of all pull secrets of a Pod.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Credentials {
    entries: Vec<(String, Login)>,
}

/// A secret that holds no logins.
#[derive(Debug, thiserror::Error)]
pub enum CredentialsError {
    #[error("not a registry configuration")]
    Json(#[from] serde_json::Error),
    #[error("the auth of {0:?} is not base64 of user:password")]
    Auth(String),
}

#[derive(Deserialize)]
struct File {
    #[serde(default)]
    auths: BTreeMap<String, Entry>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Entry {
    auth: String,
    username: String,
    password: String,
}

impl Credentials {
    /// Adds the logins of a `.dockerconfigjson`.
    pub fn add_docker_config_json(&mut self, content: &[u8]) -> Result<(), CredentialsError> {
        let file: File = serde_json::from_slice(content)?;
        self.add(file.auths)
    }

    /// Adds the logins of a `.dockercfg`.
    pub fn add_dockercfg(&mut self, content: &[u8]) -> Result<(), CredentialsError> {
        self.add(serde_json::from_slice(content)?)
    }

    fn add(&mut self, entries: BTreeMap<String, Entry>) -> Result<(), CredentialsError> {
        for (key, entry) in entries {
            let login = if entry.auth.is_empty() {
                Login { username: entry.username, password: entry.password }
            } else {
                decode(&entry.auth).ok_or_else(|| CredentialsError::Auth(key.clone()))?
            };
            self.entries.push((plain(&key), login));
        }
        // Longest first, so that the first match is the best.
        self.entries.sort_by_key(|(key, _)| std::cmp::Reverse(key.len()));
        Ok(())
    }

    /// The login for an image of this registry.
    pub fn login(&self, registry: &str, repository: &str) -> Option<&Login> {
        let image = format!("{registry}/{repository}");
        self.entries.iter().find(|(key, _)| matches(key, &image)).map(|(_, login)| login)
    }
}

fn decode(auth: &str) -> Option<Login> {
    let bytes = base64::engine::general_purpose::STANDARD.decode(auth.trim()).ok()?;
    let text = String::from_utf8(bytes).ok()?;
    let (username, password) = text.split_once(':')?;
    Some(Login { username: username.to_owned(), password: password.to_owned() })
}

/// A key without its scheme, the API version path of old tools, and trailing slashes.
fn plain(key: &str) -> String {
    let key = key.strip_prefix("https://").or_else(|| key.strip_prefix("http://")).unwrap_or(key);
    let key = key.trim_end_matches('/');
    let key = key.strip_suffix("/v1").or_else(|| key.strip_suffix("/v2")).unwrap_or(key);
    match key {
        "index.docker.io" | "registry-1.docker.io" => "docker.io".to_owned(),
        other => other.to_owned(),
    }
}

fn matches(key: &str, image: &str) -> bool {
    let (key_host, key_path) = key.split_once('/').unwrap_or((key, ""));
    let (host, path) = image.split_once('/').unwrap_or((image, ""));
    let is_host = key_host.split('.').count() == host.split('.').count()
        && key_host.split('.').zip(host.split('.')).all(|(want, have)| glob(want, have));
    let is_path = path
        .strip_prefix(key_path)
        .is_some_and(|rest| key_path.is_empty() || rest.is_empty() || rest.starts_with('/'));
    is_host && is_path
}

fn glob(want: &str, have: &str) -> bool {
    match want.split_once('*') {
        Some((before, after)) => {
            have.len() >= before.len() + after.len()
                && have.starts_with(before)
                && have.ends_with(after)
        }
        None => want == have,
    }
}

#[cfg(test)]
mod tests;
