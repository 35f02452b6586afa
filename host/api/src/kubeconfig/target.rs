//! One server and one identity: what a transport needs of a kubeconfig.

use std::fmt::Debug;
use std::path::PathBuf;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;

use super::file::{ClusterBody, UserBody};
use super::{Config, Error, Named};

/// What a command line may say instead of the file.
#[derive(Clone, Debug, Default)]
pub struct Overrides {
    /// `--context`.
    pub context: Option<String>,
    /// `--cluster`.
    pub cluster: Option<String>,
    /// `--user`.
    pub user: Option<String>,
    /// `--namespace`.
    pub namespace: Option<String>,
    /// `--server`.
    pub server: Option<String>,
    /// `--token`.
    pub token: Option<String>,
    /// `--as`.
    pub act_as: Option<String>,
    /// `--as-group`.
    pub act_as_groups: Vec<String>,
    /// `--insecure-skip-tls-verify`.
    pub insecure: bool,
    /// `--certificate-authority`.
    pub certificate_authority: Option<PathBuf>,
}

/// A server to talk to and whom to talk as.
#[derive(Clone, Default)]
pub struct Target {
    /// Base URL.
    pub server: String,
    /// Trusted certificates in PEM; none means those of the system.
    pub authorities: Option<Vec<u8>>,
    /// Trust any certificate.
    pub insecure: bool,
    /// The name the certificate is checked for, if not the URL's host.
    pub server_name: Option<String>,
    /// Client certificate chain and key in PEM.
    pub identity: Option<(Vec<u8>, Vec<u8>)>,
    /// Bearer token.
    pub token: Option<String>,
    /// File of a bearer token that changes; wins over `token`.
    pub token_file: Option<PathBuf>,
    /// Basic authentication.
    pub basic: Option<(String, String)>,
    /// Headers of impersonation.
    pub impersonation: Vec<(String, String)>,
    /// Namespace where none is given.
    pub namespace: String,
}

impl Debug for Target {
    /// Secrets stay out of logs.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Target")
            .field("server", &self.server)
            .field("namespace", &self.namespace)
            .finish_non_exhaustive()
    }
}

impl Config {
    /// The server and the identity of a context.
    pub fn target(&self, overrides: &Overrides) -> Result<Target, Error> {
        let context = match overrides.context.as_deref().or_else(|| some(&self.current_context)) {
            Some(name) => {
                let named = find(&self.contexts, name);
                named
                    .ok_or_else(|| Error::Missing { what: "context", name: name.to_owned() })?
                    .context
                    .clone()
            }
            None => super::file::ContextBody::default(),
        };
        let cluster = match overrides.cluster.as_deref().or_else(|| some(&context.cluster)) {
            Some(name) => {
                let named = find(&self.clusters, name);
                named
                    .ok_or_else(|| Error::Missing { what: "cluster", name: name.to_owned() })?
                    .cluster
                    .clone()
            }
            None => ClusterBody::default(),
        };
        let user_name = overrides.user.as_deref().or_else(|| some(&context.user));
        let user = match user_name {
            Some(name) => {
                let named = find(&self.users, name);
                named
                    .ok_or_else(|| Error::Missing { what: "auth info", name: name.to_owned() })?
                    .user
                    .clone()
            }
            None => UserBody::default(),
        };
        let unsupported = |what, name: &str| Error::Unsupported { what, name: name.to_owned() };
        if !cluster.proxy_url.is_empty() {
            return Err(unsupported("proxy-url", &context.cluster));
        }
        let mut target = Target {
            server: overrides.server.clone().unwrap_or_else(|| cluster.server.clone()),
            insecure: overrides.insecure || cluster.insecure_skip_tls_verify,
            server_name: some(&cluster.tls_server_name).map(str::to_owned),
            namespace: overrides
                .namespace
                .as_deref()
                .or_else(|| some(&context.namespace))
                .unwrap_or("default")
                .to_owned(),
            ..Target::default()
        };
        if target.server.is_empty() {
            return Err(Error::NoServer);
        }
        target.authorities = match &overrides.certificate_authority {
            Some(path) => Some(read(path)?),
            None => data(
                "certificate-authority-data",
                &cluster.certificate_authority_data,
                &cluster.certificate_authority,
            )?,
        };
        let certificate = data(
            "client-certificate-data",
            &user.client_certificate_data,
            &user.client_certificate,
        )?;
        let key = data("client-key-data", &user.client_key_data, &user.client_key)?;
        target.identity = certificate.zip(key);
        target.token = overrides.token.clone().or_else(|| some(&user.token).map(str::to_owned));
        if overrides.token.is_none() {
            target.token_file = some(&user.token_file).map(PathBuf::from);
        }
        if !user.username.is_empty() {
            target.basic = Some((user.username.clone(), user.password.clone()));
        }
        let has_credentials = target.identity.is_some()
            || target.token.is_some()
            || target.token_file.is_some()
            || target.basic.is_some();
        if !has_credentials && user.exec.is_some() {
            return Err(unsupported("exec", user_name.unwrap_or_default()));
        }
        if !has_credentials && user.auth_provider.is_some() {
            return Err(unsupported("auth-provider", user_name.unwrap_or_default()));
        }
        target.impersonation = impersonation(&user, overrides);
        Ok(target)
    }
}

fn impersonation(user: &UserBody, overrides: &Overrides) -> Vec<(String, String)> {
    let act_as = overrides.act_as.as_deref().or_else(|| some(&user.act_as));
    let Some(act_as) = act_as else { return Vec::new() };
    let mut headers = vec![("Impersonate-User".to_owned(), act_as.to_owned())];
    if overrides.act_as.is_none() && !user.act_as_uid.is_empty() {
        headers.push(("Impersonate-Uid".to_owned(), user.act_as_uid.clone()));
    }
    let groups = if overrides.act_as_groups.is_empty() {
        &user.act_as_groups
    } else {
        &overrides.act_as_groups
    };
    headers.extend(groups.iter().map(|group| ("Impersonate-Group".to_owned(), group.clone())));
    for (key, values) in &user.act_as_extra {
        let name = format!("Impersonate-Extra-{key}");
        headers.extend(values.iter().map(|value| (name.clone(), value.clone())));
    }
    headers
}

fn some(text: &str) -> Option<&str> {
    Some(text).filter(|text| !text.is_empty())
}

fn find<'a, T>(list: &'a [Named<T>], name: &str) -> Option<&'a T> {
    list.iter().find(|entry| entry.name == name).map(|entry| &entry.value)
}

fn read(path: &std::path::Path) -> Result<Vec<u8>, Error> {
    std::fs::read(path).map_err(|source| Error::Read { path: path.to_owned(), source })
}

/// Data in the file wins over a path beside it.
fn data(field: &'static str, inline: &str, path: &str) -> Result<Option<Vec<u8>>, Error> {
    if !inline.is_empty() {
        let decoded = BASE64_STANDARD.decode(inline.trim());
        return decoded.map(Some).map_err(|source| Error::Base64 { field, source });
    }
    some(path).map(|path| read(std::path::Path::new(path))).transpose()
}
