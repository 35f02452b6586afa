//! What an [`crate::Engine`] is told by the binary.

use std::num::NonZeroU32;
use std::path::PathBuf;
use std::sync::Arc;

/// How many bytes of compiled code are kept by default: about 3,000 programs in Rust, or 30 in
/// Python.
const CACHE_BYTES_MAX: u64 = 1024 * 1024 * 1024;

#[derive(Clone, Debug)]
pub struct Config {
    /// Holds compiled code and nothing else; made with mode 0700. Its contents are executed, so
    /// nobody else may write there.
    pub cache_dir: PathBuf,
    /// Least recently used entries go when the cache is larger.
    pub cache_bytes_max: u64,
    /// Instances with a slot in the pool. More than these still run, and start slower. `None` takes
    /// what the system's limit on memory mappings allows.
    pub pooled_instances_max: Option<NonZeroU32>,
    /// Trust and identity for `https` requests of guests. Without it they fail with a TLS error.
    pub tls: Option<Arc<rustls::ClientConfig>>,
}

impl Config {
    pub fn new(cache_dir: impl Into<PathBuf>) -> Self {
        Self {
            cache_dir: cache_dir.into(),
            cache_bytes_max: CACHE_BYTES_MAX,
            pooled_instances_max: None,
            tls: None,
        }
    }
}
