//! What an instance is started with: the container's view of the world, already resolved by the
//! caller.

use std::path::PathBuf;
use std::sync::Arc;

use crate::account::Account;
use crate::network::{Network, NoNetwork};
use crate::output::{Discard, Sink};

/// Arguments, environment and everything else one container hands to its instances.
#[derive(Clone, Debug)]
pub struct Spec {
    /// The first argument is the program's name, as in every operating system.
    pub args: Vec<String>,
    pub env: Vec<(String, String)>,
    /// Where relative paths start; `/` when absent.
    pub cwd: Option<String>,
    /// Seen by the guest as the variable `HOSTNAME` unless `env` sets that: WASI has no call for
    /// it.
    pub hostname: String,
    pub mounts: Vec<Mount>,
    pub stdout: Arc<dyn Sink>,
    pub stderr: Arc<dyn Sink>,
    /// Shared by all instances of one container; carries the limits.
    pub account: Arc<Account>,
    pub network: Arc<dyn Network>,
}

/// A directory of the host as a directory of the guest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mount {
    pub host: PathBuf,
    pub guest: String,
    pub read_only: bool,
}

impl Default for Spec {
    fn default() -> Self {
        Self {
            args: vec!["program".to_owned()],
            env: Vec::new(),
            cwd: None,
            hostname: "localhost".to_owned(),
            mounts: Vec::new(),
            stdout: Arc::new(Discard),
            stderr: Arc::new(Discard),
            account: Arc::default(),
            network: Arc::new(NoNetwork),
        }
    }
}

impl Spec {
    /// The environment with `HOSTNAME` in it.
    pub(crate) fn environment(&self) -> impl Iterator<Item = (&str, &str)> {
        let hostname = ("HOSTNAME", self.hostname.as_str());
        let own = self.env.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        let is_set = self.env.iter().any(|(name, _)| name == "HOSTNAME");
        own.chain((!is_set).then_some(hostname))
    }
}
