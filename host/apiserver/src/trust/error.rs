//! What can go wrong with the trust folder. Every variant names the file to look at.

use std::path::{Path, PathBuf};

/// Why the trust folder cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("cannot read {}", path.display())]
    Read {
        path: PathBuf,
        #[source]
        source: std::io::Error,
    },
    #[error("cannot write {}", path.display())]
    Write {
        path: PathBuf,
        #[source]
        source: std::io::Error,
    },
    #[error(
        "{} is damaged: {problem}; restore it, or delete it to have it made anew",
        path.display()
    )]
    Damaged { path: PathBuf, problem: String },
    #[error("cannot make a key or certificate")]
    Issue(#[from] rcgen::Error),
    #[error("the signing key of ServiceAccount tokens is unusable")]
    SigningKey(#[source] jsonwebtoken::errors::Error),
    #[error("TLS refuses the certificates")]
    Tls(#[source] rustls::Error),
}

impl Error {
    pub(super) fn damaged(path: &Path, problem: impl Into<String>) -> Self {
        Self::Damaged { path: path.to_path_buf(), problem: problem.into() }
    }
}
