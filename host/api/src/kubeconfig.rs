//! Kubeconfig files, read, merged and written as kubectl does.
//!
//! `--kubeconfig FILE` means exactly that file; otherwise `$KUBECONFIG` is a list of files that are
//! merged (the first to name a thing wins, missing files are skipped); otherwise `~/.kube/config`.
//! Relative paths inside a file are relative to that file. Fields that are not known here survive a
//! read and a write. See
//! <https://kubernetes.io/docs/concepts/configuration/organize-cluster-access-kubeconfig/>.

mod file;
mod load;
mod target;

pub use file::{AuthInfo, Cluster, ClusterBody, Config, Context, ContextBody, Named, UserBody};
pub use load::{Loaded, Sources};
pub use target::{Overrides, Target};

use std::path::PathBuf;

/// Why a kubeconfig cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A file cannot be read.
    #[error("cannot read kubeconfig {}", .path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// A file is no kubeconfig.
    #[error("error loading config file \"{}\": {reason}", .path.display())]
    Parse {
        /// The file.
        path: PathBuf,
        /// What the parser said.
        reason: String,
    },
    /// A file cannot be written.
    #[error("cannot write kubeconfig {}", .path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// A name leads nowhere.
    #[error("{what} \"{name}\" does not exist")]
    Missing {
        /// `context`, `cluster` or `auth info`.
        what: &'static str,
        /// The name.
        name: String,
    },
    /// There is no server to talk to.
    #[error("no server is configured: set a current context, or give --server")]
    NoServer,
    /// Base64 that is none.
    #[error("{field} is not valid base64")]
    Base64 {
        /// The field.
        field: &'static str,
        /// What the decoder said.
        #[source]
        source: base64::DecodeError,
    },
    /// A way to log in, or a way to the server, that this client does not have.
    #[error("user or cluster \"{name}\" uses {what}, which is not supported")]
    Unsupported {
        /// Which user or cluster.
        name: String,
        /// The field.
        what: &'static str,
    },
}

#[cfg(test)]
mod tests;
