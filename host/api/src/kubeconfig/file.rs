//! The file's own shape. Every struct keeps the fields it does not know.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Fields that are carried along unread.
type Rest = BTreeMap<String, Value>;

/// A whole file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", default)]
pub struct Config {
    /// Always `v1`.
    #[serde(rename = "apiVersion")]
    pub api_version: String,
    /// Always `Config`.
    pub kind: String,
    /// Servers.
    #[serde(deserialize_with = "null_is_default")]
    pub clusters: Vec<Named<Cluster>>,
    /// Pairs of a server and a user.
    #[serde(deserialize_with = "null_is_default")]
    pub contexts: Vec<Named<Context>>,
    /// The context that is meant where none is given.
    #[serde(deserialize_with = "null_is_default")]
    pub current_context: String,
    /// Ways to log in.
    #[serde(deserialize_with = "null_is_default")]
    pub users: Vec<Named<AuthInfo>>,
    /// What is not known here (`preferences`, `extensions`).
    #[serde(flatten)]
    pub rest: Rest,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            api_version: "v1".to_owned(),
            kind: "Config".to_owned(),
            clusters: Vec::new(),
            contexts: Vec::new(),
            current_context: String::new(),
            users: Vec::new(),
            rest: Rest::new(),
        }
    }
}

/// An entry of one of the lists.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Named<T> {
    /// Unique in its list.
    pub name: String,
    /// The entry; its key differs from list to list.
    #[serde(flatten)]
    pub value: T,
}

/// A server.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Cluster {
    /// The body of the entry.
    #[serde(deserialize_with = "null_is_default", default)]
    pub cluster: ClusterBody,
}

/// How to reach a server.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", default)]
pub struct ClusterBody {
    /// Certificate authorities, base64 of PEM.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub certificate_authority_data: String,
    /// Certificate authorities, a PEM file.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub certificate_authority: String,
    /// Trust any certificate.
    #[serde(skip_serializing_if = "is_false")]
    pub insecure_skip_tls_verify: bool,
    /// A proxy on the way.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub proxy_url: String,
    /// Its URL.
    pub server: String,
    /// The name its certificate is checked for, if not the URL's host.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub tls_server_name: String,
    /// What is not known here.
    #[serde(flatten)]
    pub rest: Rest,
}

/// A pair of a server and a user.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Context {
    /// The body of the entry.
    #[serde(deserialize_with = "null_is_default", default)]
    pub context: ContextBody,
}

/// Which server, as whom, in which namespace.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", default)]
pub struct ContextBody {
    /// Name of the cluster entry.
    pub cluster: String,
    /// Namespace where none is given.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub namespace: String,
    /// Name of the user entry.
    pub user: String,
    /// What is not known here.
    #[serde(flatten)]
    pub rest: Rest,
}

/// A way to log in.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct AuthInfo {
    /// The body of the entry.
    #[serde(deserialize_with = "null_is_default", default)]
    pub user: UserBody,
}

/// Credentials.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", default)]
pub struct UserBody {
    /// Client certificate, base64 of PEM.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub client_certificate_data: String,
    /// Client certificate, a PEM file.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub client_certificate: String,
    /// Its key, base64 of PEM.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub client_key_data: String,
    /// Its key, a PEM file.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub client_key: String,
    /// Bearer token.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub token: String,
    /// A file with a bearer token, read again and again.
    #[serde(rename = "tokenFile", skip_serializing_if = "String::is_empty")]
    pub token_file: String,
    /// Basic authentication.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub username: String,
    /// Basic authentication.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub password: String,
    /// Act as this user.
    #[serde(rename = "as", skip_serializing_if = "String::is_empty")]
    pub act_as: String,
    /// Act as a user of this uid.
    #[serde(rename = "as-uid", skip_serializing_if = "String::is_empty")]
    pub act_as_uid: String,
    /// Act as a member of these groups.
    #[serde(rename = "as-groups", skip_serializing_if = "Vec::is_empty")]
    pub act_as_groups: Vec<String>,
    /// Act with these extra facts.
    #[serde(rename = "as-user-extra", skip_serializing_if = "BTreeMap::is_empty")]
    pub act_as_extra: BTreeMap<String, Vec<String>>,
    /// A command that prints credentials; kept, not run.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exec: Option<Value>,
    /// A removed plugin mechanism; kept, not used.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub auth_provider: Option<Value>,
    /// What is not known here.
    #[serde(flatten)]
    pub rest: Rest,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "the signature is serde's")]
fn is_false(value: &bool) -> bool {
    !*value
}

fn null_is_default<'de, D, T>(input: D) -> Result<T, D::Error>
where
    D: serde::Deserializer<'de>,
    T: Deserialize<'de> + Default,
{
    Ok(Option::deserialize(input)?.unwrap_or_default())
}
