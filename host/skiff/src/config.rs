//! The configuration of a server: one tree from a file, the environment and flags, checked before anything opens or binds.
//!
//! Later sources win: defaults, the file of `--config`, variables (`SKIFF_API_ADDRESS` for `api.address`, lists separated by commas),
//! flags. Unknown fields are errors that name them. README's reference is compared with the defaults by a test.

use std::{
    collections::{BTreeMap, BTreeSet},
    net::SocketAddr,
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// Variables of the environment that set a field begin so.
const PREFIX: &str = "SKIFF_";

/// Everything that can be said of a server.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub(crate) struct Config {
    /// Where everything is kept.
    pub(crate) data_dir: PathBuf,
    pub(crate) api: Api,
    pub(crate) node: Node,
    pub(crate) store: Store,
    /// Components that do not run: `node`, `scheduler`, or a controller by its name.
    pub(crate) disable: BTreeSet<String>,
}

/// The API server.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub(crate) struct Api {
    /// Where it listens.
    pub(crate) address: SocketAddr,
    /// Further names and addresses for its certificate.
    pub(crate) extra_names: Vec<String>,
    /// A file of `token,user,uid,"group,…"` lines for clients without certificates.
    pub(crate) token_file: Option<PathBuf>,
    /// Whether health, version and discovery answer without credentials.
    pub(crate) anonymous: bool,
}

/// The node of this process.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub(crate) struct Node {
    /// Its name; the host's name where none is given.
    pub(crate) name: Option<String>,
}

/// The object store.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub(crate) struct Store {
    /// For how long watches can resume and lists go on, in seconds.
    pub(crate) history_secs: u64,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            data_dir: PathBuf::from(SYSTEM_DATA),
            api: Api::default(),
            node: Node::default(),
            store: Store::default(),
            disable: BTreeSet::new(),
        }
    }
}

impl Default for Api {
    fn default() -> Self {
        Self {
            address: SocketAddr::from(([0, 0, 0, 0], 6443)),
            extra_names: Vec::new(),
            token_file: None,
            anonymous: true,
        }
    }
}

impl Default for Store {
    fn default() -> Self {
        Self { history_secs: 300 }
    }
}

const SYSTEM_DATA: &str = "/var/lib/skiff";

/// Why a configuration is not used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error("cannot read the configuration {path}")]
    Read {
        path: PathBuf,
        #[source]
        source: std::io::Error,
    },
    #[error("{path} is no YAML")]
    Syntax {
        path: PathBuf,
        #[source]
        source: Box<serde_saphyr::Error>,
    },
    #[error("invalid configuration")]
    Field(#[source] serde_json::Error),
    #[error("invalid configuration: {path}: {rule}")]
    Rule { path: &'static str, rule: String },
}

/// Flags that set fields.
#[derive(Clone, Debug, Default, clap::Args)]
pub(crate) struct Flags {
    /// Configuration file (YAML; see `skiff config print`)
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// Where everything is kept (default: `/var/lib/skiff` for root, else `$XDG_DATA_HOME/skiff`)
    #[arg(long, value_name = "DIR")]
    pub(crate) data_dir: Option<PathBuf>,
    /// Address and port of the API
    #[arg(long, value_name = "ADDRESS:PORT")]
    pub(crate) api_address: Option<SocketAddr>,
    /// Further names and addresses for the API's certificate
    #[arg(long, value_name = "NAME,...", value_delimiter = ',')]
    pub(crate) api_extra_names: Vec<String>,
    /// Name of the node in this process (default: the host's name)
    #[arg(long, value_name = "NAME")]
    pub(crate) node_name: Option<String>,
    /// Leave components out: node, scheduler, or a controller by its name
    #[arg(long, value_name = "NAME,...", value_delimiter = ',')]
    pub(crate) disable: Vec<String>,
}

/// What surrounds the process, as an argument.
#[derive(Clone, Debug, Default)]
pub(crate) struct Surroundings {
    pub(crate) variables: BTreeMap<String, String>,
    pub(crate) is_root: bool,
    pub(crate) home: Option<PathBuf>,
    pub(crate) host_name: String,
}

impl Surroundings {
    pub(crate) fn of_process() -> Self {
        let system = rustix::system::uname();
        Self {
            variables: std::env::vars_os()
                .filter_map(|(name, value)| {
                    Some((name.into_string().ok()?, value.into_string().ok()?))
                })
                .collect(),
            is_root: rustix::process::geteuid().is_root(),
            home: std::env::home_dir(),
            host_name: system.nodename().to_string_lossy().into_owned(),
        }
    }

    fn data_dir(&self) -> PathBuf {
        if self.is_root {
            return PathBuf::from(SYSTEM_DATA);
        }
        let shared = self.variables.get("XDG_DATA_HOME").map(PathBuf::from);
        let shared = shared.or_else(|| self.home.as_ref().map(|home| home.join(".local/share")));
        shared.unwrap_or_else(|| PathBuf::from(".")).join("skiff")
    }
}

impl Config {
    /// Reads all sources and checks the result.
    pub(crate) fn load(flags: &Flags, surroundings: &Surroundings) -> Result<Self, Error> {
        let mut tree = Map::new();
        tree.insert("data-dir".to_owned(), surroundings.data_dir().to_string_lossy().into());
        if let Some(path) = &flags.config {
            merge(&mut tree, read(path)?);
        }
        merge(&mut tree, variables(&surroundings.variables));
        let mut config: Self = serde_json::from_value(Value::Object(tree)).map_err(Error::Field)?;
        config.take(flags);
        if config.node.name.is_none() {
            config.node.name = Some(surroundings.host_name.to_lowercase());
        }
        config.check()?;
        Ok(config)
    }

    fn take(&mut self, flags: &Flags) {
        if let Some(data_dir) = &flags.data_dir {
            self.data_dir.clone_from(data_dir);
        }
        if let Some(address) = flags.api_address {
            self.api.address = address;
        }
        if flags.node_name.is_some() {
            self.node.name.clone_from(&flags.node_name);
        }
        self.api.extra_names.extend(flags.api_extra_names.iter().cloned());
        self.disable.extend(flags.disable.iter().cloned());
    }

    fn check(&self) -> Result<(), Error> {
        let rule = |path, rule: String| Err(Error::Rule { path, rule });
        let name = self.node.name.as_deref().unwrap_or_default();
        if let Some(problem) = meta::names::is_dns1123_subdomain(name).into_iter().next() {
            return rule("node.name", format!("{name:?}: {problem}"));
        }
        let components = components();
        if let Some(unknown) = self.disable.iter().find(|name| !components.contains(&name.as_str()))
        {
            let known = components.join(", ");
            return rule(
                "disable",
                format!("there is no component {unknown:?}; there are {known}"),
            );
        }
        if !(10..=86_400).contains(&self.store.history_secs) {
            return rule(
                "store.history-secs",
                format!("{} is not between 10 and 86400", self.store.history_secs),
            );
        }
        Ok(())
    }

    /// The tree as a file would say it.
    pub(crate) fn print(&self) -> anyhow::Result<String> {
        Ok(serde_saphyr::to_string(self)?)
    }
}

/// What can be left out.
fn components() -> Vec<&'static str> {
    let mut names = vec!["node", "scheduler", "garbage-collector"];
    names.extend(controllers::all().iter().map(|controller| controller.name()));
    names
}

fn read(path: &Path) -> Result<Map<String, Value>, Error> {
    let text = std::fs::read_to_string(path)
        .map_err(|source| Error::Read { path: path.to_owned(), source })?;
    if text.trim().is_empty() {
        return Ok(Map::new());
    }
    serde_saphyr::from_str(&text)
        .map_err(|source| Error::Syntax { path: path.to_owned(), source: Box::new(source) })
}

/// `SKIFF_API_ADDRESS=…` as `{"api": {"address": "…"}}`, for the fields that exist.
fn variables(variables: &BTreeMap<String, String>) -> Map<String, Value> {
    let mut found = Map::new();
    let defaults = serde_json::to_value(Config::default()).unwrap_or_default();
    for (field, default) in defaults.as_object().into_iter().flatten() {
        if let Value::Object(fields) = default {
            let mut group = Map::new();
            for (name, default) in fields {
                if let Some(text) = variables.get(&variable(&format!("{field}-{name}"))) {
                    group.insert(name.clone(), value(text, default));
                }
            }
            if !group.is_empty() {
                found.insert(field.clone(), Value::Object(group));
            }
        } else if let Some(text) = variables.get(&variable(field)) {
            found.insert(field.clone(), value(text, default));
        }
    }
    found
}

fn variable(field: &str) -> String {
    format!("{PREFIX}{}", field.replace('-', "_").to_uppercase())
}

/// A variable's text in the type that the field has.
fn value(text: &str, default: &Value) -> Value {
    match default {
        Value::Array(_) => {
            text.split(',').filter(|item| !item.is_empty()).map(Value::from).collect()
        }
        Value::Bool(_) | Value::Number(_) => {
            serde_json::from_str(text).unwrap_or_else(|_| text.into())
        }
        _ => text.into(),
    }
}

fn merge(tree: &mut Map<String, Value>, over: Map<String, Value>) {
    for (key, value) in over {
        match (tree.get_mut(&key), value) {
            (Some(Value::Object(below)), Value::Object(above)) => merge(below, above),
            (_, value) => {
                tree.insert(key, value);
            }
        }
    }
}

#[cfg(test)]
mod tests;
